"""Model folders that were cut, mixed, edited or forged: a FormatError that names the file, never a crash."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qianru.errors import FormatError, UnknownWordError
from qianru.vectors import Vectors, load

WORDS = ["猫", "dog", "naïve", "don't", "北京大学"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    matrix = np.random.default_rng(3).standard_normal((5, 4)).astype(np.float32)
    Vectors(WORDS, matrix, counts=[5, 4, 3, 2, 1]).save(tmp_path / "model")
    return tmp_path / "model"


def edit_json(path: Path, **changes: object) -> None:
    value = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in value.items() if v is not ...}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, r"format version 2 is newer than this program knows \(1\)"),
        ({"format_version": "1"}, "format_version must be"),
        ({"format_version": True}, "format_version must be"),
        ({"format_version": ...}, "format_version must be"),
        ({"kind": "contextual"}, "kind must be"),
        ({"n_keys": 4}, "n_keys 4"),
        ({"n_keys": -1}, "n_keys -1"),
        ({"n_keys": 5.0}, "n_keys is missing"),
        ({"dim": 5}, "dim 5"),
        ({"dim": ...}, "dim is missing"),
        ({"fingerprint": 3}, "fingerprint is missing"),
        ({"provenance": []}, "provenance is missing"),
    ],
)
def test_descriptions(model: Path, changes: dict[str, object], message: str) -> None:
    edit_json(model / "qianru.json", **changes)
    with pytest.raises(FormatError, match=message):
        load(model)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a":1}' + bytes(10)])
def test_descriptions_that_are_not_json(model: Path, text: bytes) -> None:
    (model / "qianru.json").write_bytes(text)
    with pytest.raises(FormatError, match=r"qianru\.json"):
        load(model)


@pytest.mark.parametrize("name", ["qianru.json", "model.safetensors", "keys.safetensors"])
def test_missing_files(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(FormatError, match=name.replace(".", r"\.")):
        load(model)
    (model / name).mkdir()
    with pytest.raises(FormatError):
        load(model)


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no qianru\.json"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "keys.safetensors"])
def test_every_truncation_is_an_error(model: Path, name: str) -> None:
    data = (model / name).read_bytes()
    for size in range(len(data)):
        (model / name).write_bytes(data[:size])
        with pytest.raises(FormatError, match=name.replace(".", r"\.")):
            load(model)


def with_header(data: bytes, header: object, tail: bytes | None = None) -> bytes:
    n = int.from_bytes(data[:8], "little")
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + (data[8 + n :] if tail is None else tail)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {},
        {"dtype": "F64", "shape": [6, 4], "data_offsets": [0, 96]},
        {"dtype": "F32", "shape": [24], "data_offsets": [0, 96]},
        {"dtype": "F32", "shape": [6, -4], "data_offsets": [0, 96]},
        {"dtype": "F32", "shape": [6, 4.0], "data_offsets": [0, 96]},
        {"dtype": "F32", "shape": [6, True], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": [6, 4], "data_offsets": [0, 95]},
        {"dtype": "F32", "shape": [6, 4], "data_offsets": [96, 0]},
        {"dtype": "F32", "shape": [6, 4], "data_offsets": [4, 100]},
        {"dtype": "F32", "shape": [6, 4], "data_offsets": [0]},
        {"dtype": "F32", "shape": [0, 4], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 2**82]},
        {"dtype": "F32", "shape": [2**61, 2**3], "data_offsets": [0, 0]},
    ],
)
def test_forged_headers(model: Path, entry: object) -> None:
    path = model / "model.safetensors"
    path.write_bytes(with_header(path.read_bytes(), {"embeddings": entry}))
    with pytest.raises(FormatError, match="embeddings"):
        load(model)


def test_header_lengths(model: Path) -> None:
    path = model / "model.safetensors"
    data = path.read_bytes()
    for length in (0, 2**20 + 1, len(data), 2**63, 2**64 - 1):
        path.write_bytes(length.to_bytes(8, "little") + data[8:])
        with pytest.raises(FormatError):
            load(model)
    path.write_bytes(with_header(data, {"other": 1}))
    with pytest.raises(FormatError, match="no tensor 'embeddings'"):
        load(model)
    path.write_bytes(b"\x02" + bytes(7) + b"{}")
    with pytest.raises(FormatError, match="no tensor"):
        load(model)


def test_files_of_two_models(model: Path, tmp_path: Path) -> None:
    Vectors(["a", "b"], np.ones((2, 4), np.float32)).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "keys.safetensors", model)
    with pytest.raises(FormatError, match="do not fit a matrix of 5 rows"):
        load(model)
    Vectors(["a", "b", "c", "d", "e"], np.ones((5, 4), np.float32)).save(tmp_path / "same size")
    shutil.copy(tmp_path / "same size" / "keys.safetensors", model)
    assert load(model).keys == ["a", "b", "c", "d", "e"]  # opening reads headers only …
    with pytest.raises(FormatError, match="fingerprint"):
        Vectors.load(model, verify=True)  # … and this is what verify is for


def test_verify_finds_one_bit(model: Path) -> None:
    Vectors.load(model, verify=True)
    for name, at in (("model.safetensors", -30), ("keys.safetensors", -3)):
        data = bytearray((model / name).read_bytes())
        data[at] ^= 1
        (model / name).write_bytes(data)
        with pytest.raises(FormatError):
            Vectors.load(model, verify=True)
        data[at] ^= 1
        (model / name).write_bytes(data)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_forged_keys_are_safe_to_ask(model: Path, data: st.DataObject) -> None:
    """Opening does not read the arrays, so every later use must bear anything in them."""
    path = model / "keys.safetensors"
    original = path.read_bytes()
    start = 8 + int.from_bytes(original[:8], "little")
    broken = bytearray(original)
    for _ in range(data.draw(st.integers(1, 20))):
        at = data.draw(st.integers(start, len(broken) - 1))
        broken[at] = data.draw(st.sampled_from([0, 1, 5, 0x7F, 0x80, 0xFF]))
    path.write_bytes(broken)
    try:
        vectors = load(model)
        for word in (*WORDS, "x", "dig"):
            with contextlib.suppress(UnknownWordError):
                assert vectors[word].shape == (4,)
        list(vectors.keys)
        vectors.similar(vectors.to_numpy()[0], 5)
        vectors.save(model.parent / "again", force=True)
    except FormatError:
        pass
    finally:
        path.write_bytes(original)


def test_a_full_table_ends_the_search(model: Path) -> None:
    path = model / "keys.safetensors"
    vectors = load(model)
    n_slots = len(vectors._stored.keys.table)
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little") + 6 * 8
    del vectors
    data[start : start + 8 * n_slots] = (0xFFFFFFFF00000000 | 77).to_bytes(8, "little") * n_slots
    path.write_bytes(data)
    assert "猫" not in load(model)
