"""`EmbeddingLayer`: ids become rows, the first layer of every network over text.

The rows lie in up to three matrices by what training may do to them: free, slow (a learning rate of their own) and
frozen. Each has one row of zeros at its end, to which every id points that has its row elsewhere, so the three lookups
add up; the padding token points to zeros in all of them. Frozen rows are no parameter, so no optimiser, decay or
momentum can move them (for a matrix that is a parameter already, see `freeze_rows`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import torch

from qianru.arrays import Float32Array, Int64Array, UInt8Array
from qianru.errors import ArgumentError
from qianru.layers.inspection import Inspection, inspect_text
from qianru.layers.mapping import ORIGINS, SOURCES, MappingReport, map_vectors
from qianru.tokens import Tokenizer, tokenizer_of_words
from qianru.vectors import SubwordVectors, Vectors

Mode: TypeAlias = Literal["free", "slow", "frozen"]
MODES = ("free", "slow", "frozen")
_PADDING = 3
_PADDING_NAMES = ("[PAD]", "<pad>", "<|pad|>")


class EmbeddingLayer(torch.nn.Module):
    """A matrix [vocab_size, dim] of which each id takes its row.

    `load_state_dict` takes a state's rows together with their modes, of which it must have as many of each kind as the layer
    has; else it raises torch's RuntimeError.

    Args:
        tokens: a Tokenizer, whose ids are meant, or words, of which one is made.
        dim: numbers in a row.
        matrix: what the rows start from, float32 [n_tokens, dim]; by default normal numbers with standard deviation
            dim^-0.5, so that rows have a length of about 1.
        modes: what training may do to a row, "free", "slow" or "frozen"; one for all or one for each token.
        sparse: gradients of the rows alone that a batch has; for torch's SparseAdam, SGD and Adagrad.
        n_positions: learned rows for so many positions, added; 0 for none.
        n_segments: learned rows for so many segments, added; 0 for none.
        seed: of the rows that start at random.

    Attributes:
        tokenizer: gives the ids.
        padding_id: id of [PAD] or <pad>, or where the tokenizer has none, one more than its last id. Its row is
            zero and stays so, and what comes out at its places is zero.
        vocab_size: rows altogether, that of the padding too.
        report: where the rows come from, if from vectors; a state that is loaded brings none.

    Raises:
        ArgumentError: an argument breaks its rule.
    """

    def __init__(
        self,
        tokens: Tokenizer | Sequence[str],
        *,
        dim: int,
        matrix: Float32Array | None = None,
        modes: Mode | Sequence[Mode] = "free",
        sparse: bool = False,
        n_positions: int = 0,
        n_segments: int = 0,
        seed: int = 0,
        report: MappingReport | None = None,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("dim", dim, 1),
            ("n_positions", n_positions, 0),
            ("n_segments", n_segments, 0),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ArgumentError(f"{name} must be a whole number from {least} up, got {value!r}")
        self.tokenizer = tokens if isinstance(tokens, Tokenizer) else tokenizer_of_words(tokens)
        n_tokens = self.tokenizer.n_tokens
        named = [
            self.tokenizer.special_tokens[name]
            for name in _PADDING_NAMES
            if name in self.tokenizer.special_tokens
        ]
        self.padding_id = named[0] if named else n_tokens
        self.vocab_size = n_tokens + (not named)
        self.dim, self.sparse, self.report = dim, sparse, report
        self.n_positions, self.n_segments = n_positions, n_segments
        parts = np.full(self.vocab_size, _PADDING, dtype=np.uint8)
        parts[:n_tokens] = _checked_modes(modes, n_tokens)
        parts[self.padding_id] = _PADDING
        generator = torch.Generator().manual_seed(seed)
        scale = dim**-0.5
        if matrix is None:
            start = torch.randn((n_tokens, dim), generator=generator) * scale
        else:
            start = torch.from_numpy(_checked_matrix(matrix, n_tokens, dim).copy())
        self.register_buffer("parts", torch.from_numpy(parts.copy()))
        sources = np.full(
            self.vocab_size, ORIGINS.index("random" if matrix is None else "unknown"), dtype=np.uint8
        )
        if report is not None:
            sources[:n_tokens] = report.sources
        self.register_buffer("sources", torch.from_numpy(sources))
        for number, mode in enumerate(MODES):
            self._add_part(mode, number, parts, start)
        for name, n in (("positions", n_positions), ("segments", n_segments)):
            rows = torch.nn.Parameter(torch.randn((n, dim), generator=generator) * scale) if n else None
            self.register_parameter(name, rows)

    def _add_part(self, mode: str, number: int, parts: UInt8Array, start: Any) -> None:
        ids = np.flatnonzero(parts == number)
        if not len(ids):
            self.register_buffer(f"{mode}_places", None)
            self.register_parameter(mode, None)
            return
        places = _places_of(torch.from_numpy(parts), number)
        self.register_buffer(f"{mode}_places", places, persistent=False)
        rows = torch.cat([start[torch.from_numpy(ids)], torch.zeros((1, self.dim))])
        if mode == "frozen":
            self.register_buffer(mode, rows)
        else:
            self.register_parameter(mode, torch.nn.Parameter(rows))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        """What torch calls on loading: the places follow the state's modes, in whose order its rows lie."""
        given = state_dict.get(f"{prefix}parts")
        if given is not None and given.shape == self.parts.shape:
            there, here = (_told_modes(parts) for parts in (given, self.parts))
            if there != here:
                # Its rows would not be read whole, not even where strict=False passes over what is missing.
                others[-1].append(
                    f"modes: the state has {there}, the layer {here}: make it with the state's modes."
                )
                return
        if given is not None:  # states of before there was this entry
            state_dict.setdefault(f"{prefix}sources", torch.full_like(self.sources, ORIGINS.index("unknown")))
        super()._load_from_state_dict(state_dict, prefix, *others)
        for number, mode in enumerate(MODES):
            if self._part(mode) is not None:
                setattr(self, f"{mode}_places", _places_of(self.parts, number))

    @classmethod
    def from_vectors(
        cls,
        vectors: Vectors | SubwordVectors,
        tokens: Tokenizer | Sequence[str] | None = None,
        *,
        modes: Mode | Sequence[Mode] | Mapping[str, Mode] = "free",
        counts: Sequence[int] | Int64Array | None = None,
        ignore_case: bool = False,
        sparse: bool = False,
        n_positions: int = 0,
        n_segments: int = 0,
        seed: int = 0,
    ) -> EmbeddingLayer:
        """A layer whose rows start from vectors; `report` tells for how many tokens there was one.

        Rows of missing tokens are normal numbers with the spread of the rows that were found, or where those are all one
        number, with that of a layer without vectors.

        Args:
            tokens: a Tokenizer or words; None for the words of the vectors.
            modes: also by where a row comes from, as {"found": "frozen", "missing": "free"}; a source that is not
                named is free.
            counts: how often each token occurs [n_tokens], for the report.
            ignore_case: a token that is not found is looked for in lower case too.

        Raises ArgumentError.
        """
        words = vectors.vectors if isinstance(vectors, SubwordVectors) else vectors
        if tokens is None:
            tokens = tokenizer_of_words(words.keys, counts=words.counts)
        tokenizer = tokens if isinstance(tokens, Tokenizer) else tokenizer_of_words(tokens)
        matrix, report = map_vectors(tokenizer, vectors, counts=counts, ignore_case=ignore_case)
        missing = report.sources == SOURCES.index("missing")
        known = matrix[~missing]
        spread = float(known.std()) if known.min() < known.max() else words.dim**-0.5
        rng = np.random.default_rng([seed, 1])
        matrix[missing] = rng.normal(0.0, spread, (int(missing.sum()), words.dim)).astype(np.float32)
        if isinstance(modes, Mapping):
            modes = _modes_by_source(modes, report)
        return cls(
            tokenizer,
            dim=words.dim,
            matrix=matrix,
            modes=modes,
            sparse=sparse,
            n_positions=n_positions,
            n_segments=n_segments,
            seed=seed,
            report=report,
        )

    def forward(self, ids: Any, segments: Any = None) -> Any:
        """The rows of ids, with what positions and segments add: [batch, length] int64 → float32 [batch, length, dim].

        segments: the number of each token's segment [batch, length], 0 where it is not given.

        Raises ArgumentError for an id that is none, and for more tokens than there are positions.
        """
        self._check(ids)
        rows = None
        for mode in MODES:
            part, places = getattr(self, mode), getattr(self, f"{mode}_places")
            if part is None:
                continue
            sparse = self.sparse and mode != "frozen"
            here = torch.nn.functional.embedding(places[ids], part, padding_idx=len(part) - 1, sparse=sparse)
            rows = here if rows is None else rows + here
        if rows is None:  # nothing but padding in the vocabulary
            rows = torch.zeros((*ids.shape, self.dim), device=ids.device)
        if self.positions is None and self.segments is None:
            return rows
        if self.positions is not None:
            rows = rows + self.positions[: ids.shape[-1]]
        if self.segments is not None:
            rows = rows + self.segments[torch.zeros_like(ids) if segments is None else segments]
        return rows.masked_fill((ids == self.padding_id).unsqueeze(-1), 0.0)

    def _check(self, ids: Any) -> None:
        if ids.dtype not in (torch.int64, torch.int32):
            raise ArgumentError(f"ids must be int64 or int32, got {ids.dtype}", hint="ids.long()")
        # On an accelerator this look would hold up the queue; its own kernels stop at such an id.
        if ids.device.type == "cpu" and ids.numel():
            low, high = int(ids.min()), int(ids.max())
            if low < 0 or high >= self.vocab_size:
                raise ArgumentError(f"ids must be from 0 to {self.vocab_size - 1}, got {low} to {high}")
        if self.n_positions and ids.shape[-1] > self.n_positions:
            raise ArgumentError(
                f"ids hold {ids.shape[-1]} tokens in a text, and the layer has {self.n_positions} positions",
                hint="cut the text, or make the layer with more n_positions",
            )

    @property
    def weight(self) -> Any:
        """The whole matrix [vocab_size, dim], put together from its parts; gradients flow through it."""
        whole = torch.zeros((self.vocab_size, self.dim), device=self.parts.device, dtype=self._dtype)
        for number, mode in enumerate(MODES):
            part = getattr(self, mode)
            if part is not None:
                whole = whole.index_copy(0, torch.nonzero(self.parts == number)[:, 0], part[:-1])
        return whole

    @property
    def _dtype(self) -> Any:
        return next(part.dtype for part in (*map(self._part, MODES), torch.empty(0)) if part is not None)

    def _part(self, mode: str) -> Any:
        return getattr(self, mode)

    def mode_of(self, token_id: int) -> str:
        """What training may do to the row of an id: "free", "slow", "frozen", or "padding"."""
        return (*MODES, "padding")[int(self.parts[token_id])]

    def encode(self, texts: Sequence[str], *, max_tokens: int | None = None) -> tuple[Any, int]:
        """The ids of texts, padded at the end, int64 [n, longest]; and how many tokens max_tokens left out.

        A text without tokens is padding alone. Raises ArgumentError for max_tokens below 1.
        """
        if max_tokens is not None and (
            isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1
        ):
            raise ArgumentError(
                f"max_tokens must be a whole number from 1 up, got {max_tokens!r}",
                hint="leave it out for all tokens of a text",
            )
        batch = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        cut = [batch[i][:max_tokens] for i in range(len(batch))]
        n_left_out = len(batch.ids) - sum(map(len, cut))
        return pad(cut, self.padding_id), n_left_out

    def inspect(self, text: str, encoder: Any = None) -> Inspection:
        """The path of a text: its tokens, ids, rows and first hidden states, also through an encoder of this room.

        Raises ArgumentError.
        """
        return inspect_text(self, text, encoder)

    def extra_repr(self) -> str:
        """For torch's way of printing modules."""
        return f"{self.vocab_size}, {self.dim}, {_told_modes(self.parts)}"


