"""Encoders over an embedding layer: mean, CNN, LSTM and GRU, Transformer, with one interface.

`encoder(rows, mask)` makes of rows float32 [batch, length, dim_in] and mask bool [batch, length], true at tokens, the states
float32 [batch, length, dim], zero at padding; `encoder.pool(states, mask)` makes of those one vector [batch, dim] a text, zeros
for a text without tokens. `TextEncoder` puts one on a layer and takes ids. More padding changes no result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from qianru.errors import ArgumentError
from qianru.layers.dropout import Dropout, dropout
from qianru.layers.embedding import EmbeddingLayer

F = torch.nn.functional


class SequenceEncoder(torch.nn.Module):
    """Base of the encoders. dim_in, dim: numbers in a row and in a state; kind: the name by which `make_encoder` knows it."""

    kind = "mean"

    def __init__(self, dim_in: int, dim: int, settings: dict[str, Any]) -> None:
        super().__init__()
        self.dim_in, self.dim, self.settings = dim_in, dim, settings

    def pool(self, states: Any, mask: Any) -> Any:
        """One vector [batch, dim] of states [batch, length, dim]: their mean over the tokens."""
        return masked_mean(states, mask)


class MeanEncoder(SequenceEncoder):
    """The rows as they are; pooled, their mean (a bag of words)."""

    def __init__(self, dim_in: int) -> None:
        super().__init__(dim_in, dim_in, {})

    def forward(self, rows: Any, mask: Any) -> Any:
        """[batch, length, dim_in], zero at padding."""
        return rows.masked_fill(~mask.unsqueeze(-1), 0.0)


class CNNEncoder(SequenceEncoder):
    """Convolutions of several widths over the rows, side by side; pooled, the largest value of each filter.

    Kim 2014 (arXiv:1408.5882). Beyond both ends of the text lie zeros. n_filters: of each width, so that dim is
    n_filters x the number of widths.
    """

    kind = "cnn"

    def __init__(self, dim_in: int, *, n_filters: int = 100, widths: Sequence[int] = (3, 4, 5)) -> None:
        _positive(n_filters=n_filters, **{f"widths[{i}]": width for i, width in enumerate(widths)})
        if not widths:
            raise ArgumentError("widths must hold at least one width", hint="(3, 4, 5) are usual")
        super().__init__(
            dim_in, n_filters * len(widths), {"n_filters": n_filters, "widths": list(map(int, widths))}
        )
        self.widths = tuple(widths)
        self.filters = torch.nn.ModuleList(torch.nn.Conv1d(dim_in, n_filters, width) for width in widths)

    def forward(self, rows: Any, mask: Any) -> Any:
        """Of each place the filters' values over the window around it, at least 0."""
        columns = rows.masked_fill(~mask.unsqueeze(-1), 0.0).transpose(1, 2)
        found = [
            F.relu(one(F.pad(columns, ((width - 1) // 2, width // 2))))
            for width, one in zip(self.widths, self.filters, strict=True)
        ]
        return torch.cat(found, dim=1).transpose(1, 2).masked_fill(~mask.unsqueeze(-1), 0.0)

    def pool(self, states: Any, mask: Any) -> Any:
        """The largest value over the tokens."""
        return masked_max(states, mask)


class RNNEncoder(SequenceEncoder):
    """A recurrent network from left to right and, side by side, from right to left; pooled, the largest values.

    Hochreiter & Schmidhuber 1997, Cho et al. 2014 (arXiv:1406.1078); pooling: Conneau et al. 2017 (arXiv:1705.02364).
    Padding is left out, not read. cell: "lstm" or "gru"; dim is 2 x hidden.
    """

    kind = "lstm"

    def __init__(
        self, dim_in: int, *, cell: str = "lstm", hidden: int = 128, n_layers: int = 1, dropout: float = 0.0
    ) -> None:
        if cell not in ("lstm", "gru"):
            raise ArgumentError(f'cell must be "lstm" or "gru", got {cell!r}')
        _positive(hidden=hidden, n_layers=n_layers)
        _check_dropout(dropout)
        super().__init__(
            dim_in, 2 * hidden, {"cell": cell, "hidden": hidden, "n_layers": n_layers, "dropout": dropout}
        )
        self.kind = cell
        make = torch.nn.LSTM if cell == "lstm" else torch.nn.GRU
        self.cells = make(
            dim_in,
            hidden,
            num_layers=n_layers,
            dropout=dropout if n_layers > 1 else 0.0,
            bidirectional=True,
            batch_first=True,
        )

    def forward(self, rows: Any, mask: Any) -> Any:
        """The states of both directions at each token."""
        lengths = mask.sum(dim=1)
        if bool((mask[:, 1:] & ~mask[:, :-1]).any()):
            raise ArgumentError("mask must be true at the first tokens of a text and false behind them")
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            rows, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = torch.nn.utils.rnn.pad_packed_sequence(
            self.cells(packed)[0], batch_first=True, total_length=rows.shape[1]
        )
        return states.masked_fill(~mask.unsqueeze(-1), 0.0)

    def pool(self, states: Any, mask: Any) -> Any:
        """The largest value over the tokens."""
        return masked_max(states, mask)


class TransformerEncoder(SequenceEncoder):
    """Layers of attention and a feed-forward network, each behind a norm; pooled, the mean.

    Vaswani et al. 2017 (arXiv:1706.03762), norms first (Xiong et al. 2020, arXiv:2002.04745). positions: add sines of
    the place to the rows, for layers without n_positions. dim is dim_in, or `hidden`, to which the rows are then
    brought by a linear map.
    """

    kind = "transformer"

    def __init__(
        self,
        dim_in: int,
        *,
        hidden: int | None = None,
        n_layers: int = 2,
        n_heads: int = 4,
        dropout: float = 0.1,
        positions: bool = True,
    ) -> None:
        dim = dim_in if hidden is None else hidden
        _positive(hidden=dim, n_layers=n_layers, n_heads=n_heads)
        _check_dropout(dropout)
        if dim % n_heads:
            raise ArgumentError(
                f"n_heads must divide the {dim} numbers of a state, got {n_heads}",
                hint="name hidden, a multiple of n_heads",
            )
        super().__init__(
            dim_in,
            dim,
            {
                "hidden": hidden,
                "n_layers": n_layers,
                "n_heads": n_heads,
                "dropout": dropout,
                "positions": positions,
            },
        )
        self.positions = positions
        self.enter = torch.nn.Identity() if hidden is None else torch.nn.Linear(dim_in, dim)
        self.layers = torch.nn.ModuleList(TransformerLayer(dim, n_heads, dropout) for _ in range(n_layers))
        self.norm = torch.nn.LayerNorm(dim)

    def forward(self, rows: Any, mask: Any) -> Any:
        """The states behind the last norm."""
        states = self.enter(rows)
        if self.positions:
            states = states + sines(rows.shape[1], self.dim, like=states)
        # A text without tokens looks at its first padding: attention over nothing is not defined.
        seen = mask.clone()
        seen[:, 0] |= ~mask.any(dim=1)
        for layer in self.layers:
            states = layer(states, seen[:, None, None, :])
        return self.norm(states).masked_fill(~mask.unsqueeze(-1), 0.0)


class TransformerLayer(torch.nn.Module):
    """x + attention(norm(x)), then x + network(norm(x)); with `cross`, attention to a memory in between."""

    def __init__(self, dim: int, n_heads: int, dropout: float, *, cross: bool = False) -> None:
        super().__init__()
        self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(dim) for _ in range(3 if cross else 2))
        self.attention = Attention(dim, n_heads, dropout)
        self.cross = Attention(dim, n_heads, dropout) if cross else None
        self.network = torch.nn.Sequential(
            torch.nn.Linear(dim, 4 * dim),
            torch.nn.GELU(),
            Dropout(dropout),
            torch.nn.Linear(4 * dim, dim),
            Dropout(dropout),
        )

    def forward(self, states: Any, seen: Any, memory: Any = None, memory_seen: Any = None) -> Any:
        """states [batch, length, dim]; seen, memory_seen: bool, which places each place may look at."""
        here = self.norms[0](states)
        states = states + self.attention(here, here, seen)
        if self.cross is not None:
            states = states + self.cross(self.norms[2](states), memory, memory_seen)
        return states + self.network(self.norms[1](states))


class Attention(torch.nn.Module):
    """Scaled dot products of n_heads heads; queries from one sequence, keys and values from another or the same."""

    def __init__(self, dim: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads, self.dropout = n_heads, dropout
        self.query = torch.nn.Linear(dim, dim)
        self.key_value = torch.nn.Linear(dim, 2 * dim)
        self.out = torch.nn.Linear(dim, dim)
        self.drop = Dropout(dropout)

    def forward(self, states: Any, memory: Any, seen: Any) -> Any:
        """[batch, length, dim]; seen: bool, broadcast to [batch, heads, length, length of memory]."""
        key, value = self.keys_values(memory)
        return self.attend(states, key, value, seen)

    def keys_values(self, memory: Any) -> tuple[Any, Any]:
        """Keys and values [batch, heads, length, dim of a head]."""
        key, value = self.key_value(memory).chunk(2, dim=-1)
        return self._heads(key), self._heads(value)

    def attend(self, states: Any, key: Any, value: Any, seen: Any) -> Any:
        """What the states [batch, length, dim] take from keys and values; seen None: from all of them."""
        query, p = self._heads(self.query(states)), self.dropout if self.training else 0.0
        if p and query.device.type == "cpu":
            # Where torch has no fused attention with dropout, and draws it slowly.
            scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
            scores = scores if seen is None else scores.masked_fill(~seen, torch.finfo(scores.dtype).min)
            found = dropout(torch.softmax(scores, dim=-1), p) @ value
        else:
            found = F.scaled_dot_product_attention(query, key, value, attn_mask=seen, dropout_p=p)
        return self.drop(self.out(found.transpose(1, 2).flatten(2)))

    def _heads(self, states: Any) -> Any:
        batch, length, dim = states.shape
        return states.view(batch, length, self.n_heads, dim // self.n_heads).transpose(1, 2)


class TextEncoder(torch.nn.Module):
    """A layer with an encoder on it. ids [batch, length] → states [batch, length, dim], pooled [batch, dim]."""

    def __init__(self, layer: EmbeddingLayer, encoder: SequenceEncoder) -> None:
        super().__init__()
        if encoder.dim_in != layer.dim:
            raise ArgumentError(
                f"encoder takes rows of {encoder.dim_in} numbers, and the layer has {layer.dim}"
            )
        self.layer, self.encoder, self.dim = layer, encoder, encoder.dim

    def forward(self, ids: Any, mask: Any = None, *, pool: bool = True) -> Any:
        """mask: bool [batch, length], true at tokens; by default at all that is not padding. pool: [batch, dim]."""
        if mask is None:
            mask = ids != self.layer.padding_id
        states = self.encoder(self.layer(ids), mask)
        return self.encoder.pool(states, mask) if pool else states


ENCODERS: dict[str, type[SequenceEncoder]] = {
    "mean": MeanEncoder,
    "cnn": CNNEncoder,
    "lstm": RNNEncoder,
    "gru": RNNEncoder,
    "transformer": TransformerEncoder,
}


def make_encoder(kind: str, dim_in: int, **settings: Any) -> SequenceEncoder:
    """The encoder of that kind, "mean", "cnn", "lstm", "gru" or "transformer", with its settings. Raises ArgumentError."""
    if kind not in ENCODERS:
        raise ArgumentError(f"encoder must be one of {', '.join(ENCODERS)}, got {kind!r}")
    if kind in ("lstm", "gru"):
        settings = {"cell": kind, **settings}
    try:
        return ENCODERS[kind](dim_in, **settings)
    except TypeError as error:
        raise ArgumentError(f"settings of encoder {kind!r}: {str(error).split(') ')[-1]}") from None


def masked_mean(states: Any, mask: Any) -> Any:
    """The mean [batch, dim] over the places where mask is true; zeros where it is so nowhere."""
    held = states.masked_fill(~mask.unsqueeze(-1), 0.0)
    return held.sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)


def masked_max(states: Any, mask: Any) -> Any:
    """The largest values [batch, dim] over the places where mask is true; zeros where it is so nowhere."""
    least = torch.finfo(states.dtype).min
    found = states.masked_fill(~mask.unsqueeze(-1), least).max(dim=1).values
    return found.masked_fill(~mask.any(dim=1, keepdim=True), 0.0)


def sines(length: int, dim: int, *, like: Any, first: int = 0) -> Any:
    """sin and cos of place / 10000^(2i / dim) in turn, [length, dim] (Vaswani et al. 2017, 3.5), from place `first`."""
    places = torch.arange(first, first + length, device=like.device, dtype=torch.float32)
    rates = torch.exp(
        torch.arange(0, dim, 2, device=like.device, dtype=torch.float32) * (-math.log(1e4) / dim)
    )
    angles = places[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :dim].to(like.dtype)


def _positive(**values: int) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ArgumentError(f"{name} must be a whole number from 1 up, got {value!r}")


def _check_dropout(share: object) -> None:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        raise ArgumentError(
            f"dropout must be a number from 0 to below 1, got {share!r}", hint="0 for none, 0.1 is usual"
        )
