"""Every foreign format: out and in again, as others write it, and words that are hard to hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from qianru.errors import ArgumentError, FormatError, OutputError
from qianru.vectors import Vectors, load

BOTH_WAYS = [
    "v.bin",
    "v.txt",
    "v.glove",
    "v.glove.gz",
    "v.safetensors",
    "v.npy",
    "vectors.npy",
    "v.tsv",
    "vectors.tsv",
]
# Words of the large GloVe file, and what else a corpus throws up.
HARD = [
    ". . .",
    "at name@domain.com",
    "a\u00a0b",
    "\u00a0",
    "\u3000",
    "中\u3000文",
    "\u0085",
    "<unk>",
    "1",
    "-",
    '"',
    "1.5e3",
]
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r \ufeff"), min_size=1, max_size=9
)


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_comes_back_the_same(vectors: Vectors, tmp_path: Path, name: str) -> None:
    vectors.export(tmp_path / name)
    loaded = load(tmp_path / name)
    assert loaded.keys == vectors.keys
    assert loaded.fingerprint == vectors.fingerprint
    assert loaded.provenance["source"] == name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXT, min_size=1, max_size=8, unique=True), st.integers(1, 6), st.sampled_from(BOTH_WAYS))
def test_any_words(tmp_path: Path, words: list[str], dim: int, name: str) -> None:
    matrix = np.random.default_rng(len(words)).standard_normal((len(words), dim)).astype(np.float32)
    words = [word.replace("\x0b", "v").replace("\x0c", "f") + str(row) for row, word in enumerate(words)]
    Vectors(words, matrix).export(tmp_path / name, force=True)
    loaded = load(tmp_path / name)
    assert loaded.keys == words
    np.testing.assert_array_equal(loaded.to_numpy(), matrix)


@pytest.mark.parametrize("name", ["v.glove", "v.safetensors", "v.npy", "v.tsv", "folder"])
def test_hard_words(tmp_path: Path, name: str) -> None:
    made = Vectors(HARD, np.random.default_rng(1).standard_normal((len(HARD), 4)).astype(np.float32))
    made.save(tmp_path / name) if name == "folder" else made.export(tmp_path / name)
    loaded = load(tmp_path / name)
    assert loaded.keys == HARD
    assert loaded.fingerprint == made.fingerprint


def test_word2vec_text_holds_all_but_ascii_spaces(tmp_path: Path) -> None:
    words = [word for word in HARD if " " not in word]
    made = Vectors(words, np.ones((len(words), 3), np.float32))
    for name in ("v.txt", "v.bin"):
        made.export(tmp_path / name)
        assert load(tmp_path / name).keys == words
    (tmp_path / "spaces.vec").write_bytes(b"2 2\nNew York 1 2\n. . . 3 4\n")
    assert load(tmp_path / "spaces.vec").keys == ["New York", ". . ."]


@pytest.mark.parametrize("word", ["a\tb", "a\nb", " a", "a ", "a 1", "a 1.5e3"])
def test_glove_refuses_what_it_could_not_read_back(tmp_path: Path, word: str) -> None:
    with pytest.raises(ArgumentError, match="cannot be told"):
        Vectors([word], np.ones((1, 2), np.float32)).export(tmp_path / "v.glove")


@pytest.mark.parametrize("name", ["v.glove", "v.npy", "v.tsv", "v.txt", "v.safetensors", "v.bin"])
def test_a_byte_order_mark_is_no_beginning_of_a_first_word(tmp_path: Path, name: str) -> None:
    vectors = Vectors(["\ufeffa", "\ufeffb"], np.eye(2, dtype=np.float32))
    if name in ("v.glove", "v.npy", "v.tsv"):
        with pytest.raises(ArgumentError, match=r"begins with U\+FEFF"):
            vectors.export(tmp_path / name)
        assert not list(tmp_path.iterdir())
    else:
        vectors.export(tmp_path / name)
        assert list(load(tmp_path / name)) == ["\ufeffa", "\ufeffb"]


def test_glove_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b". . . 0.5 -1\nthe 0.25 1e-3\n<unk> 1 2\n")
    loaded = load(tmp_path / "v")
    assert loaded.keys == [". . .", "the", "<unk>"]
    np.testing.assert_array_equal(loaded.to_numpy(), np.array([[0.5, -1], [0.25, 1e-3], [1, 2]], np.float32))


@pytest.mark.parametrize(
    ("data", "message", "offset"),
    [
        (b"a 1 2\nb 1 2 3\nc 1 2\n", "line 2: 3 numbers where dim is 2", 6),
        (b"a 1 2\nb 1\nc 1 2\n", "line 2: 1 numbers where dim is 2", 6),
        (b"a 1 2\nb 1 nan\nc 1 2\n", "line 2: .*NaN", 10),
        (b"a 1 2\nb 1 x\nc 1 2\n", "line 2: not a number", 10),
        (b"a 1 2\n\nc 1 2\n", "line 2: 0 numbers", 6),
        (b"a 1 2\nb 1 2\nc 1", "line 3: 1 numbers", 12),
        (b"\xef\xbb\xbfa 1 2\n", "byte order mark", 0),
        (b"a 1 2\na 1 2\n", "comes twice", None),
        (b"a 1 2\rb 1 2\r", "ends in CR alone", 0),
        (b"3 2\ra 1 2\rb 1 2\rc 1 2\r", "ends in CR alone", 0),
        (b"2 2\na 1 2\rb 1 2\r", "ends in CR alone", 4),
        (b"1 2\r2 3\r3 4\r", "ends in CR alone", 0),
        (b"a 1 2\nb 1 2\rc 1 2\n", "ends in CR alone", None),
        (b"a 1 2\n\xff 1 2\n", "not UTF-8", 6),
    ],
)
def test_broken_glove(tmp_path: Path, data: bytes, message: str, offset: int | None) -> None:
    (tmp_path / "v").write_bytes(data)
    with pytest.raises(FormatError, match=message) as caught:
        load(tmp_path / "v")
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("data", "keys", "repairs"),
    [
        (b"\xef\xbb\xbfa 1 2\nb 1 2\n", ["a", "b"], ["byte order mark dropped"]),
        (b"\xef\xbb\xbf2 2\na 1 2\nb 1 2\n", ["a", "b"], ["byte order mark dropped"]),
        (b"a 1 2\nb 1 2\nc 1", ["a", "b"], ["last row dropped: cut off"]),
        (b"9 2\na 1 2\nb 1 2\n", ["a", "b"], ["header said 9 rows, there are 2"]),
        (b"1 2\na 1 2\nb 1 2\n", ["a", "b"], ["header said 1 rows, there are 2"]),
        (
            b"3 2\r\na\t1 2\r\nb 1\t2\r\nc 1",
            ["a", "b"],
            ["last row dropped: cut off", "header said 3 rows, there are 2"],
        ),
        (b"2 1\na \0\0\0\0b \0\0\0", ["a"], ["last row dropped: cut off", "header said 2 rows, there are 1"]),
    ],
)
def test_what_can_be_mended(tmp_path: Path, data: bytes, keys: list[str], repairs: list[str]) -> None:
    (tmp_path / "v").write_bytes(data)
    with pytest.raises(FormatError):
        load(tmp_path / "v")
    mended = Vectors.load(tmp_path / "v", repair=True)
    assert mended.keys == keys
    assert mended.provenance["repairs"] == repairs


def test_mending_keeps_the_first_of_equal_words_and_does_not_guess(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"a 1 2\nb 3 4\na 5 6\n")
    mended = Vectors.load(tmp_path / "v", repair=True)
    np.testing.assert_array_equal(mended.to_numpy(), [[1, 2], [3, 4]])
    assert mended.provenance["n_repeated_words_dropped"] == 1
    for data in (b"a 1 2\nb 1 x\nc 1 2\n", b"a 1 2\nb 1\nc 1 2\n", b"2 2\na 1 nan\nb 1 2\n"):
        (tmp_path / "v").write_bytes(data)
        with pytest.raises(FormatError):
            Vectors.load(tmp_path / "v", repair=True)


@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v.glove", "v.npy", "v.tsv", "folder"])
def test_bytes_that_are_not_utf8_come_back(tmp_path: Path, name: str) -> None:
    words = [b"caf\xe9", b"\xff\xfe", "猫".encode(), b"a"]
    data = b"4 2\n" + b"".join(word + b" 1 2\n" for word in words)
    (tmp_path / "in.txt").write_bytes(data)
    with pytest.raises(FormatError, match="not UTF-8"):
        load(tmp_path / "in.txt")
    kept = Vectors.load(tmp_path / "in.txt", errors="surrogateescape")
    assert kept.index("caf\udce9") == 0
    assert Vectors(list(kept.keys), kept.to_numpy().copy()).fingerprint == kept.fingerprint
    kept.save(tmp_path / name) if name == "folder" else kept.export(tmp_path / name)
    again = Vectors.load(tmp_path / name, errors="surrogateescape", verify=name == "folder")
    assert again.fingerprint == kept.fingerprint
    again.export(tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == data
    with pytest.raises(ArgumentError, match="not UTF-8"):
        kept.export(tmp_path / "v.safetensors")


def test_safetensors_as_others_write_it(tmp_path: Path) -> None:
    matrix = np.random.default_rng(2).standard_normal((4, 3))
    words = ["[PAD]", "猫", "dog"]
    for dtype in (np.float64, np.float32, np.float16):
        save_file(
            {"embedding.weight": matrix.astype(dtype), "other": np.ones((2, 2))}, tmp_path / "m.safetensors"
        )
        (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
        loaded = load(tmp_path / "m.safetensors")
        assert loaded.keys == words
        np.testing.assert_array_equal(loaded.to_numpy(), matrix[:3].astype(dtype).astype(np.float32))
    (tmp_path / "vocab.txt").unlink()
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"b": 1, "a": 0}}}))
    assert load(tmp_path / "m.safetensors").keys == ["a", "b"]
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(FormatError, match="without its words"):
        load(tmp_path / "m.safetensors")
    save_file(
        {"x": np.ones((2, 2)), "y": np.ones((2, 2))},
        tmp_path / "m.safetensors",
        metadata={"vocab": '["a", "b"]'},
    )
    with pytest.raises(FormatError, match=r"2 matrices .*x, y") as caught:
        load(tmp_path / "m.safetensors")
    assert "keep one of them in the file" in caught.value.hint
    header = b'{"x":{"dtype":[0],"shape":[1,1],"data_offsets":[0,4]}}'
    (tmp_path / "m.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(FormatError, match="0 matrices"):
        load(tmp_path / "m.safetensors")


def test_others_open_our_safetensors(vectors: Vectors, tmp_path: Path) -> None:
    vectors.export(tmp_path / "v.safetensors")
    np.testing.assert_array_equal(load_file(tmp_path / "v.safetensors")["embeddings"], vectors.to_numpy())


def test_hugging_face_folder(vectors: Vectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "m")
    for name in ("qianru.json", "keys.safetensors"):
        (tmp_path / "m" / name).unlink()
    loaded = load(tmp_path / "m")
    assert loaded.keys[:-1] == list(vectors.keys)
    np.testing.assert_array_equal(loaded.to_numpy()[:-1], vectors.to_numpy())


def test_projector_as_others_write_it(tmp_path: Path) -> None:
    (tmp_path / "vectors.tsv").write_bytes(b"0.5\t1\n-1\t2e1\n")
    (tmp_path / "metadata.tsv").write_bytes("Count\tWord\n7\t猫\n3\tNew York\n".encode())
    loaded = load(tmp_path / "vectors.tsv")
    assert loaded.keys == ["猫", "New York"]
    np.testing.assert_array_equal(loaded.to_numpy(), [[0.5, 1], [-1, 20]])
    (tmp_path / "metadata.tsv").write_bytes(b"a\nb\nc\n")
    with pytest.raises(FormatError, match="3 lines for 2 rows"):
        load(tmp_path / "vectors.tsv")
    (tmp_path / "metadata.tsv").unlink()
    with pytest.raises(FormatError, match="numbers without their words"):
        load(tmp_path / "vectors.tsv")


def test_numpy_as_others_write_it(tmp_path: Path) -> None:
    matrix = np.random.default_rng(3).standard_normal((3, 5))
    (tmp_path / "words.txt").write_text("a\nb\nc")
    for made in (matrix, matrix.astype(np.float16), np.asfortranarray(matrix), np.ones((3, 2), np.int64)):
        np.save(tmp_path / "m.npy", made)
        np.testing.assert_array_equal(load(tmp_path / "m.npy").to_numpy(), made.astype(np.float32))
    for bad in (
        np.ones(3),
        np.ones((2, 2, 2)),
        np.ones((3, 2), np.complex64),
        np.full((3, 2), np.nan),
        np.full((3, 2), 1e300),
    ):
        np.save(tmp_path / "m.npy", bad)
        with pytest.raises(FormatError):
            load(tmp_path / "m.npy")
    np.save(tmp_path / "m.npy", np.array([[{}]]), allow_pickle=True)
    with pytest.raises(FormatError, match="object"):
        load(tmp_path / "m.npy")


def test_what_is_not_opened(tmp_path: Path) -> None:
    for data, message in [
        (b"\x80\x04\x95", "pickle"),
        (b"PK\x03\x04", r"zip[^$]*nor \.npz"),
        (b"GGUF\x03", "GGUF"),
        (b"", "empty"),
    ]:
        (tmp_path / "v").write_bytes(data)
        with pytest.raises(FormatError, match=message):
            load(tmp_path / "v")


def test_nothing_is_left_of_half_a_pair(vectors: Vectors, tmp_path: Path) -> None:
    (tmp_path / "vectors.tsv").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        vectors.export(tmp_path / "vectors.tsv")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["vectors.tsv"]


@pytest.mark.parametrize("suffix", ["tsv", "npy"])
def test_two_files_in_a_folder_keep_their_own_words(tmp_path: Path, suffix: str) -> None:
    names = ["vectors", "my_vectors", "my", "my.vectors", "matrix", "tensors", "v"]
    for n, name in enumerate(names):
        Vectors([f"{name}a", f"{name}b"], np.eye(2, dtype=np.float32) + n).export(
            tmp_path / f"{name}.{suffix}", force=True
        )
    for name in names:
        assert list(load(tmp_path / f"{name}.{suffix}")) == [f"{name}a", f"{name}b"]


def test_a_file_s_own_words_come_before_shared_ones(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.eye(2, dtype=np.float32))
    save_file({"embeddings": np.eye(2, dtype=np.float32)}, tmp_path / "v.safetensors")
    for name, words in (
        ("vocab.txt", "x\ny\n"),
        ("vocab.json", '{"x": 0, "y": 1}'),
        ("v.words.txt", "a\nb\n"),
    ):
        (tmp_path / name).write_text(words)
    assert list(load(tmp_path / "v.npy")) == list(load(tmp_path / "v.safetensors")) == ["a", "b"]


def test_glove_of_one_number_is_no_header(tmp_path: Path) -> None:
    made = [
        Vectors(["1", "cat"], np.array([[number], [5]], np.float32)) for number in (1, 1.5, -1, -0.0, 1e20)
    ]
    with pytest.raises(ArgumentError, match="would be read as word2vec's header"):
        made[0].export(tmp_path / "v.glove")
    for vectors in made[1:]:
        vectors.export(tmp_path / "v.glove", force=True)
        assert list(load(tmp_path / "v.glove")) == ["1", "cat"]


@pytest.mark.parametrize(("pad", "front"), [(1, 0), (2, 0), (3, 0), (0, 1), (0, 3)])
def test_safetensors_that_are_not_aligned(tmp_path: Path, pad: int, front: int) -> None:
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    head = json.dumps(
        {
            "__metadata__": {"vocab": '["a", "b"]'},
            "front": {"dtype": "U8", "shape": [front], "data_offsets": [0, front]},
            "embeddings": {"dtype": "F32", "shape": [2, 3], "data_offsets": [front, front + 24]},
        }
    ).encode()
    head += b" " * ((pad - len(head)) % 4)
    (tmp_path / "v.safetensors").write_bytes(
        len(head).to_bytes(8, "little") + head + bytes(front) + matrix.tobytes()
    )
    loaded = load(tmp_path / "v.safetensors")
    np.testing.assert_array_equal(loaded.to_numpy(), matrix)
    np.testing.assert_array_equal(load_file(tmp_path / "v.safetensors")["embeddings"], matrix)
