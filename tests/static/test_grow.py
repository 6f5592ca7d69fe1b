"""Growing: old rows stay, new rows make sense, the report is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianru import _core
from qianru.errors import ArgumentError, CorpusError, FormatError, OutputError, TrainingError
from qianru.sample import sample_lines, similarity
from qianru.static import grow, train_classifier, train_word2vec
from qianru.static.drift import measure_drift, measure_probes, read_probes
from qianru.static.new_rows import _context_sums, character_ngrams, subword_sums
from qianru.static.parent import Joined, Parent, was_lowercased
from qianru.text import Corpus
from qianru.vectors import SubwordVectors, Vectors

HELD = {"tiger", "apple", "老虎", "苹果", "汽车", "truck"}


@pytest.fixture(scope="module")
def lines() -> list[list[str]]:
    return [words for lang in ("en", "zh") for words in Corpus(sample_lines(lang, n_bytes=800_000)).words()]


@pytest.fixture(scope="module")
def folder(lines: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that never saw the held words, with its training state."""
    path = tmp_path_factory.mktemp("models") / "model"
    text = [words for words in lines if not HELD & set(words)]
    train_word2vec(
        text, dim=40, epochs=4, sample=1e-3, learning_rate=0.05, output=path, keep_training_state=True
    )
    return path


@pytest.fixture(scope="module")
def text() -> list[list[str]]:
    return [
        words
        for lang in ("en", "zh")
        for words in Corpus(sample_lines(lang, n_bytes=800_000, seed=2)).words()
        if HELD & set(words)
    ]


@pytest.mark.parametrize("start", ["context", "subword", "random"])
@pytest.mark.parametrize("with_state", [True, False])
def test_old_rows_stay_and_new_words_are_learnt(
    folder: Path, text: list[list[str]], start: str, with_state: bool
) -> None:
    before = Vectors.load(folder)
    after, report = grow(folder if with_state else before, text, start=start, threads=2)
    n_old = len(before)
    assert list(after)[:n_old] == list(before)
    assert after.to_numpy()[:n_old].tobytes() == before.to_numpy().tobytes()
    assert set(list(after)[n_old:]) >= HELD
    assert report.n_old == n_old
    assert report.n_new == len(after) - n_old
    assert report.drift.kept == 1.0
    assert report.drift.most == ()
    assert 0.9 < report.drift.kept_among_all <= 1.0
    assert report.known_before < report.known_after <= 1.0
    triples = [t for lang in ("en", "zh") for t in similarity(lang) if t[0] in HELD]
    triples = [t for t in triples if all(word in after for word in t)]
    assert len(triples) >= 10
    assert np.mean([after.similarity(a, b) > after.similarity(a, c) for a, b, c in triples]) > 0.85
    assert after.provenance["parent"]["fingerprint"] == before.fingerprint
    assert after.provenance["growth"]["outputs_from_parent"] is with_state
    assert after.provenance["settings"]["sample"] == 1e-3  # the parent's
    n_the = sum(words.count("the") for words in text)
    assert int(after.counts[after.index("the")]) == int(before.counts[before.index("the")]) + n_the


def test_old_rate_moves_old_words_by_that_share(folder: Path, text: list[list[str]]) -> None:
    before = Vectors.load(folder)
    moved = {}
    for old_rate in (0.0, 0.1, 1.0):
        after, report = grow(folder, text, old_rate=old_rate, threads=1, epochs=1)
        moved[old_rate] = float(np.abs(after.to_numpy()[: len(before)] - before.to_numpy()).mean())
        assert (report.drift.kept == 1.0) == (old_rate == 0.0)
        # Words that the text does not hold stand still at any rate.
        absent = [word for word in before if word not in {word for words in text for word in words}]
        np.testing.assert_array_equal(after[absent], before[absent])
    assert moved[0.0] == 0
    assert 0.05 < moved[0.1] / moved[1.0] < 0.2


