"""The senses of a word as a corpus has them: its uses, their vectors, clusters of those, and what is typical of each.

The common part of all vectors is taken out first: it is most of a contextual vector, and says nothing about the sense
(Ethayarajh 2019). Among two or three clusters k-means halves a frequent sense rather than set a rare one apart, so it makes many, and
those with the nearest centres are merged. The number of senses is chosen by silhouettes in which each sense counts as much as
another, however rare it is. What a cloud without groups would give by chance is found on random ones of the same covariance (as
Liu et al. 2008, SigClust). Words are typical of a sense by the log-odds ratio with an informative Dirichlet prior (Monroe,
Colaresi & Quinn 2008, eq. 22).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from qianru.arrays import Float32Array, Float64Array, Int64Array
from qianru.contextual.encode import ContextualEncoder
from qianru.contextual.word_places import word_spans
from qianru.errors import ArgumentError, CorpusError
from qianru.progress import ProgressCallback
from qianru.text import split_words
from qianru.tokens.word_model import is_han
from qianru.vectors import Encoder
from qianru.vectors.clusters import k_means, mean_silhouette, merged, silhouettes

# A sentence ends behind these, and a window of so many characters on both sides is enough of it.
_SENTENCE_END = re.compile(r"[。！？!?；;]+|\.(?=\s|$)|\n")
_MAX_SIDE = 200
_MIN_USES = 10
_N_STARTS = 4
# So many clusters at first, and for each sense that is looked for.
_N_FINE, _FINER = 20, 2
# A sense has so many uses, and such a share of them, at least.
_LEAST_USES, _LEAST_SHARE = 3, 0.02
# The most senses whose silhouette is at least this part of the best: of nearly equal answers the one that tells more.
_GOOD_PART = 0.9
_N_CLOUDS = 10


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
        silhouette: mean over the senses of the mean of their uses, for the number of senses that was chosen.
        tried: that mean for each number of senses that was tried.
        by_chance: the largest such mean, for any of these numbers, in ten random clouds without groups; 0 if the number was given.
        vectors: float32 [n_uses, dim], as the encoder gave them.
        model_fingerprint: the encoder's. weights_fingerprint: its, whatever the layers; empty where it has none.
        notes: what a reader must know.
    """

    word: str
    n_found: int
    uses: tuple[Use, ...]
    senses: tuple[Sense, ...]
    silhouette: float
    tried: dict[int, float]
    by_chance: float
    vectors: Float32Array
    model_fingerprint: str
    notes: tuple[str, ...] = ()
    weights_fingerprint: str = ""

    def as_dict(self) -> dict[str, object]:
        """All but the vectors and the members, as JSON knows it; `qianru.evaluate.recorded_senses` takes it."""
        return {
            "word": self.word,
            "n_found": self.n_found,
            "n_uses": len(self.uses),
            "silhouette": self.silhouette,
            "by_chance": self.by_chance,
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
            "weights_fingerprint": self.weights_fingerprint,
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
        n_senses: as many clusters; by default the number, from 2 to max_senses, that the silhouettes tell.
        n_uses: look at so many uses, at most.
        whole_words: of a Chinese word, take only places where the text is cut into just that word; other words are always
            taken whole, in upper or lower case.

    Raises ArgumentError; CorpusError if the word stands in the texts fewer than ten times.
    """
    if not word.strip():
        raise ArgumentError(f"word must hold a letter, got {word!r}")
    for name, value, least in (
        ("n_uses", n_uses, _MIN_USES),
        ("max_senses", max_senses, 2),
        ("n_senses", n_senses, 1),
        ("n_examples", n_examples, 0),
        ("n_typical", n_typical, 0),
        ("seed", seed, 0),
    ):
        if value is not None and value < least:
            raise ArgumentError(f"{name} must be at least {least}, got {value}")
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
    points = _directions(vectors) if known.any() else np.empty((0, encoder.dim))
    notes = list(encoded.notes)
    if len(points) < _MIN_USES or not points.any():
        raise CorpusError(
            f"{word!r} has the same vector, or none, in all its uses",
            hint="a static model has one vector a word: use a contextual one",
        )
    numbers = range(2, max_senses + 1) if n_senses is None else range(n_senses, n_senses + 1)
    of_each_number = _clusters(points, numbers, seed=seed)
    tried = _silhouettes_of(points, of_each_number)
    best, by_chance = max(tried.values()), 0.0
    number = max(k for k, value in tried.items() if value >= min(best, _GOOD_PART * best))
    if n_senses is None:
        by_chance = _by_chance(points, numbers, seed=seed)
        if best < by_chance:
            notes.append(
                f"silhouette {best:.3f}, and {by_chance:.3f} in a cloud without groups: perhaps one sense only"
            )
    elif n_senses == 1:
        notes.append("one sense was asked for: no words are typical of it against another's")
    elif number < n_senses:
        notes.append(f"{number} senses instead of {n_senses}: no more uses differ")
    clusters = of_each_number[number]
    each = silhouettes(points, clusters)
    words = [_words_beside(use) for use in uses]
    order = [int(one) for one in np.argsort(-np.bincount(clusters), kind="stable")]
    senses = []
    for cluster in order:
        members = np.flatnonzero(clusters == cluster)
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
        word,
        n_found,
        tuple(uses),
        tuple(senses),
        tried[number],
        tried,
        by_chance,
        vectors,
        encoder.fingerprint,
        tuple(notes),
        str(getattr(encoder, "weights_fingerprint", "")),
    )


def for_senses(encoder: Encoder) -> Encoder:
    """A contextual encoder with the mean of its last four layers, as far as it has them, in place of those it was opened with.

    The last layer alone is nearer to what the model was trained for than to the word (Ethayarajh 2019; Devlin et al. 2019,
    table 7).
    """
    if not isinstance(encoder, ContextualEncoder):
        return encoder
    return encoder.with_layers(range(max(1, encoder.n_layers - 3), encoder.n_layers + 1))


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
    # One character more, so that a full stop inside of a word ("ASP.NET") is not at the end of what is looked at.
    for match in _SENTENCE_END.finditer(text, first, min(len(text), start + 1)):
        first = match.end() if match.end() <= start else first
    following = _SENTENCE_END.search(text, end, last)
    if following is not None:
        last = following.end()
    part = text[first:last]
    left = len(part) - len(part.lstrip())
    return Use(part.strip(), start - first - left, end - first - left)


def _directions(vectors: Float32Array | Float64Array) -> Float64Array:
    """Without their common part, of length 1."""
    points = vectors.astype(np.float64)
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    points -= points.mean(axis=0)
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    # What is left of equal vectors is rounding.
    made: Float64Array = np.where(norms > 1e-6, points / np.maximum(norms, 1e-12), 0)
    return made


def _clusters(points: Float64Array, numbers: range, *, seed: int) -> dict[int, Int64Array]:
    """Clusters [n] for each of the numbers with which all are large enough; if there is none, for the first, large or not."""
    n_fine = min(max(_N_FINE, _FINER * max(numbers)), len(points) // 2)
    fine = k_means(points, n_fine, n_starts=_N_STARTS, seed=seed)
    least = max(_LEAST_USES, math.ceil(_LEAST_SHARE * len(points)))
    found = merged(points, fine, least=least)
    large = {k: found[k] for k in numbers if k in found and np.bincount(found[k]).min() >= least}
    # Fewer than asked for, where uses do not differ.
    first_number = max(k for k in found if k <= numbers[0])
    return large or {first_number: found[first_number]}


def _silhouettes_of(points: Float64Array, of_each_number: dict[int, Int64Array]) -> dict[int, float]:
    return {k: mean_silhouette(silhouettes(points, one), one) for k, one in sorted(of_each_number.items())}


def _by_chance(points: Float64Array, numbers: range, *, seed: int) -> float:
    """The largest silhouette that one of the numbers has in random normal clouds of the points' covariance."""
    rng = np.random.default_rng([seed, len(points)])
    _, spread, axes = np.linalg.svd(points, full_matrices=False)
    most = -1.0
    for _ in range(_N_CLOUDS):
        drawn = rng.standard_normal((len(points), len(spread))) / math.sqrt(len(points))
        cloud = _directions((drawn * spread) @ axes)
        most = max(most, *_silhouettes_of(cloud, _clusters(cloud, numbers, seed=seed)).values())
    return most


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
    # Without words on both sides, or with one word only, none is typical.
    if not n_ours or not n_others or len(total) < 2:
        return []
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
