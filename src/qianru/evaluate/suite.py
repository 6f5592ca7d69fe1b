"""Every test that the datasets allow, for one model or for two side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from qianru.errors import ArgumentError
from qianru.evaluate.analogy import analogy
from qianru.evaluate.associations import associations
from qianru.evaluate.categorisation import categorisation
from qianru.evaluate.compare import NOT_PAIRED, Comparison, compare, corrected
from qianru.evaluate.context import words_in_context
from qianru.evaluate.datasets import (
    Associations,
    Categories,
    Dataset,
    Questions,
    SenseExamples,
    SentencePairs,
    Translations,
    Triples,
    WordInContext,
    WordPairs,
)
from qianru.evaluate.geometry import geometry
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, checked_resampling
from qianru.evaluate.odd_one_out import N_ALIKE, odd_one_out
from qianru.evaluate.offsets import offsets
from qianru.evaluate.result import Result
from qianru.evaluate.senses import word_senses
from qianru.evaluate.sentences import sentence_similarity
from qianru.evaluate.similarity import similarity
from qianru.evaluate.space import Space, space_of
from qianru.evaluate.stability import stability
from qianru.evaluate.translation import translation
from qianru.vectors import Encoder, StaticEncoder, Vectors
from qianru.vectors.align import check_one_space

_TEXT_TESTS: dict[type[Dataset], str] = {
    SentencePairs: "sentence similarity",
    WordInContext: "words in context",
    SenseExamples: "word senses",
}
# Words of a sentence; of Han each character.
_WORDS = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+")


def is_of_texts(data: Dataset) -> bool:
    """Whether the dataset is a test of encoders: sentence pairs, words in context, or examples of senses."""
    return type(data) in _TEXT_TESTS


@dataclass(frozen=True)
class Skipped:
    """A test that could not be run, and why."""

    test: str
    dataset: str
    reason: str


@dataclass(frozen=True)
class Report:
    """The results of one model, and what was skipped."""

    results: tuple[Result, ...]
    skipped: tuple[Skipped, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "results": [one.as_dict() for one in self.results],
            "skipped": [dict(vars(one)) for one in self.skipped],
        }


def evaluate(
    model: Vectors | Space,
    datasets: Sequence[Dataset],
    *,
    target: Vectors | Space | None = None,
    encoder: Encoder | None = None,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Report:
    """Every test on every dataset that it can use, and the model's geometry.

    target: the model of the language that dictionaries translate to, in the same space. encoder: the same model for tests on
    sentences; by default a `StaticEncoder` of its words, all of them, spelled as they are. A test of which the model knows
    nothing is skipped with its reason. Raises ArgumentError where that is so for all datasets, or where the model was aligned
    to another one than target.
    """
    checked_resampling(seed, n_bootstrap)
    space = space_of(model)
    if target is not None:
        check_one_space(space.vectors, space_of(target).vectors)
    results: list[Result] = []
    skipped: list[Skipped] = []
    if encoder is None and any(isinstance(data, (SentencePairs, SenseExamples)) for data in datasets):
        encoder = StaticEncoder.from_vectors(space.vectors)
    for data in datasets:
        for title, run in _tests(space, data, target, encoder, seed, n_bootstrap):
            try:
                results.append(run())
            except ArgumentError as error:
                skipped.append(Skipped(title, data.name, error.message))
    if datasets and not results:
        raise ArgumentError(
            f"no dataset can be used with this model; first: {skipped[0].reason}",
            hint="check that model and tests are of one language, spelled alike (case, restrict_vocab)",
        )
    try:
        results.append(geometry(space, seed=seed, n_bootstrap=n_bootstrap))
    except ArgumentError as error:
        skipped.append(Skipped("geometry", "the model itself", error.message))
    return Report(tuple(results), tuple(skipped))


def evaluate_encoder(
    encoder: Encoder, datasets: Sequence[Dataset], *, seed: int = 1, n_bootstrap: int = DEFAULT_BOOTSTRAP
) -> Report:
    """The tests on texts: sentence similarity, words in context, word senses. Other datasets are passed over.

    Words in context learn their threshold from the dataset named "train" of their language, which is then not scored; in
    folds of their own where there is none, or more than one. The language is told by the words: more than half of those that
    stand in the set's sentences must occur in the training sentences too. Raises ArgumentError where no dataset is one of
    texts, or none can be used.
    """
    checked_resampling(seed, n_bootstrap)
    uses = [data for data in datasets if isinstance(data, WordInContext)]
    train_of = {id(data): _train_of(data, uses) for data in uses}
    trains = {id(train) for train in train_of.values()}
    results: list[Result] = []
    skipped: list[Skipped] = []
    options = {"seed": seed, "n_bootstrap": n_bootstrap}
    for data in datasets:
        title = _TEXT_TESTS.get(type(data))
        if title is None or id(data) in trains:
            continue
        try:
            if isinstance(data, WordInContext):
                results.append(words_in_context(encoder, data, train=train_of[id(data)], **options))
            elif isinstance(data, SentencePairs):
                results.append(sentence_similarity(encoder, data, **options))
            elif isinstance(data, SenseExamples):
                results.append(word_senses(encoder, data, **options))
        except ArgumentError as error:
            skipped.append(Skipped(title, data.name, error.message))
    if not results:
        reason = skipped[0].reason if skipped else "there is no test on texts among them"
        raise ArgumentError(
            f"no dataset can be used with this encoder: {reason}",
            hint="docs/concepts/evaluation.md has the formats: sentences, context, senses",
        )
    return Report(tuple(results), tuple(skipped))


def _train_of(data: WordInContext, uses: Sequence[WordInContext]) -> WordInContext | None:
    """The set that the threshold for `data` is learned on, None for folds: another language has another threshold."""
    if data.name == "train":
        return None
    words = [word for one in data.sentences() for word in _words(one)]
    found = []
    for train in uses:
        if train.name == "train":
            known = {word for one in train.sentences() for word in _words(one)}
            if 2 * sum(word in known for word in words) > len(words):
                found.append(train)
    return found[0] if len(found) == 1 else None


def _words(sentences: Sequence[str]) -> list[str]:
    return [word for sentence in sentences for word in _WORDS.findall(sentence.lower())]


def _tests(
    space: Space,
    data: Dataset,
    target: Vectors | Space | None,
    encoder: Encoder | None,
    seed: int,
    n_bootstrap: int,
) -> list[tuple[str, Callable[[], Result]]]:
    """The tests for a dataset, by name."""

    def no_target() -> Result:
        raise ArgumentError("a dictionary needs the model of the other language, in the same space")

    if isinstance(data, WordPairs):
        return [("similarity", lambda: similarity(space, data, seed=seed, n_bootstrap=n_bootstrap))]
    if isinstance(data, Questions):
        return [
            ("analogy", lambda: analogy(space, data, seed=seed, n_bootstrap=n_bootstrap)),
            ("offsets", lambda: offsets(space, data, seed=seed, n_bootstrap=n_bootstrap)),
        ]
    if isinstance(data, Triples):
        return [("odd one out", lambda: odd_one_out(space, data, seed=seed, n_bootstrap=n_bootstrap))]
    if isinstance(data, Categories):
        n_alike = max(2, min(N_ALIKE, _smallest(data)))
        return [
            ("categorisation", lambda: categorisation(space, data, seed=seed, n_bootstrap=n_bootstrap)),
            (
                "odd one out",
                lambda: odd_one_out(space, data, n_alike=n_alike, seed=seed, n_bootstrap=n_bootstrap),
            ),
        ]
    if isinstance(data, Associations):
        return [("associations", lambda: associations(space, data, seed=seed, n_bootstrap=n_bootstrap))]
    if isinstance(data, WordInContext):
        return [
            ("words in context", lambda: words_in_context(space, data, seed=seed, n_bootstrap=n_bootstrap))
        ]
    if isinstance(data, Translations):
        if target is None:
            return [("translation", no_target)]
        other = target
        return [("translation", lambda: translation(space, other, data, seed=seed, n_bootstrap=n_bootstrap))]
    if isinstance(data, SentencePairs) and encoder is not None:
        sentences = partial(sentence_similarity, encoder, data, seed=seed, n_bootstrap=n_bootstrap)
        return [(_TEXT_TESTS[type(data)], sentences)]
    if isinstance(data, SenseExamples) and encoder is not None:
        return [
            (_TEXT_TESTS[type(data)], partial(word_senses, encoder, data, seed=seed, n_bootstrap=n_bootstrap))
        ]
    raise ArgumentError(f"datasets holds a {type(data).__name__}, for which there is no test")


def _smallest(data: Categories) -> int:
    labels = [label for _, label in data.words]
    return min(labels.count(label) for label in set(labels))


def compare_models(
    model: Vectors | Space,
    other: Vectors | Space,
    datasets: Sequence[Dataset],
    *,
    target: Vectors | Space | None = None,
    encoders: tuple[Encoder, Encoder] | None = None,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> tuple[Report, Report, tuple[Comparison, ...], Result | None]:
    """Both reports, the comparisons of the tests that both could run, and how stable neighbours are between them.

    encoders: of model and other, as for `evaluate`. The last is None where the models have too few words in common. The
    comparisons are corrected for their number (Holm). Tests that are not compared, as associations, offsets and geometry, say
    so in a note of both their results.
    """
    one, two = space_of(model), space_of(other)
    reports = [
        evaluate(space, datasets, target=target, encoder=encoder, seed=seed, n_bootstrap=n_bootstrap)
        for space, encoder in zip((one, two), encoders or (None, None), strict=True)
    ]
    theirs = {(r.test, r.dataset_fingerprint): r for r in reports[1].results}
    comparisons = []
    for mine in reports[0].results:
        yours = theirs.get((mine.test, mine.dataset_fingerprint))
        if yours is not None:
            made = compare(mine, yours, seed=seed, n_bootstrap=n_bootstrap)
            comparisons += [] if made is None else [made]
    try:
        shared = stability(one, two, seed=seed, n_bootstrap=n_bootstrap)
    except ArgumentError:
        shared = None
    return _noted(reports[0]), _noted(reports[1]), corrected(comparisons), shared


def _noted(report: Report) -> Report:
    """The report with a note where a result cannot be compared."""
    results = [
        one if one.outcome is not None else replace(one, notes=(*one.notes, NOT_PAIRED))
        for one in report.results
    ]
    return replace(report, results=tuple(results))
