"""ELMo as an encoder: against `Elmo.embed`, words and places, layers, files of both kinds, and what is refused."""

from __future__ import annotations

import itertools
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianru.errors import ArgumentError, FormatError

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'qianru[torch]'")

from qianru.contextual import ContextualEncoder, Elmo, ElmoOptions, load_encoder  # noqa: E402
from qianru.contextual.elmo_files import write_options, write_safetensors  # noqa: E402
from qianru.contextual.encode_elmo import _parts  # noqa: E402
from qianru.contextual.word_places import marks_between, word_spans  # noqa: E402
from qianru.text import split_words  # noqa: E402
from qianru.vectors import Encoder  # noqa: E402

OPTIONS = ElmoOptions(
    character_dim=3, filters=((1, 4), (2, 5), (3, 6)), n_highway=1, dim=7, projection_dim=4, n_layers=2
)
TEXTS = ["The cat sat", "", "老虎在山上睡觉", "a " * 40, "The", "the cat"]


@pytest.fixture
def elmo() -> Elmo:
    torch.manual_seed(3)
    made = Elmo(OPTIONS)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)
    return made.eval()


@pytest.fixture
def folder(elmo: Elmo, tmp_path: Path) -> Path:
    """As `train_elmo` writes it."""
    made = tmp_path / "ours"
    made.mkdir()
    write_options(made / "options.json", OPTIONS)
    write_safetensors(made / "model.safetensors", elmo.weights())
    told = {"kind": "elmo", "provenance": {"corpus": {"lowercase": True}}}
    (made / "qianru.json").write_text(json.dumps(told), encoding="utf-8")
    return made


def opened(path: Path, **options: object) -> ContextualEncoder:
    made = load_encoder(path, **options)  # type: ignore[arg-type]
    assert isinstance(made, ContextualEncoder)
    return made


@pytest.mark.parametrize("layers", [None, 0, 1, [0, 1, 2], {0: 0.25, 2: -2.0}])
def test_vectors_are_those_of_the_model_itself(elmo: Elmo, folder: Path, layers: object) -> None:
    encoder: Encoder = load_encoder(folder, layers=layers, batch_tokens=16)  # type: ignore[arg-type]
    shares = {None: {2: 1.0}, 0: {0: 1.0}, 1: {1: 1.0}}.get(
        layers if not isinstance(layers, (list, dict)) else ""
    )
    if shares is None:
        shares = layers if isinstance(layers, dict) else dict.fromkeys(layers, 1 / 3)  # type: ignore[call-overload]
    words = [split_words(text.lower()) for text in TEXTS]
    found = encoder.encode(TEXTS)
    for i, (text, whole) in enumerate(zip(words, elmo.embed(words), strict=True)):
        assert found.n_tokens[i] == len(text)
        mixed = sum(weight * whole[layer] for layer, weight in shares.items())
        one = encoder.encode_tokens([TEXTS[i]])[0]  # type: ignore[attr-defined]
        assert one.tokens == text
        np.testing.assert_allclose(one.vectors, mixed, atol=1e-5)
    assert found.is_empty.tolist() == [False, True, False, False, False, False]
    assert encoder.batch_bound(TEXTS, found.vectors) < 1e-6  # type: ignore[attr-defined]


def test_a_text_is_the_mean_of_its_words_and_their_marks(elmo: Elmo, folder: Path) -> None:
    layers, _ = elmo(_characters(["<S>", "cat", "</S>"]))
    expected = layers[-1, 0].mean(dim=0).detach().numpy()
    np.testing.assert_allclose(load_encoder(folder).encode(["CAT"]).vectors[0], expected, atol=1e-6)
    windows = opened(folder, long="window", max_tokens=12, overlap=2)
    assert windows.encode(["a " * 40]).n_truncated[0] == 0
    cut = opened(folder, max_tokens=12).encode(["a " * 40])
    assert (cut.n_tokens[0], cut.n_truncated[0]) == (10, 30)


def _characters(words: list[str]) -> object:
    from qianru.contextual.characters import character_ids

    return torch.from_numpy(character_ids(words))[None]


def test_places_and_words(folder: Path) -> None:
    encoder = opened(folder)
    text = "The Cat, 老虎!"
    one = encoder.encode_tokens([text])[0]
    assert one.tokens == ["the", "cat", "老虎"]
    assert [text[a:b] for a, b in one.offsets.tolist()] == ["The", "Cat", "老虎"]
    place = encoder.encode_spans([text, text], [(4, 7), (9, 10)])
    np.testing.assert_allclose(place.vectors, one.vectors[1:], atol=1e-6)
    same = encoder.encode_tokens([text], level="word")[0]
    np.testing.assert_allclose(same.vectors, one.vectors, atol=1e-6)
    # The same word in two sentences: alike in layer 0 alone.
    pair = ["the cat", "老虎 cat"], [(4, 7), (3, 6)]
    assert np.ptp(opened(folder, layers=0).encode_spans(*pair).vectors, axis=0).max() < 1e-6
    assert np.ptp(encoder.encode_spans(*pair).vectors, axis=0).max() > 1e-3


