"""`Classifier`: a trained linear text classifier, from training or from a file of fastText."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np

from qianru import _core
from qianru.arrays import Float32Array, Float64Array, UInt32Array
from qianru.errors import ArgumentError, FormatError
from qianru.static.classifier_quantise import n_bytes, quantised_model
from qianru.static.classifier_report import ClassifierReport, make_report
from qianru.static.labelled_text import LABEL_PREFIX, Examples, as_pairs, joined_texts, labels_of
from qianru.static.settings import at_least, one_of, within
from qianru.vectors.formats.fasttext import read_fasttext
from qianru.vectors.formats.fasttext_model import FastTextModel
from qianru.vectors.formats.fasttext_write import write_fasttext

_BATCH = 4096


class Prediction(NamedTuple):
    """A label and its probability, 0 … 1."""

    label: str
    probability: float


class Classifier:
    """Labels for texts (Joulin et al. 2017, arXiv:1607.01759).

    `model` holds the words, labels and matrices as fastText's files do. split: "space" takes the tokens
    between white space, "words" cuts texts as `Corpus` does. Made by `train_classifier` and `load`.
    """

    def __init__(
        self, model: FastTextModel, *, split: str = "space", label_prefix: str = LABEL_PREFIX
    ) -> None:
        one_of("split", split, ("space", "words"))
        if model.arguments.model != "supervised" or model.n_labels == 0:
            raise ArgumentError(
                "the model has no labels: it holds word vectors", hint="open it with SubwordVectors.load"
            )
        self._model, self._split, self._prefix = model, split, label_prefix
        names = [model.entry(i).decode("utf-8", "replace") for i in range(model.n_words, len(model.counts))]
        self._labels = [name.removeprefix(label_prefix) for name in names]
        self._ids = {label: i for i, label in enumerate(self._labels)}
        given, rule = model.arguments, model.rule()
        counts = model.counts[model.n_words :].astype(np.uint64)
        # Negative sampling is a way to train what one-vs-all predicts.
        loss = "ova" if given.loss == "ns" else given.loss
        if loss == "hs" and (len(counts) < 2 or (np.diff(model.counts[model.n_words :]) > 0).any()):
            raise FormatError("hierarchical softmax needs at least two labels by falling count")
        self._scorer = _core.ClassifierScorer(
            model.text,
            model.offsets[: model.n_words + 1],
            model.buckets,
            model.word_rows,
            model.ngram_rows,
            model.output,
            counts,
            loss=loss,
            min_n=rule.min_n,
            max_n=rule.max_n,
            n_buckets=given.n_buckets,
            word_ngrams=given.word_ngrams,
            pruned=model.quantised is not None,
        )
        self._is_ova = loss == "ova"

    @classmethod
    def load(cls, path: str | Path, *, split: str = "space", label_prefix: str = LABEL_PREFIX) -> Classifier:
        """Open a supervised .bin or .ftz of fastText. Raises FormatError with the byte offset."""
        if not Path(path).is_file():
            raise ArgumentError(f"no such file: {path}")
        try:
            return cls(read_fasttext(Path(path)), split=split, label_prefix=label_prefix)
        except FormatError as error:
            if error.path:
                raise
            raise FormatError(error.message, path=str(path)) from None

    def export(self, path: str | Path, *, force: bool = False) -> None:
        """Write fastText's .bin, or .ftz if this is quantised; buckets not in use become zeros.

        Raises OutputError.
        """
        write_fasttext(Path(path), self._model, force=force)

    @property
    def labels(self) -> list[str]:
        """All labels, the most frequent one first."""
        return list(self._labels)

    @property
    def provenance(self) -> Mapping[str, object]:
        """What made this classifier."""
        return dict(self._model.provenance)

    @property
    def n_bytes(self) -> int:
        """What the matrices take in a file."""
        return n_bytes(self._model)

    def __repr__(self) -> str:
        given = self._model.arguments
        return f"Classifier(n_labels={len(self._labels)}, n_words={self._model.n_words}, dim={given.dim})"

    @overload
    def predict(  # type: ignore[overload-overlap]  # a str is a sequence of str
        self, texts: str, k: int = ..., *, threshold: float = ...
    ) -> list[Prediction]: ...
    @overload
    def predict(
        self, texts: Iterable[str], k: int = ..., *, threshold: float = ...
    ) -> list[list[Prediction]]: ...
    def predict(
        self, texts: str | Iterable[str], k: int = 1, *, threshold: float = 0.0
    ) -> list[Prediction] | list[list[Prediction]]:
        """The k most probable labels of a text, or of each of several, best first.

        threshold: leave out labels less probable than this. A text without any known token or n-gram has no
        labels.
        """
        at_least("k", k, 1)
        within("threshold", threshold, 0.0, 1.0)
        single = isinstance(texts, str)
        scores, n_rows = self._scores([texts] if isinstance(texts, str) else list(texts))
        found = self._to_probabilities(scores)
        k = min(k, len(self._labels))
        answers = []
        for row, n in zip(found, n_rows, strict=True):
            best = np.argsort(-row, kind="stable")[: k if n else 0]
            answers.append([Prediction(self._labels[i], float(row[i])) for i in best if row[i] >= threshold])
        return answers[0] if single else answers

    def probabilities(self, texts: Iterable[str]) -> Float64Array:
        """float64 [n, n_labels], columns as in `labels`; each row sums to 1, except with one-vs-all."""
        return self._to_probabilities(self._scores(list(texts))[0])

    def embed(self, texts: Iterable[str]) -> Float32Array:
        """float32 [n, dim]: for each text the mean of its rows; zeros for a text without any."""
        means, _ = self._scorer.embed(joined_texts(texts, self._split))
        return means

    def evaluate(self, examples: Examples, *, k: int = 1, threshold: float = 0.0) -> ClassifierReport:
        """Compare predictions with the labels of a `__label__x text` file or of (text, label) pairs.

        k, threshold: as for `predict`. Examples whose labels are all unknown are left out.
        """
        at_least("k", k, 1)
        texts, truth, n_left_out = self._with_known_labels(examples)
        return make_report(
            self._labels,
            self.probabilities(texts),
            truth,
            k=min(k, len(self._labels)),
            threshold=threshold,
            n_left_out=n_left_out,
        )

    def calibrate(self, examples: Examples) -> Classifier:
        """A classifier whose probabilities fit these examples, which it must not have been trained on.

        One temperature divides all scores so that the log loss is least (Guo et al. 2017, arXiv:1706.04599);
        the most probable label stays the same, except perhaps with hierarchical softmax. It goes into the
        output matrix, so that files keep it and fastText itself predicts the same.
        """
        texts, truth, _ = self._with_known_labels(examples)
        true = np.zeros((len(texts), len(self._labels)), dtype=bool)
        for row, labels in enumerate(truth):
            true[row, labels] = True
        first = np.array([labels[0] for labels in truth])
        data = joined_texts(texts, self._split)

        def loss(log_temperature: float) -> float:
            tried = self._cooled(math.exp(log_temperature))
            p = tried._to_probabilities(tried._scorer.score(data)[0])
            if self._is_ova:
                p = np.where(true, p, 1 - p)
                return float(-np.log(np.maximum(p, 1e-12)).sum(axis=1).mean())
            return float(-np.log(np.maximum(p[np.arange(len(p)), first], 1e-12)).mean())

        temperature = math.exp(_least(loss, math.log(0.05), math.log(20.0)))
        return self._cooled(temperature)

    def quantise(
        self,
        *,
        cutoff: int | None = None,
        sub_dim: int = 2,
        norms: bool = False,
        outputs: bool = False,
        held_out: Examples | None = None,
        seed: int = 1,
    ) -> Classifier:
        """A smaller classifier in product quantisation, as fastText's .ftz has it.

        cutoff: keep only so many rows of words and n-grams, the longest ones. sub_dim: numbers that share a
        byte. norms: keep the rows' lengths in a byte of their own. outputs: quantise the labels' rows too.
        What it cost stands in provenance["quantisation"]: bytes, the rows' relative error, and with
        `held_out` the accuracy before and after.
        """
        if self._model.quantised is not None:
            raise ArgumentError("the classifier is quantised already")
        at_least("sub_dim", sub_dim, 1)
        if cutoff is not None:
            at_least("cutoff", cutoff, 1)
        made = quantised_model(
            self._model, cutoff=cutoff, sub_dim=sub_dim, norms=norms, outputs=outputs, seed=seed
        )
        small = Classifier(made, split=self._split, label_prefix=self._prefix)
        if held_out is not None:
            pairs = as_pairs(held_out, self._prefix)
            told = made.provenance["quantisation"]
            assert isinstance(told, dict)
            told["accuracy_before"] = self.evaluate(pairs).accuracy
            told["accuracy"] = small.evaluate(pairs).accuracy
        return small

    def _cooled(self, temperature: float) -> Classifier:
        output = self._model.output / np.float32(temperature)
        before = self._model.provenance.get("temperature", 1.0)
        told = {**self._model.provenance, "temperature": temperature * float(str(before))}
        made = dataclasses.replace(self._model, output=output, quantised_output=None, provenance=told)
        return Classifier(made, split=self._split, label_prefix=self._prefix)

    def _scores(self, texts: list[str]) -> tuple[Float32Array, UInt32Array]:
        for text in texts:
            if not isinstance(text, str):
                raise ArgumentError(f"texts must be str, got {type(text).__name__}")
        scores, n_rows = [], []
        for begin in range(0, len(texts), _BATCH):
            found = self._scorer.score(joined_texts(texts[begin : begin + _BATCH], self._split))
            scores.append(found[0])
            n_rows.append(found[1])
        if not texts:
            return np.empty((0, len(self._labels)), np.float32), np.empty(0, np.uint32)
        return np.concatenate(scores), np.concatenate(n_rows)

    def _to_probabilities(self, scores: Float32Array) -> Float64Array:
        wide = scores.astype(np.float64)
        return 1 / (1 + np.exp(-wide)) if self._is_ova else np.exp(wide)

    def _with_known_labels(self, examples: Examples) -> tuple[list[str], list[list[int]], int]:
        texts, truth = [], []
        pairs = as_pairs(examples, self._prefix)
        for pair in pairs:
            known = [self._ids[label] for label in labels_of(pair) if label in self._ids]
            if known:
                texts.append(pair[0])
                truth.append(known)
        if not texts:
            raise ArgumentError(f"examples hold no known label among {len(pairs)}: {self._labels[:5]} …")
        return texts, truth, len(pairs) - len(texts)


def _least(call: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley is least, by golden section, to 1e-3."""
    ratio = (math.sqrt(5) - 1) / 2
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    at_a, at_b = call(a), call(b)
    while high - low > 1e-3:
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - ratio * (high - low)
            at_a = call(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + ratio * (high - low)
            at_b = call(b)
    return (low + high) / 2
