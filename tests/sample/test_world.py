"""The stream of lines: repeatable, of the size asked for, Zipf-like, cut into the intended words."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import islice

import numpy as np
import pytest
import rjieba

from qianru.errors import ArgumentError
from qianru.sample import SampleLines, analogies, sample_lines, similarity
from qianru.sample.draw import Draws, stream_key
from qianru.sample.grammar import EN, ZH, build_frames
from qianru.sample.lexicon import build_world
from qianru.sample.table import Names
from qianru.sample.world import LANGUAGES, printer

# Half of what a default sample holds of each language.
N_BYTES = 1_200_000
_WORD = re.compile(r"[A-Za-z0-9+]+(?:[-'][A-Za-z0-9+]+)*|[\u4e00-\u9fff]+")


def words(line: str) -> list[str]:
    found: list[str] = []
    for run in _WORD.findall(line):
        found += rjieba.cut(run, False) if run[0] >= "\u4e00" else [run]
    return found


def digest(language: str, n_bytes: int, seed: int) -> str:
    text = "".join(line + "\n" for line in sample_lines(language, n_bytes=n_bytes, seed=seed))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def counts() -> dict[str, Counter[str]]:
    return {
        language: Counter(word for line in SampleLines(language, n_bytes=N_BYTES) for word in words(line))
        for language in ("en", "zh")
    }


# Pinned: whoever changes the world on purpose raises WORLD_VERSION and pins the new sums.
@pytest.mark.parametrize(
    ("language", "sha256"),
    [
        ("en", "3e1d86c92b62bd384bf388ab93e011a9cb196c8605d4d9b0f1875008d1699b55"),
        ("zh", "7b2bd33b089d0805d7f827347570b44afb5561987e04917e614ede21607b7c5f"),
        ("mixed", "cb5d03595acaebe0c7a1fd1f36a50701b536fc8e5cba85c3949e721239c7a8ef"),
        ("en-zh", "a11e3d3088ff2b24182c4f3f9366d9abc06cc33589833e5f375c9244b3dbb813"),
    ],
)
def test_same_seed_gives_the_same_bytes_as_ever(language: str, sha256: str) -> None:
    assert digest(language, 50_000, seed=7) == sha256


def test_bytes_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    program = (
        "import hashlib; from qianru.sample import sample_lines\n"
        "lines = sample_lines('mixed', n_bytes=9000, seed=3)\n"
        "print(hashlib.sha256(''.join(line + chr(10) for line in lines).encode()).hexdigest())"
    )
    sums = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert sums == {digest("mixed", 9000, seed=3)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_seed_gives_other_bytes(language: str) -> None:
    assert digest(language, 5_000, seed=1) != digest(language, 5_000, seed=2)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("n_bytes", [1_000, 33_333, 700_001])
def test_size_is_within_one_line_of_the_request(language: str, n_bytes: int) -> None:
    sizes = [len(line.encode()) + 1 for line in SampleLines(language, n_bytes=n_bytes)]
    longer = list(islice(SampleLines(language, n_bytes=n_bytes + 10_000), len(sizes) + 1))
    assert sum(sizes) <= n_bytes < sum(sizes) + len(longer[-1].encode()) + 1


def test_a_longer_sample_begins_with_the_shorter_one() -> None:
    short = list(SampleLines("zh", n_bytes=2_000))
    assert list(islice(SampleLines("zh", n_bytes=900_000), len(short))) == short


def test_lines_can_be_read_twice() -> None:
    lines = SampleLines("en", n_bytes=3_000)
    assert list(lines) == list(lines)
    assert repr(lines) == "SampleLines('en', n_bytes=3000, seed=1)"


def test_lines_are_whole_sentences() -> None:
    for language, ends in (("en", ".!"), ("zh", "。！"), ("mixed", ".!。！")):
        for line in SampleLines(language, n_bytes=100_000):
            assert line[-1] in ends
            assert not re.search(r"[{}|%\\]|  ", line)
            assert line == line.strip()


def test_no_demonstrative_stands_before_an_unknown_number() -> None:
    """这两辆 is said, 这好多辆 and 这几十辆 are not."""
    printed = {quantity for _, quantity in build_world().tables["many"].pairs()}
    assert len(printed) == 8
    for line in SampleLines("zh", n_bytes=N_BYTES):
        assert not any(f"这{quantity}" in line for quantity in printed), line


def test_english_has_no_han_and_chinese_sentences_begin_with_it() -> None:
    assert not any(re.search(r"[\u3000-\u9fff]", line) for line in SampleLines("en", n_bytes=200_000))
    assert all(re.search(r"[\u4e00-\u9fff]", line) for line in SampleLines("zh", n_bytes=200_000))


def test_mixed_lines_hold_both_languages_and_fuse_no_words() -> None:
    lines = list(SampleLines("mixed", n_bytes=200_000))
    both = [line for line in lines if re.search("[A-Za-z]", line) and re.search(r"[\u4e00-\u9fff]", line)]
    assert len(both) > 0.95 * len(lines)
    known = {
        word for table in build_world().tables.values() for form in table.forms.values() for word in form[EN]
    }
    parts = {part for phrase in known for part in phrase.split()}
    chinese = [line for line in both if line[-1] in "。！"]
    assert len(chinese) > len(lines) / 2
    odd = [
        run
        for line in chinese
        for run in re.findall(r"[A-Za-z0-9+-]*[A-Za-z][A-Za-z0-9+-]*", line)
        if run not in parts and not re.fullmatch(r"[A-Z][a-z]+", run)
    ]
    assert not odd


@pytest.mark.parametrize("language", ["en", "zh"])
def test_frequencies_are_zipf_like(language: str, counts: dict[str, Counter[str]]) -> None:
    """The slope of log count over log rank, fitted over ranks 10 to 2,000, is near -1."""
    falling = np.array(sorted(counts[language].values(), reverse=True))
    ranks = np.unique(np.geomspace(10, min(2_000, len(falling)), 40).astype(int))
    slope = np.polyfit(np.log(ranks), np.log(falling[ranks - 1]), 1)[0]
    assert -1.25 < slope < -0.8


def test_vocabulary_grows_with_size(counts: dict[str, Counter[str]]) -> None:
    for language in ("en", "zh"):
        small = {word for line in SampleLines(language, n_bytes=N_BYTES // 8) for word in words(line)}
        assert len(counts[language]) > 1.3 * len(small)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_of_the_truth_occur_often_enough(language: str, counts: dict[str, Counter[str]]) -> None:
    asked = {word for pairs in analogies(language).values() for pair in pairs for word in pair}
    asked |= {word for triple in similarity(language) for word in triple}
    rare = {word: counts[language][word] for word in asked if counts[language][word] < 10}
    assert not rare


def test_chinese_words_of_the_lexicon_come_out_whole() -> None:
    """What frames print is what the word splitter finds, in at least 95 of 100 places for each word.

    Measure words and small numbers are left out: rjieba joins some of them (四辆), which does no harm.
    """
    total: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for number, frame in enumerate(build_frames()):
        draws = Draws(stream_key(5, f"cut-{number}"), np.arange(500, dtype=np.uint64))
        drawn = printer().draw(frame, draws)
        sentences = [set(words(sentence)) for sentence in printer().say(frame, drawn, ZH)]
        for slot in frame.slots[ZH]:
            source = frame.variables[slot.variable].source
            if source[0] in "@#" or source == "many" or slot.form == "measure":
                continue
            column = printer().column(frame, slot, drawn[slot.variable], ZH)
            for word, found in zip(column, sentences, strict=True):
                total[word] += 1
                broken[word] += word not in found
    too_many = {word: (n, total[word]) for word, n in broken.items() if n > 0.05 * total[word] + 1}
    assert not too_many
    assert len(total) > 1_000


def test_names_are_unique_in_both_scripts() -> None:
    for endings in (False, True):
        names = [Names(endings=endings).spell(rank) for rank in range(20_000)]
        assert len({english for english, _ in names}) > 0.99 * len(names)
        assert len({chinese for _, chinese in names}) == len(names)


def test_plain_words_of_a_table_are_unique() -> None:
    for name, table in build_world().tables.items():
        assert len(set(table.pairs())) == table.n_rows, name


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"language": "fr", "n_bytes": 5_000}, "fr"),
        ({"language": "en", "n_bytes": 999}, "n_bytes"),
        ({"language": "en", "n_bytes": 5e6}, "n_bytes"),
        ({"language": "en", "n_bytes": 5_000, "seed": -1}, "seed"),
        ({"language": "en", "n_bytes": 5_000, "seed": True}, "seed"),
        ({"language": "en", "n_bytes": 5_000, "seed": 1 << 63}, "seed"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(ArgumentError, match=named) as caught:
        sample_lines(**arguments)  # type: ignore[arg-type]
    assert caught.value.hint
