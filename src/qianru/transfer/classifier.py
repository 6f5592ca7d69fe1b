"""`TextClassifier`: texts to labels with probabilities, by a trained network; a folder on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import numpy as np

from qianru.arrays import Float64Array, UInt64Array
from qianru.errors import ArgumentError
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, checked_resampling
from qianru.layers.backend import device_of
from qianru.transfer.calibration import softmax
from qianru.transfer.classifier_folder import PREFIX, Saved, read_classifier, write_classifier
from qianru.transfer.encoder_features import as_features, place_of, reopened
from qianru.transfer.examples import Examples, as_examples, check_labels, without_overlap
from qianru.transfer.folder import n_numbers
from qianru.transfer.network import (
    EncoderInputs,
    FeatureModel,
    FeatureNetwork,
    Inputs,
    TextNetwork,
    TokenInputs,
    TunedNetwork,
    feature_inputs,
    scores_of,
)
from qianru.transfer.report import TextReport, text_report


class LabelProbability(NamedTuple):
    """A label and its probability, 0 … 1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Run:
    """One seed's training.

    best_check: of the checks in `history`, the one whose network is kept, from 1. temperature: what scores are divided by.
    report: on the test examples, if there were any. diverged: whether a loss that was no number ended it.
    """

    seed: int
    best_check: int
    stopped_early: bool
    held_out_loss: float | None
    held_out_accuracy: float | None
    temperature: float
    history: list[dict[str, float]]
    report: TextReport | None = None
    diverged: bool = False

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**vars(self), "report": None if self.report is None else self.report.as_dict()}


