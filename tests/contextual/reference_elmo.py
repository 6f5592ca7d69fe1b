"""ELMo in plain numpy, word by word and direction by direction, from the tensors under their original names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from qianru.arrays import Float32Array, Float64Array
from qianru.contextual.characters import character_ids
from qianru.contextual.elmo_files import ElmoOptions


def sigmoid(x: Float64Array) -> Float64Array:
    return 0.5 * (1 + np.tanh(x / 2))


def word_vector(word: str, options: ElmoOptions, weights: Mapping[str, Float64Array]) -> Float64Array:
    ids = character_ids([word], max_characters=options.max_characters)[0] - 1
    values = weights["char_embed"][ids]
    found = []
    for i, (width, _) in enumerate(options.filters):
        kernel = weights[f"CNN/W_cnn_{i}"][0]
        windows = [values[at : at + width] for at in range(options.max_characters - width + 1)]
        scores = [np.einsum("wd,wdf->f", window, kernel) for window in windows]
        found.append(np.max(scores, axis=0) + weights[f"CNN/b_cnn_{i}"])
    x = np.concatenate(found)
    x = np.maximum(x, 0) if options.activation == "relu" else np.tanh(x)
    for i in range(options.n_highway):
        part = f"CNN_high_{i}"
        carry = sigmoid(x @ weights[f"{part}/W_carry"] + weights[f"{part}/b_carry"])
        new = np.maximum(x @ weights[f"{part}/W_transform"] + weights[f"{part}/b_transform"], 0)
        x = carry * new + (1 - carry) * x
    return x @ weights["CNN_proj/W_proj"] + weights["CNN_proj/b_proj"]


def layers_of(
    sentence: Sequence[str], options: ElmoOptions, float32: Mapping[str, Float32Array]
) -> Float64Array:
    """float64 [n_layers + 1, n_words, 2 x projection_dim], from no state."""
    weights = {name: array.astype(np.float64) for name, array in float32.items()}
    words = [word_vector(word, options, weights) for word in ("<S>", *sentence, "</S>")]
    halves = []
    for direction in range(2):
        inputs = words if direction == 0 else words[::-1]
        found = [inputs]
        for layer in range(options.n_layers):
            cell = f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
            hidden, cells = np.zeros(options.projection_dim), np.zeros(options.dim)
            outputs = []
            for x in inputs:
                gates = np.concatenate((x, hidden)) @ weights[f"{cell}/W_0"] + weights[f"{cell}/B"]
                enter, value, forget, leave = np.split(gates, 4)
                cells = cells * sigmoid(forget + 1) + sigmoid(enter) * np.tanh(value)
                if options.cell_clip is not None:
                    cells = np.clip(cells, -options.cell_clip, options.cell_clip)
                hidden = sigmoid(leave) * np.tanh(cells) @ weights[f"{cell}/W_P_0"]
                if options.proj_clip is not None:
                    hidden = np.clip(hidden, -options.proj_clip, options.proj_clip)
                outputs.append(hidden + x if layer and options.skip_connections else hidden)
            found.append(outputs)
            inputs = outputs
        halves.append(np.array([layer if direction == 0 else layer[::-1] for layer in found]))
    return np.concatenate(halves, axis=2)[:, 1:-1]
