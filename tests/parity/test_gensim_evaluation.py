"""The same scores as gensim's own evaluation of the same vectors, on generated tests; slow: on the tests its package carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qianru.evaluate import Space, analogy, packaged_datasets, read_dataset, similarity
from qianru.vectors import Vectors

pytest.importorskip("gensim")

WORDS = [f"Word{i}" if i % 3 else f"word{i}" for i in range(400)]
# Spellings that gensim takes for the same word, before and after.
EXTRA = ["WORD7", "word1", "wORD200", "WORD12"]


def structured(words: list[str], seed: int, dim: int = 20) -> Vectors:
    """Vectors in which word 2i + 1 is word 2i moved, so that some analogies hold."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((len(words), dim))
    offset = 1.5 * rng.standard_normal(dim)
    n = len(words) // 2
    matrix[1 : 2 * n : 2] = matrix[0 : 2 * n : 2] + offset + 0.9 * rng.standard_normal((n, dim))
    return Vectors(words, matrix.astype(np.float32))


@pytest.fixture(params=["ignore", "exact"])
def case(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("unknown", ["skip", "zero"])
@pytest.mark.parametrize("restrict", [300_000, 250])
def test_pairs(tmp_path: Path, case: str, unknown: str, restrict: int) -> None:
    vectors = structured(EXTRA[:2] + WORDS + EXTRA[2:], 1)
    rng = np.random.default_rng(2)
    lines = ["# generated"]
    for i, j in rng.integers(0, 420, (300, 2)).tolist():
        lines.append(f"word{i}\tWord{j}\t{int(rng.integers(0, 11))}")
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n")
    pearson, spearman, oov = vectors.to_gensim().evaluate_word_pairs(
        str(path), restrict_vocab=restrict, case_insensitive=case == "ignore", dummy4unknown=unknown == "zero"
    )
    space = Space(vectors, case=case, unknown=unknown, restrict_vocab=restrict)
    ours = similarity(space, read_dataset(path, kind="similarity"))
    assert ours["pearson"].value == pytest.approx(float(pearson[0]), abs=1e-6)
    assert ours["spearman"].value == pytest.approx(float(spearman[0]), abs=1e-6)
    assert 100 * (1 - ours.coverage) == pytest.approx(float(oov), abs=1e-6)


@pytest.mark.parametrize("unknown", ["skip", "zero"])
@pytest.mark.parametrize("restrict", [300_000, 250])
def test_analogies(tmp_path: Path, case: str, unknown: str, restrict: int) -> None:
    vectors = structured(EXTRA[:2] + WORDS + EXTRA[2:], 3)
    rng = np.random.default_rng(4)
    spelled = [*vectors.keys, "unheard", "of"]
    lines = []
    for section in ("capitals", "gram-plurals", "gram-tense"):
        lines.append(f": {section}")
        for i, j in rng.integers(0, len(spelled) // 2, (60, 2)).tolist():
            lines.append(" ".join(spelled[k] for k in (2 * i, 2 * i + 1, 2 * j, 2 * j + 1)))
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(lines) + "\n")
    accuracy, sections = vectors.to_gensim().evaluate_word_analogies(
        str(path), restrict_vocab=restrict, case_insensitive=case == "ignore", dummy4unknown=unknown == "zero"
    )
    space = Space(vectors, case=case, unknown=unknown, restrict_vocab=restrict)
    ours = analogy(space, read_dataset(path, kind="analogy"))
    assert 0.05 < accuracy < 0.95
    assert ours["3CosAdd"].value == pytest.approx(accuracy, abs=1e-6)
    for section in sections[:-1]:
        n_right, n = len(section["correct"]), len(section["correct"]) + len(section["incorrect"])
        assert ours.details["sections"][section["section"]]["3CosAdd"] == pytest.approx(n_right / n, abs=1e-6)


@pytest.mark.slow
def test_the_packaged_sets() -> None:
    from gensim.test.utils import datapath

    data = {one.name: one for one in packaged_datasets()}
    words: dict[str, None] = {}
    for one in data.values():
        for item in one.items():
            words.update(dict.fromkeys(str(cell) for cell in item if isinstance(cell, str)))
    rng = np.random.default_rng(1)
    kept = [word for word in words if rng.random() < 0.9]
    vectors = structured(kept, 5, dim=30)
    theirs = vectors.to_gensim()
    for name, file in (("WordSim-353", "wordsim353.tsv"), ("SimLex-999", "simlex999.txt")):
        pearson, spearman, _ = theirs.evaluate_word_pairs(datapath(file))
        ours = similarity(vectors, data[name])
        assert ours["pearson"].value == pytest.approx(float(pearson[0]), abs=1e-6)
        assert ours["spearman"].value == pytest.approx(float(spearman[0]), abs=1e-6)
    accuracy, _ = theirs.evaluate_word_analogies(datapath("questions-words.txt"))
    assert analogy(vectors, data["questions-words"]).value == pytest.approx(accuracy, abs=1e-6)
