"""The model folder: what is written comes back, others can open it, and nothing is ever lost on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import qianru.vectors.folder as folder_module
from qianru.errors import OutputError
from qianru.vectors import Vectors, load

FILES = [
    "config.json",
    "keys.safetensors",
    "model.safetensors",
    "modules.json",
    "qianru.json",
    "tokenizer.json",
    "tokenizer_config.json",
]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_comes_back_the_same(vectors: Vectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "model")
    loaded = Vectors.load(tmp_path / "model", verify=True)
    assert loaded.keys == vectors.keys
    np.testing.assert_array_equal(loaded.to_numpy(), vectors.to_numpy())
    np.testing.assert_array_equal(loaded.counts, vectors.counts)
    assert dict(loaded.provenance) == dict(vectors.provenance)
    assert loaded.fingerprint == vectors.fingerprint
    assert loaded.similar("猫") == vectors.similar("猫")
    with pytest.raises(ValueError, match="read-only"):
        loaded.to_numpy()[0, 0] = 1


def test_without_counts_and_saved_again_from_the_map(tmp_path: Path) -> None:
    Vectors(["a", "b"], np.eye(2, dtype=np.float32)).save(tmp_path / "one")
    loaded = load(tmp_path / "one")
    assert loaded.counts is None
    loaded.save(tmp_path / "two")
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")
    # Onto itself, while it is mapped.
    loaded.save(tmp_path / "one", force=True)
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")
    np.testing.assert_array_equal(loaded["b"], [0, 1])


def test_the_files_are_those_of_the_layout(vectors: Vectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "model")
    assert sorted(os.listdir(tmp_path / "model")) == FILES
    tensors = load_file(tmp_path / "model" / "model.safetensors")
    np.testing.assert_array_equal(tensors["embeddings"], np.vstack([vectors.to_numpy(), np.zeros((1, 10))]))
    keys = load_file(tmp_path / "model" / "keys.safetensors")
    assert sorted(keys) == ["bytes", "counts", "offsets", "table"]
    assert keys["bytes"].tobytes().decode() == "".join(vectors)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["hidden_dim"] == 10
    about = json.loads((tmp_path / "model" / "qianru.json").read_text())
    assert about["format_version"] == 1
    assert about["fingerprint"] == vectors.fingerprint
    assert about["corpus_fingerprint"] == "abc"
    assert about["provenance"] == dict(vectors.provenance)


def test_the_table_is_what_the_reference_page_says(vectors: Vectors, tmp_path: Path) -> None:
    """docs/reference/model-folder.md gives this lookup; here it is, word for word, without our code."""
    vectors.save(tmp_path / "model")
    tensors = load_file(tmp_path / "model" / "keys.safetensors")
    offsets, table, data = tensors["offsets"].tolist(), tensors["table"].tolist(), tensors["bytes"].tobytes()

    def find(word: str) -> int:
        h = 0xCBF29CE484222325
        for byte in word.encode():
            h = (h ^ byte) * 0x100000001B3 % 2**64
        h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD % 2**64
        h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 % 2**64
        h ^= h >> 33
        for probe in range(len(table)):
            slot = table[(h + probe) % len(table)]
            if slot == 2**64 - 1:
                return -1
            row = slot % 2**32
            if slot >> 32 == h >> 32 and data[offsets[row] : offsets[row + 1]] == word.encode():
                return row
        return -1

    assert [find(word) for word in vectors] == list(range(len(vectors)))
    assert find("龙") == -1


def test_tokenizer_of_han_words(vectors: Vectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "model")
    tokenizer = Tokenizer.from_file(str(tmp_path / "model" / "tokenizer.json"))
    for row, word in enumerate(vectors):
        assert tokenizer.encode(word).ids == [row], word
    cut = tokenizer.encode("国王，女王don't北京大学的老虎").ids
    assert [vectors.keys[i] if i < 19 else "?" for i in cut] == [
        "国王",
        "女王",
        "don't",
        "北京大学",
        "?",
        "老虎",
    ]


def test_a_rare_word_of_common_characters_stays_whole(tmp_path: Path) -> None:
    words = ["一", "个", "一个", "一一个", "x"]
    made = Vectors(words, np.ones((5, 2), np.float32), counts=[10**6, 10**6, 5, 1, 0])
    made.save(tmp_path / "model")
    tokenizer = Tokenizer.from_file(str(tmp_path / "model" / "tokenizer.json"))
    assert [tokenizer.encode(word).ids for word in words] == [[0], [1], [2], [3], [4]]


def test_tokenizer_without_han_words(tmp_path: Path) -> None:
    words = ["king", "don't", "state-of-the-art", "3.14", "naïve", "猫", "[UNK]"]
    Vectors(words, np.ones((7, 2), np.float32), provenance={"corpus": {"lowercase": True}}).save(
        tmp_path / "model"
    )
    text = json.loads((tmp_path / "model" / "tokenizer.json").read_text())
    assert text["model"]["type"] == "WordLevel"
    assert text["model"]["unk_token"] == "[[UNK]]"
    tokenizer = Tokenizer.from_file(str(tmp_path / "model" / "tokenizer.json"))
    for row, word in enumerate(words[:-1]):
        assert tokenizer.encode(word).ids == [row], word
    assert tokenizer.encode("King, unheard 猫猫!").ids == [0, 7, 5, 5]


def test_an_existing_output_is_refused_and_forced(vectors: Vectors, tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    vectors.save(target)  # an empty folder is no loss
    before = snapshot(target)
    other = vectors.normalise()
    with pytest.raises(OutputError, match="exists already"):
        other.save(target)
    assert snapshot(target) == before
    other.save(target, force=True)
    assert load(target).fingerprint == other.fingerprint
    assert os.listdir(tmp_path) == ["model"]


def test_what_is_not_ours_is_never_deleted(vectors: Vectors, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        vectors.save(tmp_path / "file", force=True)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("mine")
    with pytest.raises(OutputError, match="not a qianru model folder"):
        vectors.save(tmp_path / "photos", force=True)
    vectors.save(tmp_path / "model")
    (tmp_path / "model" / "notes.md").write_text("mine")
    with pytest.raises(OutputError, match=r"files of yours: notes\.md"):
        vectors.save(tmp_path / "model", force=True)
    assert (tmp_path / "photos" / "cat.jpg").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["file", "model", "photos"]


def test_a_link_stays_a_link(vectors: Vectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    vectors.normalise().save(tmp_path / "link", force=True)
    assert (tmp_path / "link").is_symlink()
    assert load(tmp_path / "real").fingerprint == vectors.normalise().fingerprint


@pytest.mark.parametrize("failing", ["_write_tensors", "_write_keys", "write_word_tokenizer", "_write_json"])
def test_a_full_disk_leaves_the_old_model(
    vectors: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    vectors.save(tmp_path / "model")
    before = snapshot(tmp_path / "model")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_module, failing, full)
    with pytest.raises(OutputError, match="No space left"):
        vectors.normalise().save(tmp_path / "model", force=True)
    assert snapshot(tmp_path / "model") == before
    assert os.listdir(tmp_path) == ["model"]


def test_a_failed_rename_brings_the_old_model_back(
    vectors: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors.save(tmp_path / "model")
    before = snapshot(tmp_path / "model")
    rename = os.rename

    def failing(source: Path, target: Path) -> None:
        if str(source).endswith(".part"):
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OutputError, match="Input/output"):
        vectors.normalise().save(tmp_path / "model", force=True)
    assert snapshot(tmp_path / "model") == before
    assert os.listdir(tmp_path) == ["model"]


_LIMITED = """
import resource, sys, numpy as np
from qianru.errors import OutputError
from qianru.vectors import Vectors
vectors = Vectors([f"w{i}" for i in range(2000)], np.ones((2000, 50), np.float32))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    vectors.save(sys.argv[1])
except OutputError as error:
    print(error.message)
