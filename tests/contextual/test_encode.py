"""Encoding against a plain twin: pooling, layers, windows, places, tokens; a text's vector is the same in any batch."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qianru.contextual import ContextualEncoder, load_encoder
from qianru.contextual.encode_batches import Plan, Rule
from qianru.contextual.pooling import MODES
from qianru.contextual.word_places import word_spans
from qianru.errors import ArgumentError
from qianru.sample import sample_lines
from qianru.tokens import TokenBatch
from qianru.tokens.word_model import is_han

_spec = importlib.util.spec_from_file_location(
    "reference_encode", Path(__file__).parent / "reference_encode.py"
)
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

LINES = sample_lines("zh", n_bytes=20_000)
TEXTS = ["The cat sleeps.", "", "猫在睡觉，老虎在跑。", "a tiger and a cat " * 3, "the king", "   "]


@pytest.mark.parametrize("kind", ["bert", "roberta", "gpt2"])
def test_both_engines_agree_with_one_text_at_a_time(make, kind: str) -> None:
    folder = make(kind)
    encoder = load_encoder(folder)
    assert ("packed" in repr(encoder)) == (kind != "gpt2")
    slow = load_encoder(folder, backend="transformers")
    found = encoder.encode(TEXTS)
    assert found.vectors.shape == (len(TEXTS), 32)
    assert found.vectors.dtype == np.float32
    for i, text in enumerate(TEXTS):
        expected = reference.encode(folder, text)
        np.testing.assert_allclose(found.vectors[i], expected, atol=3e-5)
        np.testing.assert_allclose(slow.encode([text]).vectors[0], expected, atol=3e-5)
    assert found.is_empty.tolist() == [False, True, False, False, False, True]
    assert any("2 texts without a token (number 2, 6)" in note for note in found.notes)


@pytest.mark.parametrize("mode", sorted(MODES))
def test_each_pooling(make, mode: str) -> None:
    folder = make()
    for backend in ("packed", "transformers"):
        found = load_encoder(folder, pooling=mode, backend=backend).encode(TEXTS)
        for i in (0, 2, 3):
            expected = reference.encode(folder, TEXTS[i], mode=mode)
            np.testing.assert_allclose(found.vectors[i], expected, atol=5e-5)
    both = load_encoder(folder, pooling=["cls", mode] if mode != "cls" else ["max", "cls"]).encode(TEXTS)
    assert both.vectors.shape == (len(TEXTS), 64)
    np.testing.assert_allclose(both.vectors[0, 32:], reference.encode(folder, TEXTS[0], mode=mode), atol=5e-5)


def test_any_layer_and_mixtures(make) -> None:
    folder = make()
    text = TEXTS[0]
    ids = load_encoder(folder).tokenizer.encode(text).ids.tolist()
    states = reference.hidden_states(folder, ids)
    assert len(states) == 4
    for backend in ("packed", "transformers"):
        for layers, expected in (
            (0, states[0]),
            (-2, states[2]),
            ([1, -1], (states[1] + states[3]) / 2),
            ({0: 0.5, 2: -1.5}, 0.5 * states[0] - 1.5 * states[2]),
        ):
            found = load_encoder(folder, layers=layers, backend=backend).encode([text]).vectors[0]
            np.testing.assert_allclose(found, expected.mean(axis=0), atol=5e-5)
    for wrong in (4, -5, [1, 1], [], "last", {9: 1.0}):
        with pytest.raises(ArgumentError, match="layers"):
            load_encoder(folder, layers=wrong)


def test_a_text_has_the_same_vector_in_any_batch(make, lines: list[str]) -> None:
    for backend in ("packed", "transformers"):
        encoder = load_encoder(
            make(initializer_range=0.02), backend=backend, batch_tokens=500, normalize=True
        )
        texts = lines[:120]
        found = encoder.encode(texts)
        assert encoder.batch_bound(texts, found.vectors) <= 1e-6
        backwards = encoder.encode(texts[::-1]).vectors[::-1]
        assert np.abs(backwards - found.vectors).max() <= 1e-6


def test_cut_texts_are_told_and_windows_read_them_whole(make) -> None:
    folder = make()
    text = " ".join(f"tiger {word}" for word in ("cat", "king", "猫") * 20)
    cut = load_encoder(folder, max_tokens=20).encode(["cat", text])
    n = len(load_encoder(folder).tokenizer.encode(text, add_special_tokens=False))
    assert cut.n_truncated.tolist() == [0, n - 18]
    assert cut.n_tokens.tolist()[1] == 18
    assert any('long="window"' in note and "number 2" in note for note in cut.notes)
    np.testing.assert_allclose(cut.vectors[1], reference.encode(folder, text, limit=20), atol=5e-5)

    encoder = load_encoder(folder, max_tokens=20, long="window", overlap=5)
    found = encoder.encode(["cat", text])
    assert found.n_truncated.tolist() == [0, 0]
    assert not found.notes
    ids = encoder.tokenizer.encode(text, add_special_tokens=False).ids.tolist()
    cls, sep = encoder.tokenizer.id_of("[CLS]"), encoder.tokenizer.id_of("[SEP]")
    parts = reference.windows(len(ids), 18, 5)
    rows = []
    for i, (begin, end, first, last) in enumerate(parts):
        states = reference.hidden_states(folder, [cls, *ids[begin:end], sep])[-1]
        rows += [states[:1]] if i == 0 else []
        rows.append(states[first - begin + 1 : last - begin + 1])
        rows += [states[-1:]] if i == len(parts) - 1 else []
    whole = np.concatenate(rows)
    assert len(whole) == len(ids) + 2
    np.testing.assert_allclose(found.vectors[1], whole.mean(axis=0), atol=5e-5)
    for mode in ("max", "weighted", "last", "mean_sqrt"):
        made = load_encoder(folder, max_tokens=20, long="window", overlap=5, pooling=mode).encode([text])
        np.testing.assert_allclose(made.vectors[0], reference.pooled(whole, mode), atol=5e-5)
    tokens = encoder.encode_tokens(["cat", text])[1]
    np.testing.assert_allclose(tokens.vectors, whole[1:-1], atol=1e-4)
    assert "".join(text[a:b] for a, b in tokens.offsets.tolist()) == text.replace(" ", "")


@given(
    lengths=st.lists(st.integers(0, 70), max_size=8),
    room=st.integers(1, 20),
    share=st.floats(0, 0.99),
    long=st.sampled_from(["truncate", "window"]),
    budget=st.integers(1, 60),
)
@settings(max_examples=150, deadline=None)
def test_windows_hold_each_token_once(
    lengths: list[int], room: int, share: float, long: str, budget: int
) -> None:
    overlap = int(share * room)
    splits = np.cumsum([0, *lengths], dtype=np.int64)
    batch = TokenBatch(np.arange(splits[-1], dtype=np.uint32) + 2, splits)
    plan = Plan(batch, Rule((0,), (1,), room + 2, long, overlap))
    read: dict[int, list[int]] = {i: [] for i in range(len(lengths))}
    last_length = 1 << 30
    for made in plan.batches(budget):
        assert len(made.ids) <= budget or len(made.lengths) == 1
        assert len(made.ids) == made.lengths.sum()
        assert sum(group.n for group in made.groups) == len(made.lengths)
        end = 0
        for i, text in enumerate(made.texts.tolist()):
            begin, end = end, end + int(made.lengths[i])
            ids = made.ids[begin:end]
            assert (ids[0], ids[-1]) == (0, 1)
            assert len(ids) <= min(last_length, room + 2)
            last_length = len(ids)
            kept = ids[made.keep_begin[i] : made.keep_end[i]].tolist()
            assert int(made.position[i]) + len(kept) <= lengths[text] + 2
            read[text] += kept
    for text, n in enumerate(lengths):
        n = min(n, room) if long == "truncate" else n
        assert sorted(read[text]) == sorted([0, 1, *range(splits[text] + 2, splits[text] + 2 + n)])
        assert plan.n_tokens[text] == n
        assert plan.n_truncated[text] == lengths[text] - n


@given(n=st.integers(1, 90), room=st.integers(1, 20), share=st.floats(0, 0.99))
@settings(max_examples=100, deadline=None)
def test_windows_cut_where_the_plain_twin_cuts(n: int, room: int, share: float) -> None:
    overlap = int(share * room)
    batch = TokenBatch(np.arange(n, dtype=np.uint32) + 2, np.array([0, n], dtype=np.int64))
    plan = Plan(batch, Rule((0,), (1,), room + 2, "window", overlap))
    found = []
    for made in plan.batches(10_000):
        begins = np.concatenate([[0], np.cumsum(made.lengths)])
        for i in range(len(made.lengths)):
            ids = made.ids[begins[i] : begins[i + 1]]
            kept = [int(one) - 2 for one in ids[made.keep_begin[i] : made.keep_end[i]] if one > 1]
            found.append((int(ids[1]) - 2, int(ids[-2]) - 1, kept[0], kept[-1] + 1))
    assert sorted(found) == reference.windows(n, room, overlap)


def test_places_in_texts(make) -> None:
    folder = make()
    encoder = load_encoder(folder)
    texts = ["The cat sees a cat.", "老虎和猫", "tiger " * 80 + "king " + "cat " * 80]
    places = [(15, 18), (3, 4), (480, 484)]
    assert texts[2][480:484] == "king"
    found = encoder.encode_spans(texts, places)
    assert found.vectors.shape == (3, 32)
    for i in (0, 1):
        made = encoder.tokenizer.encode(texts[i])
        inside = [
            t
            for t, (a, b) in enumerate(made.offsets.tolist())
            if b > a and a < places[i][1] and b > places[i][0]
        ]
        states = reference.hidden_states(folder, made.ids.tolist())[-1]
        np.testing.assert_allclose(found.vectors[i], states[inside].mean(axis=0), atol=5e-5)
    assert found.n_tokens[2] >= 1
    other = encoder.encode_spans([texts[2][300:]], [(180, 184)]).vectors[0]
    assert np.linalg.norm(found.vectors[2]) > 0
    assert other.shape == (32,)
    nothing = encoder.encode_spans(["a  b"], [(1, 2)])
    assert nothing.is_empty.tolist() == [True]
    assert not nothing.vectors.any()
    for wrong in ([(0, 0)], [(2, 1)], [(-1, 2)], [(0, 99)], []):
        with pytest.raises(ArgumentError, match="spans"):
            encoder.encode_spans(["cat"], wrong)


def test_words_get_the_mean_of_their_tokens(make) -> None:
    encoder = load_encoder(make())
    text = "The sleepless tiger 在跑步"
    tokens, words = encoder.encode_tokens([text])[0], encoder.encode_tokens([text], level="word")[0]
    assert words.tokens[:3] == ["The", "sleepless", "tiger"]
    assert words.tokens == [text[a:b] for a, b in word_spans(text)]
    assert len(tokens) > len(words)
    for i, (a, b) in enumerate(words.offsets.tolist()):
        inside = [t for t, (c, d) in enumerate(tokens.offsets.tolist()) if c < b and d > a]
        np.testing.assert_allclose(words.vectors[i], tokens.vectors[inside].mean(axis=0), atol=1e-6)


@given(st.text(max_size=60))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_has_a_finite_vector(encoder_once: ContextualEncoder, text: str) -> None:
    found = encoder_once.encode([text, "cat"])
    assert np.isfinite(found.vectors).all()
    tokens = encoder_once.encode_tokens([text])[0]
    assert len(tokens) == found.n_tokens[0]
    assert (tokens.offsets >= 0).all()
    assert (tokens.offsets <= len(text)).all()
    for a, b in word_spans(text):
        assert 0 <= a < b <= len(text)


@pytest.fixture
def encoder_once(make, request: pytest.FixtureRequest) -> ContextualEncoder:
    return load_encoder(make())


def test_arguments_are_checked(make) -> None:
    folder = make()
    encoder = load_encoder(folder)
    with pytest.raises(ArgumentError, match=r"write \[text\]|one str"):
        encoder.encode("cat")
    with pytest.raises(ArgumentError, match=r"texts\[1\]"):
        encoder.encode(["cat", 3])
    with pytest.raises(ArgumentError, match=r"texts\[0\].*surrogate"):
        encoder.encode(["\ud800"])
    for options, name in (
        ({"pooling": "middle"}, "pooling"),
        ({"pooling": ["mean", "mean"]}, "pooling"),
        ({"long": "wrap"}, "long"),
        ({"max_tokens": 65}, "max_tokens"),
        ({"max_tokens": 2}, "max_tokens"),
        ({"overlap": 62, "long": "window"}, "overlap"),
        ({"backend": "jax"}, "backend"),
        ({"batch_tokens": 0}, "batch_tokens"),
    ):
        with pytest.raises(ArgumentError, match=name):
            load_encoder(folder, **options)
    with pytest.raises(ArgumentError, match="level"):
        encoder.encode_tokens(["cat"], level="letter")
    assert encoder.encode([]).vectors.shape == (0, 32)
    assert encoder.encode_tokens([]) == []


def test_prompts_and_lower_case_go_in_front(make) -> None:
    folder = make()
    (folder / "config_sentence_transformers.json").write_text(
        '{"prompts": {"query": "the king "}, "default_prompt_name": "query"}', encoding="utf-8"
    )
    encoder = load_encoder(folder, lowercase=True)
    expected = reference.encode(folder, "the king cat")
    np.testing.assert_allclose(encoder.encode(["CAT"]).vectors[0], expected, atol=5e-5)
    plain = load_encoder(folder, prompt="").encode(["the king cat"]).vectors[0]
    np.testing.assert_allclose(plain, expected, atol=5e-5)
    with pytest.raises(ArgumentError, match="puts 'the king ' in front"):
        encoder.encode_spans(["CAT"], [(0, 3)])
    low = load_encoder(folder, prompt="", lowercase=True)
    # The lower case of İ is two characters; places behind it are still those of the text.
    places = [
        low.encode_spans([text], [span]).vectors for text, span in (("İ CAT", (2, 5)), ("İ cat", (2, 5)))
    ]
    np.testing.assert_array_equal(*places)
    assert low.encode_tokens(["A CAT"], level="word")[0].tokens == ["A", "CAT"]
    assert encoder.fingerprint != load_encoder(folder, prompt="").fingerprint
    assert encoder.fingerprint == load_encoder(folder, lowercase=True).fingerprint


def test_places_that_no_token_keeps_to(train) -> None:
    """Byte-level BPE joins a character to its neighbours, or cuts it into bytes."""
    encoder = load_encoder(train("gpt", steps=1, length=128).path)
    text = "".join(line for line in LINES if "猫" in line)[:200] + " the cat 鑫"
    (batch, offsets), words = encoder.tokenizer.encode_offsets([text]), encoder.encode_tokens([text])[0]
    joined = next(
        (begin, end) for begin, end in offsets.tolist() if end - begin > 1 and is_han(text[begin:end][0])
    )
    assert len(batch.ids) == len(words)
    for span, n_tokens, is_joined in (
        ((joined[0], joined[0] + 1), 1, True),
        ((joined[0], joined[1]), 1, False),
        ((text.index("cat"), text.index("cat") + 3), 1, False),  # the space in front of it is in the token
        ((len(text) - 1, len(text)), 3, False),
    ):
        found = encoder.encode_spans([text], [span])
        rows = [i for i, (begin, end) in enumerate(offsets.tolist()) if begin < span[1] and end > span[0]]
        assert found.n_tokens.tolist() == [len(rows)]
        assert len(rows) == n_tokens or not is_joined
        np.testing.assert_allclose(found.vectors[0], words.vectors[rows].mean(axis=0), atol=1e-5)
        assert any("1 of 1 places share a token" in note for note in found.notes) == is_joined


def test_layers_of_a_model_that_is_open(make) -> None:
    encoder = load_encoder(make())
    other = encoder.with_layers([1, 2])
    expected = load_encoder(make(), layers=[1, 2])
    np.testing.assert_array_equal(other.encode(TEXTS).vectors, expected.encode(TEXTS).vectors)
    assert other.fingerprint == expected.fingerprint != encoder.fingerprint
    with pytest.raises(ArgumentError, match="layers"):
        encoder.with_layers(9)


def test_what_does_not_fit_into_memory_is_halved(make, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_encoder(make(), batch_tokens=1000)
    expected = encoder.encode(TEXTS).vectors
    inner = encoder._engine._inner
    run = inner.hidden

    def short_of_memory(batch, mixture):
        if len(batch.ids) > 12:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return run(batch, mixture)

    monkeypatch.setattr(inner, "hidden", short_of_memory)
    found = encoder.encode([TEXTS[0], TEXTS[1], TEXTS[4]])
    np.testing.assert_allclose(found.vectors, expected[[0, 1, 4]], atol=1e-5)
    assert any("did not fit into memory" in note for note in found.notes)
    with pytest.raises(Exception, match="not even one window"):
        encoder.encode(TEXTS)
    monkeypatch.setattr(inner, "hidden", lambda *_: (_ for _ in ()).throw(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        encoder.encode(TEXTS)
