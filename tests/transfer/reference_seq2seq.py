"""The encoder-decoder and the beam search written plainly: numpy for one pair, no kept keys, one sentence at a time."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

_spec = importlib.util.spec_from_file_location(
    "reference_encoders", Path(__file__).parents[1] / "layers" / "reference_encoders.py"
)
assert _spec is not None
assert _spec.loader is not None
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

Weights = dict[str, np.ndarray]


def attention(
    states: np.ndarray, memory: np.ndarray, weights: Weights, name: str, n_heads: int, causal: bool
) -> np.ndarray:
    query = plain.linear(states, weights, f"{name}.query")
    key, value = np.split(plain.linear(memory, weights, f"{name}.key_value"), 2, axis=1)
    size = query.shape[1] // n_heads
    heads = []
    for h in range(n_heads):
        part = slice(h * size, (h + 1) * size)
        products = query[:, part] @ key[:, part].T / math.sqrt(size)
        if causal:
            for i in range(len(products)):
                products[i, i + 1 :] = -np.inf
        heads.append(plain.softmax(products) @ value[:, part])
    return plain.linear(np.concatenate(heads, axis=1), weights, f"{name}.out")


def network(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    return plain.linear(plain.gelu(plain.linear(x, weights, f"{name}.0")), weights, f"{name}.3")


def entered(ids: list[int], rows: np.ndarray) -> np.ndarray:
    x = rows[ids] * math.sqrt(rows.shape[1])
    for place in range(len(ids)):
        for i in range(rows.shape[1]):
            angle = place / 10000 ** (2 * (i // 2) / rows.shape[1])
            x[place, i] += math.sin(angle) if i % 2 == 0 else math.cos(angle)
    return x


def scores(
    source: list[int], target: list[int], rows: np.ndarray, weights: Weights, n_layers: int, n_heads: int
) -> np.ndarray:
    x = entered(source, rows)
    for layer in range(n_layers):
        at = f"encoder.{layer}"
        y = plain.norm(x, weights, f"{at}.norms.0")
        x = x + attention(y, y, weights, f"{at}.attention", n_heads, False)
        x = x + network(plain.norm(x, weights, f"{at}.norms.1"), weights, f"{at}.network")
    memory = plain.norm(x, weights, "encoder_norm")
    x = entered(target, rows)
    for layer in range(n_layers):
        at = f"decoder.{layer}"
        y = plain.norm(x, weights, f"{at}.norms.0")
        x = x + attention(y, y, weights, f"{at}.attention", n_heads, True)
        y = plain.norm(x, weights, f"{at}.norms.2")
        x = x + attention(y, memory, weights, f"{at}.cross", n_heads, False)
        x = x + network(plain.norm(x, weights, f"{at}.norms.1"), weights, f"{at}.network")
    return plain.norm(x, weights, "decoder_norm") @ rows.T + weights["output.bias"]


def beam(
    next_logs: Callable[[list[int]], np.ndarray], *, end: int, width: int, penalty: float, longest: int
) -> list[tuple[float, list[int]]]:
    """next_logs: log probabilities of what follows these target ids (without the begin token)."""
    alive: list[tuple[float, list[int]]] = [(0.0, [])]
    ended: list[tuple[float, list[int]]] = []
    for step in range(1, longest + 1):
        found = []
        for total, ids in alive:
            for token, log in enumerate(next_logs(ids)):
                if log > -np.inf:
                    found.append((total + float(log), ids, token))
        found.sort(key=lambda one: -one[0])
        alive, by_length = [], ((5 + step) / 6) ** penalty
        for rank, (total, ids, token) in enumerate(found[: 2 * width]):
            if token == end and rank < width:
                ended.append((total / by_length, ids))
            elif token != end and len(alive) < width:
                alive.append((total, [*ids, token]))
        if len(ended) >= width:
            break
        if step == longest:
            ended += [(total / by_length, ids) for total, ids in alive]
    return sorted(ended, key=lambda one: -one[0])
