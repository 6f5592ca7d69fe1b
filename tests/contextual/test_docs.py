"""The code of docs/concepts/pretraining.md runs as it stands."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from qianru.sample import sample_lines

pytest.importorskip("torch")
pytest.importorskip("transformers")
PAGE = Path(__file__).resolve().parents[2] / "docs/concepts/pretraining.md"


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [*sample_lines("en", n_bytes=20_000), *sample_lines("zh", n_bytes=20_000)]
    Path("corpus.txt").write_text("\n".join(lines), encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, PAGE.name, "exec"), {})
    assert {path.name for path in tmp_path.iterdir()} == {"corpus.txt", "bert", "gpt", "elmo"}
