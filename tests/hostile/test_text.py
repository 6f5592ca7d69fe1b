"""Text that nobody would write: the reader counts, refuses or drops it, and never hangs or crashes."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru._core import LINE_END, Encoder, survey
from qianru.cli.app import run
from qianru.errors import ArgumentError, CorpusError
from qianru.text import Corpus, blocks, split_words

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BAD_UTF8 = [
    b"\xff",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\xaf",
    b"\xe4\xb8",
    b"\xed\xa0\x80",
    b"\xf0\x80\x80\x80",
    b"\xf0\x9f\x92",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\x80\x80",
]


def n_replaced(data: bytes) -> int:
    """Invalid bytes as Python's decoder counts them."""
    n = 0
    while data:
        try:
            data.decode()
            break
        except UnicodeDecodeError as error:
            n += error.end - error.start
            data = data[error.end :]
    return n


@pytest.mark.parametrize("bad", BAD_UTF8, ids=bytes.hex)
def test_invalid_utf8_separates_and_is_counted(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"one\nab" + bad + b"cd e\xcc\x81f" + bad)
    encoded = Corpus(path).encode(min_count=1)
    assert list(Corpus(path).words()) == [["one"], ["ab", "cd", "éf"]]
    assert encoded.n_invalid_bytes == n_replaced(path.read_bytes())
    with pytest.raises(CorpusError, match=rf"{path}, line 2, byte 6: not valid utf-8"):
        Corpus(path, errors="strict").encode(min_count=1)
    with pytest.raises(CorpusError, match="line 2, byte 6"):
        list(Corpus(path, errors="strict").lines())


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*BAD_UTF8, b"a", " é".encode(), "猫咪".encode(), b"\n", b"\xcc\x81", b"\xe1\x84\x80"]
        )
    )
)
def test_any_bytes_are_counted_as_python_counts(parts: list[bytes]) -> None:
    data = b"".join(parts)
    n_invalid, first, spans = survey(data)
    assert n_invalid == n_replaced(data)
    try:
        data.decode()
        assert first == -1
    except UnicodeDecodeError as error:
        assert first == error.start
    for begin, end in spans:
        assert begin == 0 or data[begin - 1 : begin] == b"\n"
        assert end == len(data) or data[end : end + 1] == b"\n"
    encoder = Encoder(True, None)
    encoder.scan(data)


def test_strict_names_the_place_far_into_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbf" + b"good line\n" * 1000 + b"bad \xff\n" + b"more\n" * 9)
    for block_bytes in (64, 1 << 20):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
        with pytest.raises(CorpusError, match="line 1001, byte 10007: not valid utf-8"):
            Corpus(path, errors="strict").encode(threads=2)


@pytest.mark.parametrize(
    ("encoding", "data", "n_invalid", "place"),
    [
        ("gb18030", "老虎\n".encode("gb18030") * 50 + b"\xff\x81", 2, "line 51, byte 250"),
        ("utf-16-le", "ab\n".encode("utf-16-le") * 50 + b"\x00\xd8a\x00b", 3, "line 51, byte 300"),
        ("ascii", b"a\n" * 50 + b"\xe9", 1, "line 51, byte 100"),
    ],
)
def test_invalid_bytes_of_other_encodings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, data: bytes, n_invalid: int, place: str
) -> None:
    path = tmp_path / "text"
    path.write_bytes(data)
    for block_bytes in (16, 1 << 20):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
        assert Corpus(path, encoding=encoding).encode(min_count=1).n_invalid_bytes == n_invalid
        with pytest.raises(CorpusError, match=place):
            Corpus(path, encoding=encoding, errors="strict").encode(min_count=1)


