"""A static model takes up words without any text: their rows are mixtures of old ones.

`grow` trains new words on a text and is better where there is one; docs/concepts/growing-tokenizers.md compares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qianru.errors import ArgumentError
from qianru.static.new_rows import subword_sums, usual_length
from qianru.static.parent import Parent
from qianru.vectors import Vectors
from qianru.vectors.mixing import mixtures
from qianru.vectors.stored import with_step


@dataclass(frozen=True)
class AddedWords:
    """What `add_words` did: words that are new, by what their rows come from, and those passed over."""

    n_before: int
    n_after: int
    from_source: tuple[str, ...]
    from_subwords: tuple[str, ...]
    known: tuple[str, ...]
    without_rows: tuple[str, ...]


def add_words(
    model: Vectors | str | Path, words: Iterable[str], *, source: Vectors | str | Path | None = None
) -> tuple[Vectors, AddedWords]:
    """Append words to a model of one vector a word; the old rows stay bit for bit.

    A row is a mixture of old rows by nearness in `source`, vectors of any space that know the word and old ones
    (`vectors.mixing`); without it, or where it lacks the word, the mean of old words that share character n-grams,
    as long as the model's rare words are. Words for which neither gives anything are left out and told. Counts of new
    words are 0.

    Raises:
        ArgumentError: the model has rows for n-grams (words outside it have vectors already), or nothing is new.
    """
    parent = Parent.load(model)
    if parent.subwords is not None:
        raise ArgumentError(
            "model has n-grams, so every word has a vector already",
            hint="Train it on a text that has the words: grow.",
        )
    old = parent.vectors
    listed = list(dict.fromkeys(words))
    known = tuple(word for word in listed if word in old)
    new = [word for word in listed if word not in old]
    if not new:
        raise ArgumentError(f"words: none of {len(listed)} is new to the model")
    rows = subword_sums(new, parent)
    lengths = np.linalg.norm(rows, axis=1)
    rows[lengths > 0] *= usual_length(old) / lengths[lengths > 0, None]
    mixed: set[str] = set()
    if source is not None:
        other = source if isinstance(source, Vectors) else Vectors.load(source)
        for place, (parts, weights) in enumerate(mixtures(new, list(old.keys), other)):
            if len(parts):
                rows[place] = weights @ old.to_numpy()[parts].astype(np.float64)
                mixed.add(new[place])
    there = [place for place, row in enumerate(rows) if row.any()]
    if not there:
        raise ArgumentError(
            f"words: nothing is known of any of {len(new)}", hint="Give source, vectors that have the words."
        )
    made = [new[place] for place in there]
    step = {"step": "add_words", "parent": old.fingerprint, "n_keys_before": len(old), "n_words": len(made)}
    grown = Vectors(
        [*old.keys, *made],
        np.concatenate([old.to_numpy(), rows[there].astype(np.float32)]),
        counts=None if old.counts is None else np.concatenate([old.counts, np.zeros(len(made), np.uint64)]),
        provenance=with_step(old.provenance, step),
        biases=None if old.biases is None else np.pad(old.biases, ((0, len(made)), (0, 0))),
    )
    return grown, AddedWords(
        n_before=len(old),
        n_after=len(grown),
        from_source=tuple(word for word in made if word in mixed),
        from_subwords=tuple(word for word in made if word not in mixed),
        known=known,
        without_rows=tuple(word for word in new if word not in set(made)),
    )
