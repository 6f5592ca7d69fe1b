"""The slow, plain twin of core/text/segmenter.cpp and segmenter_trainer.cpp: features, tags, averaged perceptron."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise, product

_MASK = (1 << 64) - 1
TAGS = BEGIN, MIDDLE, END, SINGLE = range(4)
NO_TAG = 4
FOLLOWS = {(END, BEGIN), (SINGLE, BEGIN), (BEGIN, MIDDLE), (MIDDLE, MIDDLE)}
FOLLOWS |= {(BEGIN, END), (MIDDLE, END), (END, SINGLE), (SINGLE, SINGLE)}
Weights = Mapping[int, tuple[int, ...]]


def hash_with(value: int, part: int) -> int:
    value = (value ^ part) * 0x9E3779B97F4A7C15 & _MASK
    return value ^ value >> 32


def key_of(number: int, *parts: int) -> int:
    value = number + 1
    for part in parts:
        value = hash_with(value, part)
    return value | 1 << 63


def kind_of(char: str) -> int:
    kinds = (("〇一二三四五六七八九零两", 1), ("十百千万亿", 2), ("年月日时分秒点", 3))
    return next((kind for chars, kind in kinds if char in chars), 4) if char else 0


def tags_of(words: list[str]) -> list[int]:
    tags = []
    for word in words:
        tags += [SINGLE] if len(word) == 1 else [BEGIN, *[MIDDLE] * (len(word) - 2), END]
    return tags


def words_of(run: str, tags: list[int]) -> list[str]:
    words, begin = [], 0
    for place, tag in enumerate(tags, 1):
        if tag in (END, SINGLE):
            words.append(run[begin:place])
            begin = place
    return words


def features(words: list[str]) -> list[list[int]]:
    """The keys of each character of a run that the dictionary has cut into these words."""
    run, tags, in_words = "".join(words), tags_of(words), []
    for word in words:
        value = 0
        for char in word:
            value = hash_with(value, ord(char))
        in_words += [hash_with(value, place) for place in range(len(word))]

    def char(place: int) -> str:
        return run[place] if 0 <= place < len(run) else ""

    def tag(place: int) -> int:
        return tags[place] if 0 <= place < len(run) else NO_TAG

    found = []
    for i in range(len(run)):
        a, b, c, d, e = (ord(char(i + k)) if char(i + k) else 0 for k in (-2, -1, 0, 1, 2))
        before, after = tag(i - 1) * 8 + tag(i), tag(i) * 8 + tag(i + 1)
        parts = (
            (b,),
            (c,),
            (d,),
            (a, b),
            (b, c),
            (c, d),
            (d, e),
            (b, d),
            (a, b, c),
            (b, c, d),
            (c, d, e),
            (before, after),
            (c, before, after),
            (b, c, before),
            (c, d, after),
            (in_words[i],),
            tuple(kind_of(char(i + k)) for k in (-1, 0, 1)),
            (b == c, c == d, a == c),
        )
        found.append([key_of(number, *map(int, part)) for number, part in enumerate(parts)])
    return found


def path_score(scores: list[list[int]], transitions: list[list[int]], tags: tuple[int, ...]) -> int | None:
    """The sum of a run's weights with these tags; None if they cannot be."""
    if tags[0] not in (BEGIN, SINGLE) or tags[-1] not in (END, SINGLE):
        return None
    if not all(pair in FOLLOWS for pair in pairwise(tags)):
        return None
    score = sum(row[tag] for row, tag in zip(scores, tags, strict=True))
    return score + sum(transitions[one][other] for one, other in pairwise(tags))


def best_tags(scores: list[list[int]], transitions: list[list[int]]) -> list[int]:
    """All taggings, one by one. Of equal ones the one that Viterbi's algorithm finds: seen from the run's end, the earlier
    of B, M, E, S before; at the end itself E."""
    paths = product(TAGS, repeat=len(scores))
    rated = [
        (rating, path) for path in paths if (rating := path_score(scores, transitions, path)) is not None
    ]
    best = max(rating for rating, _ in rated)
    order = {END: 0, SINGLE: 1, BEGIN: 2, MIDDLE: 3}
    return list(
        min(
            (path for rating, path in rated if rating == best),
            key=lambda path: [order[tag] for tag in path[::-1]],
        )
    )


