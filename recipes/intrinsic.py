"""Word similarity and analogy scores of any matrix of word vectors, in numpy alone, so that every system is judged by the same code.

Analogies: 3CosAdd over the whole vocabulary, the three question words excluded, questions with an unknown word skipped and
counted. Similarity: Spearman's rank correlation over the pairs whose words are both known.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np


def data_folder() -> Path:
    """Where the test sets and corpora are: QIANRU_DATA, by default ../shared/data."""
    folder = Path(os.environ.get("QIANRU_DATA", "../shared/data"))
    if not folder.is_dir():
        raise SystemExit(f"{folder}: no such folder; set QIANRU_DATA to the folder with corpora/ and eval/")
    return folder


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation; ties get their mean rank."""

    def ranks(values: np.ndarray) -> np.ndarray:
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[inverse]

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def similarity(index: dict[str, int], unit: np.ndarray, path: Path) -> dict[str, float]:
    """Spearman x 100 and the share of pairs known, for a file of `word TAB word TAB score` lines."""
    rows, gold, n = [], [], 0
    for line in path.read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        if len(parts) < 3:
            continue
        n += 1
        a, b = parts[0].lower(), parts[1].lower()
        if a in index and b in index:
            rows.append((index[a], index[b]))
            gold.append(float(parts[2]))
    pairs = np.array(rows)
    scores = np.einsum("ij,ij->i", unit[pairs[:, 0]], unit[pairs[:, 1]])
    return {"rho": 100 * spearman(scores, np.array(gold)), "coverage": len(rows) / n}


def analogies(index: dict[str, int], unit: np.ndarray, path: Path) -> dict[str, float]:
    """Accuracy in percent: all, and semantic and syntactic apart (sections named gram… are syntactic)."""
    questions, syntactic, n, section = [], [], 0, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.lower().split()
        if line.startswith(":"):
            section = words[1]
        elif len(words) == 4:
            n += 1
            if all(word in index for word in words):
                questions.append([index[word] for word in words])
                syntactic.append(section.startswith("gram"))
    q = np.array(questions)
    right = np.empty(len(q), bool)
    for start in range(0, len(q), 512):
        part = q[start : start + 512]
        target = unit[part[:, 1]] - unit[part[:, 0]] + unit[part[:, 2]]
        scores = target @ unit.T
        np.put_along_axis(scores, part[:, :3], -np.inf, axis=1)
        right[start : start + 512] = scores.argmax(axis=1) == part[:, 3]
    is_syntactic = np.array(syntactic)
    out = {"all": 100 * float(right.mean()), "coverage": len(q) / n}
    if is_syntactic.any() and not is_syntactic.all():
        out["semantic"] = 100 * float(right[~is_syntactic].mean())
        out["syntactic"] = 100 * float(right[is_syntactic].mean())
    return out


def judge(words: list[str], matrix: np.ndarray, language: str) -> dict[str, float]:
    """Every score of a language's test sets, by name."""
    index = {word: row for row, word in enumerate(words)}
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit = (matrix / np.maximum(norms, 1e-12)).astype(np.float32)
    folder = data_folder() / "eval" / language
    if language == "en":
        google = analogies(index, unit, folder / "analogy/questions-words.txt")
        return {
            "analogies": google["all"],
            "semantic": google["semantic"],
            "syntactic": google["syntactic"],
            "WordSim-353": similarity(index, unit, folder / "wordsim/EN-WS-353-ALL.txt")["rho"],
            "SimLex-999": similarity(index, unit, folder / "wordsim/EN-SIMLEX-999.txt")["rho"],
        }
    return {
        "analogies": analogies(index, unit, folder / "analogy/ca_translated.txt")["all"],
        "wordsim-240": similarity(index, unit, folder / "wordsim/wordsim-240.txt")["rho"],
        "wordsim-297": similarity(index, unit, folder / "wordsim/wordsim-297.txt")["rho"],
    }
