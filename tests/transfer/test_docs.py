"""The commands and the code of docs/concepts/classify.md run as they stand."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from qianru import Corpus, train_word2vec
from qianru.cli.app import run
from qianru.sample import sample_lines
from qianru.sample.truth import labels
from qianru.tokens import Tokenizer

pytest.importorskip("torch", reason="torch is not installed: make test-torch")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")
_spec = importlib.util.spec_from_file_location("transfer_conftest", Path(__file__).parent / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)
PAGE = Path(__file__).resolve().parents[2] / "docs/concepts/classify.md"


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_page_runs(
    tmp_path: Path,
    wordpiece: Tokenizer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    world.folder_of("bert", tmp_path / "bert", wordpiece)
    lines = [*sample_lines("en", n_bytes=30_000), *sample_lines("zh", n_bytes=30_000)]
    train_word2vec(Corpus(lines, lowercase=True), dim=20, epochs=2, threads=1).save("model")
    rows = list(dict(labels("en", seed=1)).items())
    for name, chosen in (("train.csv", rows[::4]), ("test.csv", rows[1::4])):
        text = "".join('"' + t.replace('"', '""') + f'",{y}\n' for t, y in chosen)
        Path(name).write_text("text,label\n" + text, encoding="utf-8")
    for line in "".join(snippets("console")).splitlines():
        assert run(shlex.split(line.removeprefix("$ "))[1:]) == 0, capsys.readouterr().err
    capsys.readouterr()
    for number, snippet in enumerate(snippets("python")):
        exec(compile(snippet, f"{PAGE.name}, snippet {number}", "exec"), {})
    printed = capsys.readouterr().out
    assert "LabelProbability(label='positive'" in printed
    assert printed.splitlines()[-1] == "['positive']"
