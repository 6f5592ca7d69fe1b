"""word2vec in plain Python and float64: the same draws, the same order, no tricks. What the trainer is compared with."""

from __future__ import annotations

import numpy as np

_MASK = 2**64 - 1
LINE_END = 0xFFFFFFFF
CHUNK = 8192  # positions of the stream that no window crosses
DRAW_USES, DRAW_APART = 4, 32  # draws serve so many centre words, each so many kept words after the last


def mix64(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def random_at(key: int, counter: int) -> int:
    return mix64((key + counter * 0x9E3779B97F4A7C15) & _MASK)


def stream_key(seed: int, stream: int) -> int:
    return mix64((mix64((seed + 0x632BE59BD9B4E019) & _MASK) + stream) & _MASK)


class Alias:
    """Vose's table, filled in the same order as the core's."""

    def __init__(self, counts: np.ndarray, power: float = 0.75) -> None:
        n = len(counts)
        share = counts.astype(np.float64) ** power
        share = (share * n / share.sum()).tolist()
        self.slots = [(2**32 - 1, i) for i in range(n)]
        small = [i for i in range(n) if share[i] < 1]
        large = [i for i in range(n) if share[i] >= 1]
        while small and large:
            s, top = small.pop(), large[-1]
            self.slots[s] = (int(max(0.0, min(share[s] * 2**32 - 1, 2**32 - 1))), top)
            share[top] -= 1 - share[s]
            if share[top] < 1:
                small.append(large.pop())

    def draw(self, bits: int) -> int:
        slot = ((bits & 0xFFFFFFFF) * len(self.slots)) >> 32
        threshold, alias = self.slots[slot]
        return slot if bits >> 32 <= threshold else alias


def chunk_order(n_chunks: int, seed: int, epoch: int) -> list[int]:
    """The chunks of an epoch, shuffled but for the last one."""
    order, key = list(range(n_chunks)), mix64((stream_key(seed, 4) + epoch) & _MASK)
    for last in range(n_chunks - 2, 0, -1):
        other = ((random_at(key, last) >> 32) * (last + 1)) >> 32
        order[last], order[other] = order[other], order[last]
    return order


def keep_probability(counts: np.ndarray, sample: float) -> np.ndarray:
    ratio = sample * counts.sum() / counts
    return np.minimum(1.0, np.sqrt(ratio) + ratio)


def step(rows, outputs, targets, labels, rate, *, cbow=False, corrected=False, scores=None):
    """One window; moves the input rows (views) and outputs in place and returns the loss.

    `scores` are those of a skip-gram window if they were taken earlier.
    """
    u = np.stack(rows)
    hidden = u.mean(axis=0, keepdims=True) if cbow else u
    if scores is None:
        scores = hidden @ outputs[targets].T
    gradient = rate * (labels - 1 / (1 + np.exp(-scores)))
    loss = np.logaddexp(0, np.where(labels == 1, -scores, scores)).sum()
    if cbow:
        move = (gradient @ outputs[targets])[0] * (1 / len(rows) if corrected else 1)
        outputs[targets] += gradient.T @ hidden
        for row in rows:
            row += move
        return loss
    for first in range(0, len(targets), 6):
        six = targets[first : first + 6]
        v, g = outputs[six].copy(), gradient[:, first : first + 6]
        for row, g_row in zip(rows, g, strict=True):
            outputs[six] += np.outer(g_row, row)
            row += g_row @ v
    return loss


class Inputs:
    """The input rows: a word's own, or with `lists` the mean of its own and shared rows while it is within reach."""

    def __init__(self, n_keys, dim, seed, lists, n_shared, start_range):
        key, n_rows = stream_key(seed, 3), n_keys + n_shared
        draws = np.array([random_at(key, i) >> 40 for i in range(n_rows * dim)], np.float32)
        unit = draws / np.float32(2**24) - np.float32(0.5)
        start = unit * np.float32(2 * start_range) / np.float32(dim)
        self.matrix = start.reshape(n_rows, dim).astype(np.float64)
        self.parts = (
            None if lists is None else [[word, *(n_keys + r for r in lists[word])] for word in range(n_keys)]
        )
        self.held = {}

    def enter(self, place, word):
        if self.parts is not None:
            mean = self.matrix[self.parts[word]].mean(axis=0)
            self.held[place] = (mean, mean.copy())

    def leave(self, place, word):
        if self.parts is not None:
            vector, before = self.held.pop(place)
            for row in self.parts[word]:
                self.matrix[row] += vector - before

    def row(self, place, word):
        return self.matrix[word] if self.parts is None else self.held[place][0]


def train(
    ids, counts, paths, *, dim, window, negative, cbow, corrected, sample, rate, floor, epochs, seed,
    lists=None, n_shared=0, power=0.75, start_range=0.5,
):  # fmt: skip
    """Returns the input rows [n_keys + n_shared, dim] and the mean loss per pair of each epoch."""
    n_keys = len(counts)
    inputs = Inputs(n_keys, dim, seed, lists, n_shared, start_range)
    outputs = np.zeros((n_keys, dim))
    token_key, negative_key = stream_key(seed, 1), stream_key(seed, 2)
    alias, keep = Alias(counts, power), keep_probability(counts, sample) if sample else np.ones(n_keys)
    losses = []
    for epoch in range(epochs):
        total, n_pairs, base = 0.0, 0, epoch * len(ids)
        order = chunk_order((len(ids) + CHUNK - 1) // CHUNK, seed, epoch)
        for rank, chunk in enumerate(order):
            begin = chunk * CHUNK
            kept, n_line = [], 0  # (word, position, number of its line)
            for position in range(begin, min(begin + CHUNK, len(ids))):
                word = int(ids[position])
                if word == LINE_END:
                    n_line += 1
                elif (random_at(token_key, base + position) >> 32) < keep[word] * 2**32:
                    kept.append((word, position, n_line))
            waiting = None  # a skip-gram window whose scores are taken and whose step comes after the next one's scores
            for place in range(min(window, len(kept))):
                inputs.enter(place, kept[place][0])
            for i, (centre, position, line) in enumerate(kept):
                if i + window < len(kept):
                    inputs.enter(i + window, kept[i + window][0])
                reach = window - (((random_at(token_key, base + position) & 0xFFFFFFFF) * window) >> 32)
                rows = [
                    inputs.row(c, kept[c][0])
                    for c in range(max(0, i - reach), min(len(kept), i + reach + 1))
                    if c != i and kept[c][2] == line
                ]
                if rows and negative:
                    targets = [centre]
                    drawn_at = base + kept[i - i % (DRAW_USES * DRAW_APART) + i % DRAW_APART][1]
                    for j in range(negative):
                        drawn = alias.draw(random_at(negative_key, drawn_at * negative + j))
                        if drawn not in targets:
                            targets.append(drawn)
                    labels = np.array([1.0] + [0.0] * (len(targets) - 1))
                elif rows:
                    targets = [node for node, _ in paths[centre]]
                    labels = np.array([1.0 if sign < 0 else 0.0 for _, sign in paths[centre]])
                place_in_order = rank * CHUNK + position - begin
                now = rate + (floor - rate) * (base + place_in_order) / (len(ids) * epochs)
                if rows and cbow:
                    total += step(rows, outputs, targets, labels, now, cbow=True, corrected=corrected)
                    n_pairs += 1
                elif rows:
                    scores = np.stack(rows) @ outputs[targets].T
                    n_pairs += len(rows)
                if not cbow:
                    if waiting is not None:
                        total += step(waiting[0], outputs, *waiting[1:-1], scores=waiting[-1])
                    waiting = (rows, targets, labels, now, scores) if rows else None
                if i > window:
                    inputs.leave(i - window - 1, kept[i - window - 1][0])
            if waiting is not None:
                total += step(waiting[0], outputs, *waiting[1:-1], scores=waiting[-1])
            for place in range(max(0, len(kept) - window - 1), len(kept)):
                inputs.leave(place, kept[place][0])
        losses.append(total / n_pairs)
    return inputs.matrix, losses
