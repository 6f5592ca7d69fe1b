"""Files of vectors: the same rows as in memory, in bounded memory, and after a kill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qianru.contextual.encode_stream import encode_to_file
from qianru.errors import ArgumentError, FormatError, OutputError
from qianru.text import Corpus
from qianru.vectors import StaticEncoder, Vectors

TEXTS = [f"cat tiger {'the ' * (i % 7)}{'猫' if i % 3 else ''}" for i in range(50)] + ["", "zebra"]


@pytest.fixture
def encoder() -> StaticEncoder:
    matrix = np.random.default_rng(1).standard_normal((4, 6)).astype(np.float32)
    return StaticEncoder.from_vectors(Vectors(["cat", "tiger", "the", "猫"], matrix))


def test_rows_are_those_of_memory(encoder: StaticEncoder, tmp_path: Path) -> None:
    written = encode_to_file(encoder, TEXTS, tmp_path / "out.npy", chunk_texts=8)
    expected = encoder.encode(TEXTS).vectors
    found = np.load(tmp_path / "out.npy", allow_pickle=False)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    assert written.empty.tolist() == [50, 51]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.npy", "out.npy.json"]
    told = json.loads((tmp_path / "out.npy.json").read_text())
    assert (told["n_texts"], told["empty"], told["model"]) == (52, [50, 51], encoder.fingerprint)
    encode_to_file(encoder, [], tmp_path / "none.npy")
    assert np.load(tmp_path / "none.npy").shape == (0, 6)


def test_parquet_holds_vectors_and_flags(encoder: StaticEncoder, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    encode_to_file(encoder, TEXTS, tmp_path / "out.parquet", chunk_texts=8)
    table = parquet.read_table(tmp_path / "out.parquet")
    found = np.stack(table["vector"].to_numpy())
    np.testing.assert_array_equal(found, encoder.encode(TEXTS).vectors)
    assert np.flatnonzero(table["is_empty"].to_numpy()).tolist() == [50, 51]
    assert table["n_tokens"].to_pylist() == encoder.encode(TEXTS).n_tokens.tolist()
    assert json.loads(table.schema.metadata[b"qianru"])["model"] == encoder.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def killed_after(n: int) -> Iterator[str]:
    yield from TEXTS[:n]
    raise KeyboardInterrupt


@pytest.mark.parametrize("suffix", ["npy", "parquet"])
@pytest.mark.parametrize("n", [3, 8, 30])
def test_a_killed_run_goes_on(encoder: StaticEncoder, tmp_path: Path, suffix: str, n: int) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow.parquet")
    path = tmp_path / f"out.{suffix}"
    with pytest.raises(KeyboardInterrupt):
        encode_to_file(encoder, killed_after(n), path, chunk_texts=8)
    assert not path.exists()
    if n >= 8:
        with (tmp_path / f"out.{suffix}.part").open("ab") as torn:
            torn.write(b"half a row")
        with pytest.raises(OutputError, match="unfinished run"):
            encode_to_file(encoder, TEXTS, path, chunk_texts=8)
    written = encode_to_file(encoder, TEXTS, path, chunk_texts=8, resume=True)
    assert written.n_resumed == n // 8 * 8
    assert written.empty.tolist() == [50, 51]
    whole = tmp_path / f"whole.{suffix}"
    encode_to_file(encoder, TEXTS, whole, chunk_texts=50)
    assert suffix == "parquet" or path.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob("*.part*"))


def test_a_run_of_other_things_is_not_gone_on_with(encoder: StaticEncoder, tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    with pytest.raises(KeyboardInterrupt):
        encode_to_file(encoder, killed_after(20), path, chunk_texts=8)
    with pytest.raises(ArgumentError, match="first 16 texts are not those"):
        encode_to_file(encoder, ["other", *TEXTS], path, resume=True)
    with pytest.raises(ArgumentError, match="first 16 texts are not those"):
        encode_to_file(encoder, TEXTS[:5], path, resume=True)
    other = StaticEncoder.from_vectors(Vectors(["cat"], np.ones((1, 6), np.float32)))
    with pytest.raises(ArgumentError, match="another model"):
        encode_to_file(other, TEXTS, path, resume=True)
    state = tmp_path / "out.npy.part.json"
    good = state.read_text()
    for damaged in ("{", "[]", good.replace("16", "1600"), good.replace("16", "-1"), "{}"):
        state.write_text(damaged)
        with pytest.raises(FormatError, match="damaged"):
            encode_to_file(encoder, TEXTS, path, resume=True)
    encode_to_file(encoder, TEXTS, path, force=True)
    assert len(np.load(path)) == len(TEXTS)
    with pytest.raises(OutputError, match="exists already"):
        encode_to_file(encoder, TEXTS, path)


def test_a_corpus_keeps_its_empty_lines(encoder: StaticEncoder, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("cat\n\ntiger\n", encoding="utf-8")
    shares: list[float] = []
    written = encode_to_file(
        encoder,
        Corpus(tmp_path / "text.txt"),
        tmp_path / "out.npy",
        progress=lambda report: shares.append(report.done),
    )
    assert (written.n_texts, written.empty.tolist()) == (3, [1])
    assert shares[-1] == 1.0
    with pytest.raises(ArgumentError, match=r"^texts\[5\] must be a str, got int$"):
        encode_to_file(encoder, [*"abcde", 7], tmp_path / "n.npy", chunk_texts=2)  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="must end in"):
        encode_to_file(encoder, TEXTS, tmp_path / "out.csv")
    with pytest.raises(OutputError, match="no folder"):
        encode_to_file(encoder, TEXTS, tmp_path / "none" / "out.npy")


def test_rows_of_another_run_are_not_gone_on_with(
    encoder: StaticEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that starts anew and is killed after its first rows leaves no state of the run before."""
    out = tmp_path / "out.npy"

    def cut_off(n: int) -> Iterator[str]:
        yield from TEXTS[:n]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_to_file(encoder, cut_off(16), out, chunk_texts=8)
    with monkeypatch.context() as patched:
        patched.setattr("qianru.contextual.encode_stream.new_file", _killed)
        with pytest.raises(OutputError, match="killed"):
            encode_to_file(encoder, ["zebra"] * 20, out, chunk_texts=8, force=True)
    encode_to_file(encoder, TEXTS, out, chunk_texts=8, resume=True, force=True)
    np.testing.assert_array_equal(np.load(out), encoder.encode(TEXTS).vectors)


def _killed(*_: object, **__: object) -> None:
    raise OSError("killed")


def test_what_stands_beside_is_not_overwritten(encoder: StaticEncoder, tmp_path: Path) -> None:
    for name in ("u.npy.json", "u.npy.part", "u.npy.part.flags"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(OutputError, match=name):
            encode_to_file(encoder, TEXTS, tmp_path / "u.npy")
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()
    (tmp_path / "d.npy").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        encode_to_file(encoder, TEXTS, tmp_path / "d.npy", force=True)
    with pytest.raises(ArgumentError, match="must be a str"):
        encode_to_file(encoder, [1], tmp_path / "v.npy")  # type: ignore[list-item]
    assert [path.name for path in tmp_path.iterdir()] == ["d.npy"]


def test_a_link_stays_one(encoder: StaticEncoder, tmp_path: Path) -> None:
    (tmp_path / "real.npy").write_text("old")
    (tmp_path / "link.npy").symlink_to(tmp_path / "real.npy")
    encode_to_file(encoder, TEXTS, tmp_path / "link.npy", force=True)
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(tmp_path / "real.npy").shape == (52, 6)
