"""GloVe: against its plain twin, its promises about threads, stopping and resuming, and its answers to bad input."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qianru import _core
from qianru.errors import ArgumentError, CorpusError, FormatError, OutputError, TrainingError
from qianru.progress import Progress
from qianru.sample import analogies, sample_lines, similarity
from qianru.static import add_words, count_cooccurrences, prune, train_glove
from qianru.text import Corpus, EncodedCorpus
from qianru.vectors import Vectors
from qianru.vectors.transform import remove_components

_spec = importlib.util.spec_from_file_location(
    "reference_glove", Path(__file__).with_name("reference_glove.py")
)
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)


class World:
    """English lines of the sample world."""

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes

    def __iter__(self) -> Iterator[str]:
        yield from sample_lines("en", n_bytes=self.n_bytes)


@pytest.fixture(scope="module")
def small() -> EncodedCorpus:
    return Corpus(World(30_000)).encode(min_count=5)


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("dim", [5, 14, 20])
def test_trainer_equals_its_twin(small: EncodedCorpus, isa: str, symmetric: bool, dim: int) -> None:
    counts = count_cooccurrences(small, window=3, symmetric=symmetric)
    before = _core.current_isa()
    _core.set_isa(isa)
    try:
        vectors = train_glove(
            small, dim=dim, window=3, symmetric=symmetric, x_max=5.0, epochs=2, seed=7, threads=2, vectors="w"
        )
    finally:
        _core.set_isa(before)
    dense = np.zeros((counts.n_keys, counts.n_keys))
    full = counts.full()
    rows = np.repeat(np.arange(full.n_keys), np.diff(full.offsets).astype(np.int64))
    dense[rows, full.columns] = full.values
    twin = reference.Glove(dense, symmetric=symmetric, dim=dim, x_max=5.0, alpha=0.75, rate=0.05, seed=7)
    losses = [twin.train_epoch(epoch) / counts.n_entries for epoch in range(2)]
    np.testing.assert_allclose(vectors.provenance["loss_per_epoch"], losses, rtol=1e-3)
    np.testing.assert_allclose(vectors.to_numpy(), twin.state[:, 0, :dim], atol=2e-3)
    assert vectors.biases is not None
    np.testing.assert_allclose(vectors.biases[:, 0], twin.state[:, 0, dim], atol=5e-3)
    np.testing.assert_allclose(vectors.biases[:, 1], twin.state[:, 2, dim + 1], atol=5e-3)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_vocabulary_of_one_block_is_trained_too(threads: int) -> None:
    lines = ["a cat and a dog", "the dog and the cat"] * 20
    losses = train_glove(lines, dim=4, epochs=3, min_count=1, threads=threads).provenance["loss_per_epoch"]
    assert losses[0] > losses[1] > losses[2] > 0


def test_threads_do_not_change_a_bit(small: EncodedCorpus) -> None:
    one, four = (train_glove(small, dim=20, epochs=3, threads=threads) for threads in (1, 4))
    np.testing.assert_array_equal(one.to_numpy(), four.to_numpy())
    assert one.provenance["loss_per_epoch"] == four.provenance["loss_per_epoch"]
    other = train_glove(small, dim=20, epochs=3, seed=2)
    assert not np.array_equal(one.to_numpy(), other.to_numpy())


def test_sum_is_word_plus_context(small: EncodedCorpus) -> None:
    both, alone = (train_glove(small, dim=8, epochs=2, vectors=kind) for kind in ("sum", "w"))
    assert not np.array_equal(both.to_numpy(), alone.to_numpy())
    np.testing.assert_array_equal(both.biases, alone.biases)


def test_biases_are_kept_in_the_folder(small: EncodedCorpus, tmp_path: Path) -> None:
    vectors = train_glove(small, dim=8, epochs=1)
    vectors.save(tmp_path / "model")
    vectors.save(tmp_path / "model", force=True)
    loaded = Vectors.load(tmp_path / "model", verify=True)
    np.testing.assert_array_equal(loaded.biases, vectors.biases)
    broken = (tmp_path / "model" / "biases.safetensors").read_bytes()[:-4]
    (tmp_path / "model" / "biases.safetensors").write_bytes(broken)
    with pytest.raises(FormatError, match="biases"):
        Vectors.load(tmp_path / "model")


def test_biases_stay_with_their_words(small: EncodedCorpus) -> None:
    model = train_glove(small, dim=6, epochs=1)
    words = list(model)[5:9]
    for made in (model.subset(words), prune(model, words=words)[0]):
        np.testing.assert_array_equal(made.biases, model.biases[5:9])
        assert len(train_glove(small, epochs=1, continue_from=made)) >= len(model)
    grown, _ = add_words(model, ["xyzzy"], source=Vectors(["xyzzy", *words], np.ones((5, 6), np.float32)))
    np.testing.assert_array_equal(grown.biases, np.vstack([model.biases, np.zeros((1, 2), np.float32)]))


def test_resumed_run_equals_an_unbroken_one(small: EncodedCorpus, tmp_path: Path) -> None:
    state = tmp_path / "state"
    whole = train_glove(small, dim=12, epochs=5)
    train_glove(small, dim=12, epochs=2, checkpoint=state, save_every=1)
    resumed = train_glove(small, dim=12, epochs=5, checkpoint=state, resume=True, threads=2)
    np.testing.assert_array_equal(resumed.to_numpy(), whole.to_numpy())
    assert resumed.provenance["loss_per_epoch"] == whole.provenance["loss_per_epoch"]


def test_interrupted_run_leaves_its_last_checkpoint(small: EncodedCorpus, tmp_path: Path) -> None:
    state = tmp_path / "state"

    def stop(report: Progress) -> None:
        if report.stage == "train" and report.done > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_glove(small, dim=12, epochs=4, checkpoint=state, save_every=1, progress=stop)
    resumed = train_glove(small, dim=12, epochs=4, checkpoint=state, resume=True)
    np.testing.assert_array_equal(resumed.to_numpy(), train_glove(small, dim=12, epochs=4).to_numpy())
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_checkpoint_of_another_run_is_refused(small: EncodedCorpus, tmp_path: Path) -> None:
    state = tmp_path / "state"
    train_glove(small, dim=12, epochs=2, checkpoint=state, save_every=5)
    with pytest.raises(ArgumentError, match=r"alpha was 0\.75, is 0\.5"):
        train_glove(small, dim=12, epochs=2, alpha=0.5, checkpoint=state, resume=True)
    with pytest.raises(ArgumentError, match="2 epochs, epochs is 1"):
        train_glove(small, dim=12, epochs=1, checkpoint=state, resume=True)
    other = Corpus(World(31_000)).encode(min_count=5)
    with pytest.raises(ArgumentError, match="fingerprint was"):
        train_glove(other, dim=12, epochs=2, checkpoint=state, resume=True)
    parent = train_glove(small, dim=12, epochs=1)
    with pytest.raises(ArgumentError, match="parent was null, is"):
        train_glove(small, epochs=2, continue_from=parent, checkpoint=state, resume=True)


def test_a_file_in_the_checkpoint_s_place_is_kept(small: EncodedCorpus, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("of a year")
    with pytest.raises(OutputError, match="notes exists already"):
        train_glove(small, dim=6, epochs=1, checkpoint=tmp_path / "notes", save_every=1)
    assert (tmp_path / "notes").read_text() == "of a year"
    with pytest.raises(OutputError, match="a file in a folder that exists"):
        train_glove(small, dim=6, epochs=1, checkpoint=tmp_path / "no" / "state", save_every=1)
    train_glove(small, dim=6, epochs=1, checkpoint=tmp_path / "notes", save_every=1, force=True)
    train_glove(small, dim=6, epochs=2, checkpoint=tmp_path / "notes", save_every=1, resume=True)


def test_damaged_checkpoint_is_refused(small: EncodedCorpus, tmp_path: Path) -> None:
    state = tmp_path / "state"
    train_glove(small, dim=12, epochs=1, checkpoint=state, save_every=1)
    sound = state.read_bytes()
    draw = np.random.default_rng(1)
    cuts = [sound[:n] for n in (0, 7, 40, len(sound) // 2, len(sound) - 1)]
    huge = [(2**63).to_bytes(8, "little") + sound[8:]]
    flipped = []
    for _ in range(60):
        data = bytearray(sound)
        data[int(draw.integers(0, 300))] ^= 1 << int(draw.integers(0, 8))
        flipped.append(bytes(data))
    for data in [*cuts, *huge, *flipped]:
        state.write_bytes(data)
        try:
            train_glove(small, dim=12, epochs=2, checkpoint=state, resume=True)
        except (FormatError, ArgumentError):
            continue
        assert data in flipped  # a bit of the padding or of a number that no check can know


def test_divergence_keeps_the_last_good_epoch(small: EncodedCorpus) -> None:
    with pytest.raises(TrainingError, match="epoch 1 of 3") as caught:
        train_glove(small, dim=12, epochs=3, learning_rate=1e30)
    assert caught.value.vectors is None
    assert "learning_rate" in caught.value.hint


def test_relations_of_the_sample_world_come_out() -> None:
    vectors = train_glove(Corpus(World(3_000_000)), dim=60, epochs=40, window=5, x_max=100)
    triples = [t for t in similarity("en") if all(word in vectors for word in t)]
    nearer = [vectors.similarity(a, b) > vectors.similarity(a, c) for a, b, c in triples]
    found = []
    for pairs in analogies("en").values():
        (a, b), (c, d) = pairs[0], pairs[1]
        if all(word in vectors for word in (a, b, c, d)):
            found.append(d in [near.word for near in vectors.analogy(a, b, c, k=5)])
    assert np.mean(nearer) > 0.9
    assert np.mean(found) > 0.8


BAD = [
    ({"dim": 0}, "dim must be a whole number of at least 1, got 0"),
    ({"window": 0}, "window"),
    ({"x_max": 0}, "x_max must be a number above 0, got 0"),
    ({"x_max": float("nan")}, "x_max"),
    ({"alpha": -1.0}, "alpha"),
    ({"epochs": 0}, "epochs"),
    ({"learning_rate": 0.0}, "learning_rate"),
    ({"vectors": "context"}, "vectors must be one of sum, w"),
    ({"threads": 0}, "threads"),
    ({"seed": -1}, "seed"),
    ({"weighting": "cubic"}, "weighting"),
    ({"memory": 0}, "memory"),
    ({"save_every": 0, "checkpoint": "state"}, "save_every"),
    ({"save_every": 1}, "checkpoint"),
    ({"resume": True}, "checkpoint"),
    ({"resume": True, "checkpoint": "nowhere"}, "no checkpoint nowhere"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_argument_is_named_before_the_text_is_read(options: dict, message: str) -> None:
    def unread() -> Iterator[str]:
        raise AssertionError("the text was read")
        yield ""

    with pytest.raises(ArgumentError, match=message):
        train_glove(unread(), **options)


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        ([], {}, "no words"),
        (["word " * 20], {}, "at least two different words"),
        (["a", "b"] * 5, {}, "no two words stand on one line"),
        (["rare words only"], {}, "min_count"),
    ],
)
def test_text_that_cannot_be_used(lines: list[str], options: dict, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        train_glove(lines, **options)


def test_memory_too_small_says_what_is_needed(small: EncodedCorpus) -> None:
    with pytest.raises(ArgumentError, match="memory must be at least"):
        train_glove(small, memory=10_000)


def test_core_checks_the_matrix() -> None:
    options = {
        "symmetric": True, "dim": 4, "x_max": 1.0, "alpha": 0.75, "learning_rate": 0.05, "threads": 1, "seed": 1
    }  # fmt: skip
    offsets = np.array([0, 1, 2], np.uint64)
    for columns, values in (([0, 2], [1, 1]), ([0, 0], [1, 1]), ([0, 1], [1, 0]), ([0, 1], [1, np.nan])):
        with pytest.raises(ValueError, match="counts"):
            _core.GloveTrainer(offsets, np.array(columns, np.uint32), np.array(values, np.float32), **options)
    with pytest.raises(ValueError, match="offsets"):
        _core.GloveTrainer(offsets, np.array([0], np.uint32), np.array([1], np.float32), **options)


def test_training_goes_on_with_its_state_as_if_it_had_never_stopped(
    small: EncodedCorpus, tmp_path: Path
) -> None:
    options = {"dim": 8, "threads": 1, "learning_rate": 0.05}
    first = train_glove(small, epochs=2, keep_training_state=True, output=tmp_path / "first", **options)
    onward = train_glove(small, epochs=1, threads=1, continue_from=tmp_path / "first")
    whole = train_glove(small, epochs=3, **options)
    # Pairs come in an order of the epoch's own, so the third epoch of one run is not the first of the other.
    np.testing.assert_allclose(onward.to_numpy(), whole.to_numpy(), atol=0.02)
    assert onward.provenance["loss_per_epoch"][0] < first.provenance["loss_per_epoch"][-1]
    assert onward.provenance["parent"]["fingerprint"] == first.fingerprint


@pytest.mark.parametrize("with_state", [True, False])
def test_old_words_stay_and_new_ones_come_after_them(
    small: EncodedCorpus, tmp_path: Path, with_state: bool
) -> None:
    first = train_glove(small, dim=6, epochs=2, keep_training_state=with_state, output=tmp_path / "first")
    if not with_state:
        first.save(tmp_path / "first")
    lines = ["quokka meets a wombat", "a wombat meets the quokka"] * 8
    grown = train_glove(lines, epochs=2, continue_from=tmp_path / "first", min_count=5)
    n_old = len(first)
    assert list(grown.keys)[:n_old] == list(first.keys)
    assert set(list(grown.keys)[n_old:]) == {"quokka", "wombat"} | ({"meets"} - set(first.keys))
    absent = [i for i, word in enumerate(first.keys) if word not in {"a", "the", "meets"}]
    assert absent
    np.testing.assert_array_equal(grown.to_numpy()[absent], first.to_numpy()[absent])
    np.testing.assert_array_equal(grown.biases[absent], first.biases[absent])
    assert not np.array_equal(grown["the"], first["the"])
    assert grown.counts[list(grown.keys).index("quokka")] == 16


def test_what_training_cannot_go_on_from_is_refused(small: EncodedCorpus, tmp_path: Path) -> None:
    model = train_glove(small, dim=6, epochs=1, keep_training_state=True, output=tmp_path / "model")
    with pytest.raises(ArgumentError, match="dim must be that of the model, 6, got 7"):
        train_glove(small, dim=7, continue_from=model)
    other = Vectors(["a", "b"], np.eye(2, dtype=np.float32), provenance={"kind": "word2vec"})
    with pytest.raises(ArgumentError, match="continue_from must be a model that GloVe trained"):
        train_glove(small, continue_from=other)
    with pytest.raises(ArgumentError, match="keep_training_state needs output"):
        train_glove(small, keep_training_state=True)
    for changed in (model.normalise(), remove_components(model, 1)):
        with pytest.raises(
            ArgumentError, match=r"as GloVe left them, these have gone through '(norm|remove)"
        ):
            train_glove(small, continue_from=changed)
    train_glove(small, dim=6, epochs=2).save(tmp_path / "model", force=True)
    (tmp_path / "other").mkdir()
    train_glove(small, dim=6, epochs=2, keep_training_state=True, output=tmp_path / "other", force=True)
    (tmp_path / "model" / "training.safetensors").write_bytes(
        (tmp_path / "other" / "training.safetensors").read_bytes()[:-3]
    )
    with pytest.raises(FormatError):
        train_glove(small, continue_from=tmp_path / "model")