class TextClassifier:
    """A network over tokens, over another model's features, or a tuned contextual model, that gives labels. Made by `train_text_classifier`.

    Attributes:
        labels: in the order of the probabilities.
        runs: of each seed; this classifier is the one of `seed`. Empty when loaded: the provenance has them then.
        notes: what its maker should know of the training.
    """

    def __init__(
        self,
        network: TextNetwork | FeatureNetwork | TunedNetwork,
        saved: Saved,
        *,
        features: FeatureModel | None = None,
        runs: Sequence[Run] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self._network, self._saved, self._features = network, saved, features
        self.runs, self.notes = list(runs), list(notes)
        network.eval()

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        features: FeatureModel | str | os.PathLike[str] | None = None,
        device: str = "cpu",
    ) -> TextClassifier:
        """Open a folder that `save` wrote. features: the model whose features it was trained on, if it was, or its path;
        not needed where that still lies where it lay. device: of torch, "cpu", "cuda" or "cuda:1".

        Raises FormatError, naming the file and what is wrong; ArgumentError where features are needed or not the same, and
        for a device that cannot be used.
        """
        place = str(device_of(device))
        network, saved = read_classifier(Path(path), place)
        told = saved.features_from
        if (saved.features is None) != (features is None) and not (told and features is None):
            what = "no features" if features is not None else "the features of another model"
            raise ArgumentError(
                f"classifier {os.fspath(path)} works on {what}",
                hint="Leave features out."
                if features is not None
                else f"features=the model {saved.features!r}",
            )
        if told is not None and (features is None or isinstance(features, str | os.PathLike)):
            model: Any = reopened(told, Path(path), features, device=place)
        else:
            model = as_features(features, device=place)
        mark = str(getattr(model, "fingerprint", "") or "")
        if saved.features and mark and mark != saved.features:
            raise ArgumentError(
                f"features must be those of model {saved.features[:16]}, got model {mark[:16]}",
                hint="Vectors of two models do not go together.",
            )
        return cls(network, saved, features=model)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the folder: model.safetensors, tokenizer.json, qianru.json; a tuned model in its folder `encoder`, which
        `load_encoder`, transformers and sentence-transformers open. Raises OutputError."""
        saved = replace(self._saved, features_from=place_of(self._features, Path(path)))
        write_classifier(Path(path), self._network, saved, force=force)

    @property
    def labels(self) -> list[str]:
        """In the order of the probabilities."""
        return list(self._saved.labels)

    @property
    def temperature(self) -> float:
        """What scores are divided by before they become probabilities; 1 where it was not fitted."""
        return self._saved.temperature

    @property
    def seed(self) -> int:
        """Of the run this classifier is from."""
        return self._saved.seed

    @property
    def provenance(self) -> MappingProxyType[str, object]:
        """Settings, data and runs; read-only."""
        return MappingProxyType(self._saved.provenance)

    @property
    def n_parameters(self) -> int:
        """Numbers in the network, frozen ones too."""
        return n_numbers(self._network, self.layer, PREFIX)

    @property
    def layer(self) -> Any:
        """The embedding layer; None for a classifier over features or on a tuned model."""
        return self._network.text.layer if isinstance(self._network, TextNetwork) else None

    def probabilities(self, texts: Sequence[str]) -> Float64Array:
        """Of each text and label, float64 [n, n_labels]; rows add up to 1. Raises ArgumentError."""
        return self._scored(texts)[0]

    def _scored(self, texts: Sequence[str]) -> tuple[Float64Array, int]:
        if isinstance(texts, str):
            raise ArgumentError("texts must be a sequence of texts, got one str", hint="write [text]")
        if not len(texts):
            return np.empty((0, len(self.labels))), 0
        inputs = self._inputs(texts)
        return softmax(scores_of(self._network, inputs), self.temperature), inputs.n_truncated

    def _inputs(self, texts: Sequence[str]) -> Inputs:
        if isinstance(self._network, FeatureNetwork):
            found = feature_inputs(cast(FeatureModel, self._features), texts)
            dim = found.features.shape[1]
            if dim != self._network.head.in_features:
                raise ArgumentError(f"features must have dim {self._network.head.in_features}, got {dim}")
            return found
        if isinstance(self._network, TunedNetwork):
            return EncoderInputs(self._network.encoder, texts)
        layer = self._network.text.layer
        return TokenInputs(texts, layer.tokenizer, layer.padding_id, self._saved.max_tokens)

    def predict(self, texts: Sequence[str], k: int = 1) -> list[list[LabelProbability]]:
        """The k most probable labels of each text, best first; equal ones in the order of `labels`.

        A text of which no token is known gets the probabilities of an empty one. Raises ArgumentError.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise ArgumentError(f"k must be a whole number from 1 up, got {k!r}")
        found = self.probabilities(texts)
        order = np.argsort(-found, axis=1, kind="stable")[:, :k]
        return [
            [LabelProbability(self._saved.labels[i], float(row[i])) for i in best]
            for row, best in zip(found, order.tolist(), strict=True)
        ]

    def evaluate(
        self,
        examples: Examples,
        *,
        overlap: str = "refuse",
        n_bootstrap: int = DEFAULT_BOOTSTRAP,
        seed: int = 1,
    ) -> TextReport:
        """Accuracy, macro F1, and of each label precision, recall and F1, with 95 % intervals.

        overlap: examples whose text was trained on are refused; "drop" leaves them out, "allow" keeps them.

        Raises CorpusError for such examples and for labels the classifier does not have, ArgumentError.
        """
        checked_resampling(seed, n_bootstrap)
        given = as_examples(examples)
        check_labels(given, self._saved.labels)
        given = without_overlap(given, self._saved.seen, overlap)
        probabilities, n_truncated = self._scored(given.texts)
        return text_report(
            self.labels,
            probabilities,
            check_labels(given, self._saved.labels),
            n_bootstrap=n_bootstrap,
            seed=seed,
            n_truncated=n_truncated,
        )

    @property
    def seen(self) -> UInt64Array:
        """Hashes of the texts it was trained on or stopped by, uint64 [n], sorted."""
        return self._saved.seen

    def __repr__(self) -> str:
        kind = "features" if self._saved.features is not None else self._saved.encoder
        kind = kind if self._saved.tuned is None else "fine-tuned"
        return f"TextClassifier({kind}, {len(self.labels)} labels)"
