"""Fewer bytes: what comes back, what it costs, and that it is the same from the folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from qianru.errors import ArgumentError, FormatError
from qianru.vectors import Vectors, load
from qianru.vectors.codes import encode
from qianru.vectors.quantise import QuantisedVectors, quantisation_loss, quantise

METHODS = ["float16", "int8", "pq"]


@pytest.fixture(scope="module")
def cloud() -> Vectors:
    """Clusters, as words have, so that neighbours mean something."""
    rng = np.random.default_rng(4)
    centres = rng.standard_normal((60, 21))
    matrix = centres[rng.integers(0, 60, 3000)] + 0.5 * rng.standard_normal((3000, 21))
    matrix *= rng.uniform(0.2, 5, (3000, 1))
    return Vectors([f"w{i}" for i in range(3000)], matrix.astype(np.float32), counts=np.arange(3000, 0, -1))


@pytest.mark.parametrize(
    ("method", "least", "cosine"), [("float16", 0.99, 0.9999), ("int8", 0.95, 0.999), ("pq", 0.5, 0.95)]
)
def test_loss(cloud: Vectors, method: str, least: float, cosine: float) -> None:
    made = quantise(cloud, method)
    pairs = [("w1", f"w{i}", cloud.similarity("w1", f"w{i}")) for i in range(2, 40)]
    loss = quantisation_loss(cloud, made, n_queries=200, pairs=[*pairs, ("unknown", "w1", 1.0)])
    assert loss.overlap >= least
    assert loss.cosine >= cosine
    assert loss.n_pairs == 38
    assert loss.spearman_before == pytest.approx(1)
    assert loss.spearman is not None
    assert loss.spearman > 0.9
    assert loss.n_bytes < loss.n_bytes_before * {"float16": 0.51, "int8": 0.31, "pq": 0.3}[method]


@pytest.mark.parametrize("method", METHODS)
def test_search_is_that_of_the_decoded_vectors(
    cloud: Vectors, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qianru.vectors.quantise._BLOCK", 700)
    made = quantise(cloud, method)
    decoded = made.to_vectors()
    words = ["w0", "w699", "w700", "w2999"]
    for mine, plain in zip(made.similar(words, 20), decoded.similar(words, 20), strict=True):
        assert [n.word for n in mine] == [n.word for n in plain]
        np.testing.assert_allclose([n.score for n in mine], [n.score for n in plain], atol=1e-6)
    assert made.similar("w5", 3) == made.similar(["w5"], 3)[0]
    np.testing.assert_array_equal(made["w7"], decoded["w7"])


@pytest.mark.parametrize("method", METHODS)
def test_folder(cloud: Vectors, tmp_path: Path, method: str) -> None:
    made = quantise(cloud, method)
    made.save(tmp_path / "m")
    again = QuantisedVectors.load(tmp_path / "m")
    assert (again.method, again.dim, again.keys, again.n_bytes) == (method, 21, cloud.keys, made.n_bytes)
    opened = Vectors.load(tmp_path / "m", verify=True)
    np.testing.assert_array_equal(opened.to_numpy(), made.to_vectors().to_numpy())
    np.testing.assert_array_equal(opened.counts, cloud.counts)
    assert opened.provenance["steps"][-1]["method"] == method
    cloud.save(tmp_path / "plain")
    size = (tmp_path / "m" / "model.safetensors").stat().st_size
    assert size < 0.52 * (tmp_path / "plain" / "model.safetensors").stat().st_size
    with pytest.raises(FormatError, match="not quantised"):
        QuantisedVectors.load(tmp_path / "plain")


def test_mixed_folders_are_refused(cloud: Vectors, tmp_path: Path) -> None:
    quantise(cloud, "pq").save(tmp_path / "m")
    path = tmp_path / "m" / "qianru.json"
    description = json.loads(path.read_text())
    for changes in (
        {"dim": 20},
        {"n_keys": 2999},
        {"quantisation": {"method": "int8"}},
        {"quantisation": None},
        {"quantisation": 3},
    ):
        path.write_text(json.dumps({**description, **changes}))
        with pytest.raises(FormatError):
            load(tmp_path / "m")


@settings(max_examples=60, deadline=None)
@given(
    numpy_strategies.arrays(
        np.float32,
        st.tuples(st.integers(1, 20), st.integers(1, 9)),
        elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=True),
    ),
    st.sampled_from(METHODS),
)
def test_any_matrix(matrix: np.ndarray, method: str) -> None:
    decoded = encode(matrix, method).decode_all()
    assert decoded.shape == matrix.shape
    assert np.isfinite(decoded).all()
    most = np.abs(matrix).max(axis=1, keepdims=True)
    # Fewer rows than centroids: each part of each row is a centroid itself, or so close to one that float32's squared distances,
    # exact to some 1e-7 of the squared lengths, do not tell them apart.
    bound = {"float16": 2**-11, "int8": 0.51 / 127, "pq": 1e-3}[method]
    assert (np.abs(decoded - matrix) <= bound * most + 1e-7).all()


def test_product_quantisation_repeats_and_takes_any_number_of_bytes(cloud: Vectors) -> None:
    matrix = cloud.to_numpy()
    for n_sub in (1, 4, 10, 21):
        one, two = encode(matrix, "pq", n_sub=n_sub), encode(matrix, "pq", n_sub=n_sub)
        np.testing.assert_array_equal(one.decode_all(), two.decode_all())
    errors = [np.square(encode(matrix, "pq", n_sub=n).decode_all() - matrix).mean() for n in (3, 7, 21)]
    assert errors[0] > errors[1] > errors[2]


def test_bad_arguments(cloud: Vectors) -> None:
    with pytest.raises(ArgumentError, match="method must be"):
        quantise(cloud, "int4")
    for method, n_sub in (("pq", 0), ("pq", 22), ("int8", 4)):
        with pytest.raises(ArgumentError, match="n_sub must be"):
            quantise(cloud, method, n_sub=n_sub)
    with pytest.raises(ArgumentError, match="65504"):
        quantise(Vectors(["a"], np.full((1, 2), 1e5, np.float32)), "float16")
    with pytest.raises(ArgumentError, match="same words"):
        quantisation_loss(cloud.subset(["w1", "w2"]), quantise(cloud))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_pq_of_very_small_and_very_large_numbers(cloud: Vectors, scale: float) -> None:
    small = Vectors(list(cloud)[:300], cloud.to_numpy()[:300] * np.float32(scale))
    assert quantisation_loss(small, quantise(small, "pq"), n_queries=50).cosine > 0.95


def test_numbers_out_of_range_are_named(cloud: Vectors) -> None:
    with pytest.raises(ArgumentError, match="seed must be a whole number from 0"):
        quantise(cloud, "pq", seed=-1)
    made = quantise(cloud, "int8")
    with pytest.raises(ArgumentError, match="seed must be"):
        quantisation_loss(cloud, made, seed=-1)
    with pytest.raises(ArgumentError, match="n_queries must be"):
        quantisation_loss(cloud, made, n_queries=0)


def test_the_loss_of_one_word_and_of_rows_of_zeros() -> None:
    one = Vectors(["a"], np.ones((1, 3), np.float32))
    assert quantisation_loss(one, quantise(one)).overlap == 1
    some = Vectors(["a", "b", "c"], np.array([[1, 2], [0, 0], [2, 1]], np.float32))
    assert quantisation_loss(some, quantise(some)).cosine == pytest.approx(1, abs=1e-4)
