"""Word vectors as a step of scikit-learn."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError
from qianru.vectors import SubwordRule, SubwordVectors, Vectors

pytest.importorskip("torch", reason="torch is not installed: make test-torch")
sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

from qianru.transfer import TextFeatures  # noqa: E402


def small() -> Vectors:
    matrix = np.array([[1, 0], [0, 1], [2, 2]], np.float32)
    return Vectors(["cat", "dog", "猫"], matrix, counts=[900, 90, 10])


def test_a_text_is_the_mean_of_its_words() -> None:
    found = TextFeatures(small()).fit([]).transform(["cat dog", "CAT, 猫 zebra", "", "zebra"])
    assert found.dtype == np.float32
    assert found.tolist() == [[0.5, 0.5], [1.5, 1.0], [0, 0], [0, 0]]
    weights = 1e-3 / (1e-3 + np.array([0.9, 0.09]))
    sif = TextFeatures(small(), weighting="sif").fit([]).transform(["cat dog"])
    assert sif[0] == pytest.approx(weights / weights.sum(), rel=1e-6)


def test_words_with_ngrams_alone_count() -> None:
    rule = SubwordRule(min_n=2, max_n=3, n_buckets=20)
    rng = np.random.default_rng(1)
    model = SubwordVectors(
        ["cat"],
        rng.normal(size=(1, 3)).astype(np.float32),
        rng.normal(size=(20, 3)).astype(np.float32),
        rule=rule,
    )
    found = TextFeatures(model).fit([]).transform(["cat Cats"])
    assert found[0] == pytest.approx((model["cat"] + model["cats"]) / 2, abs=1e-6)


def test_it_is_a_step_as_scikit_learn_wants_them(tmp_path: Path, known: Vectors) -> None:
    texts = ["a cat", "the tiger", "a bus", "the truck"] * 5
    labels = ["animal", "animal", "vehicle", "vehicle"] * 5
    step = TextFeatures(known)
    assert step.get_params() == {"model": known, "weighting": "equal"}
    other = clone(step)
    assert other is not step
    assert other.model is known
    with pytest.raises(NotFittedError):
        other.transform(["a"])
    pipeline = make_pipeline(step, LogisticRegression()).fit(texts, labels)
    assert pipeline.predict(["the wolf", "a tram"]).tolist() == ["animal", "vehicle"]
    assert len(pipeline[:-1].get_feature_names_out()) == known.dim
    search = GridSearchCV(clone(pipeline), {"logisticregression__C": [0.1, 1]}, cv=2).fit(texts, labels)
    assert search.best_score_ == 1.0
    known.save(tmp_path / "model")
    by_path = TextFeatures(tmp_path / "model")
    assert np.array_equal(by_path.fit_transform(texts), step.fit(texts).transform(texts))
    assert by_path.set_params(weighting="sif").weighting == "sif"


def test_it_is_cloned_whole() -> None:
    class Mine(TextFeatures):
        def __init__(self, model: object = None, *, weighting: str = "equal", extra: object = None) -> None:
            super().__init__(model, weighting=weighting)
            self.extra = extra

    step = Mine(small(), extra=[1]).set_output(transform="default")
    made = clone(step)
    assert type(made) is Mine
    assert made.model is step.model
    assert made.extra == [1]
    assert made.extra is not step.extra
    assert made._sklearn_output_config == {"transform": "default"}
    with sklearn.config_context(enable_metadata_routing=True):
        routed = TextFeatures(small())
        routed._metadata_request = {"fit": "mine"}  # what set_fit_request leaves, where `fit` takes metadata
        assert clone(routed)._metadata_request == {"fit": "mine"}


def test_it_passes_through_pickle(tmp_path: Path) -> None:
    rule = SubwordRule(min_n=2, max_n=3, n_buckets=20)
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(2, 3)).astype(np.float32), rng.normal(size=(20, 3)).astype(np.float32)
    with_ngrams = SubwordVectors(["cat", "狗"], *rows, rule=rule)
    with_ngrams.save(tmp_path / "n")
    biased = Vectors(["cat", "狗"], rows[0], biases=rows[1][:2], provenance={"by": ["hand"]})
    for model in (small(), biased, with_ngrams, tmp_path / "n", None):
        step = TextFeatures(model)
        if model is not None:
            step.fit([])
        for made in (pickle.loads(pickle.dumps(step)), copy.copy(step), copy.deepcopy(step)):
            assert type(made.model) is type(model)
            if model is not None:
                texts = ["cat cats 猫", ""]
                assert np.array_equal(made.transform(texts), step.transform(texts))
            if isinstance(model, Vectors):
                assert made.model.fingerprint == model.fingerprint
                assert made.model.provenance == model.provenance
                assert np.array_equal(made.model.biases, model.biases)
        assert step.model is model


class Counts:
    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([[len(text)] for text in texts], np.float32).reshape(len(texts), 1)


def test_any_model_that_encodes() -> None:
    assert TextFeatures(Counts()).fit_transform(["a", "abc"]).tolist() == [[1], [3]]


def test_bad_models_and_texts() -> None:
    for model, options, message in (
        (None, {}, "model must be vectors, a path, or have encode"),
        (Counts(), {"weighting": "sif"}, "model must be vectors"),
        (small(), {"weighting": "idf"}, 'weighting must be "equal" or "sif"'),
        (Vectors(["a"], np.ones((1, 2), np.float32)), {"weighting": "sif"}, "needs vectors with counts"),
    ):
        with pytest.raises(ArgumentError, match=message):
            TextFeatures(model, **options).fit([])
    with pytest.raises(ArgumentError, match="got one str"):
        TextFeatures(small()).fit("cat")
    with pytest.raises(ArgumentError, match=r"texts\[0\] is int"):
        TextFeatures(small()).fit([]).transform([3])  # type: ignore[list-item]
