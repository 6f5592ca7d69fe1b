"""Corpus.encode: the id stream against a plain count, at any number of threads and any block size."""

from __future__ import annotations

import hashlib
import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru._core import LINE_END
from qianru.errors import ArgumentError, CorpusError, OutputError
from qianru.progress import Progress
from qianru.text import Corpus, EncodedCorpus, blocks

PIECES = [
    "the",
    "The",
    "tiger",
    "老虎",
    "在山上睡觉",
    "北京大学的学生",
    "word2vec",
    "don't",
    "a-b",
    "，",
    "!",
    "é",
    "猫",
    "x" * 40,
]


def made_up_text(n_lines: int, seed: int) -> str:
    random_ = random.Random(seed)
    lines = [
        random_.choice(["", " "]).join(random_.choices(PIECES, k=random_.randrange(12)))
        for _ in range(n_lines)
    ]
    return "\n".join(lines)


def plain_encode(
    lines: list[list[str]], min_count: int, max_vocab: int | None = None
) -> tuple[list[str], list[int]]:
    """The slow twin: keys and id stream of lines of words."""
    counts = Counter(word for line in lines for word in line)
    kept = sorted((w for w in counts if counts[w] >= min_count), key=lambda w: (-counts[w], w.encode()))[
        :max_vocab
    ]
    number = {word: i for i, word in enumerate(kept)}
    ids: list[int] = []
    for line in lines:
        known = [number[word] for word in line if word in number]
        ids += [*known, LINE_END] if known else []
    return kept, ids


def same(a: EncodedCorpus, b: EncodedCorpus) -> bool:
    return (
        a.keys == b.keys
        and np.array_equal(a.counts, b.counts)
        and np.array_equal(a.ids, b.ids)
        and (a.n_tokens, a.n_raw_tokens, a.n_lines, a.n_bytes, a.n_invalid_bytes, a.fingerprint)
        == (b.n_tokens, b.n_raw_tokens, b.n_lines, b.n_bytes, b.n_invalid_bytes, b.fingerprint)
    )


@pytest.mark.parametrize(("min_count", "max_vocab"), [(1, None), (5, None), (2, 3), (1, 1), (3, 1000)])
def test_ids_equal_a_plain_count(min_count: int, max_vocab: int | None) -> None:
    corpus = Corpus(made_up_text(300, 1).split("\n"))
    encoded = corpus.encode(min_count=min_count, max_vocab=max_vocab, threads=2)
    lines = list(corpus.words())
    keys, ids = plain_encode(lines, min_count, max_vocab)
    assert encoded.keys == keys
    assert encoded.ids.tolist() == ids
    assert encoded.ids.dtype == np.uint32
    assert encoded.counts.dtype == np.uint64
    assert encoded.n_tokens == sum(i != LINE_END for i in ids) == encoded.counts.sum()
    assert encoded.n_raw_tokens == sum(map(len, lines))
    assert encoded.n_lines == 300


@pytest.mark.parametrize("block_bytes", [16, 37, 300, 5000])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("memory", [0, 1000, 1 << 30])
def test_result_depends_on_the_text_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int, threads: int, memory: int
) -> None:
    path = tmp_path / "text"
    # Long lines, so that blocks begin and end inside lines, and lines of separators alone.
    lines = [made_up_text(8, seed).replace("\n", " . ") for seed in range(30)]
    path.write_text("\n\n ... \n".join([*lines, "!" * 500, " " * 400 + "tiger"]), encoding="utf-8")
    expected = Corpus(path).encode(min_count=3, threads=1)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    assert same(Corpus(path).encode(min_count=3, threads=threads, memory=memory), expected)
    assert list(Corpus(path).words()) == list(Corpus(path.read_text(encoding="utf-8").split("\n")).words())
    assert list(Corpus(path).lines()) == path.read_text(encoding="utf-8").split("\n")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(alphabet=st.sampled_from("ab 猫虎.'\u0301\r\n"), max_size=12), min_size=1, max_size=20)
)
def test_any_lines(lines: list[str]) -> None:
    corpus = Corpus([*lines, "end end"])
    words = list(corpus.words())
    keys, ids = plain_encode(words, 1)
    encoded = corpus.encode(min_count=1, threads=2)
    assert (encoded.keys, encoded.ids.tolist()) == (keys, ids)


def test_repeated_han_runs_are_counted_each_time() -> None:
    lines = ["北京大学的学生", "我在北京大学的学生中"] * 700 + [
        f"第{'一二三四五六七八九十'[i % 10]}名学生" for i in range(999)
    ]
    encoded = Corpus(lines).encode(min_count=1, threads=2)
    words = Counter(word for line in Corpus(lines).words() for word in line)
    assert dict(zip(encoded.keys, encoded.counts.tolist(), strict=True)) == words


