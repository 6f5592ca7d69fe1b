"""`qianru info` and `qianru inspect` on folders that hold no word vectors, and damaged ones."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

from qianru.errors import QianruError
from qianru.vectors.inspection import inspect_file
from qianru.vectors.other_folders import read_model_folder
from qianru.vectors.safetensors_file import write_header

KINDS = {
    "bert": "qianru encode",
    "gpt": "qianru encode",
    "elmo": "qianru senses",
    "text-classifier": "qianru classify predict",
    "translator": "qianru translate run",
}


def folder_of(path: Path, kind: str) -> Path:
    """Tensors of 6 and 4 numbers beside hashes, which are no parameters."""
    path.mkdir()
    tensors = {"seen": np.arange(3, dtype="<u8"), "a": np.ones((2, 3), "<f4"), "b": np.ones(4, "<f4")}
    with (path / "model.safetensors").open("wb") as out:
        write_header(out, {name: (one.dtype, one.shape) for name, one in tensors.items()}, {})
        for one in tensors.values():
            out.write(one.tobytes())
    told = {
        "format": "qianru model folder", "format_version": 1, "kind": kind, "dim": 3, "fingerprint": "abc",
        "provenance": {"seed": 7, "held_out": [{"loss": 1.0}] * 9},
    }  # fmt: skip
    (path / "qianru.json").write_text(json.dumps(told), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_is_and_what_opens_it(cli, tmp_path: Path, kind: str) -> None:
    folder = folder_of(tmp_path / "m", kind)
    ran = cli("info", folder)
    assert ran.code == 0, ran.err
    assert "10 numbers" in ran.out
    assert "fingerprint   abc" in ran.out
    assert "seed: 7" in ran.out
    assert "held_out: 9 entries" in ran.out
    assert f"{KINDS[kind]} {folder}" in ran.out
    facts = cli("info", folder, "--json").json
    assert (facts["kind"], facts["dim"], facts["n_parameters"]) == (kind, 3, 10)
    assert len(facts["provenance"]["held_out"]) == 9
    found = inspect_file(folder)
    assert (found.kind, found.dim, found.n_keys, found.problems) == (kind, 3, None, ())
    assert KINDS[kind] in found.next_step
    told = cli("inspect", folder)
    assert "n_parameters: 10" in told.out
    assert f"next: {found.next_step}" in told.out
    refused = cli("similar", folder, "cat")
    assert refused.code == 2
    assert "it holds no word vectors" in refused.err


def test_the_originals_elmo(cli, tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    options = {"lstm": {"projection_dim": 4}, "char_cnn": {}}
    (tmp_path / "e" / "options.json").write_text(json.dumps(options), encoding="utf-8")
    (tmp_path / "e" / "lm_weights.hdf5").write_bytes(b"\x89HDF\r\n\x1a\n")
    ran = cli("info", tmp_path / "e")
    assert "ELMo" in ran.out
    assert "the original program" in ran.out
    assert inspect_file(tmp_path / "e").dim == 8


def test_other_folders_are_left_to_others(cli, model: Path, tmp_path: Path) -> None:
    assert read_model_folder(model) is None
    assert read_model_folder(tmp_path) is None
    assert read_model_folder(tmp_path / "missing") is None
    assert cli("info", tmp_path / "missing").code == 2


def test_damage_is_one_error_and_one_problem(cli, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "m", "bert")
    rng = np.random.default_rng(1)
    for name in ("model.safetensors", "qianru.json"):
        data = (folder / name).read_bytes()
        for cut in (0, 7, 60, len(data) - 3):
            (folder / name).write_bytes(data[:cut])
            assert cli("info", folder).code == 2, (name, cut)
            assert inspect_file(folder).problems, (name, cut)
        for place in rng.integers(0, len(data), 60).tolist():
            flipped = bytearray(data)
            flipped[place] ^= 1 << int(rng.integers(8))
            (folder / name).write_bytes(bytes(flipped))
            with contextlib.suppress(QianruError):
                read_model_folder(folder)
            inspect_file(folder)
        (folder / name).write_bytes(data)
    (folder / "model.safetensors").unlink()
    ran = cli("info", folder)
    assert ran.code == 2
    assert "no weights in it" in ran.err
