"""The senses of a word as a corpus has them: its uses, their vectors, clusters of those, and what is typical of each.

The number of senses is the one with the largest mean silhouette. The common part of all vectors is taken out first: it
is most of a contextual vector, and says nothing about the sense (Ethayarajh 2019). Words are typical of a sense by the
log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, eq. 22).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from qianru.arrays import Float32Array, Float64Array, Int64Array
from qianru.contextual.word_places import word_spans
from qianru.errors import ArgumentError, CorpusError
from qianru.progress import ProgressCallback
from qianru.text import split_words
from qianru.tokens.word_model import is_han
from qianru.vectors import Encoder
from qianru.vectors.clusters import k_means, silhouettes

# A sentence ends behind these, and a window of so many characters on both sides is enough of it.
_SENTENCE_END = re.compile(r"[。！？!?；;]+|\.(?=\s|$)|\n")
_MAX_SIDE = 200
# Below this, clusters are hardly more than slices of one cloud: 0.1 is what k-means finds in one Gaussian cloud.
WEAK_SILHOUETTE = 0.1
_MIN_USES = 10
_N_STARTS = 4


@dataclass(frozen=True)
class Use:
    """One place of a word: the sentence around it, and where in that it begins and ends, in characters."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Sense:
    """A cluster of uses. share of all uses; silhouette: the mean of its uses; typical: (word, z) of words that stand in its
    uses more than in others', best first; examples: the uses nearest to its middle; members: numbers of its uses."""

    share: float
    silhouette: float
    typical: tuple[tuple[str, float], ...]
    examples: tuple[Use, ...]
    members: tuple[int, ...]


@dataclass(frozen=True)
class Senses:
    """The senses of a word, the most frequent first.

    Attributes:
        n_found: uses in the corpus; `uses` are those looked at, drawn evenly if there are more.
        silhouette: mean over all uses, for the number of senses that was chosen.
        tried: that mean for each number of senses that was tried.
        vectors: float32 [n_uses, dim], as the encoder gave them.
        model_fingerprint: the encoder's.
        notes: what a reader must know.
    """

    word: str
    n_found: int
    uses: tuple[Use, ...]
    senses: tuple[Sense, ...]
    silhouette: float
    tried: dict[int, float]
    vectors: Float32Array
    model_fingerprint: str
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """All but the vectors and the members, as JSON knows it; `qianru.evaluate.recorded_senses` takes it."""
        return {
            "word": self.word,
            "n_found": self.n_found,
            "n_uses": len(self.uses),
            "silhouette": self.silhouette,
            "tried": {str(k): value for k, value in self.tried.items()},
            "senses": [
                {
                    "share": sense.share,
                    "silhouette": sense.silhouette,
                    "typical": [{"word": word, "z": z} for word, z in sense.typical],
                    "examples": [dict(vars(use)) for use in sense.examples],
                }
                for sense in self.senses
            ],
            "model_fingerprint": self.model_fingerprint,
            "notes": list(self.notes),
        }


