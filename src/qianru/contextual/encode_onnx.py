"""BERT and RoBERTa by ONNX Runtime with int8 products: faster, and not the same vectors.

Weights are rounded to int8 once, with a scale for each output; activations while it runs, with one scale for each product
(its range depends on the texts of a batch, and so, a little, do the vectors). The graph is written here, on windows of
equal length, so that no mask is needed. How near the vectors are to those of float32, `cosine_to_float32` measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qianru.arrays import Float32Array, Float64Array
from qianru.contextual.encode_batches import Batch
from qianru.errors import ArgumentError, QianruError
from qianru.layers.backend import load_torch
from qianru.vectors import Encoder

_FUSED = "com.microsoft"
_OPSET = 17
_OFFSET_KINDS = {"roberta", "xlm-roberta", "camembert"}


class OnnxEngine:
    """A BERT-like model of transformers as an int8 graph."""

    name = "onnx"
    device = "cpu"

    def __init__(self, model: Any) -> None:
        onnx, runtime = _load()
        self._torch = load_torch()
        config = model.config
        self.dim, self.n_layers = int(config.hidden_size), int(config.num_hidden_layers)
        graph = _Graph(onnx, model)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = int(self._torch.get_num_threads())
        options.log_severity_level = 3
        self._session = runtime.InferenceSession(
            graph.serialize(), options, providers=["CPUExecutionProvider"]
        )

    def hidden(self, batch: Batch, mixture: Mapping[int, float]) -> Any:
        """float32 [n_tokens of the batch, dim]."""
        out = np.empty((len(batch.ids), self.dim), dtype=np.float32)
        names = [f"layer.{layer}" for layer in mixture]
        for group in batch.groups:
            if not group.length:
                continue
            ids = batch.ids[group.begin : group.end].reshape(group.n, group.length)
            given = {"ids": ids, "places": np.arange(group.length)}
            try:
                layers = self._session.run(names, given)
            except Exception as error:  # the package's own exceptions have no common base
                if "memory" in str(error).lower() or "alloc" in str(error).lower():
                    raise MemoryError(str(error)) from None
                raise
            parts = [
                layer if weight == 1 else layer * np.float32(weight)
                for layer, weight in zip(layers, mixture.values(), strict=True)
            ]
            out[group.begin : group.end] = sum(parts[1:], parts[0]).reshape(-1, self.dim)
        return self._torch.from_numpy(out)


def cosine_to_float32(fast: Encoder, exact: Encoder, texts: Sequence[str]) -> tuple[float, float]:
    """The mean and the smallest cosine between two encoders' vectors of texts."""
    if not texts:
        raise ArgumentError("texts must hold at least one text")
    one, other = (_unit(encoder.encode(texts).vectors) for encoder in (fast, exact))
    cosines = (one * other).sum(axis=1)
    return float(cosines.mean()), float(cosines.min())


def quantise_columns(weight: Float32Array) -> tuple[np.ndarray, Float32Array]:
    """int8 [n_in, n_out] and a scale for each column [n_out]: weight is about their product."""
    scales = np.abs(weight).max(axis=0) / 127
    scales = np.where(scales > 0, scales, 1).astype(np.float32)
    return np.clip(np.rint(weight / scales), -127, 127).astype(np.int8), scales


