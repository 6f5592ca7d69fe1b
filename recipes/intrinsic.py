"""Word similarity and analogy scores of any matrix of word vectors by `qianru.evaluate`, so that every system is judged by the same code.

Analogies: 3CosAdd over the whole vocabulary, the three question words excluded, questions with an unknown word skipped and
counted. Similarity: Spearman's rank correlation over the pairs whose words are both known. The tests' words are put in lower case.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from qianru.evaluate import Space, analogy, read_dataset, similarity, spearman
from qianru.vectors import Vectors

__all__ = ["analogies", "data_folder", "judge", "space_of_matrix", "spearman"]


def data_folder() -> Path:
    """Where the test sets and corpora are: QIANRU_DATA, by default ../shared/data."""
    folder = Path(os.environ.get("QIANRU_DATA", "../shared/data"))
    if not folder.is_dir():
        raise SystemExit(f"{folder}: no such folder; set QIANRU_DATA to the folder with corpora/ and eval/")
    return folder


def space_of_matrix(words: list[str], matrix: np.ndarray) -> Space:
    """Words and vectors of any system. Of words that are equal (bytes that are no UTF-8, replaced) the first stays."""
    first = {word: row for row, word in reversed(list(enumerate(words))) if word}
    rows = sorted(first.values())
    kept = np.ascontiguousarray(matrix[rows], dtype=np.float32)
    return Space(Vectors([words[row] for row in rows], kept), case="lower", restrict_vocab=None)


def rho(space: Space, path: Path) -> float:
    """Spearman x 100 for a file of `word TAB word TAB score` lines."""
    value = similarity(space, read_dataset(path, kind="similarity"), n_bootstrap=0).value
    return float("nan") if value is None else 100 * value


def analogies(space: Space, path: Path) -> dict[str, float]:
    """Accuracy in percent: all, and semantic and syntactic apart (sections named gram… are syntactic)."""
    found = analogy(space, read_dataset(path, kind="analogy"), methods=("add",), n_bootstrap=0)
    names = {"3CosAdd": "all", "3CosAdd semantic": "semantic", "3CosAdd syntactic": "syntactic"}
    shares = {
        names[one.metric]: 100 * one.value
        for one in found.scores
        if one.metric in names and one.value is not None
    }
    return {**shares, "coverage": found.coverage}


def judge(words: list[str], matrix: np.ndarray, language: str) -> dict[str, float]:
    """Every score of a language's test sets, by name."""
    space = space_of_matrix(words, matrix)
    folder = data_folder() / "eval" / language
    if language == "en":
        google = analogies(space, folder / "analogy/questions-words.txt")
        return {
            "analogies": google["all"],
            "semantic": google["semantic"],
            "syntactic": google["syntactic"],
            "WordSim-353": rho(space, folder / "wordsim/EN-WS-353-ALL.txt"),
            "SimLex-999": rho(space, folder / "wordsim/EN-SIMLEX-999.txt"),
        }
    return {
        "analogies": analogies(space, folder / "analogy/ca_translated.txt")["all"],
        "wordsim-240": rho(space, folder / "wordsim/wordsim-240.txt"),
        "wordsim-297": rho(space, folder / "wordsim/wordsim-297.txt"),
    }
