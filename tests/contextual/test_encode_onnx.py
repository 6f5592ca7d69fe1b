"""The int8 engine computes what the exact one does, but for rounding."""

from __future__ import annotations

import numpy as np
import pytest

from qianru.contextual import encode_onnx, load_encoder
from qianru.contextual.encode_onnx import cosine_to_float32, quantise_columns
from qianru.errors import ArgumentError, QianruError

TEXTS = ["The cat sleeps.", "", "猫在睡觉，老虎在跑。", "a tiger and a cat " * 3, "the king"]


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_it_is_near_the_exact_vectors(make, kind: str) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    folder = make(kind, initializer_range=0.1)
    for layers in (None, 0, [1, -1], {1: 0.25, 3: 2.0}):
        fast = load_encoder(folder, backend="onnx", layers=layers)
        exact = load_encoder(folder, layers=layers)
        mean, least = cosine_to_float32(fast, exact, TEXTS)
        assert least > 0.99
        assert mean >= least
        sizes = np.linalg.norm(fast.encode(TEXTS).vectors, axis=1) / np.linalg.norm(
            exact.encode(TEXTS).vectors, axis=1
        )
        np.testing.assert_allclose(sizes, 1, atol=0.05)
    assert load_encoder(folder, backend="onnx").fingerprint != load_encoder(folder).fingerprint


def test_columns_are_rounded_each_by_its_own_scale() -> None:
    weight = np.random.default_rng(1).standard_normal((20, 5)).astype(np.float32) * [1, 10, 100, 0, 1e-3]
    codes, scales = quantise_columns(weight.astype(np.float32))
    assert codes.dtype == np.int8
    assert np.abs(codes * scales - weight).max(axis=0) == pytest.approx(
        np.abs(weight).max(axis=0) / 254, rel=0.3
    )


def test_what_it_does_not_know_is_refused(make, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match="gpt2"):
        load_encoder(make("gpt2"), backend="onnx")
    folder = make()
    with pytest.raises(ArgumentError, match="cpu"):
        load_encoder(folder, backend="onnx", device="cuda")

    def missing() -> None:
        raise QianruError("no package", hint="pip install 'qianru[onnx]'")

    monkeypatch.setattr(encode_onnx, "_load", missing)
    with pytest.raises(QianruError, match="no package"):
        load_encoder(folder, backend="onnx")