@pytest.mark.parametrize("cbow", [False, True])
def test_shares_of_the_trainer(cbow: bool) -> None:
    corpus = Corpus(sample_lines("en", n_bytes=30_000)).encode(min_count=2)
    options = {
        "dim": 13, "window": 4, "negative": 5, "cbow": cbow, "mean_gradient": False, "sample": 0.0,
        "learning_rate": 0.05, "min_learning_rate": 1e-4, "epochs": 1, "threads": 1, "seed": 1,
    }  # fmt: skip
    shape = (len(corpus.keys), 13)

    def trained(shares: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        trainer = _core.Word2vecTrainer(corpus.ids, corpus.counts, **options)
        first, last, outputs = (np.empty(shape, np.float32) for _ in range(3))
        trainer.read_vectors(first)
        if shares is not None:
            trainer.set_input_shares(shares)
        trainer.start_epoch()
        while not trainer.wait(1):
            pass
        trainer.read_vectors(last)
        trainer.read_outputs(outputs)
        return first, last, outputs

    first, plain, outputs = trained(None)
    _, ones, same_outputs = trained(np.ones(shape[0], np.float32))
    assert ones.tobytes() == plain.tobytes()
    assert same_outputs.tobytes() == outputs.tobytes()
    shares = np.ones(shape[0], np.float32)
    shares[::2] = 0
    _, half, half_outputs = trained(shares)
    np.testing.assert_array_equal(half[::2], first[::2])
    assert (half[1::2] != first[1::2]).any(axis=1).mean() > 0.9
    assert np.abs(half_outputs).max() > 0
    with pytest.raises(ValueError, match="shares must have shape"):
        trained(np.ones(3, np.float32))


def test_one_thread_and_one_seed_give_the_same_bits(folder: Path, text: list[list[str]]) -> None:
    runs = [grow(folder, text, threads=1, epochs=1)[0].to_numpy().tobytes() for _ in range(2)]
    assert runs[0] == runs[1]


def test_growth_chains(folder: Path, text: list[list[str]], tmp_path: Path) -> None:
    first, _ = grow(folder, text, threads=1, epochs=1, output=tmp_path / "one", keep_training_state=True)
    again = [["blorp", "tiger", "the", "苹果"]] * 6
    second, report = grow(tmp_path / "one", again, threads=1, epochs=1, output=tmp_path / "two")
    assert report.new_words == ("blorp",)
    assert list(second) == [*first, "blorp"]
    assert second.to_numpy()[:-1].tobytes() == first.to_numpy().tobytes()
    assert second.provenance["growth"]["outputs_from_parent"] is True
    parent = second.provenance["parent"]
    assert parent["fingerprint"] == first.fingerprint
    assert parent["provenance"]["parent"]["fingerprint"] == Vectors.load(folder).fingerprint
    assert Vectors.load(tmp_path / "two", verify=True).fingerprint == second.fingerprint


def test_context_start_equals_its_twin(folder: Path, text: list[list[str]]) -> None:
    parent = Parent.load(folder)
    encoded = Corpus(text[:400]).encode(min_count=2, keep=parent.vectors)
    joined = Joined(parent, encoded.keys, frozen=True)
    matrix = np.random.default_rng(1).normal(size=(len(encoded.keys), 40)).astype(np.float32)
    got = _context_sums(encoded, joined, matrix, window=3, sample=1e-3)
    keep = _core.keep_probabilities(encoded.counts, 1e-3)
    new = {int(row): i for i, row in enumerate(joined.new)}
    want = np.zeros_like(got)
    line: list[int] = []
    for word in [*encoded.ids.tolist(), _core.LINE_END]:
        if word != _core.LINE_END:
            line.append(word)
            continue
        for i, centre in enumerate(line):
            for other in (*line[max(i - 3, 0) : i], *line[i + 1 : i + 4]):
                if centre in new and other not in new:
                    want[new[centre]] += keep[other] * matrix[other]
        line = []
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_subword_start_is_the_mean_of_ngram_means() -> None:
    old = Vectors(["walk", "walked", "猫", "熊猫"], np.eye(4, dtype=np.float32))
    sums = subword_sums(["walks", "猫头", "zzz"], Parent(old))
    assert sums[0, 0] == pytest.approx(sums[0, 1])  # all that "walks" shares, both of them hold
    assert sums[0, 2] == sums[0, 3] == 0
    np.testing.assert_allclose(sums[1], [0, 0, 0.5, 0.5])
    np.testing.assert_array_equal(sums[2], 0)


@given(st.text(min_size=1, max_size=12))
def test_ngrams_are_pieces_of_the_word(word: str) -> None:
    found = character_ngrams(word)
    assert len(set(found)) == len(found)
    assert all(ngram in f"<{word}>" for ngram in found)
    assert found


def test_drift_counts_lost_neighbours() -> None:
    generator = np.random.default_rng(0)
    keys = [f"w{i}" for i in range(60)]
    before = Vectors(keys, generator.normal(size=(60, 8)).astype(np.float32))
    matrix = before.to_numpy().copy()
    matrix[7] = -matrix[7]
    after = Vectors([*keys, "new"], np.vstack([matrix, before["w3"][None] * 2]))
    drift = measure_drift(before, after, k=5)
    assert drift.n_words == 60
    assert drift.most[0].word == "w7"
    assert drift.most[0].kept == 0
    overlaps, overlaps_all = [], []
    for key in keys:
        was = {n.word for n in before.similar(key, 5)}
        overlaps.append(len(was & {n.word for n in after.similar(key, 5, exclude=["new"])}) / 5)
        overlaps_all.append(len(was & {n.word for n in after.similar(key, 5)}) / 5)
    assert drift.kept == pytest.approx(np.mean(overlaps))
    assert drift.kept_among_all == pytest.approx(np.mean(overlaps_all))
    assert measure_drift(before, before, n_words=10).n_words == 10


def test_probes_before_and_after(tmp_path: Path) -> None:
    path = tmp_path / "probes"
    path.write_text(
        ": section\na b c d\nx y e f\na\tb\t0.9\na\tc\t0.1\nb\tc\t0.5\na b c\nb a c\na c\n", "utf-8"
    )
    probes = read_probes(path)
    (tmp_path / "lines").write_text("a\x85b\tc\n", "utf-8")
    assert list(read_probes(tmp_path / "lines")) == ["pairs"]
    assert {kind: len(items) for kind, items in probes.items()} == {
        "analogies": 2, "similarity": 3, "nearer": 2, "pairs": 1,
    }  # fmt: skip
    before = Vectors(list("abcd"), np.array([[1, 0], [1, 0.2], [0, 1], [0.2, 1]], np.float32))
    after = Vectors(list("abcdexyf"), np.vstack([before.to_numpy(), np.eye(4, 2, dtype=np.float32) + 0.1]))
    found = {probe.kind: probe for probe in measure_probes(before, after, probes)}
    assert (found["analogies"].n, found["analogies"].n_before, found["analogies"].n_after) == (2, 1, 2)
    assert found["analogies"].before == 1.0
    assert found["nearer"].before == found["nearer"].after == 1.0
    assert found["similarity"].before == pytest.approx(1.0)
    assert found["pairs"].before == 0.0
    unknown = measure_probes(before, before, {"pairs": [("q", "r")]})[0]
    assert (unknown.before, unknown.after, unknown.n_before) == (None, None, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one\n", "line 1: two to four words were expected, got 'one'"),
        (b"a b\na b c d e\n", "line 2: two to four words"),
        (b"# nothing\n", "holds no line with words"),
        (b"a \xff\n", "byte 2: not valid UTF-8"),
    ],
)
def test_bad_probes_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "probes").write_bytes(content)
    with pytest.raises(ArgumentError, match=message):
        grow(Vectors(["a", "b"], np.eye(2, dtype=np.float32)), ["c c c"], probes=tmp_path / "probes")