@pytest.mark.parametrize(
    "line", [b"tiger ", "老虎在山上睡觉，".encode(), "老虎".encode(), b"a" * 99 + b"\x00", b"x"], ids=len
)
def test_one_line_of_many_megabytes(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "text"
    n = (6 << 20) // len(line)
    path.write_bytes(line * n + b"\nend end\n")
    started = time.monotonic()
    encoded = Corpus(path).encode(min_count=1, threads=2)
    assert time.monotonic() - started < 30
    assert encoded.n_lines == 2
    n_line_ends = int((encoded.ids == LINE_END).sum())
    assert n_line_ends == (1 if line == b"x" else 2)
    assert encoded.n_long_words == (1 if line == b"x" else 0)


@pytest.mark.parametrize("lines", ["text", "json"])
def test_one_line_of_100_megabytes(tmp_path: Path, lines: str) -> None:
    path = tmp_path / "text"
    sentence, n = "the tiger sleeps, 老虎在睡觉。", 2_800_000
    with path.open("wb") as file:
        file.write(b'{"text": "' if lines == "json" else b"")
        for _ in range(n // 1000):
            file.write(sentence.encode() * 1000)
        file.write(b'"}' if lines == "json" else b"")
    assert path.stat().st_size > 100_000_000
    encoded = Corpus(path, field="text" if lines == "json" else None).encode(min_count=1, threads=2)
    path.unlink()
    assert encoded.n_lines == 1
    assert encoded.counts.tolist() == [n] * len(encoded.keys)
    assert sorted(encoded.keys) == sorted(split_words(sentence))
    assert int((encoded.ids == LINE_END).sum()) == 1
    assert encoded.ids[-1] == LINE_END


def test_words_are_dropped_above_a_thousand_bytes() -> None:
    encoded = Corpus(["a" * 1000, "b" * 1001, "é" * 501, "ok"]).encode(min_count=1)
    assert encoded.keys == ["a" * 1000, "ok"]
    assert encoded.n_long_words == 2
    assert encoded.n_raw_tokens == 2


def test_controls_and_nul_are_separators() -> None:
    controls = [chr(c) for c in [*range(0x20), *range(0x7F, 0xA0)] if c != 10]
    assert split_words(" ".join(f"a{c}b" for c in controls)) == ["a", "b"] * len(controls)
    assert split_words(f"老{controls[0]}虎") == ["老", "虎"]


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zstd.compress], ids=["gz", "bz2", "xz", "zst"]
)
def test_cut_and_flipped_archives(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "packed"
    random_ = random.Random(5)
    data = pack("".join(random_.choices("abcdef gh\n", k=40_000)).encode())
    for damaged in [data[: len(data) // 2], data[:-1], data[:12]]:
        path.write_bytes(damaged)
        with pytest.raises(CorpusError, match=r"packed is damaged or cut short near byte \d+"):
            Corpus(path).encode(min_count=1)
    for _ in range(20):
        flipped = bytearray(data)
        flipped[random_.randrange(12, len(data))] ^= 1 << random_.randrange(8)
        path.write_bytes(flipped)
        try:
            Corpus(path).encode(min_count=1)
        except CorpusError:
            continue


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": "a"', "line 3: not JSON"),
        (b"[" * 100_000, "line 3: not JSON"),
        (b"1" * 5000, "line 3: "),
        (b'["a"]', "line 3: a JSON array, not an object"),
        (b'{"body": "a"}', "line 3: no field 'text'"),
        (b'{"text": null}', "line 3: the field 'text' is a JSON null"),
        (b'{"text": 5}', "line 3: the field 'text' is a JSON number"),
    ],
    ids=["cut", "deep", "long", "array", "missing", "null", "number"],
)
def test_bad_json_lines_are_named(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"text": "a"}\n\n' + line + b"\n")
    with pytest.raises(CorpusError, match=message):
        Corpus(path, field="text").encode(min_count=1)


def test_json_lines_with_invalid_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": "b\xffc"}\n')
    assert list(Corpus(path, field="text").words()) == [["a"], ["b", "c"]]
    assert Corpus(path, field="text").encode(min_count=1).n_invalid_bytes == 1
    with pytest.raises(CorpusError, match="line 2, byte 25: not valid utf-8"):
        Corpus(path, field="text", errors="strict").encode(min_count=1)


def test_json_with_half_a_surrogate_pair(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"text": "ab\ud800cd"}) + "\n")
    assert list(Corpus(path, field="text").words()) == [["ab", "cd"]]
    assert Corpus(path, field="text").encode(min_count=1).n_invalid_bytes == 3
    with pytest.raises(CorpusError, match="lone surrogate"):
        Corpus(path, field="text", errors="strict").encode(min_count=1)


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        (["a", "b\udc80"], CorpusError, "item 1 .*lone surrogate"),
        ([["a"], ["b\udc80"]], CorpusError, "item 1 .*lone surrogate"),
        (["a", 3], ArgumentError, "item 1 .*not int"),
        (["a", ["b"]], ArgumentError, "item 1 .*not list"),
        ([["a"], "b"], ArgumentError, "item 1 .*not str"),
        ([["a", 3]], ArgumentError, "item 0 .*not int"),
        ([["a\n"]], CorpusError, "item 0 .*line feed"),
        ([["a\0"]], CorpusError, "item 0 .*NUL"),
        ([None], ArgumentError, "item 0 .*not NoneType"),
    ],
)
def test_bad_items_of_iterables_are_named(items: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Corpus(items).encode(min_count=1)


def test_contradictory_options() -> None:
    with pytest.raises(ArgumentError, match="split into words already"):
        Corpus([["A"]], lowercase=True).encode(min_count=1)
    with pytest.raises(ArgumentError, match="field"):
        Corpus(["a"], field="text").encode(min_count=1)


def test_a_file_that_vanishes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("a")
    corpus = Corpus(path)
    path.unlink()
    with pytest.raises(CorpusError, match="cannot read"):
        corpus.encode(min_count=1)


@pytest.mark.parametrize("lowercase", [False, True])
def test_a_dictionary_of_400_000_words_is_loaded_in_seconds_and_obeyed(lowercase: bool) -> None:
    random_ = random.Random(1)
    words = ["".join(chr(0x4E00 + random_.randrange(5000)) for _ in range(2 + i % 6)) for i in range(400_000)]
    started = time.monotonic()
    corpus = Corpus([",".join(words[:100_000])], lowercase=lowercase, user_dict=words)
    assert next(corpus.words()) == words[:100_000]
    assert time.monotonic() - started < 20


def test_a_long_user_word_that_nearly_stands_everywhere() -> None:
    started = time.monotonic()
    text = "老" * 100_000
    assert "".join(split_words(text, user_dict=["老" * 332 + "虎"])) == text
    assert time.monotonic() - started < 10


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("make", "status", "said"),
    [
        (
            lambda path: path.write_bytes(gzip.compress(b"a b " * 99)[:-9]),
            2,
            "error: .* near byte .*\nhint: ",
        ),
        (lambda path: path.write_bytes(b"a \xff"), 2, "error: .*text, line 1, byte 2: .*\nhint: "),
        (lambda path: path.mkdir(), 2, "error: the folder .* holds no file\nhint: "),
        (lambda path: path.write_bytes(b""), 2, "error: no words in 0 bytes.*\nhint: The inputs are empty"),
        (lambda path: path.write_bytes(b"a b"), 2, "error: no word occurs min_count = 5 times.*\nhint: "),
        (lambda path: path.write_bytes(b"a " * 9), 2, "error: .*at least two different words.*\nhint: "),
        (lambda path: None, 2, "error: no such file or folder: .*\nhint: "),
    ],
    ids=["cut", "invalid", "folder", "empty", "rare", "one word", "missing"],
)
def test_the_command_line_tells_what_is_wrong_with_the_text(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], object],
    status: int,
    said: str,
) -> None:
    make(tmp_path / "text")
    arguments = ["train", "word2vec", str(tmp_path / "text"), "-o", str(tmp_path / "m"), "--errors", "strict"]
    assert run(arguments) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(said, err)
    assert "Traceback" not in err
    assert not (tmp_path / "m").exists()


def test_the_command_line_ends_cleanly_while_reading(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text").write_text("a b " * 99)
    arguments = ["train", "word2vec", str(tmp_path / "text"), "-o", str(tmp_path / "m"), "--memory", "0"]
    if Path("/dev/full").exists():
        monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: open("/dev/full", "w+b"))
        assert run(arguments) == 2
        assert re.match("error: cannot write .* No space left on device\nhint: ", capsys.readouterr().err)
    monkeypatch.setattr("qianru.text.blocks.BlockReader._file", interrupt)
    assert run(arguments) == 130
    assert capsys.readouterr().err.startswith("interrupted: nothing was saved")
    assert list(tmp_path.iterdir()) == [tmp_path / "text"]
