"""ARCHITECTURE.md is true: its tree and its import table agree with the files and with every import in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "qianru"
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
FILES = sorted(SOURCE.rglob("*.py"))
ROOT_MODULES = {path.stem for path in SOURCE.glob("*.py")} - {"__init__"}
MODULES = {
    ".".join(["qianru", *path.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in FILES
}
# Only these may load torch, when they are there.
TORCH_ROOMS = {"layers", "contextual", "transfer", "scale", "serve"}


def import_table() -> dict[str, set[str]]:
    """Room → the rooms it may import, as the page has it."""
    table: dict[str, set[str]] = {}
    for name, _, allowed in re.findall(r"^\| `([\w/]+)` \|(.*)\|(.*)\|$", PAGE, re.MULTILINE):
        names = set(re.findall(r"`([\w/]+)`", allowed))
        table[name] = names | (set(table) | {"_core"} if "everything above" in allowed else set())
    return table


TABLE = import_table()


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Every module that the file imports, its line, and whether that happens inside a function."""

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, int, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, child.lineno, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path.name}:{child.lineno}: a relative import"
                for alias in child.names:
                    name = f"{child.module}.{alias.name}"
                    is_module = child.module == "qianru" or name in MODULES
                    yield name if is_module else str(child.module), child.lineno, inside
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, inside or function)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


def room_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else ""


def test_the_table_has_a_row_for_every_room_and_no_other() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    assert set(TABLE) - {"core/", "bindings/"} == rooms
    for room, allowed in TABLE.items():
        if not room.endswith("/"):
            assert allowed <= rooms | {"_core", "core/", "bindings/"}, room


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_follow_the_table(path: Path) -> None:
    room = room_of(path)
    for module, line, inside in imports(path):
        where = f"{path.relative_to(ROOT)}:{line}: {module}"
        top = module.split(".")[0]
        assert top not in ("pickle", "cPickle", "dill", "joblib", "pandas"), where
        assert top != "torch" or room in TORCH_ROOMS, where
        if top != "qianru":
            continue
        assert not inside or room == "cli", f"{where}: inside a function"
        target = module.split(".")[1]
        if path == SOURCE / "__init__.py" or target == room or target in ROOT_MODULES:
            continue
        if target == "__version__":
            continue
        assert room, f"{where}: a root module imports root modules only"
        assert target in TABLE[room], f"{where}: not in the import table"


def test_there_is_no_cycle() -> None:
    """`qianru/__init__.py` is left out: it loads its names when they are used."""
    modules = {name: path for name, path in MODULES.items() if name != "qianru"}
    graph = {
        name: sorted({module for module, _, inside in imports(path) if module in modules and not inside})
        for name, path in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in graph[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize(
    "path", [*(ROOT / "core").rglob("*.h"), *(ROOT / "core").rglob("*.cpp")], ids=lambda p: p.name
)
def test_the_core_knows_no_python_and_prints_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    allowed = {"base", path.parent.name, "sys", "linux"} | (
        {"text"} if path.parent.name == "tokens" else set()
    )
    for found in re.findall(r'#include [<"]([^>"]+)', text):
        assert "/" not in found or found.split("/")[0] in allowed, found
        assert found not in ("Python.h", "iostream", "cstdio", "stdio.h"), found
    assert not re.search(r"\bprintf\(|std::(cout|cerr)|nanobind", text)


def test_bindings_include_the_core_alone() -> None:
    folders = {path.name for path in (ROOT / "core").iterdir() if path.is_dir()}
    own = {path.name for path in (ROOT / "bindings").glob("*.h")}
    for path in (ROOT / "bindings").iterdir():
        for found in re.findall(r'#include "([^"]+)', path.read_text(encoding="utf-8")):
            assert found in own or found.split("/")[0] in folders, f"{path.name}: {found}"


def test_the_tree_names_every_folder_and_only_those() -> None:
    tree = PAGE.split("```")[1]
    named: set[Path] = set()
    parents: list[Path] = []
    for line in tree.strip().splitlines():
        match = re.match(r"( *)([\w/]+)/( |$)", line)
        assert match, line
        depth = len(match[1]) // 2
        parents = [*parents[:depth], (parents[depth - 1] if depth else ROOT) / match[2]]
        named.add(parents[-1])
    assert [str(path) for path in named if not path.is_dir()] == []
    for top in ("core", "src/qianru"):
        there = {path for path in (ROOT / top).iterdir() if path.is_dir() and path.name != "__pycache__"}
        assert there <= named