def test_fingerprint_tells_texts_apart() -> None:
    texts = [
        ["a b", "c"],
        ["a", "b c"],
        ["b a", "c"],
        ["a b c"],
        ["a b", "c", "c"],
        ["a b", "d"],
        ["ab", "c"],
    ]
    prints = [Corpus(t).encode(min_count=1).fingerprint for t in texts]
    assert len(set(prints)) == len(texts)
    assert Corpus(["a, b!", "", "-- c"]).encode(min_count=1).fingerprint == prints[0]


def test_words_that_are_split_already_are_taken_as_they_are() -> None:
    lines = [["New York", "l'", "..."], [], ["New York", "", "猫"]]
    encoded = Corpus(lines).encode(min_count=1)
    assert encoded.keys == ["New York", "...", "l'", "猫"]
    assert encoded.ids.tolist() == [0, 2, 1, LINE_END, 0, 3, LINE_END]
    assert list(Corpus(lines).lines()) == ["New York l' ...", "", "New York  猫"]


def test_many_different_words() -> None:
    words = [f"w{i:x}" + "y" * (i % 30) for i in range(60_000)]
    encoded = Corpus([" ".join(words), " ".join(words[::2])]).encode(min_count=1, threads=2)
    assert encoded.keys == sorted(words[::2], key=str.encode) + sorted(words[1::2], key=str.encode)


class Reopenable:
    def __init__(self, lines: list[str]) -> None:
        self.lines, self.n_opened = lines, 0

    def __iter__(self) -> Iterator[str]:
        self.n_opened += 1
        return iter(self.lines)


def test_iterables_are_opened_anew_each_time() -> None:
    lines = Reopenable(["a b", "a"])
    corpus = Corpus(lines)
    assert same(corpus.encode(min_count=1), corpus.encode(min_count=1))
    assert lines.n_opened == 2


def test_nothing_to_train_on() -> None:
    with pytest.raises(CorpusError, match="no words in 0 bytes") as empty:
        Corpus([]).encode()
    assert "start anew" in empty.value.hint
    with pytest.raises(CorpusError, match="no words in 8 bytes, 2 lines"):
        Corpus(["....", "!?"]).encode()
    with pytest.raises(CorpusError, match=r"min_count = 5 times: 4 words read, most often b \(2\), a \(1\)"):
        Corpus(["a b", "b c"]).encode()


@pytest.mark.parametrize(
    "options",
    [
        {"min_count": 0},
        {"max_vocab": 0},
        {"threads": 0},
        {"memory": -1},
        {"min_count": 1.5},
        {"threads": True},
    ],
)
def test_arguments_out_of_bounds(options: dict[str, int]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(options))):
        Corpus(["a"]).encode(**options)


def test_progress_ends_at_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100)
    monkeypatch.setattr("qianru.text.encoding._PROGRESS_SECONDS", 0.0)
    path = tmp_path / "text"
    path.write_text(made_up_text(200, 3), encoding="utf-8")
    reports: list[Progress] = []
    Corpus(path).encode(progress=reports.append)
    shares = [report.done for report in reports]
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {(report.stage, report.unit) for report in reports} == {("read", "B")}


def test_an_interrupt_ends_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(blocks, "BLOCK_BYTES", 50)
    monkeypatch.setattr("qianru.text.encoding._PROGRESS_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        Corpus(made_up_text(500, 4).split("\n")).encode(threads=2, progress=interrupt)
    assert not [t for t in threading.enumerate() if t.name.startswith("qianru-text")]


@pytest.mark.parametrize("buffering", [0, 1 << 20], ids=["while reading", "at the end"])
def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, buffering: int) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: open("/dev/full", "w+b", buffering=buffering))
    with pytest.raises(OutputError, match="temporary file"):
        Corpus(made_up_text(50, 5).split("\n")).encode(memory=0)


def test_settings_say_how_the_text_was_read() -> None:
    encoded = Corpus(["a 猫咪"], user_dict=["猫咪"], lowercase=True).encode(min_count=1)
    assert encoded.settings["lowercase"] is True
    assert encoded.settings["min_count"] == 1


def test_settings_remember_the_user_dictionary_without_its_words(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("猫咪 5 n\nC++\n", encoding="utf-8")
    digest = hashlib.sha256("C++\n猫咪\n".encode()).hexdigest()
    for user_dict, name in ((path, "mine.txt"), (["猫咪", "C++", "猫咪"], None)):
        settings = Corpus(["a"], user_dict=user_dict).encode(min_count=1).settings
        assert settings["user_dict"] == {"file": name, "n_words": 2, "sha256": digest}
    for user_dict in (None, []):
        assert Corpus(["a"], user_dict=user_dict).encode(min_count=1).settings["user_dict"] is None
