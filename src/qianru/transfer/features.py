"""`TextFeatures`: word vectors as a step of scikit-learn; a text becomes the mean of its words' vectors."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from qianru.arrays import Float32Array
from qianru.errors import ArgumentError
from qianru.tokens import tokenizer_of_words
from qianru.transfer.network import FeatureModel, features_of
from qianru.vectors import SubwordVectors, Vectors
from qianru.vectors.subwords import has_subwords

_SIF = 1e-3


class TextFeatures(TransformerMixin, BaseEstimator):
    """A transformer of scikit-learn: texts → float32 [n, dim]; for Pipeline, ColumnTransformer, GridSearchCV.

    Args:
        model: vectors, the path of such, or any model with encode(texts) → float32 [n, dim].
        weighting: of the words of a text: "equal", or "sif", a / (a + share of the word in the training text) with
            a = 0.001 (Arora et al. 2017), for which vectors need counts. Not for models with encode.

    A text of which no word is known gets zeros. `fit` learns nothing from the texts: it opens the model.
    """

    def __init__(self, model: object = None, *, weighting: str = "equal") -> None:
        # As scikit-learn wants it, arguments are kept as they are and looked at in `fit`.
        self.model = model
        self.weighting = weighting

    def __sklearn_clone__(self) -> TextFeatures:
        # As scikit-learn clones, but for the model: vectors are never changed once made, and need no copy.
        given = self.get_params(deep=False)
        made = type(self)(
            **{name: one if name == "model" else clone(one, safe=False) for name, one in given.items()}
        )
        for name in ("_sklearn_output_config", "_metadata_request"):
            if name in vars(self):
                setattr(made, name, copy.deepcopy(vars(self)[name]))
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "model": _to_pickle(self.model)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "model": _from_pickle(state["model"])})

    def fit(self, texts: Iterable[str], labels: object = None) -> TextFeatures:
        """Open the model. Raises ArgumentError for one that cannot be used."""
        _checked(texts)
        if self.weighting not in ("equal", "sif"):
            raise ArgumentError(f'weighting must be "equal" or "sif", got {self.weighting!r}')
        model: Any = self.model
        if isinstance(model, str | os.PathLike):
            model = SubwordVectors.load(str(model)) if has_subwords(str(model)) else Vectors.load(str(model))
        if isinstance(model, Vectors | SubwordVectors):
            self.encoder_: FeatureModel = WordMeans(model, weighting=self.weighting)
        elif callable(getattr(model, "encode", None)) and self.weighting == "equal":
            self.encoder_ = model
        else:
            raise ArgumentError(
                f"model must be vectors, a path, or have encode(texts), got {type(model).__name__}",
                hint='weighting="sif" is for vectors alone',
            )
        return self

    def transform(self, texts: Iterable[str]) -> Float32Array:
        """float32 [n, dim]. Raises ArgumentError for what is no text."""
        check_is_fitted(self, "encoder_")
        return features_of(self.encoder_, _checked(texts))

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """A name for each of the dim numbers."""
        check_is_fitted(self, "encoder_")
        dim = features_of(self.encoder_, [""]).shape[1]
        return np.array([f"textfeatures{i}" for i in range(dim)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = True
        return tags


class WordMeans:
    """encode(texts) by the weighted mean of the words' vectors; words with n-grams alone count too."""

    def __init__(self, vectors: Vectors | SubwordVectors, *, weighting: str = "equal") -> None:
        self._subwords = vectors if isinstance(vectors, SubwordVectors) else None
        words = vectors.vectors if isinstance(vectors, SubwordVectors) else vectors
        keys = list(words.keys)
        lowercase = all(key == key.lower() for key in keys)
        self._tokenizer = tokenizer_of_words(keys, counts=words.counts, lowercase=lowercase)
        self._lowercase = lowercase
        self._matrix = np.vstack([words.to_numpy(), np.zeros((1, words.dim), np.float32)])
        weights = np.ones(len(keys) + 1)
        if weighting == "sif":
            if words.counts is None:
                raise ArgumentError('weighting "sif" needs vectors with counts', hint='weighting="equal"')
            shares = words.counts.astype(np.float64) / max(float(words.counts.sum()), 1.0)
            weights[:-1] = _SIF / (_SIF + shares)
        weights[-1] = 0.0  # the unknown token
        self._weights = weights

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_subwords": _to_pickle(self._subwords)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _subwords=_from_pickle(state["_subwords"]))

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """float32 [n, dim]; zeros for a text of which no word is known."""
        batch, offsets = self._tokenizer.encode_offsets(texts)
        ids = batch.ids.astype(np.int64)
        rows, weights = self._matrix[ids].astype(np.float64), self._weights[ids]
        if self._subwords is not None:
            unknown = np.flatnonzero(ids == len(self._matrix) - 1)
            text_of = np.searchsorted(batch.splits, unknown, side="right") - 1
            for place, text in zip(unknown.tolist(), text_of.tolist(), strict=True):
                word = texts[text][slice(*offsets[place].tolist())]
                answer = self._subwords.lookup(word.lower() if self._lowercase else word)
                if answer.source != "none":
                    rows[place], weights[place] = answer.vector, 1.0
        made = np.zeros((len(texts), self._matrix.shape[1]))
        totals = np.zeros(len(texts))
        text_of = np.repeat(np.arange(len(texts)), np.diff(batch.splits))
        np.add.at(made, text_of, rows * weights[:, None])
        np.add.at(totals, text_of, weights)
        found: Float32Array = (made / np.where(totals > 0, totals, 1.0)[:, None]).astype(np.float32)
        return found


class _Parts(NamedTuple):
    """What vectors are made of again; their index of words is none that pickle can hold."""

    made_by: type[Vectors] | type[SubwordVectors]
    rows: list[Float32Array]
    options: dict[str, Any]


def _to_pickle(model: object) -> object:
    if not isinstance(model, Vectors | SubwordVectors):
        return model
    words = model.vectors if isinstance(model, SubwordVectors) else model
    options = {"keys": list(words.keys), "counts": words.counts, "provenance": dict(words.provenance)}
    if isinstance(model, Vectors):
        return _Parts(Vectors, [model.to_numpy()], {**options, "biases": model.biases})
    options |= {name: getattr(model, name) for name in ("rule", "buckets", "pruned", "output")}
    return _Parts(SubwordVectors, [model.word_rows, model.ngram_rows], options)


def _from_pickle(held: object) -> Any:
    if not isinstance(held, _Parts):
        return held
    options = dict(held.options)
    return held.made_by(options.pop("keys"), *held.rows, **options)


def _checked(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):
        raise ArgumentError("texts must be a sequence of texts, got one str", hint="write [text]")
    found = list(texts)
    for i, text in enumerate(found):
        if not isinstance(text, str):
            raise ArgumentError(f"texts must be str, texts[{i}] is {type(text).__name__}")
    return found
