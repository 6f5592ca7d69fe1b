"""What is trained: an encoder on an embedding layer, or features of another model, and a linear map to the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from qianru.arrays import Float32Array, Float64Array, Int64Array
from qianru.contextual.encode import ContextualEncoder
from qianru.contextual.pooling import Dense
from qianru.errors import ArgumentError
from qianru.layers.dropout import Dropout
from qianru.layers.embedding import pad
from qianru.layers.encoders import TextEncoder
from qianru.progress import ProgressCallback
from qianru.tokens import TokenBatch, Tokenizer
from qianru.transfer.encoder_features import EncoderFeatures

# Texts of like length go together: batches are cut from so many at a time.
_POOL = 50
_PREDICT = 256
# So many training texts tell how far a model's features spread before it is tuned.
_SPREAD_TEXTS = 512


class FeatureModel(Protocol):
    """Anything that makes vectors of texts, as a contextual model: the seam for frozen features."""

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """float32 [n, dim]."""
        ...


class TextNetwork(torch.nn.Module):
    """ids [batch, length] → scores [batch, n_labels]."""

    def __init__(self, encoder: TextEncoder, n_labels: int, *, dropout: float) -> None:
        super().__init__()
        self.text = encoder
        self.drop_rows, self.drop = Dropout(dropout), Dropout(dropout)
        self.head = torch.nn.Linear(encoder.dim, n_labels)

    def forward(self, ids: Any) -> Any:
        """Padding is what is not text."""
        mask = ids != self.text.layer.padding_id
        rows = self.drop_rows(self.text.layer(ids))
        return self.head(self.drop(self.text.encoder.pool(self.text.encoder(rows, mask), mask)))


class FeatureNetwork(torch.nn.Module):
    """Features [batch, dim] → scores [batch, n_labels]: each feature centred and scaled as in training, then a linear map."""

    def __init__(self, dim: int, n_labels: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.drop = Dropout(dropout)
        self.head = torch.nn.Linear(dim, n_labels)

    def fit_scale(self, features: Float32Array) -> None:
        """Take centre and scale from the training features [n, dim]; one that is constant counts for nothing."""
        spread = features.std(axis=0, dtype=np.float64)
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-6)
        self.centre.copy_(torch.from_numpy(features.mean(axis=0, dtype=np.float64).astype(np.float32)))
        self.scale.copy_(torch.from_numpy(scale.astype(np.float32)))

    def forward(self, features: Any) -> Any:
        """[batch, dim] → [batch, n_labels]."""
        return self.head(self.drop((features - self.centre) * self.scale))


class TunedNetwork(torch.nn.Module):
    """Tokens of texts → scores [batch, n_labels]: a contextual encoder all of whose weights are trained, and a linear map.

    encoder: opened with backend="transformers". The map is that of `FeatureNetwork`, so that it does not hang on how long a
    model's vectors are.
    """

    def __init__(self, encoder: ContextualEncoder, n_labels: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder, self.body = encoder, encoder.model
        steps = [step for step in encoder.pooling.steps if isinstance(step, Dense)]
        tensors = [one for step in steps for one in (step.weight, step.bias) if one is not None]
        self.dense = torch.nn.ParameterList(tensors)
        self.top = FeatureNetwork(encoder.dim, n_labels, dropout=dropout)

    @property
    def head(self) -> Any:
        """The linear map."""
        return self.top.head

    @property
    def pretrained(self) -> Any:
        """What was trained before: the model, and layers behind its pooling."""
        return torch.nn.ModuleList([self.body, self.dense])

    def fit_scale(self, inputs: EncoderInputs) -> None:
        """As in `FeatureNetwork`, by the first training texts."""
        self.eval()
        with torch.no_grad():
            some = inputs.batch(np.arange(min(len(inputs), _SPREAD_TEXTS)))
            self.top.fit_scale(self.encoder.pool(self.encoder.plan(some)).cpu().numpy())

    def forward(self, tokens: TokenBatch) -> Any:
        """The texts go through the model sorted by length, in parts that fit the cache."""
        return self.top(self.encoder.pool(self.encoder.plan(tokens)))


class TokenInputs:
    """The ids of n texts, cut at max_tokens; n_truncated: texts that were longer."""

    def __init__(self, texts: Sequence[str], tokenizer: Tokenizer, padding_id: int, max_tokens: int) -> None:
        batch = tokenizer.encode_batch(texts, add_special_tokens=False)
        self._ids = [batch[i][:max_tokens] for i in range(len(batch))]
        self._padding_id = padding_id
        self.lengths: Int64Array = np.array([len(ids) for ids in self._ids], dtype=np.int64)
        self.n_truncated = int((np.diff(batch.splits) > max_tokens).sum())

    def __len__(self) -> int:
        return len(self._ids)

    def batch(self, places: Int64Array) -> Any:
        """ids int64 [len(places), longest]."""
        return pad([self._ids[i] for i in places.tolist()], self._padding_id)

    def counts(self, n_tokens: int) -> Int64Array:
        """How often each id occurs [n_tokens]."""
        return np.bincount(np.concatenate([np.empty(0, np.int64), *self._ids]), minlength=n_tokens)[:n_tokens]


class FeatureInputs:
    """The features of n texts, float32 [n, dim]; n_truncated: texts that were longer than their model takes."""

    def __init__(self, features: Float32Array, n_truncated: int = 0) -> None:
        self.features, self.n_truncated = features, n_truncated
        self.lengths: Int64Array = np.zeros(len(features), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.features)

    def batch(self, places: Int64Array) -> Any:
        """float32 [len(places), dim]."""
        return torch.from_numpy(self.features[places])


class EncoderInputs:
    """The tokens of n texts, as an encoder takes them; n_truncated: texts that are longer than it takes."""

    def __init__(self, encoder: ContextualEncoder, texts: Sequence[str]) -> None:
        self._tokens = encoder.tokens(texts)
        self.lengths: Int64Array = np.diff(self._tokens.splits)
        self.n_truncated = int(np.count_nonzero(encoder.plan(self._tokens).n_truncated))

    def __len__(self) -> int:
        return len(self._tokens)

    def batch(self, places: Int64Array) -> Any:
        """A TokenBatch."""
        ids = [self._tokens[i] for i in places.tolist()]
        splits = np.concatenate([[0], np.cumsum(self.lengths[places])]).astype(np.int64)
        return TokenBatch(np.concatenate([np.empty(0, np.uint32), *ids]), splits)


Inputs = TokenInputs | FeatureInputs | EncoderInputs


def feature_inputs(
    model: FeatureModel, texts: Sequence[str], *, progress: ProgressCallback | None = None
) -> FeatureInputs:
    """The features of texts, as a network takes them. Raises ArgumentError."""
    found = features_of(model, texts, progress=progress)
    return FeatureInputs(found, model.n_truncated if isinstance(model, EncoderFeatures) else 0)


def features_of(
    model: FeatureModel, texts: Sequence[str], *, progress: ProgressCallback | None = None
) -> Float32Array:
    """The features float32 [n, dim] of texts. Raises ArgumentError where the model gives anything else."""
    if not callable(getattr(model, "encode", None)):
        raise ArgumentError(
            f"features must have a method encode(texts), got {type(model).__name__}",
            hint="Give a model that makes one vector of each text.",
        )
    if isinstance(model, EncoderFeatures):
        made = model.encode(list(texts), progress=progress)
    else:
        made = model.encode(list(texts))
    found = np.ascontiguousarray(made, dtype=np.float32)
    if found.ndim != 2 or len(found) != len(texts) or not found.shape[1]:
        raise ArgumentError(f"features.encode must give [{len(texts)}, dim], got {list(found.shape)}")
    if not np.isfinite(found).all():
        raise ArgumentError("features.encode gave NaN or infinity")
    return found


def batches(inputs: Inputs, batch_size: int, rng: np.random.Generator) -> Iterator[Int64Array]:
    """Places of one pass in random batches, texts of like length together."""
    order = rng.permutation(len(inputs))
    found: list[Int64Array] = []
    for begin in range(0, len(order), batch_size * _POOL):
        pool = order[begin : begin + batch_size * _POOL]
        pool = pool[np.argsort(inputs.lengths[pool], kind="stable")]
        found += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    for i in rng.permutation(len(found)).tolist():
        yield found[i]


def beside(network: Any, batch: Any) -> Any:
    """The batch on the network's device; tokens for an encoder stay, since it puts them there itself."""
    return batch if isinstance(batch, TokenBatch) else batch.to(network.head.weight.device)


def scores_of(network: Any, inputs: Inputs) -> Float64Array:
    """The network's scores float64 [n, n_labels], without dropout, in the order of the texts."""
    order = np.argsort(inputs.lengths, kind="stable")
    scores = np.zeros((len(inputs), network.head.out_features))
    was_training = network.training
    network.eval()
    with torch.no_grad():
        for begin in range(0, len(order), _PREDICT):
            places = order[begin : begin + _PREDICT]
            scores[places] = network(beside(network, inputs.batch(places))).double().cpu().numpy()
    network.train(was_training)
    return scores
