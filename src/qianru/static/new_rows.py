"""Where the vectors of new words start: the mean of their contexts, or of words that are spelled alike.

Contexts: "a la carte" embedding (Khodak et al. 2018, arXiv:1805.05388) without its linear map, frequent words
thinned out as in training. Subwords: each character n-gram stands for the mean of the words that hold it, and a
word for the mean of its n-grams, as in fastText (Bojanowski et al. 2017, arXiv:1607.04606), whose models have rows
for n-grams already. Either direction
gets the length that rare old words have, since the length of a vector grows with its word's frequency.
"""

from __future__ import annotations

import numpy as np

from qianru._core import LINE_END, keep_probabilities
from qianru.arrays import Float32Array, Float64Array, Int64Array
from qianru.static.parent import Joined, Parent, Start
from qianru.text import EncodedCorpus
from qianru.tokens.word_model import is_han

_BLOCK = 1 << 18  # positions of the id stream looked at together
_ROWS = 1 << 16  # rows of vectors summed together
_N_LIKE = 1000  # old words that set the length


def start_rows(
    matrix: Float32Array, encoded: EncodedCorpus, joined: Joined, start: Start, *, window: int, sample: float
) -> None:
    """Fill the new words' rows of matrix [n_words, dim]; one that nothing is known of keeps its row."""
    if start == "random" or not len(joined.new):
        return
    if start == "context":
        sums = _context_sums(encoded, joined, matrix, window=window, sample=sample)
    else:
        sums = subword_sums([encoded.keys[row] for row in joined.new], joined.parent)
    lengths = np.linalg.norm(sums, axis=1)
    known = lengths > 0
    rows = joined.new[known]
    matrix[rows] = sums[known] / lengths[known, None] * _usual_length(joined)


def _usual_length(joined: Joined) -> float:
    """The median length of the rarest old words: the last rows, or those counted least."""
    vectors = joined.parent.vectors
    counts = vectors.counts
    last = (
        np.argsort(counts, kind="stable")[:_N_LIKE]
        if counts is not None
        else np.arange(len(vectors))[-_N_LIKE:]
    )
    return float(np.median(np.linalg.norm(vectors.to_numpy()[last], axis=1)))


def _context_sums(
    encoded: EncodedCorpus, joined: Joined, matrix: Float32Array, *, window: int, sample: float
) -> Float64Array:
    """Sum over each new word's old context words, weighed by the share of them that training keeps."""
    number = np.full(len(encoded.keys), -1, np.int64)
    number[joined.new] = np.arange(len(joined.new))
    weights = np.asarray(keep_probabilities(encoded.counts, sample))
    sums = np.zeros((len(joined.new), matrix.shape[1]))
    ids = encoded.ids
    for begin in range(0, len(ids), _BLOCK):
        low, high = max(begin - window, 0), min(begin + _BLOCK + window, len(ids))
        block = ids[low:high].astype(np.int64)
        ends = block == LINE_END
        block[ends] = 0
        line = np.cumsum(ends)
        here = np.zeros(len(block), np.bool_)
        here[begin - low : begin - low + _BLOCK] = True
        centres = np.flatnonzero(here & ~ends & (number[block] >= 0))
        pairs = _context_pairs(centres, block, line, ends, number, window)
        found, n = np.unique(np.concatenate(pairs), return_counts=True)
        new, old = found // len(encoded.keys), found % len(encoded.keys)
        for part in range(0, len(found), _ROWS):
            one = slice(part, part + _ROWS)
            rows = matrix[old[one]] * (weights[old[one]] * n[one])[:, None]
            firsts = np.flatnonzero(np.diff(new[one], prepend=-1))
            sums[new[one][firsts]] += np.add.reduceat(rows, firsts, axis=0)
    return sums


def _context_pairs(
    centres: Int64Array,
    block: Int64Array,
    line: Int64Array,
    ends: np.ndarray,
    number: Int64Array,
    window: int,
) -> list[Int64Array]:
    """For each distance, (number of the new word) * n_words + (id of the old word beside it)."""
    pairs = []
    for distance in (*range(-window, 0), *range(1, window + 1)):
        beside = centres + distance
        inside = (beside >= 0) & (beside < len(block))
        at, beside = centres[inside], beside[inside]
        # The number of line ends before both is the same where they stand in one line.
        good = (line[at] == line[beside]) & ~ends[beside] & (number[block[beside]] < 0)
        pairs.append(number[block[at[good]]] * len(number) + block[beside[good]])
    return pairs


def subword_sums(words: list[str], parent: Parent) -> Float64Array:
    """For each word the mean over its n-grams of their rows in the model.

    In a model without such rows, of the mean vector of the old words that hold the n-gram.
    """
    if parent.subwords is not None:
        return parent.subwords.matrix_of(words)[0].astype(np.float64)
    vectors = parent.vectors
    ngrams = [character_ngrams(word) for word in words]
    index = {ngram: i for i, ngram in enumerate(dict.fromkeys(g for found in ngrams for g in found))}
    totals, n_words = np.zeros((len(index), vectors.dim)), np.zeros(len(index), np.int64)
    matrix = vectors.to_numpy()
    for row, key in enumerate(vectors):
        shared = [index[ngram] for ngram in character_ngrams(key) if ngram in index]
        totals[shared] += matrix[row]
        n_words[shared] += 1
    means = np.divide(totals, n_words[:, None], out=totals, where=n_words[:, None] > 0)
    sums = np.zeros((len(words), vectors.dim))
    for i, found in enumerate(ngrams):
        known = [index[ngram] for ngram in found if n_words[index[ngram]]]
        if known:
            sums[i] = means[known].mean(axis=0)
    return sums


def character_ngrams(word: str) -> list[str]:
    """The different n-grams of `<word>` of 3 to 6 characters; of a word with Han characters 1 and 2 without borders."""
    lengths = range(3, 7)
    text = f"<{word}>"
    if any(map(is_han, word)):
        text, lengths = word, range(1, 3)
    return list(dict.fromkeys(text[i : i + n] for n in lengths for i in range(len(text) - n + 1)))
