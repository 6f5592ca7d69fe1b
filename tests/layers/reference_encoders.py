"""The encoders written plainly: numpy, one text at a time, loops over places."""

from __future__ import annotations

import math

import numpy as np

Weights = dict[str, np.ndarray]


def cnn(rows: np.ndarray, weights: Weights, widths: list[int]) -> np.ndarray:
    n = len(rows)
    found = []
    for number, width in enumerate(widths):
        kernel, bias = weights[f"filters.{number}.weight"], weights[f"filters.{number}.bias"]
        out = np.zeros((n, len(bias)))
        for i in range(n):
            for f in range(len(bias)):
                total = float(bias[f])
                for offset in range(width):
                    j = i - (width - 1) // 2 + offset
                    if 0 <= j < n:
                        total += float(kernel[f, :, offset] @ rows[j])
                out[i, f] = max(total, 0.0)
        found.append(out)
    return np.concatenate(found, axis=1)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def one_way(rows: np.ndarray, weights: Weights, name: str, cell: str) -> np.ndarray:
    w_in, w_state = weights[f"cells.weight_ih_{name}"], weights[f"cells.weight_hh_{name}"]
    b_in, b_state = weights[f"cells.bias_ih_{name}"], weights[f"cells.bias_hh_{name}"]
    hidden = w_state.shape[1]
    state, memory, out = np.zeros(hidden), np.zeros(hidden), []
    for row in rows:
        if cell == "lstm":
            i, f, g, o = np.split(w_in @ row + b_in + w_state @ state + b_state, 4)
            memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
            state = sigmoid(o) * np.tanh(memory)
        else:
            r_in, z_in, n_in = np.split(w_in @ row + b_in, 3)
            r_state, z_state, n_state = np.split(w_state @ state + b_state, 3)
            r, z = sigmoid(r_in + r_state), sigmoid(z_in + z_state)
            state = (1 - z) * np.tanh(n_in + r * n_state) + z * state
        out.append(state)
    return np.array(out)


def rnn(rows: np.ndarray, weights: Weights, cell: str, n_layers: int) -> np.ndarray:
    for layer in range(n_layers):
        there = one_way(rows, weights, f"l{layer}", cell)
        back = one_way(rows[::-1], weights, f"l{layer}_reverse", cell)[::-1]
        rows = np.concatenate([there, back], axis=1)
    return rows


def norm(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def gelu(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def transformer(rows: np.ndarray, weights: Weights, n_layers: int, n_heads: int) -> np.ndarray:
    x = linear(rows, weights, "enter") if "enter.weight" in weights else rows.copy()
    n, dim = x.shape
    for place in range(n):
        for i in range(dim):
            angle = place / 10000 ** (2 * (i // 2) / dim)
            x[place, i] += math.sin(angle) if i % 2 == 0 else math.cos(angle)
    size = dim // n_heads
    for layer in range(n_layers):
        at = f"layers.{layer}"
        y = norm(x, weights, f"{at}.norms.0")
        query = linear(y, weights, f"{at}.attention.query")
        key, value = np.split(linear(y, weights, f"{at}.attention.key_value"), 2, axis=1)
        heads = []
        for h in range(n_heads):
            part = slice(h * size, (h + 1) * size)
            shares = softmax(query[:, part] @ key[:, part].T / math.sqrt(size))
            heads.append(shares @ value[:, part])
        x = x + linear(np.concatenate(heads, axis=1), weights, f"{at}.attention.out")
        y = norm(x, weights, f"{at}.norms.1")
        x = x + linear(gelu(linear(y, weights, f"{at}.network.0")), weights, f"{at}.network.3")
    return norm(x, weights, "norm")
