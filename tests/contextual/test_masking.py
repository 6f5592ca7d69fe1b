"""Masks against a plain twin; which tokens begin a word, against words cut one by one."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru.contextual.masking import mask_tokens
from qianru.contextual.packing import LINE_END
from qianru.contextual.whole_words import WordBegins
from qianru.sample import sample_lines
from qianru.text import Corpus, split_words, train_segmenter
from qianru.text.han import HanCutter
from qianru.tokens import Tokenizer, TokenizerData, read_tokenizer
from qianru.tokens.surgery_pipeline import byte_level_string

MASK = 4
DICTIONARY = HanCutter({}, traditional=False)
ORDINARY = np.arange(5, 40, dtype=np.int64)


def plain(ids, fixed, begins, random, share):  # type: ignore[no-untyped-def]
    """Token by token, with the same draws in the same order."""
    n, length = ids.shape
    chances = random.random(n * length, dtype=np.float32)
    word, asked = -1, []
    for row in range(n):
        for column in range(length):
            if column == 0 or begins is None or begins[row, column]:
                word += 1
            if chances[word] < share and not fixed[row, column]:
                asked.append((row, column))
    how = random.random(len(asked), dtype=np.float32)
    others = random.integers(0, len(ORDINARY), len(asked))
    shown = ids.copy()
    for (row, column), chance, other in zip(asked, how, others, strict=True):
        if chance < 0.8:
            shown[row, column] = MASK
        elif chance < np.float32(0.8) + np.float32(0.1):
            shown[row, column] = ORDINARY[other]
    return shown, [row * length + column for row, column in asked], [int(ids[place]) for place in asked]


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 20), st.booleans(), st.floats(0.05, 0.9))
def test_masks_are_those_of_the_plain_twin(seed: int, n: int, length: int, words: bool, share: float) -> None:
    random = np.random.default_rng(seed)
    ids = random.integers(5, 40, (n, length))
    fixed = random.random((n, length)) < 0.2
    begins = random.random((n, length)) < 0.5 if words else None
    before = ids.copy()
    made = mask_tokens(
        ids, fixed, begins, np.random.default_rng(seed), share=share, mask_id=MASK, ordinary=ORDINARY
    )
    shown, places, targets = plain(ids, fixed, begins, np.random.default_rng(seed), share)
    np.testing.assert_array_equal(ids, before)
    np.testing.assert_array_equal(made.inputs, shown)
    assert made.places.tolist() == places
    assert made.targets.tolist() == targets


def test_the_shares_are_those_asked_for() -> None:
    random = np.random.default_rng(3)
    ids = random.integers(5, 40, (400, 128))
    begins = random.random(ids.shape) < 0.6
    made = mask_tokens(
        ids, np.zeros(ids.shape, bool), begins, random, share=0.15, mask_id=MASK, ordinary=ORDINARY
    )
    assert len(made.places) / ids.size == pytest.approx(0.15, abs=0.01)
    shown = made.inputs.reshape(-1)[made.places]
    assert (shown == MASK).mean() == pytest.approx(0.8, abs=0.02)
    assert (shown == made.targets).mean() == pytest.approx(0.1 + 0.1 / len(ORDINARY), abs=0.02)


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, Tokenizer]:
    lines = [*sample_lines("en", n_bytes=30_000), *sample_lines("zh", n_bytes=30_000)]
    return {
        kind: Tokenizer.train(Corpus(lines), kind=kind, vocab_size=size, special_tokens=("[UNK]", "[MASK]"))
        for kind, size in (("wordpiece", 1300), ("bpe", 4000), ("character", 1300))
    }


def stream_of(tokenizer: Tokenizer, lines: list[str]) -> tuple[np.ndarray, list[tuple[int, str, int]]]:
    """The ids, and for each token the line it is of and where it begins there."""
    ids: list[int] = []
    places = []
    for line in lines:
        made = tokenizer.encode(line, add_special_tokens=False)
        ids += [*made.ids.tolist(), LINE_END]
        places += [(line, begin) for begin, _ in made.offsets.tolist()] + [(line, -1)]
    return np.array(ids, dtype=np.uint32), places  # type: ignore[return-value]


def test_bytes_of_a_character_are_masked_together() -> None:
    tokenizer = Tokenizer.train(
        Corpus(["the cat sat"] * 50), kind="unigram", vocab_size=262, byte_fallback=True
    )
    data = read_tokenizer(tokenizer.description)
    made = tokenizer.encode("caf\u00e9 the", add_special_tokens=False)
    assert "<0xC3>" in made.tokens
    begins = WordBegins(data, DICTIONARY)(made.ids.astype(np.uint32))
    pieces = "".join(f"|{token}" if new else token for token, new in zip(made.tokens, begins, strict=True))
    assert pieces.startswith("|▁|ca")
    assert "<0xC3><0xA9>|▁|t" in pieces


def spelled(data: TokenizerData) -> Callable[[str], bool]:
    if data.kind == "BPE":
        return lambda token: byte_level_string(token) is not None
    return lambda token: token != "[UNK]"


@pytest.mark.parametrize("kind", ["wordpiece", "bpe"])
def test_words_begin_where_the_words_of_a_corpus_do(tokenizers: dict[str, Tokenizer], kind: str) -> None:
    """On text of letters, Han characters and spaces alone, where both know the same words."""
    tokenizer = tokenizers[kind]
    lines = [
        "".join(char for char in line if char.isalpha() or char == " ")
        for line in [*sample_lines("en", n_bytes=4_000), *sample_lines("zh", n_bytes=4_000)]
    ]
    lines = [" ".join(line.split()) for line in lines]
    lines += ["the tiger 老虎在森林里 sleeps", "银行行长 bank"]
    # An unknown character, or one in several tokens of bytes, cannot be seen to be of a Chinese word.
    data = read_tokenizer(tokenizer.description)
    lines = [line for line in lines if all(map(spelled(data), tokenizer.encode(line).tokens))]
    assert len(lines) > 100
    ids, places = stream_of(tokenizer, lines)
    begins = WordBegins(data, DICTIONARY)(ids)
    expected = []
    for line, begin in places:
        if begin < 0:
            expected.append(True)
            continue
        starts, at = set(), 0
        for word in split_words(line):
            at = line.index(word, at)
            starts.add(at)
            at += len(word)
        while begin < len(line) and line[begin] == " ":
            begin += 1
        expected.append(begin in starts)
    differ = [
        place
        for place, found, wanted in zip(places, begins.tolist(), expected, strict=True)
        if found != wanted
    ]
    assert differ == []


def test_punctuation_and_line_ends_are_words_of_their_own(tokenizers: dict[str, Tokenizer]) -> None:
    for kind in ("wordpiece", "bpe"):
        tokenizer = tokenizers[kind]
        ids, places = stream_of(tokenizer, ["cats, dogs!", "猫。"])
        begins = WordBegins(read_tokenizer(tokenizer.description), DICTIONARY)(ids)
        for (line, begin), found in zip(places, begins, strict=True):
            if begin < 0 or line[begin] in ",!。 ":
                assert found, (kind, line, begin)
    characters = tokenizers["character"]
    ids, _ = stream_of(characters, ["ab 老虎"])
    begins = WordBegins(read_tokenizer(characters.description), DICTIONARY)(ids)
    assert begins[-3:].tolist() == [True, False, True]  # 老虎 is one word, and the line ends


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab 老虎。,行长", max_size=12), max_size=6))
def test_a_stream_cut_behind_lines_gives_the_same(tokenizers: dict[str, Tokenizer], lines: list[str]) -> None:
    for tokenizer in tokenizers.values():
        begins = WordBegins(read_tokenizer(tokenizer.description), DICTIONARY)
        whole, _ = stream_of(tokenizer, lines)
        parts = [begins(stream_of(tokenizer, [line])[0]) for line in lines]
        assert json.dumps(begins(whole).tolist()) == json.dumps([x for part in parts for x in part.tolist()])


def test_words_begin_where_the_corpus_cuts_them(tokenizers: dict[str, Tokenizer]) -> None:
    cut = [" ".join(split_words(line)).replace("在 ", "在") for line in sample_lines("zh", n_bytes=10_000)]
    segmenter = train_segmenter(Corpus(cut), held_out=0)
    line = next(line for line in cut if " 在" in line)
    place, end = line.replace(" ", "").index("在"), len(line.split(" 在")[1].split(" ")[0]) + 1
    characters = tokenizers["character"]
    ids, _ = stream_of(characters, [line.replace(" ", "")])
    for corpus, joined in ((Corpus([""], segmenter=segmenter), False), (Corpus([""]), True)):
        begins = WordBegins(read_tokenizer(characters.description), corpus.han_cutter)(ids)
        assert begins[place]
        assert begins[place + 1 : place + end].tolist() == [joined, *[False] * (end - 2)]