def viterbi(scores: list[list[int]], transitions: list[list[int]]) -> list[int]:
    """The same by Viterbi's algorithm, for runs of any length."""
    best: list[dict[int, tuple[int, int]]] = [{tag: (scores[0][tag], -1) for tag in (BEGIN, SINGLE)}]
    for row in scores[1:]:
        here: dict[int, tuple[int, int]] = {}
        for tag in TAGS:
            for before in (END, SINGLE, BEGIN, MIDDLE):
                if before not in best[-1] or (before, tag) not in FOLLOWS:
                    continue
                total = best[-1][before][0] + transitions[before][tag] + row[tag]
                if tag not in here or total > here[tag][0]:
                    here[tag] = total, before
        best.append(here)
    tag = max((END, SINGLE), key=lambda tag: best[-1].get(tag, (-(10**30), 0))[0])
    tags = [tag]
    for here in best[:0:-1]:
        tags.append(here[tags[-1]][1])
    return tags[::-1]


def scores_of(words: list[str], weights: Weights) -> list[list[int]]:
    nothing = (0,) * len(TAGS)
    return [
        [sum(column) for column in zip(*(weights.get(key, nothing) for key in keys), strict=True)]
        for keys in features(words)
    ]


def cut(words: list[str], weights: Weights, transitions: list[list[int]]) -> list[str]:
    """The words of one run by the weights, from the dictionary's."""
    return words_of("".join(words), viterbi(scores_of(words, weights), transitions)) if words else []


def mix64(x: int) -> int:
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _MASK
    return x ^ x >> 31


@dataclass
class Perceptron:
    """The averaged perceptron: after each run all weights are added up, which is what the core spares itself."""

    weights: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 4))
    sums: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 4))

    def train(self, runs: list[list[str]], right: list[list[str]], seed: int, epochs: int) -> None:
        """Transitions stand under the keys 0 to 3, by the tag before."""
        order = list(range(len(runs)))
        for epoch in range(1, epochs + 1):
            key = mix64(seed + epoch & _MASK)
            for n in range(len(order), 1, -1):
                bits = mix64(key + n * 0x9E3779B97F4A7C15 & _MASK) >> 32
                other = bits * n >> 32
                order[n - 1], order[other] = order[other], order[n - 1]
            for number in order:
                for row, values in self.weights.items():
                    for tag in TAGS:
                        self.sums[row][tag] += values[tag]
                self._learn(runs[number], tags_of(right[number]))

    def _learn(self, words: list[str], right: list[int]) -> None:
        weights = {row: tuple(values) for row, values in self.weights.items()}
        found = viterbi(scores_of(words, weights), [list(weights.get(tag, (0,) * 4)) for tag in TAGS])
        for tags, change in ((found, -1), (right, 1)):
            for keys, tag, other in zip(features(words), tags, right if change < 0 else found, strict=True):
                if tag != other:
                    for row in keys:
                        self.weights[row][tag] += change
            for before, tag in pairwise(tags):
                self.weights[before][tag] += change

    def averaged(self) -> tuple[dict[int, tuple[int, ...]], list[list[int]]]:
        """Weights and transitions, the greatest weight brought to 32,767."""
        greatest = max([1, *(abs(x) for row, values in self.sums.items() if row > 3 for x in values)])
        scale = 32_767 / greatest

        def scaled(x: int) -> int:
            value = abs(x * scale)
            return int(value + 0.5) * (1 if x > 0 else -1)  # halves away from zero, as lround

        rows = {row: tuple(map(scaled, values)) for row, values in self.sums.items()}
        return (
            {row: values for row, values in rows.items() if row > 3 and any(values)},
            [list(rows.get(tag, (0,) * 4)) for tag in TAGS],
        )