class TiedOutput(torch.nn.Module):
    """Scores of all tokens from the matrix that reads them: [..., dim] → [..., vocab_size], hidden · row + bias.

    Press & Wolf 2017 (arXiv:1608.05859). Raises ArgumentError for a layer with sparse gradients, since these scores
    give every row one.
    """

    def __init__(self, layer: EmbeddingLayer, *, bias: bool = True) -> None:
        super().__init__()
        if layer.sparse:
            raise ArgumentError(
                "layer has sparse gradients, and a tied output gives every row one", hint="sparse=False"
            )
        self._layer = (layer,)  # in a tuple: its parameters belong to the layer alone
        self.bias = torch.nn.Parameter(torch.zeros(layer.vocab_size)) if bias else None

    def forward(self, hidden: Any) -> Any:
        """The scores [..., vocab_size] of hidden states [..., dim]; that of padding is its bias."""
        return torch.nn.functional.linear(hidden, self._layer[0].weight, self.bias)


def pad(ids: Sequence[Any], padding_id: int) -> Any:
    """Arrays of ids as one tensor int64 [n, longest, at least 1], filled up with padding at the end."""
    longest = max(1, *map(len, ids)) if len(ids) else 1
    whole = np.full((len(ids), longest), padding_id, dtype=np.int64)
    for row, one in enumerate(ids):
        whole[row, : len(one)] = one
    return torch.from_numpy(whole)


