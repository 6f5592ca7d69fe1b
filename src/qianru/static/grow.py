"""A model takes up the new words of a text: their ids come after the old ones, and the old vectors stay.

docs/concepts/growing.md says when to grow, when to continue and when to train anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qianru.errors import CorpusError
from qianru.progress import ProgressCallback
from qianru.static.drift import Drift, Probe, measure_drift, measure_probes, read_probes
from qianru.static.encode_corpus import encode_corpus
from qianru.static.parent import Parent, Start
from qianru.static.settings import Word2vecSettings, at_least, available_threads, one_of, within
from qianru.static.state import Saving
from qianru.static.word2vec_run import Growth, Run
from qianru.text import Corpus, EncodedCorpus
from qianru.vectors import SubwordVectors, Vectors

_PARENT_SETTINGS = ("model", "cbow_gradient", "window", "negative", "sample")


@dataclass(frozen=True)
class GrowthReport:
    """What `grow` did.

    n_old, n_new: words before, and added. new_words: some of them, most frequent first. n_tokens: words of
    the text that trained; known_before: the share of all words of the text that the model knew, known_after
    what it knows now. drift, probes: see there.
    """

    n_old: int
    n_new: int
    new_words: tuple[str, ...]
    n_tokens: int
    known_before: float
    known_after: float
    drift: Drift
    probes: tuple[Probe, ...]


def grow(
    model: Vectors | SubwordVectors | str | Path,
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str],
    *,
    old_rate: float = 0.0,
    start: Start = "context",
    min_count: int = 5,
    max_new: int | None = None,
    window: int | None = None,
    negative: int | None = None,
    sample: float | None = None,
    epochs: int = 5,
    learning_rate: float = 0.05,
    min_learning_rate: float = 1e-4,
    seed: int = 1,
    threads: int | None = None,
    probes: str | Path | None = None,
    drift_words: int = 1000,
    output: str | Path | None = None,
    keep_training_state: bool = False,
    force: bool = False,
    progress: ProgressCallback | None = None,
) -> tuple[Vectors | SubwordVectors, GrowthReport]:
    """Add the words of a text that the model does not have, and train them there.

    Args:
        model: vectors, or the path of a model; a folder's training state is used (`Parent.load`). One with
            n-grams stays one: they do not move, so that words in neither vocabulary keep their vectors.
        corpus: the text, read as the model's own was (lower case, user dictionary).
        old_rate: 0: the old vectors stay bit for bit. Above: old words of the text move by this share of
            their updates, up to 1, which is what `train_word2vec(continue_from=…)` does.
        start: of new vectors: "context" the mean of the old words around the new one, "subword" the mean of
            its n-grams' rows or, in a model without, of old words that share n-grams with it, "random" as in training from nothing. Where a
            start finds nothing it is random.
        min_count: new words seen less often in the text are left out.
        max_new: add only this many of the most frequent new words.
        window, negative, sample: by default what the model was trained with, else those of `train_word2vec`.
        epochs, learning_rate, min_learning_rate, seed, threads: as in `train_word2vec`; the rate is twice its
            default, because new words are seen a few times only.
        probes: file of analogies or word pairs to be measured before and after (`read_probes`).
        drift_words: old words whose neighbours are compared.
        output: save here; needed for keep_training_state, which keeps output vectors for further growth. A model
            with n-grams always keeps them.
        force: let `output` replace a model that stands there.

    Raises:
        ArgumentError: an argument breaks its rule; nothing has been read yet.
        CorpusError: there is no text, or nothing new in it.
        TrainingError: the loss left the finite range; `vectors` holds the last good epoch, or None.
        OutputError: the result cannot be written.
    """
    within("old_rate", old_rate, 0.0, 1.0, hint="0 freezes the old words; 0.1 lets them follow slowly.")
    one_of("start", start, ("context", "subword", "random"))
    at_least("drift_words", drift_words, 1)
    parent = Parent.load(model)
    settings = _settings(
        parent,
        {"window": window, "negative": negative, "sample": sample},
        epochs=epochs,
        learning_rate=learning_rate,
        min_learning_rate=min_learning_rate,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    asked = None if probes is None else read_probes(probes)
    saving = Saving(
        output=None if output is None else Path(output), force=force, training_state=keep_training_state
    )
    saving.check(resume=False, loss="ns")
    encoded = encode_corpus(
        corpus,
        min_count=min_count,
        max_vocab=max_new,
        keep=parent.vectors,
        threads=settings.threads,
        progress=progress,
    )
    growth = Growth(parent=parent, old_rate=old_rate, start=start)
    # A model with n-grams is made, and saved, from the words that the run trains.
    run = Run(encoded, settings, growth=growth, saving=saving if parent.subwords is None else None)
    joined = run.joined
    if joined is None or not len(joined.new):
        raise CorpusError(
            f"nothing new: every word that the text holds {min_count} times is in the model",
            hint="Lower min_count, or train on with train_word2vec(continue_from=…) (train word2vec --continue).",
        )
    grown = run.train(progress)
    made: Vectors | SubwordVectors = grown
    if parent.subwords is not None:
        made = parent.subwords.with_words(grown, run.outputs)
    if output is not None and (parent.subwords is not None or not keep_training_state):
        made.save(output, force=force)
    n_known = int(encoded.counts[joined.old].sum())
    report = GrowthReport(
        n_old=len(parent.vectors),
        n_new=len(joined.new),
        new_words=tuple(encoded.keys[row] for row in joined.new[:20]),
        n_tokens=encoded.n_tokens,
        known_before=n_known / max(encoded.n_raw_tokens, 1),
        known_after=encoded.n_tokens / max(encoded.n_raw_tokens, 1),
        drift=measure_drift(parent.vectors, grown, n_words=drift_words),
        probes=() if asked is None else measure_probes(parent.vectors, grown, asked),
    )
    return made, report


def _settings(parent: Parent, given: dict[str, object], **others: object) -> Word2vecSettings:
    """The given settings, before the parent's own, before the defaults."""
    chosen: dict[str, object] = {"dim": parent.vectors.dim, "loss": "ns", **others}
    # What a classifier was trained with says nothing about windows.
    takes_over = parent.setting("model") != "supervised"
    for name in _PARENT_SETTINGS:
        value = given.get(name)
        if value is None and takes_over:
            value = parent.setting(name)
        if value is not None:
            chosen[name] = value
    return Word2vecSettings(**chosen)  # type: ignore[arg-type]  # checked when it is made