class _Graph:
    """Nodes and weights, put together layer by layer."""

    def __init__(self, onnx: Any, model: Any) -> None:
        self._onnx, self._helper = onnx, onnx.helper
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._n_names = 0
        config = model.config
        self._eps, self._n_heads = float(config.layer_norm_eps), int(config.num_attention_heads)
        embeddings = model.embeddings
        begin = int(config.pad_token_id) + 1 if config.model_type in _OFFSET_KINDS else 0
        table = embeddings.position_embeddings.weight[begin:] + embeddings.token_type_embeddings.weight[0]
        words = self._node("Gather", [self._weight(embeddings.word_embeddings.weight), "ids"])
        places = self._node("Gather", [self._weight(table), "places"])
        x = self._node(
            "LayerNormalization",
            [self._node("Add", [words, places]), *self._norm(embeddings.LayerNorm)],
            axis=-1,
            epsilon=self._eps,
        )
        outputs = [self._named(x, 0)]
        for number, layer in enumerate(model.encoder.layer, 1):
            x = self._layer(layer, x)
            outputs.append(self._named(x, number))
        self._outputs = outputs

    def serialize(self) -> bytes:
        """The whole model in ONNX's bytes."""
        helper, kinds = self._helper, self._onnx.TensorProto
        inputs = [
            helper.make_tensor_value_info("ids", kinds.INT64, ["n", "length"]),
            helper.make_tensor_value_info("places", kinds.INT64, ["length"]),
        ]
        outputs = [
            helper.make_tensor_value_info(name, kinds.FLOAT, ["n", "length", "dim"]) for name in self._outputs
        ]
        graph = helper.make_graph(self._nodes, "qianru", inputs, outputs, self._weights)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        return bytes(made.SerializeToString())

    def _layer(self, layer: Any, x: str) -> str:
        attention = layer.attention.self
        parts = (attention.query, attention.key, attention.value)
        weight = np.concatenate([_numpy(part.weight) for part in parts])
        bias = np.concatenate([_numpy(part.bias) for part in parts])
        query, key, value = self._split(self._product(x, weight, bias))
        seen = self._node("MultiHeadAttention", [query, key, value], domain=_FUSED, num_heads=self._n_heads)
        out = layer.attention.output
        y = self._product(seen, _numpy(out.dense.weight), _numpy(out.dense.bias))
        x = self._skip(y, x, out.LayerNorm)
        up = self._product(x, _numpy(layer.intermediate.dense.weight), _numpy(layer.intermediate.dense.bias))
        y = self._node("Gelu", [up], domain=_FUSED)
        y = self._product(y, _numpy(layer.output.dense.weight), _numpy(layer.output.dense.bias))
        return self._skip(y, x, layer.output.LayerNorm)

    def _product(self, x: str, weight: Float32Array, bias: Float32Array) -> str:
        """x [..., n_in] times weight [n_out, n_in], rounded to int8, and bias."""
        codes, scales = quantise_columns(np.ascontiguousarray(weight.T))
        zeros = np.zeros(len(scales), dtype=np.int8)
        inputs = [x, *(self._weight(one) for one in (codes, scales, zeros, bias))]
        return self._node("DynamicQuantizeMatMul", inputs, domain=_FUSED)

    def _skip(self, y: str, x: str, norm: Any) -> str:
        return self._node(
            "SkipLayerNormalization", [y, x, *self._norm(norm)], domain=_FUSED, epsilon=self._eps
        )

    def _split(self, x: str) -> list[str]:
        names = [self._name() for _ in range(3)]
        self._nodes.append(self._helper.make_node("Split", [x], names, axis=2))
        return names

    def _norm(self, module: Any) -> list[str]:
        return [self._weight(module.weight), self._weight(module.bias)]

    def _named(self, x: str, layer: int) -> str:
        name = f"layer.{layer}"
        self._nodes.append(self._helper.make_node("Identity", [x], [name]))
        return name

    def _node(self, kind: str, inputs: list[str], *, domain: str = "", **attributes: object) -> str:
        name = self._name()
        self._nodes.append(self._helper.make_node(kind, inputs, [name], domain=domain, **attributes))
        return name

    def _weight(self, values: Any) -> str:
        name = self._name()
        array = values if isinstance(values, np.ndarray) else _numpy(values)
        self._weights.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _name(self) -> str:
        self._n_names += 1
        return f"t{self._n_names}"


def _load() -> tuple[Any, Any]:
    """onnx and onnxruntime. Raises QianruError if they are not there."""
    try:
        import onnx
        import onnx.numpy_helper
        import onnxruntime
    except ImportError as error:
        raise QianruError(
            f'backend="onnx" needs the packages onnx and onnxruntime: {error}',
            hint="pip install 'qianru[onnx]'",
        ) from None
    return onnx, onnxruntime


def _numpy(tensor: Any) -> Float32Array:
    made: Float32Array = tensor.detach().float().cpu().numpy()
    return made


def _unit(vectors: Float32Array) -> Float64Array:
    made = vectors.astype(np.float64)
    found: Float64Array = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
    return found
