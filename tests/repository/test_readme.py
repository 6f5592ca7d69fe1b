"""The commands and the code of the two READMEs run as they stand, in an empty folder beside a small generated text."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from qianru.cli.app import run
from qianru.sample import sample_lines

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


def snippets(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = [*sample_lines("en", n_bytes=500_000), *sample_lines("zh", n_bytes=500_000)]
    Path("their.txt").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_first_command_comes_by_line_ten(page: Path) -> None:
    assert any(line.startswith("$ ") for line in page.read_text("utf-8").splitlines()[:10])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_run(page: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for snippet in snippets(page, "console") for line in snippet.splitlines()]
    commands = [shlex.split(line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]
    ours = [command for command in commands if command[0].rpartition("/")[2] == "qianru"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in commands:
        if command[0] == "make":
            assert re.search(rf"^{command[1]}:", makefile, re.MULTILINE), command
        else:
            assert command in ours
    assert len(ours) > 5
    for command in ours:
        assert run(command[1:]) == 0, (command, capsys.readouterr().err)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_runs(page: Path, folder: Path) -> None:
    found = snippets(page, "python")
    assert found
    for number, snippet in enumerate(found):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(snippet, f"{page.name}, snippet {number}", "exec"), {})
        assert "True" in printed.getvalue()


def test_the_place_of_the_figures_is_marked() -> None:
    assert PAGES[0].read_text("utf-8").count("<!-- figures -->") == 1