def parameter_groups(
    module: Any, *, learning_rate: float, slow: float = 0.1, weight_decay: float = 0.0, sparse: bool = False
) -> list[dict[str, Any]]:
    """What a torch optimiser takes as parameters: rows of embedding layers apart, and the slow ones at their own rate.

    Args:
        slow: rate of slow rows, as a share of learning_rate.
        weight_decay: of matrices; rows of tokens, biases and norms have none.
        sparse: the rows with sparse gradients alone, for an optimiser that takes such; else all but those.

    Raises ArgumentError where a rate is not above 0.
    """
    for name, value in (("learning_rate", learning_rate), ("slow", slow)):
        if not value > 0:
            raise ArgumentError(
                f"{name} must be above 0, got {value}", hint='rows that must not move are "frozen"'
            )
    layers = [layer for layer in module.modules() if isinstance(layer, EmbeddingLayer)]
    rows = {
        id(part): (layer, mode)
        for layer in layers
        for mode in MODES[:2]
        if (part := layer._part(mode)) is not None
    }
    groups: dict[tuple[float, float], list[Any]] = {}
    for parameter in module.parameters():
        layer, mode = rows.get(id(parameter), (None, "free"))
        if (layer is not None and layer.sparse) != sparse or not parameter.requires_grad:
            continue
        rate = learning_rate * (slow if mode == "slow" else 1.0)
        decay = 0.0 if layer is not None or parameter.ndim < 2 else weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    if sparse:  # SparseAdam knows no decay
        return [{"params": held, "lr": rate} for (rate, _), held in groups.items()]
    return [{"params": held, "lr": rate, "weight_decay": decay} for (rate, decay), held in groups.items()]


