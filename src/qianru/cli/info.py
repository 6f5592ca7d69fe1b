"""`qianru info`: what a model is and how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from qianru.cli.options import AsJson, ModelPath
from qianru.cli.output import n_bytes, print_json

if TYPE_CHECKING:
    from qianru.vectors.other_folders import ModelFolder


def info(model: ModelPath, as_json: AsJson = False) -> None:
    """Shape, words, counts, settings and fingerprint of a model, and its memory against one-hot vectors.

    Of language models, classifiers and translators: what they are, their size, settings and fingerprint.

    \b
    Examples:
      qianru info model
      qianru info vectors.bin --json
    """
    from qianru.vectors.other_folders import read_model_folder

    other = read_model_folder(Path(model))
    if other is not None:
        _tell_model(model, other, as_json=as_json)
        return
    from qianru.static.one_hot import one_hot_bytes
    from qianru.vectors import SubwordVectors, Vectors
    from qianru.vectors.subwords import has_subwords

    subwords = SubwordVectors.load(model) if has_subwords(model) else None
    vectors = Vectors.load(model) if subwords is None else subwords.vectors
    n_ngrams = None if subwords is None else len(subwords.ngram_rows)
    n_keys, dim, counts = len(vectors), vectors.dim, vectors.counts
    one_hot_sparse, one_hot = one_hot_bytes(n_keys)
    facts: dict[str, object] = {
        "path": model,
        "n_keys": n_keys,
        "dim": dim,
        "first_keys": list(vectors.keys[:10]),
        "n_counted": None if counts is None else int(counts.sum()),
        "bytes_dense": n_keys * dim * 4,
        # The same words as one-hot vectors: a square float32 matrix, or only the places of the ones.
        "bytes_one_hot": one_hot,
        "bytes_one_hot_sparse": one_hot_sparse,
        "n_ngram_rows": n_ngrams,
        "fingerprint": vectors.fingerprint,
        "provenance": _plain(vectors.provenance),
    }
    if as_json:
        print_json(facts)
        return
    typer.echo(f"{model}: {n_keys:,} words, dim {dim}, float32")
    typer.echo(f"first words   {' '.join(vectors.keys[:10])}")
    typer.echo(f"counted       {'no counts' if counts is None else f'{int(counts.sum()):,} words of text'}")
    dense = n_keys * dim * 4
    typer.echo(
        f"memory        {n_bytes(dense)} dense, {n_bytes(one_hot)} one-hot ({one_hot / dense:.1f} times), "
        f"{n_bytes(one_hot_sparse)} one-hot kept sparse"
    )
    if n_ngrams is not None:
        typer.echo(
            f"n-grams       {n_ngrams:,} rows, {n_bytes(n_ngrams * dim * 4)}, for words outside the vocabulary"
        )
    typer.echo(f"fingerprint   {vectors.fingerprint}")
    for line in settings_lines(facts["provenance"]):
        typer.echo(line)


def _tell_model(path: str, found: ModelFolder, *, as_json: bool) -> None:
    if as_json:
        size = {"n_parameters": found.n_parameters, "n_bytes": found.n_bytes}
        print_json({"path": path, "kind": found.kind, **size, **found.facts})
        return
    size_told = "" if found.n_parameters is None else f"{found.n_parameters:,} numbers, "
    typer.echo(f"{path}: {found.description}, {size_told}{n_bytes(found.n_bytes)}")
    for name, value in found.facts.items():
        if name not in ("fingerprint", "provenance", "format_version") and value is not None:
            shown = value if isinstance(value, str) else json.dumps(_short(value), ensure_ascii=False)
            typer.echo(f"{name:<13} {shown}")
    if "fingerprint" in found.facts:
        typer.echo(f"fingerprint   {found.facts['fingerprint']}")
    for line in settings_lines(_counted(found.facts.get("provenance"))):
        typer.echo(line)
    typer.echo(f"opened by     {found.opens.replace('FOLDER', path)}")


def _counted(value: object) -> object:
    """Long lists, as those of runs and curves, by their number of entries: --json has them whole."""
    if isinstance(value, Mapping):
        return {name: _counted(item) for name, item in value.items()}
    if isinstance(value, list) and any(isinstance(item, (Mapping, list)) for item in value):
        return f"{len(value)} entries"
    return value


def settings_lines(provenance: object) -> list[str]:
    """The provenance as indented lines, nested mappings below their name."""
    lines = ["made by"] if provenance else ["made by       not recorded"]

    def add(value: Mapping[str, object], indent: int) -> None:
        for name, item in value.items():
            if isinstance(item, Mapping):
                lines.append(f"{' ' * indent}{name}")
                add(item, indent + 2)
            else:
                text = item if isinstance(item, str) else json.dumps(_short(item), ensure_ascii=False)
                lines.append(f"{' ' * indent}{name}: {text}")

    if isinstance(provenance, Mapping):
        add(provenance, 2)
    return lines


def _plain(value: object) -> object:
    """Read-only mappings and tuples as the dicts and lists that JSON knows."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _short(value: object) -> object:
    """Floats to six digits, for reading."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [_short(item) for item in value]
    return value
