"""What `qianru` and its packages export: complete, loadable, documented, and quick to import."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import qianru

SOURCE = Path(qianru.__file__).parent
PACKAGES = sorted(
    ".".join(["qianru", *path.parent.relative_to(SOURCE).parts])
    for path in SOURCE.rglob("__init__.py")
    if path.parent != SOURCE
)


def imported_names(path: Path) -> set[str]:
    """The names that the file imports from this package, whether at run time or for the type checker."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qianru")
        for alias in node.names
    }


def test_the_names_of_qianru_are_those_it_imports() -> None:
    names = set(qianru.__all__)
    assert names == imported_names(SOURCE / "__init__.py") | {"__version__"}
    assert names <= set(dir(qianru))
    for name in qianru.__all__:
        assert getattr(qianru, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = qianru.nonsense


@pytest.mark.parametrize("name", ["qianru", *PACKAGES])
def test_the_list_of_names_is_right(name: str) -> None:
    package = importlib.import_module(name)
    assert isinstance(package.__all__, list)
    assert len(set(package.__all__)) == len(package.__all__)
    assert package.__doc__
    for key in package.__all__:
        assert hasattr(package, key), key


@pytest.mark.parametrize("name", ["qianru", *PACKAGES])
def test_every_public_name_is_documented(name: str) -> None:
    package = importlib.import_module(name)
    for key in package.__all__:
        value = getattr(package, key)
        if not (inspect.isclass(value) or callable(value)):
            continue
        assert inspect.getdoc(value), f"{name}.{key}"
        if inspect.isclass(value) and value.__module__.startswith("qianru"):
            for method, found in vars(value).items():
                if not method.startswith("_") and (inspect.isroutine(found) or isinstance(found, property)):
                    assert inspect.getdoc(getattr(value, method)), f"{name}.{key}.{method}"


def test_importing_is_quick_and_light() -> None:
    script = (
        "import json, sys, time; begin = time.perf_counter(); import qianru;"
        "print(json.dumps([time.perf_counter() - begin, sorted(sys.modules)]))"
    )
    seconds, modules = [], set()
    for _ in range(3):
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        took, loaded = json.loads(ran.stdout)
        seconds.append(took)
        modules |= {module.split(".")[0] for module in loaded}
    assert min(seconds) < 0.3
    assert not modules & {"torch", "pandas", "gensim", "fastapi", "transformers", "typer", "numpy"}


def test_all_names_together_load_nothing_heavy() -> None:
    script = "import qianru, sys; [getattr(qianru, n) for n in qianru.__all__]; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {module.split(".")[0] for module in ran.stdout.split()}
    assert not loaded & {"torch", "pandas", "gensim", "fastapi", "transformers", "scipy"}
