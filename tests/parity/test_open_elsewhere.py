"""The model folder opens in sentence-transformers and model2vec, and both say the same of a text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qianru.vectors import Vectors

WORDS = ["猫", "老虎", "在", "森林", "睡觉", "cat", "tiger", "don't", "大学", "北京大学"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_libraries_open_it_and_agree(tmp_path: Path) -> None:
    transformers = pytest.importorskip(
        "sentence_transformers", reason="sentence-transformers is not installed"
    )
    model2vec = pytest.importorskip("model2vec", reason="model2vec is not installed")
    matrix = np.random.default_rng(1).standard_normal((len(WORDS), 8)).astype(np.float32)
    vectors = Vectors(WORDS, matrix, counts=np.arange(100, 90, -1))
    vectors.save(tmp_path / "model")
    one = transformers.SentenceTransformer(str(tmp_path / "model"), device="cpu")
    two = model2vec.StaticModel.from_pretrained(tmp_path / "model")
    texts = [*WORDS, "老虎在森林睡觉", "the tiger, a cat", "北京大学的猫"]
    np.testing.assert_allclose(one.encode(texts), two.encode(texts), atol=1e-6)
    unit = vectors.normalise().to_numpy()
    np.testing.assert_allclose(one.encode(WORDS), unit, atol=1e-6)
