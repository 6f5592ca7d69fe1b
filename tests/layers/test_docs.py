"""The code of docs/concepts/embedding-layer.md runs and prints what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from qianru import Corpus, train_word2vec
from qianru.sample import sample_lines

pytest.importorskip("torch", reason="torch is not installed: make test-torch")
PAGE = Path(__file__).resolve().parents[2] / "docs/concepts/embedding-layer.md"


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [*sample_lines("en", n_bytes=20_000), *sample_lines("zh", n_bytes=20_000)]
    train_word2vec(Corpus(lines), dim=20, epochs=1, threads=1).save("model")
    snippets = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert snippets
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("".join(snippets), PAGE.name, "exec"), {})
    lines = printed.getvalue().splitlines()
    assert lines[1] == lines[2] == "torch.Size([2, 100])"
    assert lines[3] == "text    '老虎在森林里'"
