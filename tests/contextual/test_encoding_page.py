"""The code of docs/concepts/encoding.md runs as it stands."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from qianru.sample import sample_lines

PAGE = Path(__file__).resolve().parents[2] / "docs/concepts/encoding.md"


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [*sample_lines("en", n_bytes=50_000), *sample_lines("zh", n_bytes=50_000)]
    Path("their.txt").write_text("\n".join(lines), encoding="utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert snippets
    for snippet in snippets:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(snippet, PAGE.name, "exec"), {})
        assert "(3, 20) float32" in printed.getvalue()
        assert "True" in printed.getvalue()
