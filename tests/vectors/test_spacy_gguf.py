"""spaCy's folder by its documented layout, and by spaCy itself where it is installed; GGUF by a parser of its own."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qianru.errors import ArgumentError, FormatError, OutputError
from qianru.vectors import Vectors, load
from qianru.vectors.formats.spacy_vectors import read_key2row, symbols, write_key2row
from qianru.vectors.keys import Keys

HAS_SPACY = importlib.util.find_spec("spacy") is not None


def murmur_64a(data: bytes, seed: int = 1) -> int:
    """MurmurHash64A, step by step."""
    m, mask = 0xC6A4A7935BD1E995, (1 << 64) - 1
    h = seed ^ (len(data) * m & mask)
    for begin in range(0, len(data) // 8 * 8, 8):
        k = int.from_bytes(data[begin : begin + 8], "little") * m & mask
        k = (k ^ k >> 47) * m & mask
        h = (h ^ k) * m & mask
    if rest := data[len(data) // 8 * 8 :]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 47) * m & mask
    return h ^ h >> 47


@given(st.text(min_size=1, max_size=40).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)))
def test_hash(text: str) -> None:
    out = np.empty(1, dtype=np.uint64)
    Keys.from_words([text]).lookup.murmur_hashes(out)
    assert int(out[0]) == murmur_64a(text.encode())


def test_hashes_that_spacy_prints() -> None:
    out = np.empty(1, dtype=np.uint64)
    for word, expected in (("coffee", 3197928453018144401), ("cat", 5439657043933447811)):
        Keys.from_words([word]).lookup.murmur_hashes(out)
        assert int(out[0]) == expected


def test_spacy_folder(vectors: Vectors, tmp_path: Path) -> None:
    vectors.export(tmp_path / "v", format="spacy")
    loaded = load(tmp_path / "v")
    assert loaded.keys == vectors.keys
    assert loaded.fingerprint == vectors.fingerprint
    names = sorted(file.name for file in (tmp_path / "v").iterdir())
    assert names == ["key2row", "lookups.bin", "strings.json", "vectors", "vectors.cfg"]
    with pytest.raises(OutputError, match="exists already"):
        vectors.export(tmp_path / "v", format="spacy")
    vectors.export(tmp_path / "v", format="spacy", force=True)
    (tmp_path / "v" / "mine").write_text("")
    with pytest.raises(OutputError, match="mine"):
        vectors.export(tmp_path / "v", format="spacy", force=True)


def test_spacy_folder_as_spacy_writes_it(tmp_path: Path) -> None:
    # Small integers are written short, rows are in any order, and more strings are listed than have vectors.
    for at in (tmp_path, tmp_path / "pipeline" / "vocab"):
        at.mkdir(parents=True, exist_ok=True)
        np.save(at / "vectors.npy", np.arange(8, dtype=np.float32).reshape(4, 2))
        (at / "vectors.npy").rename(at / "vectors")
        keys = b"".join(
            b"\xcf" + murmur_64a(w.encode()).to_bytes(8, "big") + r
            for w, r in [("b", b"\x02"), ("猫", b"\x00")]
        )
        (at / "key2row").write_bytes(b"\x83" + keys + b"\x5c\x01")
        (at / "strings.json").write_text(json.dumps(["", "b", "other", "猫"]))
    for path in (tmp_path, tmp_path / "pipeline"):
        loaded = load(path)
        known = [word for word in loaded.keys if word != "NOUN"]
        assert known == ["猫", "b"]
        np.testing.assert_array_equal(loaded["b"], [4, 5])
        assert HAS_SPACY or loaded.provenance["n_keys_without_string"] == 1


@pytest.mark.skipif(not HAS_SPACY, reason="spaCy is not installed")
def test_spacy_itself(tmp_path: Path) -> None:
    vocab = importlib.import_module("spacy.vocab").Vocab
    words = ["猫", "dog", "NOUN", "X", "naïve"]
    ours = Vectors(words, np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32))
    ours.export(tmp_path / "v", format="spacy")
    theirs = vocab().from_disk(tmp_path / "v")
    for word in words:
        np.testing.assert_array_equal(theirs.get_vector(word), ours[word])
    theirs.to_disk(tmp_path / "again")
    again = load(tmp_path / "again")
    assert set(again.keys) == set(words)
    for word in words:
        np.testing.assert_array_equal(again[word], ours[word])
    assert symbols()["NOUN"] == 92


@pytest.mark.parametrize(
    ("data", "message", "offset"),
    [
        (b"", "not a MessagePack map", 0),
        (b"\x91\x01", "not a MessagePack map", 0),
        (b"\xdf\x00", "not a MessagePack map", 0),
        (b"\xdf\xff\xff\xff\xff\x01\x01", "a map of 4294967295 entries in 7 bytes", 0),
        (b"\x81\x01", "a map of 1 entries", 0),
        (b"\x81\x01\xcf\x00", "unsigned integer", 2),
        (b"\x81\xc0\x01", "unsigned integer", 1),
        (b"\x81\x01\x01\x01", "bytes after", 3),
        (b"\x81\x01\xcf\x01\0\0\0\0\0\0\0", "a row above", 0),
    ],
)
def test_broken_key2row(tmp_path: Path, data: bytes, message: str, offset: int) -> None:
    (tmp_path / "key2row").write_bytes(data)
    with pytest.raises(FormatError, match=message) as caught:
        read_key2row(tmp_path / "key2row")
    assert caught.value.offset == offset


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30))
def test_key2row_comes_back(tmp_path: Path, numbers: list[int]) -> None:
    (tmp_path / "key2row").write_bytes(write_key2row(np.array(numbers, dtype=np.uint64)))
    hashes, rows = read_key2row(tmp_path / "key2row")
    assert hashes.tolist() == numbers
    assert rows.tolist() == list(range(len(numbers)))


def test_broken_spacy_folders(vectors: Vectors, tmp_path: Path) -> None:
    for name, data in [("strings.json", b"{}"), ("strings.json", b"[1]"), ("strings.json", b'["\\ud800"]'), ("strings.json", b"[]"),
                       ("vectors", b"\x93NUMPY"), ("key2row", write_key2row(np.arange(1000, 1100, dtype=np.uint64)))]:  # fmt: skip
        vectors.export(tmp_path / "v", format="spacy", force=True)
        (tmp_path / "v" / name).write_bytes(data)
        with pytest.raises(FormatError):
            load(tmp_path / "v")


class Gguf:
    """A parser of what the GGUF specification describes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 4
        assert data[:4] == b"GGUF"
        version, n_tensors, n_metadata = self.take("<IQQ")
        assert version == 3
        self.metadata = {self.text(): self.value(self.take("<I")[0]) for _ in range(n_metadata)}
        self.tensors = {}
        for _ in range(n_tensors):
            name, (n_dims,) = self.text(), self.take("<I")
            dims = self.take(f"<{n_dims}Q")
            self.tensors[name] = (dims, *self.take("<IQ"))
        alignment = self.metadata["general.alignment"]
        self.begin = (self.at + alignment - 1) // alignment * alignment

    def take(self, form: str) -> tuple:
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values

    def text(self) -> str:
        (size,) = self.take("<Q")
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def value(self, kind: int) -> object:
        if kind == 4:
            return self.take("<I")[0]
        if kind == 8:
            return self.text()
        assert kind == 9
        item, n = self.take("<IQ")
        return [self.value(item) for _ in range(n)]


def test_gguf(vectors: Vectors, tmp_path: Path) -> None:
    vectors.export(tmp_path / "v.gguf")
    data = (tmp_path / "v.gguf").read_bytes()
    parsed = Gguf(data)
    assert parsed.metadata["tokenizer.ggml.tokens"] == list(vectors.keys)
    assert parsed.metadata["general.architecture"] == "qianru"
    dims, kind, offset = parsed.tensors["token_embd.weight"]
    assert (dims, kind, offset) == ((vectors.dim, len(vectors)), 0, 0)
    matrix = np.frombuffer(data, "<f4", offset=parsed.begin).reshape(len(vectors), vectors.dim)
    np.testing.assert_array_equal(matrix, vectors.to_numpy())


def test_words_that_are_not_utf8_have_no_place_in_either(tmp_path: Path) -> None:
    odd = Vectors(["a\udcff"], np.ones((1, 2), np.float32))
    for name in ("v.gguf", "v.spacy"):
        with pytest.raises(ArgumentError, match="not UTF-8"):
            odd.export(tmp_path / name)
    assert not list(tmp_path.iterdir())