def find_senses(
    encoder: Encoder,
    word: str,
    texts: Iterable[str],
    *,
    n_senses: int | None = None,
    max_senses: int = 6,
    n_uses: int = 1000,
    whole_words: bool = False,
    n_typical: int = 8,
    n_examples: int = 3,
    seed: int = 1,
    progress: ProgressCallback | None = None,
) -> Senses:
    """The senses of a word in texts.

    Args:
        n_senses: as many clusters; by default the number, from 2 to max_senses, with the largest silhouette.
        n_uses: look at so many uses, at most.
        whole_words: of a Chinese word, take only places where the text is cut into just that word; other words are always
            taken whole, in upper or lower case.

    Raises ArgumentError; CorpusError if the word stands in the texts fewer than ten times.
    """
    if not word.strip() or n_uses < _MIN_USES or max_senses < 2 or n_examples < 0 or n_typical < 0:
        raise ArgumentError(
            f"word must hold a letter, n_uses be at least {_MIN_USES}, max_senses at least 2, "
            f"got {word!r}, {n_uses}, {max_senses}"
        )
    if n_senses is not None and n_senses < 1:
        raise ArgumentError(f"n_senses must be at least 1, got {n_senses}")
    uses, n_found = find_uses(word, texts, n_uses=n_uses, whole_words=whole_words, seed=seed)
    if len(uses) < max(_MIN_USES, 2 * (n_senses or 1)):
        raise CorpusError(
            f"{word!r} stands in {len(uses)} different sentences, {max(_MIN_USES, 2 * (n_senses or 1))} are needed",
            hint="more text, or another spelling",
        )
    encoded = encoder.encode_spans(
        [use.text for use in uses], [(use.start, use.end) for use in uses], progress=progress
    )
    known = ~encoded.is_empty
    uses = [use for use, is_known in zip(uses, known.tolist(), strict=True) if is_known]
    vectors: Float32Array = encoded.vectors[known]
    points = _directions(vectors)
    notes = list(encoded.notes)
    if len(points) < _MIN_USES or not points.any():
        raise CorpusError(
            f"{word!r} has the same vector, or none, in all its uses",
            hint="a static model has one vector a word: use a contextual one",
        )
    tried: dict[int, float] = {}
    clusters = np.zeros(len(points), dtype=np.int64)
    each = np.zeros(len(points))
    numbers = range(2, min(max_senses, len(points) // 2) + 1) if n_senses is None else [n_senses]
    best = -2.0
    for k in numbers:
        made = k_means(points, k, n_starts=_N_STARTS, seed=seed) if k > 1 else clusters
        values = silhouettes(points, made)
        tried[k] = float(values.mean())
        if tried[k] > best:
            best, clusters, each = tried[k], made, values
    if len(tried) > 1 and best < WEAK_SILHOUETTE:
        notes.append(
            f"silhouette {best:.3f}, below {WEAK_SILHOUETTE}: the uses form no clear groups, perhaps one sense only"
        )
    words = [_words_beside(use) for use in uses]
    order = [int(one) for one in np.argsort(-np.bincount(clusters), kind="stable")]
    senses = []
    for cluster in order:
        members = np.flatnonzero(clusters == cluster)
        if not len(members):
            continue
        middle = points[members].mean(axis=0)
        nearest = members[np.argsort(-(points[members] @ middle), kind="stable")]
        senses.append(
            Sense(
                len(members) / len(points),
                float(each[members].mean()),
                tuple(_typical(words, clusters == cluster, n_typical)),
                tuple(uses[i] for i in nearest[:n_examples].tolist()),
                tuple(members.tolist()),
            )
        )
    return Senses(
        word, n_found, tuple(uses), tuple(senses), best, tried, vectors, encoder.fingerprint, tuple(notes)
    )


def find_uses(
    word: str, texts: Iterable[str], *, n_uses: int, whole_words: bool = False, seed: int = 1
) -> tuple[list[Use], int]:
    """Uses of a word, at most n_uses, drawn evenly (Vitter 1985, algorithm R) from the different sentences; and how many
    there are. A sentence that stands there twice counts once."""
    find = _finder(word, whole_words)
    rng = np.random.default_rng(seed)
    kept: list[Use] = []
    seen: set[int] = set()
    n_found = 0
    for text in texts:
        for start, end in find(text):
            use = _sentence(text, start, end)
            key = hash((use.text, use.start))
            if key in seen:
                continue
            seen.add(key)
            n_found += 1
            if len(kept) < n_uses:
                kept.append(use)
            elif (place := int(rng.integers(n_found))) < n_uses:
                kept[place] = use
    return kept, n_found


def _finder(word: str, whole_words: bool) -> Callable[[str], list[tuple[int, int]]]:
    pattern = re.escape(word)
    # No space stands between Chinese words, so every place where the characters stand is one.
    if not any(map(is_han, word)):
        pattern = rf"(?<!\w){pattern}(?!\w)"
    found = re.compile(pattern, re.IGNORECASE)

    def find(text: str) -> list[tuple[int, int]]:
        places = [match.span() for match in found.finditer(text)]
        if places and whole_words:
            words = set(word_spans(text))
            places = [place for place in places if place in words]
        return places

    return find


def _sentence(text: str, start: int, end: int) -> Use:
    first, last = max(0, start - _MAX_SIDE), min(len(text), end + _MAX_SIDE)
    for match in _SENTENCE_END.finditer(text, first, start):
        first = match.end()
    following = _SENTENCE_END.search(text, end, last)
    if following is not None:
        last = following.end()
    part = text[first:last]
    left = len(part) - len(part.lstrip())
    return Use(part.strip(), start - first - left, end - first - left)


def _directions(vectors: Float32Array) -> Float64Array:
    """Without their common part, of length 1."""
    points = vectors.astype(np.float64)
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    points -= points.mean(axis=0)
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    # What is left of equal vectors is rounding.
    made: Float64Array = np.where(norms > 1e-6, points / np.maximum(norms, 1e-12), 0)
    return made


def _words_beside(use: Use) -> set[str]:
    """The words of a use, lower-cased, without the word itself."""
    blank = use.text[: use.start] + " " + use.text[use.end :]
    return {word for word in split_words(blank, lowercase=True) if not word.isdigit()}


def _typical(words: list[set[str]], inside: Int64Array | np.ndarray, n: int) -> list[tuple[str, float]]:
    """The n words with the largest z, those with z above 1.96 only."""
    ours, others = Counter[str](), Counter[str]()
    for one, is_ours in zip(words, inside.tolist(), strict=True):
        (ours if is_ours else others).update(one)
    total = ours + others
    n_ours, n_others, n_all = sum(ours.values()), sum(others.values()), sum(total.values())
    if not n_others:
        return [(word, float(count)) for word, count in total.most_common(n)]
    # The prior is the words' share of all, as heavy as the smaller side.
    weight = min(n_ours, n_others) / n_all
    scored = []
    for word, count in total.items():
        prior = weight * count
        a, b = ours[word] + prior, others[word] + prior
        # eq. 22: odds against the rest of the same side, prior included.
        odds = np.log(a / (n_ours + weight * n_all - a)) - np.log(b / (n_others + weight * n_all - b))
        z = float(odds / np.sqrt(1 / a + 1 / b))
        if z > 1.96 and ours[word] > 1:
            scored.append((word, z))
    return sorted(scored, key=lambda one: (-one[1], one[0]))[:n]
