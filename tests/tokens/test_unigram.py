"""Unigram of the core beside `tokenizers`, and beside the plain search for the best cut."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest
from hypothesis import given, settings

from qianru.sample import sample_lines
from qianru.tokens import Tokenizer
from qianru.tokens.pipelines import describe

_spec = importlib.util.spec_from_file_location("pieces", Path(__file__).with_name("pieces.py"))
assert _spec is not None
assert _spec.loader is not None
pieces = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pieces)
ODD, best_cut, some_substrings, texts, check = (
    pieces.ODD,
    pieces.best_cut,
    pieces.some_substrings,
    pieces.texts,
    pieces.check_ids,
)

LINES = [*sample_lines("en", n_bytes=20_000), *sample_lines("zh", n_bytes=20_000)]


def vocabulary(*, byte_fallback: bool) -> list[tuple[str, float]]:
    letters = sorted({char for line in [*LINES, "▁"] for char in line if not char.isspace()})
    names = ["<unk>"]
    if byte_fallback:
        names += [f"<0x{byte:02X}>" for byte in range(256)]
    parts = some_substrings(LINES, 600, 1)
    names += [*letters[::2], "▁", *parts, *(f"▁{part}" for part in parts[::2])]
    unique = list(dict.fromkeys(names))
    return [(name, 0.0 if i == 0 else -math.log(i + 2) - i % 7 / 3) for i, name in enumerate(unique)]


def made(step: object, *, byte_fallback: bool = False) -> Tokenizer:
    model = {
        "type": "Unigram",
        "unk_id": 0,
        "byte_fallback": byte_fallback,
        "vocab": vocabulary(byte_fallback=byte_fallback),
    }
    return Tokenizer(describe(model, pre_tokenizer=step))


def metaspace(scheme: str, *, split: bool = True) -> dict[str, object]:
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


WHITE = {"type": "WhitespaceSplit"}
STEPS: dict[str, object] = {
    "none": None,
    "white": WHITE,
    "always": metaspace("always"),
    "first": metaspace("first"),
    "never": metaspace("never", split=False),
    "t5": {"type": "Sequence", "pretokenizers": [WHITE, metaspace("always")]},
}
MADE = {name: made(step) for name, step in STEPS.items()} | {
    f"{name}-bytes": made(step, byte_fallback=True) for name, step in STEPS.items()
}


@pytest.mark.parametrize("name", MADE)
def test_ids_are_those_of_the_package(name: str) -> None:
    assert MADE[name].engine == "core"
    check(MADE[name], [*LINES[::10], ODD, "", " ", "  a  b ", "▁a▁ b"])
    check(MADE[name], list(MADE[name].vocab))
    check(MADE[name], ["a" * 5000, "中" * 14_000])


@settings(max_examples=150, deadline=None)
@given(texts)
def test_ids_are_those_of_the_package_on_any_text(text: str) -> None:
    for tokenizer in MADE.values():
        check(tokenizer, [text])


def test_the_plain_search_finds_the_same_cut() -> None:
    tokenizer = made(None)
    scores = dict(vocabulary(byte_fallback=False))
    unknown = min(scores.values()) - 10
    for line in LINES[::25]:
        word = line.replace(" ", "")
        cut = best_cut(word, scores.get, unknown, max(map(len, scores)))
        ours = tokenizer.encode_batch([word], add_special_tokens=False)[0].tolist()
        # Runs of unknown characters are one token.
        ids = [tokenizer.vocab.get(piece, 0) for piece in cut]
        theirs = [one for i, one in enumerate(ids) if one or i == 0 or ids[i - 1]]
        assert ours == theirs
