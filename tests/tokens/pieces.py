"""Vocabularies for the tests of WordPiece, Unigram and SentencePiece, texts that try them, and plain twins of the encoders."""

from __future__ import annotations

import functools
import itertools
import json
import random
from collections.abc import Callable, Iterable, Sequence

from hypothesis import strategies as st
from tokenizers import Tokenizer as Package

from qianru.tokens import Tokenizer

# What normalisers and pre-tokenizers trip over: case, accents in both forms, marks out of order, Hangul, kana, ligatures, joiners,
# emoji, controls, every kind of space, signs, the spaces' own mark.
ODD = (
    "aAbBzZ éÉe\u0301ñÅ\u212b İıſß ΣσςΌ ﬁﬃ ½²³ 한국어\u1112\u1161\u11ab がガｶﾞ 中文汉字漢字\uf900\U00020000 "
    "\u0301\u0316\u302e\u0344\u0345\u05b0\u094d\u200d\u200c\u00ad\ufe0f\ufeff 👩\u200d👩\u200d👧🇨🇳👍🏽 "
    "\0\x01\x0b\x0c\x1f\x7f\x85\u00a0\u1680\u2003\u2028\u2029\u3000\t\r\ufffd "
    "!?.,'’-·_#$^`~＂，。《》「」…—▁▁▁ 1٣໔Ⅷ٪ عربي हिन्दी ไทย 𝐀𝒜 \ue000\U000e0001\U0010ffff"
)
characters = st.one_of(
    st.sampled_from(ODD), st.characters(exclude_categories=("Cs",)), st.sampled_from("abc 中文")
)
texts = st.text(characters, max_size=60)


def byte_spans(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Offsets in characters as offsets in bytes."""
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return [(at[a], at[b]) for a, b in spans]


def some_substrings(lines: Sequence[str], n: int, seed: int, longest: int = 8) -> list[str]:
    """Different substrings of the lines without spaces inside."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    words = [word for line in lines for word in line.split()]
    while len(found) < n:
        word = rng.choice(words)
        start = rng.randrange(len(word))
        found[word[start : start + rng.randint(1, longest)]] = None
    return list(found)


def best_cut(text: str, score_of: Callable[[str], float | None], unknown: float, longest: int) -> list[str]:
    """Viterbi over characters, the plain way."""
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("-inf"), 0)] * len(text)
    for start in range(len(text)):
        found = False
        for end in range(start + 1, min(len(text), start + longest) + 1):
            score = score_of(text[start:end])
            if score is None:
                continue
            found |= end == start + 1
            if best[start][0] + score > best[end][0]:
                best[end] = (best[start][0] + score, start)
        if not found and best[start][0] + unknown > best[start + 1][0]:
            best[start + 1] = (best[start][0] + unknown, start)
    cut: list[str] = []
    end = len(text)
    while end:
        start = best[end][1]
        cut.append(text[start:end])
        end = start
    return cut[::-1]


def longest_match(word: str, vocab: dict[str, int], prefix: str, max_chars: int) -> list[str] | None:
    """WordPiece of one word, the plain way; None if it cannot be made of pieces."""
    if len(word) > max_chars:
        return None
    pieces: list[str] = []
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = (prefix if start else "") + word[start:end]
            if piece in vocab:
                break
        else:
            return None
        pieces.append(piece)
        start = end
    return pieces


def merge_by_score(text: str, scores: dict[str, float]) -> list[str]:
    """SentencePiece's BPE, the plain way: the best pair anywhere, the leftmost among equals, again and again."""
    symbols = list(text)
    while True:
        best = max(
            ((scores[a + b], -i) for i, (a, b) in enumerate(itertools.pairwise(symbols)) if a + b in scores),
            default=None,
        )
        if best is None:
            return symbols
        i = -best[1]
        symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]


@functools.cache
def package_of(tokenizer: Tokenizer) -> Package:
    package = Package.from_str(json.dumps(tokenizer.description))
    package.encode_special_tokens = True
    return package


def check_ids(tokenizer: Tokenizer, lines: Sequence[str]) -> None:
    """The ids of a batch are those of the `tokenizers` package."""
    expected = package_of(tokenizer).encode_batch(list(lines), add_special_tokens=False)
    found = tokenizer.encode_batch(lines, add_special_tokens=False)
    for line, ours, theirs in zip(lines, found, expected, strict=True):
        assert ours.tolist() == theirs.ids, line
