"""Classifiers and translators on a device: nothing is made anywhere but there, and one that cannot be used is an error before work.

There is no GPU where these tests run. In its place torch's default device is "meta", which has no numbers: a tensor that is made
without saying where fails there as it would beside a network on a GPU.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.errors import ArgumentError
from qianru.tokens import Tokenizer
from qianru.vectors import Vectors

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")
from qianru.transfer import TextClassifier, Translator, train_text_classifier, train_translator  # noqa: E402
from qianru.transfer import classifier as classifier_module  # noqa: E402
from qianru.transfer import classify as classify_module  # noqa: E402
from qianru.transfer import translate as translate_module  # noqa: E402
from qianru.transfer import translator as translator_module  # noqa: E402

_spec = importlib.util.spec_from_file_location("transfer_conftest", Path(__file__).parent / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)

TEXTS = ["the cat was near us", "没有 火车 在 那里", "a bus", ""]
PAIRS = [(f"{a} sees {b}", f"{b} 被 {a} 看见") for a in "abcdefgh" for b in "klmnop"]


def elsewhere(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same, where a tensor of which nobody says where it is has no numbers."""

    def made(*arguments: Any, **named: Any) -> Any:
        with torch.device("meta"):
            return call(*arguments, **named)

    return made


@pytest.mark.parametrize("kind", ["mean", "cnn", "lstm", "transformer", "features", "fine_tune"])
def test_a_classifier_makes_every_tensor_on_its_own_device(
    kind: str, known: Vectors, wordpiece: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"start": known, "encoder": kind, "rows": "frozen", "class_weights": "balanced"}
    if kind in ("features", "fine_tune"):
        given = {kind: world.folder_of("bert", tmp_path / "bert", wordpiece)}
    examples = world.sentences(0, 6, 80, 1)

    def made() -> TextClassifier:
        return train_text_classifier(
            examples, epochs=2, validation=0.3, test=world.sentences(0, 6, 20, 2), device="cpu", **given
        )

    expected = made()
    monkeypatch.setattr(classify_module, "fit", elsewhere(classify_module.fit))
    monkeypatch.setattr(classify_module, "scores_of", elsewhere(classify_module.scores_of))
    found = made()
    assert [run.as_dict() for run in found.runs] == [run.as_dict() for run in expected.runs]
    found.save(tmp_path / "made")
    opened = TextClassifier.load(tmp_path / "made", device="cpu")
    monkeypatch.setattr(classifier_module, "scores_of", elsewhere(classifier_module.scores_of))
    np.testing.assert_array_equal(opened.probabilities(TEXTS), expected.probabilities(TEXTS))


def test_a_translator_makes_every_tensor_on_its_own_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> Translator:
        return train_translator(
            PAIRS, vocab_size=300, dim=16, n_layers=1, n_heads=2, epochs=2, validation=0.2, device="cpu"
        )

    expected = made()
    monkeypatch.setattr(translate_module, "_fit", elsewhere(translate_module._fit))
    found = made()
    assert found.provenance == expected.provenance
    found.save(tmp_path / "made")
    opened = Translator.load(tmp_path / "made", device="cpu")
    asked = [source for source, _ in PAIRS[:5]]
    answers = expected.translate(asked, beam=3)
    monkeypatch.setattr(translator_module, "beam_search", elsewhere(translator_module.beam_search))
    assert opened.translate(asked, beam=3) == answers


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_one_error_before_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled, pairs = tmp_path / "labelled.csv", tmp_path / "pairs.tsv"
    rows = world.sentences(0, 6, 40, 1)
    labelled.write_text(
        "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8"
    )
    pairs.write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS), encoding="utf-8")
    train_text_classifier(rows, epochs=1, dim=4).save(tmp_path / "mood")
    train_translator(PAIRS, vocab_size=300, dim=8, n_layers=1, n_heads=2, epochs=1).save(tmp_path / "to")
    with pytest.raises(ArgumentError, match="got 'cuda'"):
        train_text_classifier(rows, features=tmp_path / "no-model", device="cuda")
    for arguments in (
        ["classify", "train", str(labelled), "-o", str(tmp_path / "new")],
        ["classify", "predict", str(tmp_path / "mood"), "a cat"],
        ["classify", "evaluate", str(tmp_path / "mood"), str(labelled)],
        ["translate", "train", str(pairs), "-o", str(tmp_path / "new")],
        ["translate", "run", str(tmp_path / "to"), "a sees k"],
        ["translate", "evaluate", str(tmp_path / "to"), str(pairs)],
    ):
        assert run([*arguments, "--device", "cuda"]) == 2, arguments
        said = capsys.readouterr().err
        assert "device must be one that torch can use here (cpu), got 'cuda'" in said
        assert "Traceback" not in said
    assert not (tmp_path / "new").exists()