def test_bad_growth_is_refused(folder: Path, tmp_path: Path) -> None:
    model = Vectors.load(folder)
    with pytest.raises(ArgumentError, match="old_rate must be from 0 to 1, got 2"):
        grow(model, ["x"], old_rate=2)
    with pytest.raises(ArgumentError, match="start must be one of"):
        grow(model, ["x"], start="zero")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="probes: cannot read"):
        grow(model, ["x"], probes=tmp_path / "none")
    with pytest.raises(CorpusError, match="nothing new: every word that the text holds 5 times"):
        grow(model, ["the cat and the dog"] * 9)
    with pytest.raises(CorpusError, match="no words"):
        grow(model, [""])
    with pytest.raises(ArgumentError, match="keep_training_state needs output"):
        grow(model, ["x"], keep_training_state=True)
    with pytest.raises(OutputError, match="exists already"):
        grow(model, ["x"], output=folder)
    with pytest.raises(FormatError):
        grow(tmp_path, ["x"])
    with pytest.raises(TrainingError, match="finite range"):
        grow(model, ["the blorp and the cat"] * 3000, learning_rate=1e6, epochs=3, threads=1)


def test_growing_a_foreign_model_without_counts() -> None:
    model = Vectors(["the", "cat", "sat"], np.eye(3, dtype=np.float32))
    after, _ = grow(model, ["the dog sat", "the cat sat"] * 6, threads=1)
    assert list(after) == ["the", "cat", "sat", "dog"]
    assert after.counts is None
    np.testing.assert_array_equal(after.to_numpy()[:3], np.eye(3))


