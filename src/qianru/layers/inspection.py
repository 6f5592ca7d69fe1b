"""The path of one text through a layer, to be looked at: text, tokens, ids, rows, first hidden states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from qianru.arrays import Float32Array, Int64Array
from qianru.layers.mapping import ORIGINS

_N_SHOWN = 4


@dataclass(frozen=True, eq=False)
class Inspection:
    """What becomes of a text of n tokens; printed, it is a table with a line for each token.

    Attributes:
        text: as given. tokens: as they stand in the vocabulary. ids: int64 [n].
        offsets: int64 [n, 2], where each token begins and ends in the text, in characters.
        sources: where each token's row started: "found", "subwords" or "missing" where it was from vectors, "random", or
            "unknown" where the layer was given a matrix that does not say, as those of saved folders.
        modes: what training may do to each row: "free", "slow", "frozen".
        rows: float32 [n, dim], the rows themselves.
        hidden: float32 [n, dim of the encoder], the first hidden states: rows with positions and segments, gone
            through the encoder if there is one.
        pooled: float32 [dim of the encoder], the vector of the text, or None without an encoder.
    """

    text: str
    tokens: list[str]
    ids: Int64Array
    offsets: Int64Array
    sources: list[str]
    modes: list[str]
    rows: Float32Array
    hidden: Float32Array
    pooled: Float32Array | None

    def __str__(self) -> str:
        lines = [f"text    {self.text!r}", f"tokens  {len(self.tokens)}"]
        wide = max(map(len, self.tokens), default=0)
        for i, token in enumerate(self.tokens):
            lines.append(
                f"  {token:<{wide}} → {self.ids[i]:>7} ({self.sources[i]}, {self.modes[i]}) "
                f"→ {_numbers(self.rows[i])} → {_numbers(self.hidden[i])}"
            )
        if self.pooled is not None:
            lines.append(f"vector  {_numbers(self.pooled)}")
        return "\n".join(lines)


def _numbers(row: Float32Array) -> str:
    shown = " ".join(f"{number:+.3f}" for number in row[:_N_SHOWN].tolist())
    return f"[{shown}{' …' if len(row) > _N_SHOWN else ''}]"


def inspect_text(layer: Any, text: str, encoder: Any = None) -> Inspection:
    """The path of a text through an EmbeddingLayer, and an encoder over it. Raises ArgumentError."""
    found = layer.tokenizer.encode(text, add_special_tokens=False)
    ids = torch.from_numpy(found.ids.astype("int64"))
    device = layer.parts.device
    was_training = encoder is not None and encoder.training
    if was_training:
        encoder.eval()  # dropout would show another vector each time
    with torch.no_grad():
        batch = ids.to(device).unsqueeze(0)
        rows = layer.weight[batch[0]]
        hidden, pooled = layer(batch)[0], None
        if encoder is not None and len(ids):
            mask = torch.ones_like(batch, dtype=torch.bool)
            states = encoder(layer(batch), mask)
            hidden, pooled = states[0], encoder.pool(states, mask)[0]
    if was_training:
        encoder.train()
    return Inspection(
        text,
        found.tokens,
        ids.numpy(),
        found.offsets,
        [ORIGINS[source] for source in layer.sources[batch[0]].tolist()],
        [layer.mode_of(i) for i in ids.tolist()],
        rows.cpu().float().numpy(),
        hidden.cpu().float().numpy(),
        None if pooled is None else pooled.cpu().float().numpy(),
    )
