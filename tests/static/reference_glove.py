"""GloVe in plain Python and float64: the same draws, tiles and order, no tricks. What the trainer is compared with."""

from __future__ import annotations

import math

import numpy as np

_MASK = 2**64 - 1
_CACHE, _MIN_BLOCK, _MANY, _MOST = 2 << 20, 16, 64, 2048
BATCH = 4


def mix64(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def random_at(key: int, counter: int) -> int:
    return mix64((key + counter * 0x9E3779B97F4A7C15) & _MASK)


def stream_key(seed: int, stream: int) -> int:
    return mix64((mix64((seed + 0x632BE59BD9B4E019) & _MASK) + stream) & _MASK)


def shuffle(values: list, key: int) -> None:
    for i in range(len(values), 1, -1):
        j = random_at(key, i) % i
        values[i - 1], values[j] = values[j], values[i - 1]


class Glove:
    """The state is float64 [n_keys, 4, dim + 2]: w, b, 1; G; w~, 1, b~; G~."""

    def __init__(
        self,
        counts: np.ndarray,
        *,
        symmetric: bool,
        dim: int,
        x_max: float,
        alpha: float,
        rate: float,
        seed: int,
    ):
        self.n, self.dim, self.rate, self.seed, self.symmetric = len(counts), dim, rate, seed, symmetric
        stride = (dim + 2 + 15) // 16 * 16
        block = max(min(_CACHE // (16 * stride), self.n // _MANY), _MIN_BLOCK, -(-self.n // _MOST))
        self.n_blocks = -(-self.n // block)
        block = -(-self.n // self.n_blocks)
        self.tiles: dict[tuple[int, int], list] = {}
        for i, j in zip(*(axis.tolist() for axis in np.nonzero(counts)), strict=True):
            if symmetric and j < i:
                continue
            x = float(counts[i, j])
            entry = (i, j, math.log(x), min(1.0, (x / x_max) ** alpha))
            self.tiles.setdefault((i % self.n_blocks, j % self.n_blocks), []).append(entry)
        for (a, b), entries in self.tiles.items():
            key = mix64((stream_key(seed, 5) + a * self.n_blocks + b) & _MASK)
            shuffle(entries, key)
            places = list(range(block))
            shuffle(places, mix64(key))
            entries.sort(key=lambda entry, places=places: places[entry[1] // self.n_blocks])
        self.state = self._initial()

    def _initial(self) -> np.ndarray:
        state, counter, key, dim = np.ones((self.n, 4, self.dim + 2)), 0, stream_key(self.seed, 4), self.dim
        for word in range(self.n):
            for part in (0, 2):
                bias, one = dim + part // 2, dim + 1 - part // 2
                for k in [*range(dim), bias]:
                    bits = random_at(key, counter) >> 40
                    counter += 1
                    state[word, part, k] = (bits / 2**24 - 0.5) / dim
                state[word, part + 1, bias] = self.rate**2
                state[word, part + 1, one] = 1e36
        return state

    def _rounds(self, epoch: int, *, transposed: bool) -> list[list[tuple[int, int]]]:
        seats = list(range(self.n_blocks + self.n_blocks % 2))
        shuffle(seats, mix64((stream_key(self.seed, 6) + 2 * (epoch + 1) + transposed) & _MASK))
        n = len(seats) - 1
        rounds = []
        for turn in range(n):
            pairs = [(seats[n], seats[turn])]
            pairs += [(seats[(turn + i) % n], seats[(turn - i) % n]) for i in range(1, n // 2 + 1)]
            rounds.append([pair for pair in pairs if max(pair) < self.n_blocks])
        rounds.insert(len(seats) // 2, [(block, block) for block in range(self.n_blocks)])
        return rounds

    def train_epoch(self, epoch: int) -> float:
        loss = 0.0
        for transposed in (False, True)[: 1 + self.symmetric]:
            for pairs in self._rounds(epoch, transposed=transposed):
                for a, b in pairs:
                    loss += self._train_tile(a, b, transposed=transposed)
                    if a != b:
                        loss += self._train_tile(b, a, transposed=transposed)
        return loss

    def _train_tile(self, a: int, b: int, *, transposed: bool) -> float:
        entries, loss, at = self.tiles.get((a, b), []), 0.0, 0
        while at < len(entries):
            batch: list = []
            for entry in entries[at : at + BATCH]:
                if (transposed and entry[0] == entry[1]) or (batch and entry[1] != batch[0][1]):
                    break
                batch.append(entry)
            if batch:
                loss += self._step(batch, *((2, 0) if transposed else (0, 2)))
            at += max(len(batch), 1)
        return loss

    def _step(self, batch: list, row_part: int, column_part: int) -> float:
        rows, column = [entry[0] for entry in batch], batch[0][1]
        logs, weights = np.array([entry[2] for entry in batch]), np.array([entry[3] for entry in batch])
        u, v = self.state[rows, row_part].copy(), self.state[column, column_part].copy()
        diff = u @ v - logs
        scale = (self.rate * weights * diff)[:, None]
        row_step, column_step = scale * v, scale * u
        self.state[rows, row_part + 1] += row_step**2
        self.state[rows, row_part] -= row_step / np.sqrt(self.state[rows, row_part + 1])
        self.state[column, column_part + 1] += (column_step**2).sum(axis=0)
        self.state[column, column_part] -= column_step.sum(axis=0) / np.sqrt(
            self.state[column, column_part + 1]
        )
        return float((weights * diff**2).sum() / 2)
