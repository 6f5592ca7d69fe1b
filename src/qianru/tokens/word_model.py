"""tokenizer.json for a list of words: word tokenizers, and those of static models, whose ids are the rows.

Written as text: building it with the tokenizers package takes minutes for a million words. Without Han words
of more than one character it is a WordLevel model; with them a Unigram one, which cuts runs of Han characters
into words.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TextIO

import numpy as np

from qianru import _core
from qianru.arrays import Float64Array, UInt64Array

_CHUNK = 8192
# Letters and digits with single inner marks; what is not matched is dropped. Where words hold several Han
# characters, a run of them is left to the model to cut, together with what touches it, since words like 卡拉OK
# exist; otherwise each Han character stands alone.
_LATIN = r"(?:(?!\p{Han})[\p{L}\p{M}\p{N}_])+"
_INNER = rf"(?:['’.\-·]{_LATIN})*"
_RUNS = rf"[\p{{L}}\p{{M}}\p{{N}}_]+{_INNER}"
_CHARACTERS = rf"\p{{Han}}|{_LATIN}{_INNER}"

CUTS = {
    name: {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Removed", "invert": True}
    for name, regex in (("runs", _RUNS), ("characters", _CHARACTERS))
}

# The step Lowercase knows no final sigma, which `str.lower` and so the words of a Corpus have: before it, a capital sigma
# becomes ς behind a cased letter and before none. What Unicode skips in between is skipped here where it stands in words.
_CASED = r"[\p{Cased}&&[^\p{Lm}\p{Mn}]]"
_SKIPPED = r"(?:[\p{Lm}\p{Mn}\p{Me}]|['’.·](?=[\p{L}\p{M}\p{N}_]))*"
FINAL_SIGMA = {
    "type": "Replace",
    "pattern": {"Regex": rf"{_CASED}{_SKIPPED}\KΣ(?!{_SKIPPED}{_CASED})"},
    "content": "ς",
}


def is_han(character: str) -> bool:
    """Whether the character belongs to the Han blocks that words are cut from."""
    return (
        "\u3400" <= character <= "\u4dbf"
        or "\u4e00" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\U00020000" <= character <= "\U0003ffff"
    )


def unknown_token(words: Collection[str]) -> str:
    """The name of the id after the last word: [UNK], in more brackets if that is a word."""
    name = "[UNK]"
    while name in words:
        name = f"[{name}]"
    return name


def needs_cutting(words: Iterable[str]) -> bool:
    """Whether a word of several characters holds a Han one: no spaces set such words off in text."""
    return any(len(word) > 1 and not word.isascii() and any(map(is_han, word)) for word in words)


def unigram_scores(words: list[str], counts: UInt64Array | None) -> Float64Array:
    """Scores [n] by which a Unigram model cuts text into the words: ln(count / total), raised where needed so that
    no word alone is cut into others (core/vectors/unigram.h)."""
    encoded = [word.encode() for word in words]
    offsets = np.zeros(len(encoded) + 1, dtype=np.uint64)
    np.cumsum(np.fromiter(map(len, encoded), dtype=np.uint64, count=len(encoded)), out=offsets[1:])
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    table = np.empty(_core.slots_for(len(encoded)), dtype=np.uint64)
    _core.fill_table(data, offsets, table)
    scores = np.empty(len(encoded), dtype=np.float64)
    _core.KeyIndex(data, offsets, table).unigram_scores(counts, scores)
    return scores


def write_word_tokenizer(
    out: TextIO, words: Collection[str], scores: Callable[[], Float64Array], *, lowercase: bool
) -> None:
    """Write tokenizer.json: the id of a word is its place, that of the unknown token is the number of words.

    scores: those of `unigram_scores`; asked for only if the words need cutting.
    """
    unknown = unknown_token(words)
    token = {
        "id": len(words),
        "content": unknown,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
    normalizers: list[Mapping[str, object]] = [{"type": "NFC"}]
    if lowercase:
        if any("ς" in word for word in words):
            normalizers.append(FINAL_SIGMA)
        normalizers.append({"type": "Lowercase"})
    cutting = needs_cutting(words)
    head = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [token],
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": CUTS["runs" if cutting else "characters"],
        "post_processor": None,
        "decoder": None,
    }
    out.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "model": ')
    if cutting:
        _write_unigram(out, words, scores(), unknown)
    else:
        _write_word_level(out, words, unknown)
    out.write("}\n")


def _write_word_level(out: TextIO, words: Collection[str], unknown: str) -> None:
    out.write('{"type": "WordLevel", "unk_token": ' + json.dumps(unknown) + ', "vocab": {')
    row = 0
    for chunk in _chunks(words):
        out.write(json.dumps(dict(zip(chunk, itertools.count(row))), ensure_ascii=False)[1:-1] + ", ")
        row += len(chunk)
    out.write(json.dumps(unknown) + f": {len(words)}}}}}")


def _write_unigram(out: TextIO, words: Collection[str], scores: Float64Array, unknown: str) -> None:
    out.write(f'{{"type": "Unigram", "unk_id": {len(words)}, "byte_fallback": false, "vocab": [')
    row = 0
    for chunk in _chunks(words):
        pairs = list(zip(chunk, scores[row : row + len(chunk)].tolist(), strict=True))
        out.write(json.dumps(pairs, ensure_ascii=False)[1:-1] + ", ")
        row += len(chunk)
    # Never cheaper than a word: the unknown token is what is left where no word fits.
    out.write(json.dumps([unknown, float(scores.min()) - 10]) + "]}")


def _chunks(words: Collection[str]) -> Iterator[list[str]]:
    left = iter(words)
    while chunk := list(itertools.islice(left, _CHUNK)):
        yield [word if word.isascii() else _printable(word, words) for word in chunk]


def _printable(word: str, words: Collection[str]) -> str:
    """The word itself, or a name for it that is no word where some of its bytes are not UTF-8."""
    try:
        word.encode()
    except UnicodeEncodeError:
        name = word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        while name in words:
            name = f"[{name}]"
        return name
    return word
