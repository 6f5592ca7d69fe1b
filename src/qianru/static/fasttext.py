"""fastText: word2vec whose input vectors are means of a word's own row and of those of its n-grams.

Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information" (arXiv:1607.04606). The trainer is that of
word2vec (core/static/word2vec.h, SharedRows); docs/math/fasttext.md says what is different.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from qianru.errors import ArgumentError
from qianru.progress import ProgressCallback
from qianru.static.encode_corpus import encode_corpus
from qianru.static.fasttext_run import SubwordRun
from qianru.static.parent import Parent
from qianru.static.settings import Word2vecSettings, available_threads
from qianru.static.state import Saving
from qianru.static.word2vec_run import Growth
from qianru.text import Corpus, EncodedCorpus
from qianru.vectors import SubwordRule, SubwordVectors

_DEFAULTS = {"min_n": 3, "max_n": 6, "n_buckets": 2_000_000}


def train_fasttext(
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str],
    *,
    model: Literal["skipgram", "cbow"] = "skipgram",
    loss: Literal["ns", "hs"] = "ns",
    dim: int | None = None,
    window: int = 5,
    negative: int = 5,
    sample: float = 1e-4,
    min_n: int | None = None,
    max_n: int | None = None,
    n_buckets: int | None = None,
    decomposition: Mapping[str, str] | None = None,
    min_count: int = 5,
    max_vocab: int | None = None,
    epochs: int = 5,
    learning_rate: float = 0.05,
    min_learning_rate: float = 0.0,
    seed: int = 1,
    threads: int | None = None,
    continue_from: SubwordVectors | str | Path | None = None,
    save_every: int | None = None,
    resume: bool = False,
    output: str | Path | None = None,
    force: bool = False,
    progress: ProgressCallback | None = None,
) -> SubwordVectors:
    """Train vectors of words and of their n-grams, so that words outside the vocabulary get vectors too.

    Args:
        min_n, max_n: code points in an n-gram of `<word>`, by default 3 and 6; max_n 0: none, and this is
            word2vec with fastText's draws. For Chinese 1 and 3 or so suit better.
        n_buckets: n-grams share so many rows by their hash, by default 2,000,000; only those in use take memory.
        decomposition: for characters, the strokes or components they consist of, as a string; their n-grams are
            added to those of the word.
        learning_rate: at the first token; it falls linearly to `min_learning_rate`.
        continue_from: a model to train on, ours or a .bin of fastText, with its dim and n-grams. Its words stay,
            with their ids; new ones come after them and begin at what their n-grams know. Its output rows, if it
            has them, go on too. Old words that this text does not hold move with the n-grams they share.
        save_every, resume, output, force: as for `train_word2vec`; the folder holds the output rows too.
        corpus and the others: as for `train_word2vec`. With "cbow" the mean is taken over the vectors of the
            context words, not over all of their rows as in the original program.

    Raises:
        ArgumentError: an argument breaks its rule; nothing has been read yet. Or the checkpoint is of another
            run; the message says what differs.
        OutputError: the model or the checkpoint of an unfinished run stands in the way.
        CorpusError: there is no text, or fewer than two words are left.
        TrainingError: the loss left the finite range; `vectors` holds the words' vectors of the last good epoch.
    """
    parent = None if continue_from is None else Parent.load(continue_from)
    rule = subword_rule(parent, min_n=min_n, max_n=max_n, n_buckets=n_buckets, decomposition=decomposition)
    if dim is None:
        dim = 100 if parent is None else parent.vectors.dim
    settings = Word2vecSettings(
        model=model,
        loss=loss,
        dim=dim,
        window=window,
        negative=negative,
        sample=sample,
        epochs=epochs,
        learning_rate=learning_rate,
        min_learning_rate=min_learning_rate,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    if parent is not None:
        parent.check(dim=dim, model=model)
    saving = Saving(output=Path(output) if output is not None else None, force=force, every=save_every)
    saving.check(resume=resume, loss=loss, begins_from=[continue_from])
    encoded = encode_corpus(
        corpus,
        min_count=min_count,
        max_vocab=max_vocab,
        keep=None if parent is None else parent.vectors,
        threads=settings.threads,
        progress=progress,
    )
    growth = None if parent is None else Growth(parent=parent)
    run = SubwordRun(encoded, settings, rule, growth=growth, saving=saving)
    return run.train_subwords(progress, resume=resume)


def subword_rule(
    parent: Parent | None,
    *,
    min_n: int | None,
    max_n: int | None,
    n_buckets: int | None,
    decomposition: Mapping[str, str] | None,
) -> SubwordRule:
    """The rule of these numbers, or that of the model that goes on, which they must agree with.

    Raises ArgumentError.
    """
    given = {"min_n": min_n, "max_n": max_n, "n_buckets": n_buckets}
    if parent is None:
        chosen = {name: _DEFAULTS[name] if value is None else value for name, value in given.items()}
        if not chosen["max_n"] and not decomposition:
            chosen["n_buckets"] = 0
        return SubwordRule(**chosen, decomposition=decomposition)
    model = parent.subwords
    if model is None:
        raise ArgumentError(
            "continue_from has no n-grams: it is no fastText model",
            hint="Use train_word2vec (train word2vec --continue), or train a new model.",
        )
    if model.pruned:
        raise ArgumentError(
            "continue_from is quantised, and such a model cannot be trained on",
            hint="Name the .bin that it was made from.",
        )
    rule = model.rule
    for name, value in given.items():
        if value is not None and value != getattr(rule, name):
            raise ArgumentError(
                f"{name} must be that of the model, {getattr(rule, name)}, got {value}", hint="Leave it out."
            )
    if decomposition is not None and dict(decomposition) != dict(rule.decomposition or {}):
        raise ArgumentError("decomposition must be that of the model", hint="Leave it out.")
    return rule
