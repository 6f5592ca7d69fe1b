"""The files themselves: sizes, the stub of the core, and nothing that belongs to one machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"core/text/unicode_tables.h", "core/tokens/normalize_tables.h", "src/qianru/_core.pyi"}
TOPS = (
    "core",
    "bindings",
    "src",
    "tests",
    "bench",
    "recipes",
    "docs",
    ".ci",
    "*.md",
    "*.toml",
    "Makefile",
    "CMakeLists.txt",
)
SKIP = {"__pycache__", "build", "dist", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache"}


def files() -> list[Path]:
    """All files of the project; what builds leave behind is not among them."""
    found = []
    for top in TOPS:
        for start in ROOT.glob(top):
            found += [path for path in ([start] if start.is_file() else start.rglob("*")) if path.is_file()]
    text = {".py", ".pyi", ".h", ".cpp", ".md", ".toml", ".txt", ""}
    return sorted(
        path for path in found if path.suffix in text and not SKIP & set(path.parts[len(ROOT.parts) :])
    )


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


FILES = files()


def test_no_file_grows_without_end() -> None:
    limits = {".py": 400, ".h": 600, ".cpp": 600}
    lines = {name(path): len(path.read_text("utf-8").splitlines()) for path in FILES if path.suffix in limits}
    assert {at: n for at, n in lines.items() if n > limits[Path(at).suffix] and at not in GENERATED} == {}


def test_no_line_names_a_machine_or_a_registry() -> None:
    wrong = re.compile(
        r"(?<![\w.}])/(?:work|home|root|Users|mnt)/\w|[\w.]*(?:pypi|npmjs|crates)\.(?:org|io)\b"
    )
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in FILES
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if wrong.search(line)
    ]
    assert found == []


def test_text_files_end_with_one_newline_and_have_no_tabs() -> None:
    for path in FILES:
        text = path.read_bytes()
        assert not text or text.endswith(b"\n"), name(path)
        assert not text.endswith(b"\n\n"), name(path)
        assert b"\r" not in text, name(path)
        assert path.name == "Makefile" or b"\t" not in text, name(path)


def test_every_link_in_the_docs_leads_somewhere() -> None:
    for path in FILES:
        if path.suffix == ".md":
            for target in re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8")):
                assert "://" in target or (path.parent / target).exists(), f"{name(path)}: {target}"


def test_the_stub_is_what_the_core_says(tmp_path: Path) -> None:
    pytest.importorskip("nanobind.stubgen")
    made = tmp_path / "_core.pyi"
    command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "qianru._core", "-o", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    expected = (ROOT / "src/qianru/_core.pyi").read_text("utf-8")
    assert made.read_text("utf-8") == expected, "the core's interface has changed: make stubs"
