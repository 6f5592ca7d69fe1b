"""WordPiece of the core beside `tokenizers`: the same ids on every text."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import given, settings

from qianru.sample import sample_lines
from qianru.tokens import Tokenizer
from qianru.tokens.pipelines import bert

_spec = importlib.util.spec_from_file_location("pieces", Path(__file__).with_name("pieces.py"))
assert _spec is not None
assert _spec.loader is not None
pieces = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pieces)
ODD, some_substrings, texts, check = pieces.ODD, pieces.some_substrings, pieces.texts, pieces.check_ids

DATA = Path(os.environ.get("QIANRU_DATA", "../shared/data"))


def vocabulary() -> dict[str, int]:
    lines = [*sample_lines("en", n_bytes=20_000), *sample_lines("zh", n_bytes=20_000), ODD.lower()]
    whole = some_substrings(lines, 400, 1)
    inner = [f"##{piece}" for piece in some_substrings(lines, 400, 2, 4)]
    letters = sorted({char for line in lines for char in line if not char.isspace()})
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters[::2], *(f"##{c}" for c in letters[::3])]
    return {name: i for i, name in enumerate(dict.fromkeys([*names, *whole, *inner]))}


VOCAB = vocabulary()
RULES = [(True, None, True), (False, None, True), (True, False, True), (False, True, False)]
MADE = [Tokenizer(bert(VOCAB, lowercase=a, strip_accents=b, han_apart=c)) for a, b, c in RULES]


@pytest.mark.parametrize("tokenizer", MADE, ids=map(str, RULES))
def test_ids_are_those_of_the_package(tokenizer: Tokenizer) -> None:
    assert tokenizer.engine == "core"
    lines = [
        *sample_lines("en", n_bytes=10_000),
        *sample_lines("zh", n_bytes=10_000),
        ODD,
        "",
        " ",
        "[CLS] a",
    ]
    check(tokenizer, lines)
    check(tokenizer, list(VOCAB))
    check(tokenizer, ["a" * 99, "a" * 100, "a" * 101, "é" * 100, "中" * 14_000])


@settings(max_examples=150, deadline=None)
@given(texts)
def test_ids_are_those_of_the_package_on_any_text(text: str) -> None:
    for tokenizer in MADE:
        check(tokenizer, [text])


def test_every_code_point_is_treated_alike() -> None:
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for tokenizer in MADE[:2]:
        for begin in range(0, len(points), 0x1000):
            check(tokenizer, ["".join(f"a{char}" for char in points[begin : begin + 0x1000])])


def test_lines_and_batches_agree() -> None:
    lines = list(sample_lines("en", n_bytes=5_000))
    for threads in (1, 3):
        batch = MADE[0].encode_batch(lines, threads=threads, add_special_tokens=False)
        stream = MADE[0]._engine.encode_lines("".join(f"{line}\n" for line in lines).encode(), threads, None)
        assert stream.tolist() == batch.ids.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert-base-uncased", "bert-base-chinese"])
def test_real_vocabularies(name: str) -> None:
    found = [p for p in (DATA / "models/tokenizers").rglob("*vocab.txt") if name in str(p)]
    pairs = DATA / "eval/bi/tatoeba/en-zh-22k.tsv"
    if not found or not pairs.exists():
        pytest.skip(f"needs {name}'s vocab.txt and tatoeba; set QIANRU_DATA")
    tokenizer = Tokenizer.load(found[0], lowercase=True)
    assert tokenizer.engine == "core"
    check(tokenizer, [side for line in pairs.read_text("utf-8").splitlines() for side in line.split("\t")])
    check(tokenizer, list(tokenizer.vocab))


def test_words_of_any_length_may_be_allowed() -> None:
    description = bert({"[UNK]": 0, "a": 1, "##a": 2}, lowercase=True)
    description["model"]["max_input_chars_per_word"] = 1 << 40  # type: ignore[index]
    made = Tokenizer(description)
    assert made.engine == "core"
    assert (
        made.encode_batch(["a" * 500])[0].tolist() == made.encode("a" * 500).ids.tolist() == [1] + [2] * 499
    )
