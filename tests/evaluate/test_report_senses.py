"""Files of senses for the report: read whole, or refused by name."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from qianru.errors import FormatError
from qianru.evaluate import read_senses, recorded_senses

SENSES = {
    "word": "苹果",
    "n_found": 9,
    "n_uses": 5,
    "silhouette": 0.25,
    "tried": {"2": 0.25},
    "senses": [
        {
            "share": 0.6,
            "silhouette": 0.3,
            "typical": [{"word": "a", "z": 2.5}],
            "examples": [{"text": "吃苹果", "start": 1, "end": 3}],
        },
        {"share": 0.4, "silhouette": 0.1, "typical": [], "examples": []},
    ],
    "notes": [],
    "model_fingerprint": "ab",
}


def changed(**values: object) -> str:
    """The file with its first sense changed."""
    first, *others = SENSES["senses"]
    return json.dumps({**SENSES, "senses": [{**first, **values}, *others]})


def test_senses_are_read(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps([SENSES, {**SENSES, "silhouette": None}]), encoding="utf-8")
    one, two = read_senses(path)
    assert (one.word, one.n_uses, one.silhouette, two.silhouette) == ("苹果", 5, 0.25, None)
    assert one.senses[0].typical == ("a",)
    use = one.senses[0].examples[0]
    assert use.text[use.start : use.end] == "苹果"
    assert one.senses[1].examples == ()
    assert recorded_senses(SENSES) == one
    assert (one.weights_fingerprint, one.by_chance, one.notes) == (None, None, ())
    told = recorded_senses(
        {**SENSES, "weights_fingerprint": "cd", "by_chance": 0.5, "notes": ["perhaps one"]}
    )
    assert (told.weights_fingerprint, told.by_chance, told.notes) == ("cd", 0.5, ("perhaps one",))
    for wrong in ({"by_chance": "x"}, {"notes": "x"}, {"notes": [1]}, {"weights_fingerprint": 1}):
        with pytest.raises(FormatError):
            recorded_senses({**SENSES, **wrong})
    path.write_text("\ufeff" + json.dumps({**SENSES, "model_fingerprint": None}), encoding="utf-8")
    assert read_senses(path)[0].model_fingerprint is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"word": 1' + "0" * 5000 + "}", "no JSON"),
        ("[]", "no word"),
        ("[1]", "word 1: a word must be an object"),
        ("{}", "senses must be a list"),
        (json.dumps({**SENSES, "senses": []}), "senses must be a list of at least one"),
        (json.dumps([SENSES, {**SENSES, "senses": [1]}]), "word 2: a sense must be"),
        (json.dumps({**SENSES, "silhouette": True}), "silhouette must be a number"),
        (json.dumps({**SENSES, "silhouette": math.nan}), "silhouette must be finite"),
        (json.dumps({**SENSES, "silhouette": 10**400}), "silhouette must be finite"),
        (json.dumps({**SENSES, "word": ""}), "word must be text"),
        (json.dumps({**SENSES, "n_uses": -1}), "n_uses must be"),
        (json.dumps({**SENSES, "model_fingerprint": 3}), "model_fingerprint must be"),
        (changed(share=1.5), "share must be from 0 to 1"),
        (changed(share="1"), "share must be a number"),
        (changed(typical=[["a"]]), "a typical word must be"),
        (changed(typical=[{"word": 1}]), "word must be text"),
        (changed(examples="x"), "examples must be a list"),
        (changed(examples=["x"]), "an example must be"),
        (changed(examples=[{"text": "abc", "start": 2, "end": 4}]), "must lie in the text"),
        (changed(examples=[{"text": "abc", "start": 2, "end": 1}]), "must lie in the text"),
    ],
)
def test_what_is_no_file_of_senses_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=message) as caught:
        read_senses(path)
    assert str(path) in str(caught.value)


def test_any_cut_of_a_file_of_senses_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    data = json.dumps(SENSES, ensure_ascii=False).encode()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(FormatError):
            read_senses(path)


def test_what_is_no_word_with_senses_is_refused() -> None:
    for value in (None, [SENSES], {**SENSES, "n_uses": "5"}):
        with pytest.raises(FormatError, match="the word: "):
            recorded_senses(value)