def _places_of(parts: Any, number: int) -> Any:
    """For each id its row in the part of that number; the row behind the last for ids that have none there. int64."""
    here = parts == number
    return torch.where(here, here.cumsum(0) - 1, here.sum())


def _told_modes(parts: Any) -> str:
    n_of = {mode: int((parts == number).sum()) for number, mode in enumerate(MODES)}
    return ", ".join(f"{mode}={n}" for mode, n in n_of.items() if n)


def _checked_modes(modes: object, n_tokens: int) -> UInt8Array:
    given = [modes] * n_tokens if isinstance(modes, str) else list(cast("Sequence[object]", modes))
    if len(given) != n_tokens or any(mode not in MODES for mode in given):
        bad = next((mode for mode in given if mode not in MODES), None)
        got = f"{len(given)} of them" if bad is None else repr(bad)
        raise ArgumentError(
            f"modes must be one of {', '.join(MODES)}, or one for each of {n_tokens} tokens, got {got}"
        )
    return np.array([MODES.index(cast(str, mode)) for mode in given], dtype=np.uint8)


def _modes_by_source(modes: Mapping[str, Mode], report: MappingReport) -> list[Mode]:
    for source in modes:
        if source not in SOURCES:
            raise ArgumentError(f"modes are by {', '.join(SOURCES)}, got {source!r}")
    by_number = [modes.get(source, "free") for source in SOURCES]
    return [by_number[source] for source in report.sources.tolist()]


def _checked_matrix(matrix: Float32Array, n_tokens: int, dim: int) -> Float32Array:
    if matrix.shape != (n_tokens, dim) or matrix.dtype != np.float32:
        raise ArgumentError(
            f"matrix must be float32 [{n_tokens}, {dim}], got {matrix.dtype} {list(matrix.shape)}"
        )
    if not np.isfinite(matrix).all():
        raise ArgumentError("matrix must be finite, got NaN or infinity")
    return matrix
