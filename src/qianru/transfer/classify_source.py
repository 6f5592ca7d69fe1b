"""What a classifier reads: tokens, whose rows start at random or from vectors, or features of another model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import torch

from qianru.contextual.encode import ContextualEncoder
from qianru.contextual.encode_elmo import is_elmo_folder
from qianru.contextual.loading import load_encoder
from qianru.errors import ArgumentError, CorpusError
from qianru.layers.embedding import EmbeddingLayer
from qianru.layers.encoders import TextEncoder, make_encoder
from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens import Tokenizer, tokenizer_of_words
from qianru.transfer.encoder_features import EncoderFeatures, checked_settings
from qianru.transfer.network import (
    EncoderInputs,
    FeatureInputs,
    FeatureModel,
    FeatureNetwork,
    Inputs,
    TextNetwork,
    TokenInputs,
    TunedNetwork,
    feature_inputs,
)
from qianru.vectors import SubwordVectors, Vectors
from qianru.vectors.static_encoder import is_static_folder

Rows: TypeAlias = Literal["free", "slow", "frozen"]


@dataclass(frozen=True)
class Plan:
    """What every seed's network has in common."""

    n_labels: int
    encoder: str
    encoder_settings: dict[str, Any]
    dropout: float


class Tokens:
    """Networks over tokens, whose rows start at random or from vectors."""

    def __init__(
        self, tokenizer: Tokenizer, start: Vectors | SubwordVectors | None, rows: Rows, dim: int
    ) -> None:
        self.tokenizer, self.start, self.rows, self.dim = tokenizer, start, rows, dim
        # What the layer takes for padding, asked of a small one.
        self.padding_id = EmbeddingLayer(tokenizer, dim=1).padding_id

    def inputs(self, texts: Sequence[str], max_tokens: int) -> Inputs:
        """The texts as the networks take them."""
        return TokenInputs(texts, self.tokenizer, self.padding_id, max_tokens)

    def network(self, plan: Plan, inputs: Inputs, seed: int) -> Any:
        """A network that nothing has trained yet; inputs: the training texts."""
        if self.start is None:
            layer = EmbeddingLayer(self.tokenizer, dim=self.dim, sparse=True, seed=seed)
        else:
            counts = cast(TokenInputs, inputs).counts(self.tokenizer.n_tokens)
            modes: dict[str, Any] = {"found": self.rows, "subwords": self.rows, "missing": "free"}
            layer = EmbeddingLayer.from_vectors(
                self.start, self.tokenizer, modes=modes, counts=counts, sparse=True, seed=seed
            )
        encoder = make_encoder(plan.encoder, layer.dim, **plan.encoder_settings)
        return TextNetwork(TextEncoder(layer, encoder), plan.n_labels, dropout=plan.dropout)

    def told(self, network: Any) -> dict[str, object]:
        """For the provenance."""
        if self.start is None:
            return {"kind": "random"}
        words = self.start.vectors if isinstance(self.start, SubwordVectors) else self.start
        report = network.text.layer.report.as_dict()
        return {"kind": "vectors", "fingerprint": words.fingerprint, "mapping": report}


class Features:
    """A linear map on the features of a model that stays as it is."""

    def __init__(self, model: FeatureModel, progress: ProgressCallback | None) -> None:
        self.model, self._progress = model, progress
        self.dim = 0

    def inputs(self, texts: Sequence[str], max_tokens: int) -> Inputs:
        """The texts as the networks take them."""
        if not len(texts):
            return FeatureInputs(np.empty((0, self.dim), np.float32))
        found = feature_inputs(self.model, texts, progress=self._progress)
        self.dim = found.features.shape[1]
        return found

    def network(self, plan: Plan, inputs: Inputs, seed: int) -> Any:
        """A network that nothing has trained yet; inputs: the training texts."""
        network = FeatureNetwork(self.dim, plan.n_labels, dropout=plan.dropout)
        network.fit_scale(cast(FeatureInputs, inputs).features)
        return network

    def told(self, network: Any) -> dict[str, object]:
        """For the provenance."""
        mark = str(getattr(self.model, "fingerprint", "") or "")
        name = self.model.path.name if isinstance(self.model, EncoderFeatures) else type(self.model).__name__
        return {"kind": "features", "model": name, "dim": self.dim, "fingerprint": mark}