try:
    vectors.export(sys.argv[1] + ".bin")
except OutputError as error:
    print(error.message)
"""


def test_a_real_write_that_fails(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path / "model")], capture_output=True, text=True, check=True
    )
    assert run.stdout.count("cannot be written: File too large") == 2
    assert os.listdir(tmp_path) == []


def test_nowhere_to_write(vectors: Vectors, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        vectors.save(tmp_path / "missing" / "model")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        vectors.save(tmp_path / "file" / "model")


def test_interrupted_writing_leaves_nothing(
    vectors: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder_module, "_write_keys", interrupt)
    with pytest.raises(KeyboardInterrupt):
        vectors.save(tmp_path / "model")
    assert os.listdir(tmp_path) == []


def test_interrupted_while_the_old_model_is_deleted(
    vectors: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors.save(tmp_path / "model")
    rmtree = shutil.rmtree

    def interrupted(path: Path, **options: bool) -> None:
        signal.raise_signal(signal.SIGINT)
        rmtree(path, **options)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    other = vectors.normalise()
    with pytest.raises(KeyboardInterrupt):
        other.save(tmp_path / "model", force=True)
    assert os.listdir(tmp_path) == ["model"]
    assert load(tmp_path / "model", verify=True).fingerprint == other.fingerprint


@pytest.mark.parametrize(("maker", "name"), [("mkdtemp", "model"), ("mkstemp", "vectors.bin")])
def test_interrupted_while_the_temporary_one_is_made(
    vectors: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: str, name: str
) -> None:
    make = getattr(tempfile, maker)

    def interrupted(**options: object) -> object:
        made = make(**options)
        signal.raise_signal(signal.SIGINT)
        return made

    monkeypatch.setattr(tempfile, maker, interrupted)
    with pytest.raises(KeyboardInterrupt):
        (vectors.save if maker == "mkdtemp" else vectors.export)(tmp_path / name)
    assert os.listdir(tmp_path) == []


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_large(tmp_path: Path, n: int, dim: int) -> tuple[float, int]:
    """Seconds to open and look one word up, best of three, and the memory that took."""
    matrix = np.zeros((n, dim), np.float32)
    matrix[:, 0] = np.arange(n) % 1000 + 1
    Vectors([f"word{i}" for i in range(n)], matrix, counts=np.arange(n)).save(tmp_path / "model")
    times, before = [], resident_bytes()
    for _ in range(3):
        begin = time.perf_counter()
        vectors = load(tmp_path / "model")
        row = vectors["word77"]
        times.append(time.perf_counter() - begin)
        assert row[0] == 78
    assert isinstance(vectors.to_numpy().base, np.ndarray)
    return min(times), resident_bytes() - before


def test_opening_does_not_read(tmp_path: Path) -> None:
    seconds, n_bytes = open_large(tmp_path, 100_000, 50)
    assert seconds < 0.05
    assert n_bytes < 4_000_000  # of 20 MB of matrix and 5 MB of keys


@pytest.mark.slow
def test_a_million_rows_open_in_50_milliseconds(tmp_path: Path) -> None:
    seconds, n_bytes = open_large(tmp_path, 1_000_000, 300)
    assert seconds < 0.05
    assert n_bytes < 20_000_000
