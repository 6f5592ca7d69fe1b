"""Where text comes from: paths, compression, encodings, JSON lines, standard input."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import json
import lzma
import os
import sys
import threading
from pathlib import Path

import pytest

from qianru.errors import ArgumentError, CorpusError, OutputError
from qianru.text import Corpus

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = "The tiger sleeps.\n老虎在睡觉。\n\nnaïve café"
LINES = TEXT.split("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "b.txt": "two",
        "a/z.txt": "one",
        "c": "three",
        ".hidden": "no",
        ".git/x": "no",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return tmp_path


def test_folders_are_read_in_order_without_hidden_files(folder: Path) -> None:
    assert list(Corpus(folder).lines()) == ["one", "two", "three"]
    assert list(Corpus(str(folder / "*.txt"), folder / "a").lines()) == ["two", "one"]
    assert list(Corpus(str(folder / "**" / "*.txt")).lines()) == ["one", "two"]
    assert list(Corpus(folder / "c", folder / "c").lines()) == ["three", "three"]


def test_files_are_kept_apart(folder: Path) -> None:
    (folder / "c").write_text("no end")
    assert list(Corpus(folder / "c", folder / "b.txt").words()) == [["no", "end"], ["two"]]


@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        gzip.compress,
        bz2.compress,
        lzma.compress,
        zstd.compress,
        lambda d: gzip.compress(d[:9]) + gzip.compress(d[9:]),
    ],
    ids=["plain", "gz", "bz2", "xz", "zst", "gz members"],
)
def test_compression_is_told_by_the_first_bytes(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "any.name"
    path.write_bytes(pack(TEXT.encode()))
    assert list(Corpus(path).lines()) == LINES
    assert Corpus(path).encode(min_count=1).n_bytes == len(TEXT.encode())


def test_text_that_begins_like_a_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("BZh is how bzip2 begins")
    assert next(Corpus(path).words())[0] == "BZh"


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "gb18030", "gbk", "big5", "utf-16", "utf-16-le", "utf-32", "shift_jis"]
)
def test_encodings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    text = "tiger 老虎 人民\n中国" * 20
    path = tmp_path / "text"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding, "ignore"))
    expected = list(Corpus(text.encode(encoding, "ignore").decode(encoding).split("\n")).words())
    for block_bytes in (4, 7, 1 << 20):
        monkeypatch.setattr("qianru.text.blocks.BLOCK_BYTES", block_bytes)
        corpus = Corpus(path, encoding=encoding, errors="strict")
        assert list(corpus.words()) == expected
        assert corpus.encode(min_count=1).n_invalid_bytes == 0


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    records = [{"text": "一 b\nc", "id": 1}, {"id": 2, "text": ""}, {"text": "d \u2028 e"}]
    path.write_text("\n\n".join(json.dumps(r) for r in records), encoding="utf-8")
    assert list(Corpus(path, field="text").words()) == [["一", "b"], ["c"], ["d", "e"]]
    assert Corpus(path, field="text").encode(min_count=1).n_raw_tokens == 5


def test_standard_input_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(TEXT.encode())))
    monkeypatch.setattr(sys, "stdin", stdin)
    corpus = Corpus("-")
    assert list(corpus.lines()) == LINES
    assert list(corpus.lines()) == LINES


def test_json_lines_with_numbers_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    digits = "7" * 5000
    path.write_text(f'{{"n": {digits}, "text": "a tiger"}}\n{{"n": -1, "text": "b"}}\n', encoding="utf-8")
    assert list(Corpus(path, field="text").lines()) == ["a tiger", "b"]
    with pytest.raises(CorpusError, match="the field 'n' is a JSON number, not a string"):
        list(Corpus(path, field="n").lines())


def test_named_pipes_can_be_read_again(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a b\nc",))
    writer.start()
    corpus = Corpus(pipe)
    assert [list(corpus.lines()), list(corpus.lines())] == [["a b", "c"]] * 2
    writer.join()


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty" / ".hidden").mkdir(parents=True)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for bad, message in [
        (tmp_path / "none.txt", "no such file"),
        (str(tmp_path / "*.gz"), "no file matches"),
        (tmp_path / "empty", "holds no file"),
        (tmp_path / "dangling", "link to nothing"),
        ("a\0b", "no such file"),
    ]:
        with pytest.raises(CorpusError, match=message):
            Corpus(bad)


def test_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.write_text("a")
    path.chmod(0)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(CorpusError, match="no permission to read"):
        Corpus(path)


def test_a_full_disk_while_standard_input_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    monkeypatch.setattr("tempfile.NamedTemporaryFile", lambda **_: open("/dev/full", "w+b"))
    with pytest.raises(OutputError, match="cannot copy standard input to a temporary file"):
        Corpus("-").encode(min_count=1)


def test_a_failing_device_is_not_called_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text"
    path.write_text("a")

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("qianru.text.reading._decompressed", broken)
    path.write_bytes(gzip.compress(b"a"))
    with pytest.raises(CorpusError, match=r"cannot read .*text: Input/output error"):
        Corpus(path).encode(min_count=1)


def test_inputs_that_are_no_corpus(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    with open(path) as handle:
        for bad in [(line for line in ["a"]), iter(["a"]), map(str, [1]), handle]:
            with pytest.raises(ArgumentError, match="only once"):
                Corpus(bad)
    for several, message in [
        ((), "empty"),
        ((b"a",), "bytes"),
        ((3,), "int"),
        (([path],), "list of paths"),
        (([str(path)],), "list of paths"),
        ((["a"], ["b"]), "several"),
        (("-", "-"), "standard input twice"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            Corpus(*several)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "klingon"}, "encoding"),
        ({"encoding": "base64"}, "encoding"),
        ({"errors": "ignore"}, "errors"),
    ],
)
def test_options_out_of_bounds(options: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Corpus(["a"], **options)  # type: ignore[arg-type]
