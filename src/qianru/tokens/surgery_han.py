"""Letting words of several Chinese characters through a pipeline that sets each character apart, as BERT's does.

BERT's normaliser puts spaces around every Chinese character, so no piece of two is ever reached. Here the spaces go,
and a split takes their place: it cuts out the longest known word at each point, from the left, and else the single
character. Text without such a word is cut as before (the tests compare every code point).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from qianru.tokens.surgery_data import Json, TokenizerData
from qianru.tokens.surgery_pipeline import HAN, Pipeline, is_han

_SINGLE = "[" + "".join(f"{chr(low)}-{chr(high)}" for low, high in HAN) + "]"


def sets_han_apart(data: TokenizerData, pipeline: Pipeline) -> bool:
    """Whether Chinese characters come one by one, in a way that can be changed for words."""
    return pipeline.pretokens("鼠丘") == ["鼠", "丘"] and (
        bool(_spacing(data.json.get("normalizer"))) or _own_split(data.json) is not None
    )


def han_words(pipeline: Pipeline) -> list[str]:
    """The tokens of several Chinese characters that the pipeline lets through already."""
    return [
        token
        for token in pipeline.data.tokens
        if len(token) > 1 and all(map(is_han, token)) and pipeline.pretokens(token) == [token]
    ]


def let_through(value: Json, words: Iterable[str]) -> None:
    """Change the tokenizer.json so that exactly these words of Chinese characters come whole."""
    for normalizer in _spacing(value.get("normalizer")):
        normalizer["handle_chinese_chars"] = False
    split = _own_split(value)
    if split is None:
        split = {"type": "Split", "pattern": {}, "behavior": "Isolated", "invert": False}
        before = value.get("pre_tokenizer") or {}
        old = before["pretokenizers"] if before.get("type") == "Sequence" else [before] if before else []
        value["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, *old]}
    split["pattern"] = {"Regex": word_pattern(words)}


def word_pattern(words: Iterable[str]) -> str:
    """A pattern for the longest of the words, else for one Chinese character.

    First characters are kept in some sqrt(n) groups with a look ahead each, so that a character costs so many tests,
    not one for each word.
    """
    rests: dict[str, list[str]] = defaultdict(list)
    for word in sorted(set(words), key=lambda word: (word[0], -len(word), word)):
        rests[word[0]].append(word[1:])
    groups = []
    for first in _batched(sorted(rests), max(1, math.isqrt(len(rests)))):
        choices = "|".join(f"{char}(?:{'|'.join(rests[char])})" for char in first)
        groups.append(f"(?=[{first[0]}-{first[-1]}])(?:{choices})")
    return "|".join([*groups, _SINGLE])


def _batched(items: list[str], size: int) -> list[list[str]]:
    """The items, so many at a time."""
    return [items[begin : begin + size] for begin in range(0, len(items), size)]


def _spacing(normalizer: Any) -> list[Json]:
    """The BERT normalisers in there that put spaces around Chinese characters."""
    if not isinstance(normalizer, dict):
        return []
    if normalizer.get("type") == "Sequence":
        return [found for inner in normalizer.get("normalizers", []) for found in _spacing(inner)]
    apart = normalizer.get("type") == "BertNormalizer" and normalizer.get("handle_chinese_chars", True)
    return [normalizer] if apart else []


def _own_split(value: Json) -> Json | None:
    """The split that an earlier change has put there."""
    pre = value.get("pre_tokenizer")
    inner = pre.get("pretokenizers") if isinstance(pre, dict) and pre.get("type") == "Sequence" else None
    first = inner[0] if isinstance(inner, list) and inner else None
    if isinstance(first, dict) and first.get("type") == "Split" and isinstance(first.get("pattern"), dict):
        pattern = first["pattern"].get("Regex")
        if isinstance(pattern, str) and pattern.endswith(_SINGLE):
            return first
    return None