def test_the_originals_folder_reads_marks_as_words_and_keeps_case(elmo: Elmo, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    elmo.export(tmp_path / "original")
    encoder = opened(tmp_path / "original")
    one = encoder.encode_tokens(["The cat, ok."])[0]
    assert one.tokens == ["The", "cat", ",", "ok", "."]
    np.testing.assert_allclose(one.vectors, elmo.embed([one.tokens])[0][-1], atol=1e-6)
    assert opened(tmp_path / "original", lowercase=True).encode_tokens(["The"])[0].tokens == ["the"]


def test_the_fingerprint_is_of_weights_words_and_settings(folder: Path, elmo: Elmo) -> None:
    marks = [
        load_encoder(folder).fingerprint,
        load_encoder(folder, layers=1).fingerprint,
        load_encoder(folder, lowercase=False).fingerprint,
    ]
    weights = elmo.weights()
    weights["char_embed"] = weights["char_embed"] * 2
    write_safetensors(folder / "model.safetensors", weights)
    marks.append(load_encoder(folder).fingerprint)
    assert len(set(marks)) == 4
    assert load_encoder(folder).fingerprint == marks[-1]


def test_many_words_do_not_pile_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qianru.contextual.encode_elmo._MOST_WORDS", 4)
    encoder = opened(folder)
    texts = ["one two three four five", "six one two", "cat"]
    np.testing.assert_allclose(
        [encoder.encode([text]).vectors[0] for text in texts], encoder.encode(texts).vectors, atol=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "packed"}, "does not know ELMo"),
        ({"layers": 3}, "layers must be from 0 to 2"),
        ({"max_tokens": 2}, "max_tokens must be above 2"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"pooling": "median"}, "pooling must be of"),
    ],
)
def test_bad_arguments(folder: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        opened(folder, **options)


def test_bad_texts_and_folders(folder: Path) -> None:
    encoder = opened(folder)
    for texts, message in ((["a", "\ud800"], r"texts\[1\] holds a lone surrogate"), ("a", "got one str")):
        with pytest.raises(ArgumentError, match=message):
            encoder.encode(texts)
    data = (folder / "model.safetensors").read_bytes()
    for cut in (0, 7, 100, len(data) - 4):
        (folder / "model.safetensors").write_bytes(data[:cut])
        with pytest.raises(FormatError):
            load_encoder(folder)
    (folder / "model.safetensors").write_bytes(data)
    (folder / "qianru.json").write_text('{"kind": "bert"}', encoding="utf-8")
    with pytest.raises(FormatError, match="kind must be 'elmo', got 'bert'"):
        load_encoder(folder)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=20))
def test_runs_hold_all_windows_and_pad_at_most_as_much_again(lengths: list[int]) -> None:
    falling = np.sort(np.array(lengths))[::-1]
    parts = list(_parts(falling))
    assert np.concatenate([one for _, _, one in parts]).tolist() == falling.tolist()
    assert [begin for begin, _, _ in parts[1:]] == [end for _, end, _ in parts[:-1]]
    assert parts[-1][1] == falling.sum()
    for _, _, one in parts:
        assert len(one) * one[0] <= 2 * one.sum() + one[0] or one[0] == 0


@given(st.text(max_size=30) | st.text(alphabet="eé\u0301 가\u1100\u1161\u11a8a\u0323 老虎", max_size=20))
def test_words_stand_where_they_are_found(text: str) -> None:
    """Also in texts that are not in NFC: the places of the composed text's words, in the text as it is."""
    spans = word_spans(text)
    assert all(a < b <= c < d for (a, b), (c, d) in itertools.pairwise(spans))
    expected = split_words(text)
    for (a, b), word in zip(spans, expected, strict=True):
        found = unicodedata.normalize("NFC", text[a:b])
        # Marks that change places behind a Han character stay with it, though they are no part of the word.
        assert found.startswith(word)
        assert all(unicodedata.combining(char) for char in found[len(word) :])
    marks = marks_between(text, spans)
    covered = "".join(text[a:b] for a, b in marks)
    assert covered == "".join(char for i, char in enumerate(text) if not char.isspace() or _inside(i, spans))


def _inside(place: int, spans: list[tuple[int, int]]) -> bool:
    return any(a <= place < b for a, b in spans)
