"""The plain twin of encoding: one text at a time, by transformers, in numpy and float64."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from qianru.tokens import Tokenizer


@functools.lru_cache(maxsize=2)
def _model(folder: Path, _written: int) -> Any:
    return transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()


def hidden_states(folder: Path, ids: list[int]) -> list[np.ndarray]:
    """All layers' vectors [n, dim] of one window."""
    model = _model(folder, (folder / "model.safetensors").stat().st_mtime_ns)
    with torch.no_grad():
        found = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
    return [layer[0].double().numpy() for layer in found]


def windows(n: int, room: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """(begin, end, keep_begin, keep_end) in tokens of the text: by going through all tokens one by one."""
    if n <= room:
        return [(0, n, 0, n)]
    begins = []
    at = 0
    while at + room < n:
        begins.append(at)
        at += room - overlap
    begins.append(n - room)
    owner = []
    for token in range(n):
        holds = [i for i, begin in enumerate(begins) if begin <= token < begin + room]
        # The window in which the token stands farthest from an end, that end not being one of the text.
        best = holds[0]
        for i in holds[1:]:
            left_of_new, right_of_old = token - begins[i], begins[best] + room - 1 - token
            if left_of_new > right_of_old:
                best = i
        owner.append(best)
    found = []
    for i, begin in enumerate(begins):
        mine = [token for token in range(n) if owner[token] == i]
        found.append((begin, begin + room, mine[0], mine[-1] + 1))
    return found


def pooled(rows: np.ndarray, mode: str) -> np.ndarray:
    """One vector for the rows [n, dim], n at least 1."""
    if mode == "mean":
        return rows.mean(axis=0)
    if mode == "mean_sqrt":
        return rows.sum(axis=0) / np.sqrt(len(rows))
    if mode == "cls":
        return rows[0]
    if mode == "last":
        return rows[-1]
    if mode == "max":
        return rows.max(axis=0)
    weights = np.arange(1, len(rows) + 1)
    return (rows * weights[:, None]).sum(axis=0) / weights.sum()


def encode(folder: Path, text: str, *, mode: str = "mean", limit: int = 64) -> np.ndarray:
    """A text's vector [dim], cut at the limit."""
    ids = Tokenizer.load(folder).encode(text, max_tokens=limit).ids.tolist()
    return pooled(hidden_states(folder, ids)[-1], mode)
