"""The report: one page of HTML that holds everything there is to tell of a model, or of several side by side.

The page needs nothing else: no other file, no network, no script. It holds its words in English and in Chinese, and a switch.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import TypeAlias, cast

from qianru.errors import ArgumentError
from qianru.evaluate.compare import Comparison, compare, corrected
from qianru.evaluate.datasets import Dataset
from qianru.evaluate.files import packaged_datasets
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, checked_resampling
from qianru.evaluate.report_charts import N_GROUPS, Figures
from qianru.evaluate.report_facts import default_words
from qianru.evaluate.report_how import how, settings
from qianru.evaluate.report_map import Projection, check_projection
from qianru.evaluate.report_markup import Child, Html, escaped, tag
from qianru.evaluate.report_missing import missing
from qianru.evaluate.report_phrases import LANGUAGES, phrase, plain
from qianru.evaluate.report_sections import maps, nearest, relations, senses_of, tokenizers
from qianru.evaluate.report_senses import RecordedSenses
from qianru.evaluate.report_speed import measure_space, measure_texts, size_on_disk, speed
from qianru.evaluate.report_subject import Measured, Section, Subject, contextual, static
from qianru.evaluate.report_tests import IN_CONTEXT, compared, coverage, glance, tests
from qianru.evaluate.result import Result
from qianru.evaluate.space import Space
from qianru.evaluate.stability import stability
from qianru.evaluate.suite import Report, evaluate, evaluate_encoder, is_of_texts
from qianru.output import new_file
from qianru.progress import Progress, ProgressCallback
from qianru.tokens.report import TokenReport
from qianru.vectors import Encoder, StaticEncoder, SubwordVectors, Vectors
from qianru.vectors.other_folders import read_encoder_folder
from qianru.vectors.static_encoder import is_static_folder
from qianru.vectors.subwords import has_subwords

Model: TypeAlias = Vectors | SubwordVectors | Space | Encoder
_SAME_POLICIES = ("case", "unknown", "restrict_vocab")


def write_report(
    models: Mapping[str, Model],
    path: str | Path,
    *,
    datasets: Sequence[Dataset] | None = None,
    target: Vectors | Space | None = None,
    words: Sequence[str] = (),
    k: int = 10,
    map: Projection = "pca",
    tokens: Mapping[str, TokenReport] | None = None,
    senses: Sequence[RecordedSenses] = (),
    texts: Sequence[str] = (),
    places: Mapping[str, str | Path] | None = None,
    language: str = "en",
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
    force: bool = False,
    progress: ProgressCallback | None = None,
) -> dict[str, object]:
    """Evaluate the models and write the page; returns the results and comparisons as JSON can hold them.

    Args:
        models: one to eight, by the names that they have on the page: words and vectors, with n-grams or without, a Space for other
            policies than the default ones, which must be the same for all; and contextual models, each an Encoder
            (`qianru.contextual.load_encoder`). The first is compared with each other one, over the tests that both can do.
        path: of the page, written beside and renamed.
        datasets: test sets (`find_datasets`), of which each static model must know something; without any only the geometry is
            measured. Contextual models do those on texts. None for the sets that gensim's package carries, which are on words, for
            the models that know something of them.
        target: the model of the language that dictionaries translate to, in the same space.
        words: whose nearest words are shown and, where no categories are among the datasets, mapped; by default eight, from
            frequent to rare. Unknown words are said to be so. Of contextual models the page says which of them have no `senses`.
        k: how many nearest words.
        map: "pca", or "tsne" with the extra `[viz]`.
        tokens: what tokenizers make of a text (`qianru.tokens.report.report_tokens`), by name.
        senses: of words, by whatever model (`read_senses`, `recorded_senses`).
        texts: to measure speed on, the first 256; by default those of the datasets.
        places: where a model lies, by name: its size on disk is told, of static models also the time to open it; n-grams and
            tokenizer of a static model, and how a contextual one was made, are read from there.
        language: "en" or "zh", which of the two the page shows first.
        progress: called after each step with stage "report".

    Raises:
        ArgumentError: an argument breaks its rule; no dataset can be used with a model.
        FormatError: what stands at a place cannot be read.
        OutputError: the page cannot be written.
    """
    opened = _checked(models, language, k, places or {})
    check_projection(map)
    checked_resampling(seed, n_bootstrap)
    with new_file(Path(path), force=force) as temporary:
        steps = _Steps(2 * len(opened) + 1, progress)
        sets = packaged_datasets() if datasets is None else datasets
        of_texts = [text for data in sets for item in data.sentences() for text in item]
        # Beside a contextual model, static ones tell how quick they are with texts, too.
        needs_texts = bool(of_texts) or any(not isinstance(one, Space) for one, _ in opened.values())
        subjects: list[Subject] = []
        for name, (model, subwords) in opened.items():
            given = (places or {}).get(name)
            place = None if given is None else Path(given)
            encoder = _encoder_of(model, subwords, place) if needs_texts else None
            try:
                report = _tested(model, encoder, sets, target, seed, n_bootstrap)
            except ArgumentError as error:
                if datasets is not None:
                    raise ArgumentError(f"model {name}: {error.message}", hint=error.hint) from error
                report = _tested(model, encoder, (), target, seed, n_bootstrap)
            steps.done()
            folder = None
            if isinstance(model, Space):
                measured = measure_space(model, place)
            else:
                folder = None if place is None else read_encoder_folder(place)
                n_numbers = None if folder is None else folder.n_parameters
                measured = Measured(size_on_disk(place), None if n_numbers is None else 4 * n_numbers)
            if encoder is not None:
                measured = measure_texts(encoder, texts or of_texts, measured)
            space = model if isinstance(model, Space) else None
            subjects.append(Subject(name, report, measured, space, encoder, subwords, folder))
            steps.done()
        comparisons, shared = _compared(subjects, seed, n_bootstrap)
        spaces = [space for _, _, space in static(subjects)]
        chosen = list(dict.fromkeys(words)) or (default_words(spaces) if spaces else [])
        figures = Figures()
        parts = [
            glance(subjects),
            how(subjects, figures),
            tests(subjects),
            compared(subjects, comparisons, shared),
            coverage(subjects),
            nearest(subjects, chosen, k),
            maps(subjects, sets, chosen, figures, projection=map, seed=seed),
            relations(subjects, sets, figures),
            senses_of(senses, subjects),
            tokenizers(tokens or {}),
            speed(subjects, _threads()),
            settings(subjects),
        ]
        there = [one for one in parts if one is not None]
        absent = missing(subjects, there, words, senses, tokens or {})
        there += [one for one in (absent, _policies(subjects, seed, n_bootstrap)) if one is not None]
        page = _page(there, list(opened), language)
        temporary.write_text(page, encoding="utf-8")
        steps.done()
    return {
        "models": [{"name": one.name, **one.report.as_dict()} for one in subjects],
        "comparisons": [
            {"a": subjects[0].name, "b": subjects[at].name, **_values(one)} for at, one in comparisons
        ],
        "stability": [{"b": subjects[at].name, **one.as_dict()} for at, one in shared],
    }


class _Steps:
    """Tells the progress of n steps, from 0 when made."""

    def __init__(self, n: int, progress: ProgressCallback | None) -> None:
        self._n, self._progress = n, progress
        self._done, self._begin = 0, time.perf_counter()
        self._tell()

    def done(self) -> None:
        self._done += 1
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            took = max(time.perf_counter() - self._begin, 1e-9)
            left = took * (self._n - self._done) / self._done if self._done else None
            share, rate = self._done / self._n, self._done / took
            self._progress(Progress("report", share, rate, "steps", seconds_left=left))


def _values(comparison: Comparison) -> dict[str, object]:
    told = comparison.as_dict()
    return {
        **{name: told[name] for name in told if name not in ("a", "b")},
        "value_a": told["a"],
        "value_b": told["b"],
    }


def _checked(
    models: Mapping[str, Model], language: str, k: int, places: Mapping[str, str | Path]
) -> dict[str, tuple[Space | Encoder, SubwordVectors | None]]:
    """The models as spaces, with their n-grams, and encoders. Raises ArgumentError, FormatError."""
    if not 1 <= len(models) <= N_GROUPS:
        raise ArgumentError(
            f"models must be 1 to {N_GROUPS}, got {len(models)}",
            hint="write several reports, each of fewer models",
        )
    if language not in LANGUAGES:
        raise ArgumentError(f"language must be one of {', '.join(LANGUAGES)}, got {language!r}")
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= 100:
        raise ArgumentError(f"k must be a whole number from 1 to 100, got {k!r}")
    if unknown := [name for name in places if name not in models]:
        raise ArgumentError(f"places names {unknown[0]!r}, which is not among the models")
    found: dict[str, tuple[Space | Encoder, SubwordVectors | None]] = {}
    for name, model in models.items():
        place = places.get(name)
        if isinstance(model, SubwordVectors):
            found[name] = Space(model.vectors), model
        elif isinstance(model, (Vectors, Space)):
            space = model if isinstance(model, Space) else Space(model)
            with_parts = place is not None and has_subwords(place)
            found[name] = space, SubwordVectors.load(cast("str | Path", place)) if with_parts else None
        elif callable(getattr(model, "encode_spans", None)):
            found[name] = model, None
        else:
            raise ArgumentError(
                f"model must be Vectors or a Space, or an Encoder, {name!r} is {type(model).__name__}",
                hint="qianru.load(path), or qianru.contextual.load_encoder(path)",
            )
    spaces = {name: one for name, (one, _) in found.items() if isinstance(one, Space)}
    first = next(iter(spaces.values())).policies if spaces else {}
    for name, space in spaces.items():
        if differ := [one for one in _SAME_POLICIES if space.policies[one] != first[one]]:
            raise ArgumentError(f"models must have the same policies, {', '.join(differ)} of {name!r} differ")
    return found


def _encoder_of(model: Space | Encoder, subwords: SubwordVectors | None, place: Path | None) -> Encoder:
    """A static model as `qianru evaluate` opens it for tests on texts: with its tokenizer and n-grams; a contextual one as it is."""
    if not isinstance(model, Space):
        return model
    if place is not None and is_static_folder(place):
        return StaticEncoder.load(place)
    return StaticEncoder.from_vectors(subwords or model.vectors)


def _tested(
    model: Space | Encoder,
    encoder: Encoder | None,
    sets: Sequence[Dataset],
    target: Vectors | Space | None,
    seed: int,
    n_bootstrap: int,
) -> Report:
    """Every test that the model can do; of a contextual one those on texts, where there are some. Raises ArgumentError."""
    if isinstance(model, Space):
        return evaluate(model, sets, target=target, encoder=encoder, seed=seed, n_bootstrap=n_bootstrap)
    suiting = [one for one in sets if is_of_texts(one)]
    if not suiting:
        return Report((), ())
    return evaluate_encoder(model, suiting, seed=seed, n_bootstrap=n_bootstrap)


def _compared(
    subjects: Sequence[Subject], seed: int, n_bootstrap: int
) -> tuple[list[tuple[int, Comparison]], list[tuple[int, Result]]]:
    """The first model against each other one: corrected over all comparisons, since they stand in one table; and stability."""
    made: list[tuple[int, Comparison]] = []
    shared: list[tuple[int, Result]] = []
    first = subjects[0]
    for at, other in enumerate(subjects[1:], 1):
        theirs = {(one.test, one.dataset_fingerprint): one for one in other.report.results}
        for mine in first.report.results:
            yours = theirs.get((mine.test, mine.dataset_fingerprint))
            # One vector a word answers every use alike, which is the zero line of the other.
            by_rule = mine.test == IN_CONTEXT and (first.space is None) != (other.space is None)
            if yours is None or by_rule:
                continue
            found = compare(mine, yours, seed=seed, n_bootstrap=n_bootstrap)
            made += [] if found is None else [(at, found)]
        if first.space is None or other.space is None:
            continue
        try:
            shared.append((at, stability(first.space, other.space, seed=seed, n_bootstrap=n_bootstrap)))
        except ArgumentError:
            continue  # too few words in common to tell
    adjusted = corrected([one for _, one in made])
    return [(at, one) for (at, _), one in zip(made, adjusted, strict=True)], shared


def _threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _policies(subjects: Sequence[Subject], seed: int, n_bootstrap: int) -> Section:
    told: list[Html] = []
    if spaces := [space for _, _, space in static(subjects)]:
        policies = spaces[0].policies
        limit = policies["restrict_vocab"]
        n: Child = phrase("all_words") if limit is None else f"{limit:,}"
        case, unknown = policies["case"], policies["unknown"]
        told.append(phrase("policies_note", n=escaped(n), case=case, unknown=unknown))
    if contextual(subjects):
        told.append(phrase("policies_texts"))
    told.append(phrase("policies_seed", seed=seed, n_bootstrap=f"{n_bootstrap:,}"))
    return Section("policies", tag("div", [tag("p", one) for one in told]))


def _page(sections: Sequence[Section], names: Sequence[str], language: str) -> str:
    """The template with its places filled."""
    title = f"{plain('title', language)}: {', '.join(names)}"
    links = [tag("li", tag("a", phrase(one.key), href=f"#{one.key}")) for one in sections]
    body = [
        tag(
            "section",
            tag("h2", phrase(one.key), id=f"{one.key}-title"),
            one.body,
            id=one.key,
            aria_labelledby=f"{one.key}-title",
        )
        for one in sections
    ]
    date = datetime.date.today().isoformat()
    places: dict[str, Html | str] = {
        "lang": "zh-Hans" if language == "zh" else "en",
        "title": escaped(title),
        "en_checked": "checked" if language == "en" else "",
        "zh_checked": "checked" if language == "zh" else "",
        "language": phrase("language"),
        "heading": phrase("title"),
        "names": tag("p", [[tag("span", name), " "] for name in names], class_="names"),
        "made": tag("p", phrase("made", version=version("qianru"), date=date), class_="note"),
        "contents": phrase("contents"),
        "links": tag("ul", links),
        "sections": escaped(body),
    }
    template = resources.files("qianru.evaluate").joinpath("report_page.html").read_text(encoding="utf-8")
    return Template(template).substitute(places)