def test_command_line(folder: Path, text: list[list[str]], tmp_path: Path) -> None:
    corpus, probes = tmp_path / "text", tmp_path / "probes"
    corpus.write_text("\n".join(" ".join(words) for words in text), "utf-8")
    probes.write_text("cat dog\ncat tiger\n", "utf-8")

    def qianru(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from qianru.cli import main; main()", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)

    grown = qianru("grow", folder, corpus, "-o", tmp_path / "new", "--probes", probes, "--epochs", 1)
    assert grown.returncode == 0, grown.stderr
    rows = dict(line.split("\t") for line in grown.stdout.splitlines())
    assert rows["old words"] == str(len(Vectors.load(folder)))
    assert rows["of 10 nearest old words kept"] == "1.0000"
    assert rows["pairs, before"] == rows["pairs, after"]
    assert "tiger" in Vectors.load(tmp_path / "new")
    again = qianru("grow", folder, corpus, "-o", tmp_path / "new")
    assert (again.returncode, again.stderr.startswith("error: output")) == (2, True)
    pruned = qianru("prune", tmp_path / "new", "-o", tmp_path / "small", "--max-vocab", 50, "--json")
    assert pruned.returncode == 0, pruned.stderr
    assert len(Vectors.load(tmp_path / "small")) == 50
    on = qianru("train", "word2vec", corpus, "-o", tmp_path / "on", "--continue", folder, "--epochs", 1)
    assert on.returncode == 0, on.stderr
    assert list(Vectors.load(tmp_path / "on"))[:5] == list(Vectors.load(folder))[:5]
    nothing = qianru("train", "word2vec", corpus, "-o", tmp_path / "no", "--resume")
    assert nothing.returncode == 2
    assert "error: there is no checkpoint" in nothing.stderr
    assert "Traceback" not in nothing.stderr
    assert not was_lowercased(folder)


@pytest.mark.parametrize("cbow", [False, True])
def test_a_word_that_stands_twice_in_a_window_takes_its_share_of_both_updates(cbow: bool) -> None:
    def moved(share: float) -> np.ndarray:
        ids = np.array([0, 1, 0], np.uint32)
        trainer = _core.Word2vecTrainer(
            ids, np.array([2, 1], np.uint64), dim=8, window=1, negative=1, cbow=cbow, mean_gradient=True, sample=0.0,
            learning_rate=0.5, min_learning_rate=0.5, epochs=1, threads=1, seed=1, start_range=0.5,
        )  # fmt: skip
        trainer.write_outputs(np.full((2, 8), 0.3, np.float32))
        trainer.set_input_shares(np.array([share, 0], np.float32))
        before, after = np.empty((2, 8), np.float32), np.empty((2, 8), np.float32)
        trainer.read_vectors(before)
        trainer.start_epoch()
        while not trainer.wait(0.1):
            pass
        trainer.read_vectors(after)
        return after[0] - before[0]

    # The windows of "1" hold "0" twice; nothing else moves "0" at first order in the rate.
    np.testing.assert_allclose(moved(0.5), moved(1.0) / 2, rtol=0.02)


def test_a_classifier_s_words_grow_with_the_settings_of_vectors(tmp_path: Path) -> None:
    train_classifier([("good fine day", "a"), ("bad rain storm", "b")] * 30, dim=4, epochs=1).export(
        tmp_path / "c.bin"
    )
    grown, _ = grow(tmp_path / "c.bin", ["good new words here"] * 20, epochs=1)
    assert "new" in (grown.vectors if isinstance(grown, SubwordVectors) else grown)
