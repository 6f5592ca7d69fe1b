"""Training of linear text classifiers as fastText has them: softmax, one-vs-all, hierarchical softmax.

Joulin et al. 2017, "Bag of Tricks for Efficient Text Classification" (arXiv:1607.01759). The step is in
core/static/classifier.h; docs/math/classifier.md has the objective and its gradient.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from qianru._core import ClassifierData, ClassifierTrainer
from qianru.errors import ArgumentError, CorpusError, TrainingError
from qianru.progress import Progress, ProgressCallback
from qianru.static.classifier_model import Classifier
from qianru.static.labelled_text import LABEL_PREFIX, Examples, labelled_blocks
from qianru.static.settings import at_least, available_threads, one_of, within
from qianru.vectors import SubwordRule, Vectors
from qianru.vectors.formats.fasttext_model import FastTextArguments, FastTextModel
from qianru.vectors.keys import Keys

_WAIT = 0.05  # seconds between two looks at a running epoch


@dataclass(frozen=True, kw_only=True)
class ClassifierSettings:
    """What `train_classifier` was asked for; the same words as its arguments, checked on construction."""

    loss: Literal["softmax", "ova", "hs"] = "softmax"
    dim: int = 100
    epochs: int = 5
    learning_rate: float = 0.1
    word_ngrams: int = 1
    min_n: int = 0
    max_n: int = 0
    n_buckets: int = 2_000_000
    min_count: int = 1
    min_count_label: int = 1
    split: Literal["space", "words"] = "space"
    label_prefix: str = LABEL_PREFIX
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        one_of("loss", self.loss, ("softmax", "ova", "hs"))
        one_of("split", self.split, ("space", "words"))
        at_least("dim", self.dim, 1, hint="100 is usual.")
        at_least("epochs", self.epochs, 1, hint="5 to 25 is usual.")
        at_least("word_ngrams", self.word_ngrams, 1, hint="2 also looks at pairs of words.")
        at_least("min_count", self.min_count, 1)
        at_least("min_count_label", self.min_count_label, 1)
        at_least("threads", self.threads, 1, hint="Leave it out to use every processor.")
        within("learning_rate", self.learning_rate, 0.0, 1e6, hint="0.1 to 1 is usual.")
        within("seed", self.seed, 0, 2**64 - 1, hint="Any whole number from 0 on.")
        if not self.label_prefix or self.label_prefix.split() != [self.label_prefix]:
            raise ArgumentError(f"label_prefix must be a word without white space, got {self.label_prefix!r}")
        SubwordRule(min_n=self.min_n, max_n=self.max_n, n_buckets=self.n_buckets)


def train_classifier(
    examples: Examples,
    *,
    loss: Literal["softmax", "ova", "hs"] = "softmax",
    dim: int = 100,
    epochs: int = 5,
    learning_rate: float = 0.1,
    word_ngrams: int = 1,
    min_n: int = 0,
    max_n: int = 0,
    n_buckets: int = 2_000_000,
    min_count: int = 1,
    min_count_label: int = 1,
    split: Literal["space", "words"] = "space",
    label_prefix: str = LABEL_PREFIX,
    pretrained: Vectors | None = None,
    seed: int = 1,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> Classifier:
    """Train a classifier of texts.

    Args:
        examples: a file of `__label__x text` lines, or pairs (text, label) or (text, [labels]).
        loss: "softmax" for one label a text, "ova" (one-vs-all) for any number of independent ones, "hs"
            (hierarchical softmax) for very many.
        dim: length of a vector.
        epochs: passes over the examples, each in an order of its own.
        learning_rate: at the first line; it falls linearly to 0 at the last.
        word_ngrams: 2 also looks at pairs of neighbouring words, 3 at triples, and so on.
        min_n, max_n: characters in the n-grams of a word; max_n 0 for none.
        n_buckets: n-grams share so many rows; only those in use take memory.
        min_count, min_count_label: rarer words and labels are left out.
        split: "space" takes the tokens between white space, as fastText does; "words" cuts Chinese and
            English as `Corpus` does.
        label_prefix: what labels in a file begin with.
        pretrained: vectors of words to start from; all of its words are known to the classifier.
        seed: with threads=1 the same seed gives the same bits.
        threads: default every processor this process may use.
        progress: called about twenty times a second.

    Raises:
        ArgumentError: an argument breaks its rule.
        CorpusError: no examples, or fewer than two labels.
        TrainingError: the loss left the finite range.
    """
    settings = ClassifierSettings(
        loss=loss,
        dim=dim,
        epochs=epochs,
        learning_rate=learning_rate,
        word_ngrams=word_ngrams,
        min_n=min_n,
        max_n=max_n,
        n_buckets=0 if word_ngrams == 1 and max_n == 0 else n_buckets,
        min_count=min_count,
        min_count_label=min_count_label,
        split=split,
        label_prefix=label_prefix,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    if pretrained is not None and pretrained.dim != dim:
        raise ArgumentError(
            f"pretrained must have dim {dim}, got vectors of dim {pretrained.dim}",
            hint=f"Train with dim={pretrained.dim}.",
        )
    data = _read(examples, settings, pretrained)
    trainer = ClassifierTrainer(
        data,
        dim=dim,
        loss=loss,
        learning_rate=learning_rate,
        epochs=epochs,
        threads=settings.threads,
        seed=seed,
    )
    words, word_offsets, _ = data.words()
    if pretrained is not None:
        keys, _ = Keys.from_bytes(words, word_offsets)
        ids = np.array([keys.find(word) for word in pretrained], dtype=np.int64)
        trainer.write_inputs(ids, np.ascontiguousarray(pretrained.to_numpy()))
    losses = _run(trainer, data, settings, progress)
    return _classifier(trainer, data, settings, losses, pretrained)


def _read(examples: Examples, settings: ClassifierSettings, pretrained: Vectors | None) -> ClassifierData:
    data = ClassifierData()
    for block, prefix in labelled_blocks(examples, settings.split, settings.label_prefix):
        data.add(block, prefix)
    if data.n_lines == 0:
        raise CorpusError("there are no examples", hint="Give (text, label) pairs or a file of such lines.")
    more = Keys.from_words(pretrained) if pretrained is not None else None
    data.finish(
        min_count=settings.min_count,
        min_count_label=settings.min_count_label,
        more=np.empty(0, np.uint8) if more is None else more.bytes,
        more_offsets=np.zeros(1, np.uint64) if more is None else more.offsets,
        min_n=settings.min_n,
        max_n=settings.max_n,
        n_buckets=settings.n_buckets,
        word_ngrams=settings.word_ngrams,
    )
    n_labels = len(data.labels()[2])
    if n_labels < 2:
        raise CorpusError(
            f"a classifier needs at least two labels, {data.n_lines} examples have {n_labels}",
            hint=f"Labels in a file begin with {settings.label_prefix}; is it the right file?",
        )
    return data


def _run(
    trainer: ClassifierTrainer,
    data: ClassifierData,
    settings: ClassifierSettings,
    progress: ProgressCallback | None,
) -> list[float]:
    losses: list[float] = []
    started = time.perf_counter()
    try:
        for epoch in range(settings.epochs):
            trainer.start_epoch()
            ended = False
            while not ended:
                ended = trainer.wait(_WAIT)
                if progress is not None and trainer.n_examples and not trainer.diverged:
                    done = (epoch + trainer.n_lines_done / data.n_lines) / settings.epochs
                    seconds = max(time.perf_counter() - started, 1e-9)
                    progress(
                        Progress(
                            stage="train",
                            done=done,
                            rate=done * settings.epochs * data.n_lines / seconds,
                            unit="lines",
                            loss=trainer.loss / trainer.n_examples,
                            seconds_left=seconds * (1 - done) / done if done else None,
                        )
                    )
            if trainer.diverged:
                raise TrainingError(
                    f"the loss left the finite range in epoch {epoch + 1} of {settings.epochs}",
                    hint=f"Lower learning_rate, it was {settings.learning_rate:g}.",
                )
            losses.append(trainer.loss / max(trainer.n_examples, 1))
    finally:
        trainer.stop()
    return losses


def _classifier(
    trainer: ClassifierTrainer,
    data: ClassifierData,
    settings: ClassifierSettings,
    losses: list[float],
    pretrained: Vectors | None,
) -> Classifier:
    words, word_offsets, word_counts = data.words()
    labels, label_offsets, label_counts = data.labels()
    n_words = len(word_counts)
    names = [labels[b:e].tobytes() for b, e in pairwise(label_offsets)]
    prefixed = [settings.label_prefix.encode() + name for name in names]
    ends = np.cumsum([0, *map(len, prefixed)]).astype(np.uint64) + np.uint64(len(words))
    inputs = np.empty((trainer.n_inputs, settings.dim), dtype=np.float32)
    trainer.read_inputs(inputs)
    output = np.empty((len(names), settings.dim), dtype=np.float32)
    trainer.read_outputs(output)
    told: dict[str, object] = {
        "kind": "classifier",
        "settings": asdict(settings),
        "loss_per_epoch": losses,
        "n_lines": data.n_lines,
        "pretrained": None if pretrained is None else pretrained.fingerprint,
    }
    model = FastTextModel(
        arguments=FastTextArguments(
            dim=settings.dim,
            epochs=settings.epochs,
            min_count=settings.min_count,
            word_ngrams=settings.word_ngrams,
            loss=settings.loss,
            model="supervised",
            n_buckets=settings.n_buckets,
            min_n=settings.min_n,
            max_n=settings.max_n,
        ),
        text=np.concatenate([words, np.frombuffer(b"".join(prefixed), dtype=np.uint8)]),
        offsets=np.concatenate([word_offsets, ends[1:]]),
        counts=np.concatenate([word_counts, label_counts]).astype(np.int64),
        n_words=n_words,
        n_tokens=data.n_tokens,
        word_rows=inputs[:n_words],
        ngram_rows=inputs[n_words:],
        buckets=data.buckets() if settings.n_buckets else None,
        output=output,
        provenance=told,
    )
    return Classifier(model, split=settings.split, label_prefix=settings.label_prefix)
