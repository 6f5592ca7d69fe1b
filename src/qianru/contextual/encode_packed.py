"""BERT and RoBERTa on packed batches: no padding, one product for query, key and value, GELU inside the product.

The weights are those of transformers' model, laid out once for oneDNN, which on this kind of product is faster than the
BLAS behind torch's linear layers and takes bias and GELU along. The numbers stay float32; they differ from those of
transformers by rounding alone (tests/contextual/test_encode_engines.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qianru.contextual.encode_batches import Batch
from qianru.layers.backend import load_torch

_KINDS = {"bert", "roberta", "xlm-roberta", "camembert"}
# Their positions begin behind the padding token's.
_OFFSET_KINDS = {"roberta", "xlm-roberta", "camembert"}


def can_pack(config: Any) -> bool:
    """Whether `PackedEngine` computes what the model of this configuration does."""
    return (
        config.model_type in _KINDS
        and config.hidden_act == "gelu"
        and getattr(config, "position_embedding_type", None) in (None, "absolute")
        and not getattr(config, "is_decoder", False)
        and config.hidden_size % config.num_attention_heads == 0
    )


@dataclass(frozen=True)
class _Layer:
    qkv: Callable[[Any], Any]
    out: Callable[[Any], Any]
    norm_attention: tuple[Any, Any]
    up: Callable[[Any], Any]
    down: Callable[[Any], Any]
    norm_output: tuple[Any, Any]


class PackedEngine:
    """A BERT-like model of transformers, run without padding."""

    name = "packed"

    def __init__(self, model: Any, device: str = "cpu") -> None:
        torch = self._torch = load_torch()
        self.device = device
        model = model.to(device).eval()
        config = model.config
        self.dim, self.n_layers = int(config.hidden_size), int(config.num_hidden_layers)
        self._n_heads, self._eps = int(config.num_attention_heads), float(config.layer_norm_eps)
        with torch.no_grad():
            embeddings = model.embeddings
            begin = int(config.pad_token_id) + 1 if config.model_type in _OFFSET_KINDS else 0
            self._words = embeddings.word_embeddings.weight.detach()
            # Text is of the first type throughout.
            positions = embeddings.position_embeddings.weight[begin:]
            self._places = (positions + embeddings.token_type_embeddings.weight[0]).detach()
            self._norm = _norm(embeddings.LayerNorm)
            self._layers = [self._layer(layer) for layer in model.encoder.layer]

    def _layer(self, layer: Any) -> _Layer:
        torch, attention = self._torch, layer.attention.self
        parts = (attention.query, attention.key, attention.value)
        weight = torch.cat([part.weight for part in parts])
        bias = torch.cat([part.bias for part in parts])
        return _Layer(
            self._linear(weight, bias),
            self._linear(layer.attention.output.dense.weight, layer.attention.output.dense.bias),
            _norm(layer.attention.output.LayerNorm),
            self._linear(layer.intermediate.dense.weight, layer.intermediate.dense.bias, gelu=True),
            self._linear(layer.output.dense.weight, layer.output.dense.bias),
            _norm(layer.output.LayerNorm),
        )

    def _linear(self, weight: Any, bias: Any, *, gelu: bool = False) -> Callable[[Any], Any]:
        """x [n, n_in] to [n, n_out]."""
        torch = self._torch
        weight, bias = weight.detach().float().contiguous(), bias.detach().float().contiguous()
        if self.device == "cpu" and torch.backends.mkldnn.is_available():
            try:  # what torch's own compiler calls; not part of its stable interface
                packed = torch.ops.mkldnn._reorder_linear_weight(weight, None)
                linear = torch.ops.mkldnn._linear_pointwise
                kind = "gelu" if gelu else "none"
                linear(torch.zeros(2, weight.shape[1]), packed, bias, kind, [], "none")
                return lambda x: linear(x, packed, bias, kind, [], "none")
            except (AttributeError, RuntimeError, TypeError, NotImplementedError):
                pass
        functions = torch.nn.functional
        if gelu:
            return lambda x: functions.gelu(functions.linear(x, weight, bias))
        return lambda x: functions.linear(x, weight, bias)

    def hidden(self, batch: Batch, mixture: Mapping[int, float]) -> Any:
        """float32 [n_tokens of the batch, dim]."""
        torch, dim = self._torch, self.dim
        ids = torch.from_numpy(batch.ids).to(self.device)
        places = np.concatenate(
            [np.tile(np.arange(group.length), group.n) for group in batch.groups] or [np.empty(0, np.int64)]
        )
        functions = torch.nn.functional
        x = functions.embedding(ids, self._words)
        x += functions.embedding(torch.from_numpy(places).to(self.device), self._places)
        x = functions.layer_norm(x, (dim,), *self._norm, self._eps)
        mixed = x * mixture[0] if 0 in mixture else None
        for number, layer in enumerate(self._layers, 1):
            x = self._attended(layer, x, batch)
            y = layer.down(layer.up(x))
            x = functions.layer_norm(y.add_(x), (dim,), *layer.norm_output, self._eps)
            if number in mixture:
                part = x if mixture[number] == 1 else x * mixture[number]
                mixed = part if mixed is None else mixed + part
        return mixed

    def _attended(self, layer: _Layer, x: Any, batch: Batch) -> Any:
        torch, functions = self._torch, self._torch.nn.functional
        all_heads = layer.qkv(x)
        pieces = []
        for group in batch.groups:
            if not group.length:
                continue
            shape = (group.n, group.length, 3, self._n_heads, self.dim // self._n_heads)
            query, key, value = all_heads[group.begin : group.end].view(shape).permute(2, 0, 3, 1, 4)
            made = functions.scaled_dot_product_attention(query, key, value)
            pieces.append(made.transpose(1, 2).reshape(-1, self.dim))
        y = layer.out(pieces[0] if len(pieces) == 1 else torch.cat(pieces) if pieces else x)
        return functions.layer_norm(y.add_(x), (self.dim,), *layer.norm_attention, self._eps)


def _norm(module: Any) -> tuple[Any, Any]:
    return module.weight.detach(), module.bias.detach()