class Tuned:
    """Networks on a contextual model that is trained with them; every seed opens it anew."""

    def __init__(self, path: str | os.PathLike[str], settings: Mapping[str, Any] | None, device: str) -> None:
        self.path, self.settings = Path(os.path.abspath(path)), checked_settings(settings or {})
        self._device = device
        self._encoder = self._open()
        # Before training: the same weights are trained in place.
        self._fingerprint = self._encoder.fingerprint
        self._dim = self._encoder.dim
        self._is_new = True

    def _open(self) -> ContextualEncoder:
        if self.path.exists() and (is_static_folder(self.path) or is_elmo_folder(self.path)):
            raise ArgumentError(
                f"fine_tune must be a folder of transformers, and {self.path.name} holds another kind of model",
                hint="start= (--start) tunes static vectors; features= (--features) takes any model, as it is",
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # Some folders lack weights that no vector comes from, and they are drawn.
            found = load_encoder(self.path, backend="transformers", device=self._device, **self.settings)
            return cast(ContextualEncoder, found)

    def inputs(self, texts: Sequence[str], max_tokens: int) -> Inputs:
        """The texts as the networks take them."""
        return EncoderInputs(self._encoder, texts)

    def network(self, plan: Plan, inputs: Inputs, seed: int) -> Any:
        """A network that nothing has trained yet; inputs: the training texts."""
        encoder = self._encoder if self._is_new else self._open()
        self._is_new = False
        network = TunedNetwork(encoder, plan.n_labels, dropout=plan.dropout)
        for parameter in network.parameters():
            parameter.requires_grad_(True)
        network.fit_scale(cast(EncoderInputs, inputs))
        return network

    def told(self, network: Any) -> dict[str, object]:
        """For the provenance."""
        return {
            "kind": "fine-tuned",
            "model": self.path.name,
            "dim": self._dim,
            "fingerprint": self._fingerprint,
        }


Source: TypeAlias = Tokens | Features | Tuned


def words_tokenizer(
    start: Vectors | SubwordVectors | None,
    texts: Sequence[str],
    min_count: int,
    max_vocab: int,
) -> Tokenizer:
    """Of the words of `start`, then those of the texts that it lacks. Raises CorpusError where there is none, and for texts
    without any word."""
    words: list[str] = []
    counts: list[int] | None = None
    lowercase = start is None
    if start is not None:
        known = start.vectors if isinstance(start, SubwordVectors) else start
        kept = [row for row, word in enumerate(known.keys[:max_vocab]) if _is_text(word)]
        words = [known.keys[row] for row in kept]
        lowercase = all(word == word.lower() for word in words)
        counts = None if known.counts is None else known.counts[kept].astype(int).tolist()
    # A text is one line here: what is cut must not hang on its line ends.
    corpus = Corpus([" ".join(text.split()) for text in texts], lowercase=lowercase)
    # No rare word is an error where `start` has words; whatever else is wrong with the texts is one.
    encoded = corpus.encode(min_count=1)
    had = set(words)
    new = [
        (word, count)
        for word, count in zip(encoded.keys, encoded.counts.tolist(), strict=True)
        if count >= min_count and word not in had
    ]
    words += [word for word, _ in new]
    if start is None:
        counts = [count for _, count in new]
    elif counts is not None:
        counts += [count for _, count in new]
    if not words:
        raise CorpusError(
            f"no word of the examples occurs {min_count} times",
            hint="Use min_count=1, or more examples.",
        )
    return tokenizer_of_words(words, counts=counts, lowercase=lowercase)


def _is_text(word: str) -> bool:
    return word.isascii() or not any("\ud800" <= char <= "\udfff" for char in word)
