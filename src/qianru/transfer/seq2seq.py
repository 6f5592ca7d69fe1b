"""An encoder-decoder Transformer over one vocabulary (Vaswani et al. 2017, arXiv:1706.03762), norms first, output tied."""

from __future__ import annotations

from typing import Any

import torch

from qianru.errors import ArgumentError
from qianru.layers.dropout import Dropout
from qianru.layers.embedding import EmbeddingLayer, TiedOutput
from qianru.layers.encoders import TransformerLayer, sines


class Seq2Seq(torch.nn.Module):
    """Source ids [batch, n], target ids [batch, m] → scores [batch, m, vocab_size] of what follows each target token.

    Rows are scaled by sqrt(dim) and get sines of their place; both sides and the output share one matrix. n_layers: of
    encoder and decoder each. Raises ArgumentError where n_heads does not divide the layer's dim.
    """

    def __init__(self, layer: EmbeddingLayer, *, n_layers: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        if layer.dim % n_heads:
            raise ArgumentError(f"n_heads must divide the {layer.dim} numbers of a row, got {n_heads}")
        self.layer = layer
        self.drop = Dropout(dropout)
        self.encoder = torch.nn.ModuleList(
            TransformerLayer(layer.dim, n_heads, dropout) for _ in range(n_layers)
        )
        self.decoder = torch.nn.ModuleList(
            TransformerLayer(layer.dim, n_heads, dropout, cross=True) for _ in range(n_layers)
        )
        self.encoder_norm, self.decoder_norm = torch.nn.LayerNorm(layer.dim), torch.nn.LayerNorm(layer.dim)
        self.output = TiedOutput(layer)

    @property
    def device(self) -> Any:
        """Where it computes."""
        return self.encoder_norm.weight.device

    def forward(self, sources: Any, targets: Any) -> Any:
        """Padding is left out of the source; in the target it stands behind all that looks at it."""
        return self.output(self.states(sources, targets))

    def states(self, sources: Any, targets: Any) -> Any:
        """What the output is given for each target token [batch, m, dim]."""
        memory, seen = self.encode(sources)
        length = targets.shape[1]
        before = torch.ones(length, length, dtype=torch.bool, device=targets.device).tril()
        states = self._enter(targets)
        for layer in self.decoder:
            states = layer(states, before, memory, seen)
        return self.decoder_norm(states)

    def encode(self, sources: Any) -> tuple[Any, Any]:
        """The source's states [batch, n, dim], and which of them are no padding, bool [batch, 1, 1, n]."""
        seen = (sources != self.layer.padding_id)[:, None, None, :]
        states = self._enter(sources)
        for layer in self.encoder:
            states = layer(states, seen)
        return self.encoder_norm(states), seen

    def _enter(self, ids: Any, first: int = 0) -> Any:
        rows = self.layer(ids) * self.layer.dim**0.5
        return self.drop(rows + sines(ids.shape[1], self.layer.dim, like=rows, first=first))


class Decoding:
    """The decoder a token at a time, with the keys and values of what went before kept."""

    def __init__(self, network: Seq2Seq, memory: Any, seen: Any) -> None:
        self._network, self._seen = network, seen
        self._cross = [layer.cross.keys_values(memory) for layer in network.decoder]
        self._past: list[tuple[Any, Any] | None] = [None] * len(network.decoder)
        self._place = 0

    def next_scores(self, ids: Any) -> Any:
        """Log probabilities [batch, vocab_size] of what follows the ids [batch] that are next in each row."""
        states = self._network._enter(ids[:, None], self._place)
        for number, layer in enumerate(self._network.decoder):
            here = layer.norms[0](states)
            key, value = layer.attention.keys_values(here)
            past = self._past[number]
            if past is not None:
                key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
            self._past[number] = (key, value)
            states = states + layer.attention.attend(here, key, value, None)
            states = states + layer.cross.attend(layer.norms[2](states), *self._cross[number], self._seen)
            states = states + layer.network(layer.norms[1](states))
        self._place += 1
        return torch.log_softmax(self._network.output(self._network.decoder_norm(states[:, 0])), dim=-1)

    def reorder(self, rows: Any) -> None:
        """Go on with these rows [batch] of what there is; one may stand several times."""
        self._past = [None if past is None else (past[0][rows], past[1][rows]) for past in self._past]
        self._cross = [(key[rows], value[rows]) for key, value in self._cross]
        self._seen = self._seen[rows]
