"""Who runs the model: transformers on padded batches, which knows every model and is the slow twin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from qianru.contextual.encode_batches import Batch
from qianru.errors import QianruError
from qianru.layers.backend import is_no_room, load_torch


class Engine(Protocol):
    """Runs a model over packed batches."""

    @property
    def name(self) -> str:
        """Who it is."""

    @property
    def dim(self) -> int:
        """Numbers in a token's vector."""

    @property
    def n_layers(self) -> int:
        """Layers behind the embeddings."""

    @property
    def device(self) -> str:
        """Where it runs."""

    def hidden(self, batch: Batch, mixture: Mapping[int, float]) -> Any:
        """float32 [n_tokens of the batch, dim]: the sum of layers times their weights; layer 0 are the embeddings."""


class PaddedEngine:
    """A model of transformers, on batches padded to their longest window."""

    name = "transformers"

    def __init__(self, model: Any, device: str = "cpu") -> None:
        self._torch = load_torch()
        self.model = model.to(device).eval()
        self.device = device
        config = model.config
        self.dim = int(config.hidden_size)
        self.n_layers = int(config.num_hidden_layers)
        pad = getattr(config, "pad_token_id", None)
        # A negative one, or none, stands for no row; masked places are not looked at.
        self._pad = pad if isinstance(pad, int) and 0 <= pad < int(config.vocab_size) else 0

    def hidden(self, batch: Batch, mixture: Mapping[int, float]) -> Any:
        """float32 [n_tokens of the batch, dim]."""
        torch = self._torch
        longest = int(batch.lengths.max(initial=0))
        if longest == 0:
            return torch.zeros((0, self.dim), device=self.device)
        mask = np.arange(longest) < batch.lengths[:, None]
        # A window without a token would leave attention nothing to look at.
        mask[:, 0] = True
        ids = np.full(mask.shape, self._pad, dtype=np.int64)
        real = np.arange(longest) < batch.lengths[:, None]
        ids[real] = batch.ids
        only_last = set(mixture) == {self.n_layers}
        out = self.model(
            input_ids=torch.from_numpy(ids).to(self.device),
            attention_mask=torch.from_numpy(mask.astype(np.int64)).to(self.device),
            output_hidden_states=not only_last,
        )
        chosen = torch.from_numpy(real).to(self.device)
        if only_last:
            found = out.last_hidden_state[chosen]
            return found if mixture[self.n_layers] == 1 else found * mixture[self.n_layers]
        return sum(out.hidden_states[layer][chosen] * weight for layer, weight in mixture.items())


class HalvingEngine:
    """An engine whose batches are halved when they do not fit into memory, until they do."""

    def __init__(self, inner: Engine) -> None:
        self._inner, self._torch = inner, load_torch()
        self.name, self.dim, self.n_layers = inner.name, inner.dim, inner.n_layers
        self.device = inner.device
        self.model = getattr(inner, "model", None)
        self.largest: int | None = None

    def hidden(self, batch: Batch, mixture: Mapping[int, float]) -> Any:
        """As the inner engine. Raises QianruError if not even one window fits."""
        try:
            return self._inner.hidden(batch, mixture)
        except (RuntimeError, MemoryError) as error:
            if not is_no_room(error):
                raise
        # Not inside the handler: the error holds the frames, and they the tensors.
        if len(batch.lengths) < 2:
            raise QianruError(
                f"out of memory: not even one window of {int(batch.lengths[0]):,} tokens fits",
                hint="a smaller max_tokens (--max-tokens), or more memory",
            )
        one, two = batch.halves()
        self.largest = min(self.largest or len(batch.ids), max(len(one.ids), len(two.ids)))
        return self._torch.cat([self.hidden(one, mixture), self.hidden(two, mixture)])
