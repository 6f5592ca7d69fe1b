"""A trained segmenter against its plain twin; what it learns, remembers and refuses."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rjieba
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru import Segmenter, _core, train_segmenter
from qianru.errors import ArgumentError, CorpusError, OutputError
from qianru.progress import Progress
from qianru.sample import sample_lines
from qianru.text import Corpus, score_segmenter, split_words
from qianru.text.segmenter_training import han_runs

_spec = importlib.util.spec_from_file_location(
    "reference_segmenter", Path(__file__).with_name("reference_segmenter.py")
)
assert _spec is not None
assert _spec.loader is not None
twin = importlib.util.module_from_spec(_spec)
sys.modules["reference_segmenter"] = twin  # where dataclasses look for their module
_spec.loader.exec_module(twin)

# Of the sample world's words and of others, numbers and a character beyond the basic plane.
CHARS = "老虎在森林里看见银行行长一只小猫二〇年百月龘\U00020000"
SEPARATORS = "，。 a1々"


def cut_lines(n_bytes: int = 60_000) -> list[str]:
    """Chinese of the sample world cut as the dictionary does it, but that 在 and 里 belong to the word beside them."""
    lines = []
    for line in sample_lines("zh", n_bytes=n_bytes):
        cut = " ".join(split_words(line)).replace("在 ", "在").replace(" 里", "里")
        lines.append(cut)
    return lines


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return cut_lines()


@pytest.fixture(scope="module")
def segmenter(lines: list[str]) -> Segmenter:
    return train_segmenter(Corpus(lines), held_out=0)


def tables(segmenter: Segmenter, folder: Path) -> tuple[dict[int, tuple[int, ...]], list[list[int]]]:
    """Weights and transitions out of the file."""
    from safetensors.numpy import load_file

    segmenter.save(folder / "segmenter", force=True)
    tensors = load_file(folder / "segmenter")
    rows = map(tuple, tensors["weights"].tolist())
    return dict(zip(tensors["keys"].tolist(), rows, strict=True)), tensors["transitions"].tolist()


def test_it_cuts_as_its_twin(segmenter: Segmenter, lines: list[str], tmp_path: Path) -> None:
    weights, transitions = tables(segmenter, tmp_path)
    assert len(weights) == segmenter.n_features > 100

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.text(CHARS, max_size=12), max_size=5))
    def check(runs: list[str]) -> None:
        text = "\n".join(runs)
        words = rjieba.cut(text, False)
        expected, cuts = [], [rjieba.cut(run, False) for run in runs]
        for cut in cuts:
            expected += [*twin.cut(cut, weights, transitions), "\n"]
        assert segmenter.cut(text, words) == expected[:-1]

    check()
    changed = 0
    for line in lines[:100]:
        for run in han_runs(line):
            cut = rjieba.cut("".join(run), False)
            found = segmenter.cut("".join(run), cut)
            assert found == twin.cut(cut, weights, transitions)
            changed += found != cut
    assert changed > 10


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32), st.sampled_from([1, 30_000]))
def test_the_best_tags_are_the_best_of_all(n: int, seed: int, size: int) -> None:
    """Small weights make ties. Scores are given by a feature of each character alone."""
    draw = random.Random(seed)
    run = "甲乙丙丁戊己"[:n]
    words = list(run)
    keys = [row[1] for row in twin.features(words)]
    scores = [[draw.randint(-size, size) for _ in twin.TAGS] for _ in run]
    transitions = [[draw.randint(-size, size) for _ in twin.TAGS] for _ in twin.TAGS]
    core = _core.Segmenter(
        np.array(keys, np.uint64), np.array(scores, np.int16), np.array(transitions, np.int32)
    )
    best = twin.best_tags(scores, transitions)
    assert twin.viterbi(scores, transitions) == best
    assert core.cut(run, words) == twin.words_of(run, best)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_it_learns_as_its_twin(lines: list[str], seed: int, tmp_path: Path) -> None:
    few = lines[:25]
    made = train_segmenter(Corpus(few), epochs=3, seed=seed, held_out=0)
    right = [run for line in few for run in han_runs(line)]
    perceptron = twin.Perceptron()
    perceptron.train([rjieba.cut("".join(run), False) for run in right], right, seed, 3)
    weights, transitions = perceptron.averaged()
    assert tables(made, tmp_path) == (weights, transitions)
    assert len(weights) > 50
    assert any(any(row) for row in transitions)


@settings(max_examples=100, deadline=None)
@given(text=st.text(CHARS + SEPARATORS, max_size=60), lowercase=st.booleans())
def test_words_joined_are_the_text(segmenter: Segmenter, text: str, lowercase: bool) -> None:
    words = split_words(text, segmenter=segmenter, lowercase=lowercase)
    plain = split_words(text, lowercase=lowercase)
    assert "".join(words) == "".join(plain)
    at = 0
    for word in words:
        # Only what the dictionary cuts too is cut otherwise, and nothing but separators lies between.
        begin = text.index(word, at)
        assert set(text[at:begin]) <= set(SEPARATORS)
        at = begin + len(word)
    corpus = Corpus([text], segmenter=segmenter)
    if words:
        encoded = corpus.encode(min_count=1, threads=2)
        ids = encoded.ids[encoded.ids < len(encoded.keys)].tolist()
        assert [encoded.keys[i] for i in ids] == split_words(text, segmenter=segmenter)


def test_it_learns_what_a_word_is(lines: list[str], segmenter: Segmenter) -> None:
    score = train_segmenter(Corpus(lines), held_out=0.2).provenance["held_out"]
    assert isinstance(score, dict)
    assert score["f1"] > 0.97 > score["dictionary_f1"] + 0.03
    assert 2 / (1 / score["precision"] + 1 / score["recall"]) == pytest.approx(score["f1"])
    known = score_segmenter(segmenter, Corpus(lines))
    assert known.f1 > score["f1"] - 0.01
    assert known.n_words == sum(len(run) for line in lines for run in han_runs(line)) > score["n_words"] * 4


def test_the_score_is_that_of_words_counted_one_by_one(segmenter: Segmenter, lines: list[str]) -> None:
    few = lines[:50]
    n_right = n_found = n_gold = 0
    for line in few:
        for run in han_runs(line):
            found = segmenter.cut("".join(run), rjieba.cut("".join(run), False))
            borders = [list(np.cumsum([0, *map(len, words)])) for words in (run, found)]
            gold, guess = (set(pairwise(side)) for side in borders)
            n_right, n_found, n_gold = n_right + len(gold & guess), n_found + len(guess), n_gold + len(gold)
    score = score_segmenter(segmenter, Corpus(few))
    assert (score.precision, score.recall) == (n_right / n_found, n_right / n_gold)


def test_the_same_text_and_seed_give_the_same_bytes(lines: list[str], tmp_path: Path) -> None:
    names = "abc"
    for name, seed in zip(names, (7, 7, 8), strict=True):
        train_segmenter(Corpus(lines[:200]), epochs=2, seed=seed).save(tmp_path / name)
    first, second, other = ((tmp_path / name).read_bytes() for name in names)
    assert first == second != other


def test_saved_and_loaded_it_is_the_same(segmenter: Segmenter, tmp_path: Path) -> None:
    path = tmp_path / "segmenter"
    segmenter.save(path)
    loaded = Segmenter.load(path)
    assert loaded.fingerprint == segmenter.fingerprint
    assert loaded.provenance == segmenter.provenance
    text = "老虎在森林里"
    assert split_words(text, segmenter=path) == split_words(text, segmenter=segmenter) != split_words(text)
    with pytest.raises(OutputError, match="exists already"):
        segmenter.save(path)
    segmenter.save(path, force=True)
    assert Segmenter.load(path).fingerprint == segmenter.fingerprint


def test_user_words_come_out_whole_all_the_same(segmenter: Segmenter) -> None:
    for word in ("虎在森", "林里T恤"):
        text = "老虎在森林里T恤"
        words = split_words(text, segmenter=segmenter, user_dict=[word])
        assert word in words
        assert "".join(words) == text


def test_settings_remember_the_segmenter(segmenter: Segmenter, tmp_path: Path) -> None:
    path = tmp_path / "mine.segmenter"
    segmenter.save(path)
    for given_as, name in ((segmenter, None), (path, "mine.segmenter"), (str(path), "mine.segmenter")):
        settings = Corpus(["老虎"], segmenter=given_as).encode(min_count=1).settings
        assert settings["segmenter"] == {"file": name, "sha256": segmenter.fingerprint}
    assert Corpus(["老虎"]).settings["segmenter"] is None


def test_the_dictionary_s_preferences_are_among_the_features(lines: list[str]) -> None:
    corpus = Corpus(lines, prefer=["爷爷说起"])
    text = "爷爷说起了皱纹"
    assert corpus.han_cutter.by_dictionary(text) == (text, ["爷爷说起", "了", "皱纹"])
    made = train_segmenter(corpus, held_out=0)
    assert made.fingerprint != train_segmenter(Corpus(lines), held_out=0).fingerprint


@pytest.mark.parametrize(
    "words", [[], ["老虎"], ["老虎", "在森", "林"], ["老虎在", "\n"], ["老虎在", "\n", "森", "林里"]]
)
def test_words_of_another_text_are_refused(segmenter: Segmenter, words: list[str]) -> None:
    with pytest.raises(ArgumentError, match="words: the dictionary's words do not"):
        segmenter.cut("老虎在\n森林", words)


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("老虎 在  森林", [["老虎", "在", "森林"]]),
        ("１９９８年 底 ， 中 国", [["年", "底"], ["中", "国"]]),
        ("see 老虎T恤 了 . ", [["老虎"], ["恤", "了"]]),
        ("no Han", []),
        ("", []),
    ],
)
def test_only_runs_of_han_characters_are_learned_from(line: str, runs: list[list[str]]) -> None:
    assert han_runs(line) == runs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (["no such characters"], "no Han characters"),
        ([""], "no Han characters"),
        (["老虎在森林里", "银行"], "no run of Han characters is cut"),
    ],
)
def test_text_that_teaches_nothing_is_an_error(text: list[str], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        train_segmenter(Corpus(text))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1 to 4294967295, got 0"),
        ({"epochs": 1.5}, "epochs must be"),
        ({"epochs": True}, "epochs must be"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, got -1"),
        ({"held_out": 0.6}, "held_out must be from 0 to 0.5, got 0.6"),
        ({"held_out": float("nan")}, "held_out must be"),
        ({"held_out": "0.1"}, "held_out must be"),
        ({"held_out": 0.1}, "held_out 0.1 of 2 lines"),
    ],
)
def test_wrong_arguments_are_one_clear_error(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        train_segmenter(Corpus(["老虎 在", "森林 里"]), **arguments)  # type: ignore[arg-type]


def test_what_is_no_corpus_or_no_segmenter_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="corpus must be a Corpus, not str"):
        train_segmenter("老虎 在")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="segmenter must be a Segmenter or the path of one, not int"):
        Corpus(["a"], segmenter=3)  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match=r"segmenter: cannot read .*none: No such file"):
        Corpus(["a"], segmenter=tmp_path / "none")
    with pytest.raises(CorpusError, match="segmenter: cannot read"):
        Corpus(["a"], segmenter=tmp_path)


def test_progress_is_told_and_ctrl_c_gets_through(lines: list[str]) -> None:
    reports: list[Progress] = []
    train_segmenter(Corpus(lines), epochs=2, progress=reports.append)
    assert {report.stage for report in reports} == {"held out", "train"}
    assert reports[-1].done == 1.0

    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_segmenter(Corpus(lines), progress=stop)


def test_cut_takes_text_alone(lines: list[str]) -> None:
    segmenter = train_segmenter(Corpus(lines), epochs=1, held_out=0)
    for runs, words in ((5, ["老虎"]), ("老虎", None), ("老虎", [5]), ("\ud800", ["\ud800"])):
        with pytest.raises(ArgumentError, match="runs must be a str and words a list of str"):
            segmenter.cut(runs, words)  # type: ignore[arg-type]


def test_file_names_that_are_not_utf_8_are_remembered_in_escapes(lines: list[str], tmp_path: Path) -> None:
    prefer = os.fsdecode(os.fsencode(tmp_path) + b"/mine\xff.txt")
    try:
        Path(prefer).write_text("石墨烯\n", encoding="utf-8")
    except OSError:
        pytest.skip("no such names here")
    train_segmenter(Corpus(lines, prefer=prefer), epochs=1, held_out=0).save(tmp_path / "cutter")
    about = Segmenter.load(tmp_path / "cutter").provenance["corpus"]
    assert isinstance(about, dict)
    assert about["prefer"]["file"] == "mine\\xff.txt"
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/cutter\xff")
    Path(odd).write_bytes((tmp_path / "cutter").read_bytes())
    about = Corpus(["a"], segmenter=odd).settings["segmenter"]
    assert isinstance(about, dict)
    assert about["file"] == "cutter\\xff"
