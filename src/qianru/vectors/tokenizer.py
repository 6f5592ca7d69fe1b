"""tokenizer.json for a set of keys, so that other libraries turn text into the rows of the matrix.

Written as text: building it with the tokenizers package takes minutes for a million words. Without Han words
of more than one character it is a WordLevel model; with them a Unigram one, which cuts runs of Han characters
into keys.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import TextIO

import numpy as np

from qianru.arrays import UInt64Array
from qianru.vectors.keys import Keys
from qianru.vectors.stored import of_corpus

_CHUNK = 8192
# Letters and digits with single inner marks; what is not matched is dropped. Where keys hold several Han
# characters, a run of them is left to the model to cut, together with what touches it, since keys like 卡拉OK
# exist; otherwise each Han character stands alone.
_LATIN = r"(?:(?!\p{Han})[\p{L}\p{M}\p{N}_])+"
_INNER = rf"(?:['’.\-·]{_LATIN})*"
_RUNS = rf"[\p{{L}}\p{{M}}\p{{N}}_]+{_INNER}"
_CHARACTERS = rf"\p{{Han}}|{_LATIN}{_INNER}"


def is_han(character: str) -> bool:
    """Whether the character belongs to the Han blocks that words are cut from."""
    return (
        "\u3400" <= character <= "\u4dbf"
        or "\u4e00" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\U00020000" <= character <= "\U0003ffff"
    )


def unknown_token(keys: Keys) -> str:
    """The name of the row after the last key: [UNK], in more brackets if that is a key."""
    name = "[UNK]"
    while name in keys:
        name = f"[{name}]"
    return name


def needs_cutting(keys: Keys) -> bool:
    """Whether a key of several characters holds a Han one: no spaces set such words off in text."""
    return any(len(key) > 1 and not key.isascii() and any(map(is_han, key)) for key in keys)


def write_tokenizer(
    out: TextIO, keys: Keys, counts: UInt64Array | None, provenance: Mapping[str, object]
) -> None:
    """Write tokenizer.json: the id of a key is its row, that of the unknown token is n_keys."""
    unknown = unknown_token(keys)
    token = {
        "id": len(keys),
        "content": unknown,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
    normalizers: list[dict[str, object]] = [{"type": "NFC"}]
    if of_corpus(provenance, "lowercase") is True:
        normalizers.append({"type": "Lowercase"})
    cutting = needs_cutting(keys)
    head = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [token],
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": _RUNS if cutting else _CHARACTERS},
            "behavior": "Removed",
            "invert": True,
        },
        "post_processor": None,
        "decoder": None,
    }
    out.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "model": ')
    if cutting:
        _write_unigram(out, keys, counts, unknown)
    else:
        _write_word_level(out, keys, unknown)
    out.write("}\n")


def _write_word_level(out: TextIO, keys: Keys, unknown: str) -> None:
    out.write('{"type": "WordLevel", "unk_token": ' + json.dumps(unknown) + ', "vocab": {')
    row = 0
    for words in _chunks(keys):
        out.write(json.dumps(dict(zip(words, itertools.count(row))), ensure_ascii=False)[1:-1] + ", ")
        row += len(words)
    out.write(json.dumps(unknown) + f": {len(keys)}}}}}")


def _write_unigram(out: TextIO, keys: Keys, counts: UInt64Array | None, unknown: str) -> None:
    scores = np.empty(len(keys), dtype=np.float64)
    keys.lookup.unigram_scores(counts, scores)
    out.write(f'{{"type": "Unigram", "unk_id": {len(keys)}, "byte_fallback": false, "vocab": [')
    row = 0
    for words in _chunks(keys):
        pairs = list(zip(words, scores[row : row + len(words)].tolist(), strict=True))
        out.write(json.dumps(pairs, ensure_ascii=False)[1:-1] + ", ")
        row += len(words)
    # Never cheaper than a key: the unknown token is what is left where no key fits.
    out.write(json.dumps([unknown, float(scores.min()) - 10]) + "]}")


def _chunks(keys: Keys) -> Iterator[list[str]]:
    words = iter(keys)
    while chunk := list(itertools.islice(words, _CHUNK)):
        yield [word if word.isascii() else _printable(word, keys) for word in chunk]


def _printable(word: str, keys: Keys) -> str:
    """The word itself, or a name for it that is no key where some of its bytes are not UTF-8."""
    try:
        word.encode()
    except UnicodeEncodeError:
        name = word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        while name in keys:
            name = f"[{name}]"
        return name
    return word
