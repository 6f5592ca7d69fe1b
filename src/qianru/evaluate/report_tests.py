"""Sections of the report that tell the results of tests: an overview, every score, comparisons, coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qianru.evaluate.compare import Comparison
from qianru.evaluate.report_charts import bar, domain_of, key, whisker
from qianru.evaluate.report_markup import Attribute, Child, Html, listed, number, p_value, table, tag
from qianru.evaluate.report_phrases import name_of, phrase, score_name, set_name
from qianru.evaluate.report_subject import Section, Subject
from qianru.evaluate.result import Result, Score

# Scores of the space itself are on no common scale.
_NO_CHART = ("geometry",)
_METHODS = ("3CosAdd", "3CosMul")
IN_CONTEXT = "words in context"


def legend(subjects: Sequence[Subject]) -> Html | None:
    """Mark and name of each model, where there are several."""
    if len(subjects) < 2:
        return None
    return tag("p", [key(at, one.name) for at, one in enumerate(subjects)], class_="legends")


def _tests(subjects: Sequence[Subject]) -> list[tuple[str, str, list[Result | None]]]:
    """(test, dataset, the result of each model or None), in the order in which they were run."""
    keys = dict.fromkeys(
        (result.test, result.dataset, result.dataset_fingerprint)
        for subject in subjects
        for result in subject.report.results
    )
    found = []
    for test, dataset, mark in keys:
        of_each = [
            next(
                (
                    r
                    for r in one.report.results
                    if (r.test, r.dataset, r.dataset_fingerprint) == (test, dataset, mark)
                ),
                None,
            )
            for one in subjects
        ]
        found.append((test, dataset, of_each))
    return found


def _told(score: Score | None) -> Html:
    """A value with its interval in one cell."""
    if score is None:
        return Html("–")
    around = f" [{number(score.low)}, {number(score.high)}]" if score.low is not None else ""
    return tag("span", tag("b", number(score.value)), tag("small", around))


def _end(value: float) -> str:
    """An end of an axis, which is a number of tenths."""
    return f"{value:.1f}".replace("-", "−")


def _interval(score: Score) -> str:
    return "–" if score.low is None else f"{number(score.low)} … {number(score.high)}"


def glance(subjects: Sequence[Subject]) -> Section | None:
    """The first score of every test, models side by side."""
    rows: list[list[Child]] = []
    for test, dataset, results in _tests(subjects):
        first = next(result for result in results if result is not None).scores[0].metric
        cells = [_told(None if result is None else result.scores[0]) for result in results]
        label = tag(
            "span", name_of(test), tag("small", " ", set_name(dataset), ", ", score_name(test, first))
        )
        rows.append([label, *cells])
    if not rows:
        return None
    head: list[Child] = [phrase("test"), *(one.name for one in subjects)]
    body = table(head, rows, caption=phrase("glance_scores"), numeric=range(1, len(head)))
    return Section("glance", body)


def tests(subjects: Sequence[Subject]) -> Section:
    """Every score of every test with interval, zero line, items and what is known of them; and what was skipped."""
    parts: list[Child] = [tag("p", phrase("tests_note"), class_="note"), legend(subjects)]
    blocks = [_block(subjects, *one) for one in _tests(subjects)]
    parts += blocks or [tag("p", phrase("no_tests"))]
    rows: list[list[Child]] = [
        [name_of(one.test), set_name(one.dataset), subject.name, tag("span", one.reason, lang="en")]
        for subject in subjects
        for one in subject.report.skipped
    ]
    if rows:
        head = [phrase("test"), phrase("dataset"), phrase("model"), phrase("reason")]
        parts.append(table(head, rows, caption=phrase("skipped")))
    return Section("tests", tag("div", parts))


def _block(subjects: Sequence[Subject], test: str, dataset: str, results: Sequence[Result | None]) -> Html:
    there = [(at, result) for at, result in enumerate(results) if result is not None]
    metrics = dict.fromkeys(score.metric for _, result in there for score in result.scores)
    charted = test not in _NO_CHART
    all_scores = [score for _, result in there for score in result.scores]
    domain = domain_of([x for s in all_scores for x in (s.value, s.low, s.high, s.zero_line)])
    rows: list[list[Child]] = []
    first_rows: list[dict[str, Attribute]] = []
    for metric in metrics:
        begins = True
        for at, result in there:
            score = next((one for one in result.scores if one.metric == metric), None)
            if score is None:
                continue
            named = score_name(test, metric)
            row: list[Child] = [named if begins else tag("span", named, class_="again")]
            if len(subjects) > 1:
                row.append(key(at, subjects[at].name))
            row += [tag("b", number(score.value)), _interval(score), number(score.zero_line), score.n]
            if charted:
                row.append(
                    whisker(score.value, score.low, score.high, score.zero_line, domain=domain, group=at)
                )
            rows.append(row)
            first_rows.append({"class_": "first" if begins else None})
            begins = False
    model = [phrase("model")] if len(subjects) > 1 else []
    scale = phrase("scale", low=_end(domain[0]), high=_end(domain[1]))
    heads: list[Child] = [
        phrase("score"),
        *model,
        phrase("value"),
        phrase("interval"),
        phrase("one_hot"),
        phrase("items"),
    ]
    first = 1 + len(model)
    caption = tag(
        "span", tag("b", name_of(test)), " ", set_name(dataset), " ", _known(subjects, there), class_="test"
    )
    shown = table(
        [*heads, scale] if charted else heads,
        rows,
        caption=caption,
        numeric=range(first, first + 4),
        row_attributes=first_rows,
        class_="grouped charted" if charted else "grouped",
    )
    return tag("div", shown, _sections(subjects, there), _chances(subjects, there), _notes(subjects, there))


def _sections(subjects: Sequence[Subject], there: Sequence[tuple[int, Result]]) -> Html | None:
    """Analogies by section, the models side by side."""
    if there[0][1].test != "analogy":
        return None
    of_model = [(at, _mapping(result.details.get("sections"))) for at, result in there]
    names = dict.fromkeys(name for _, sections in of_model for name in sections)
    if len(names) < 2:
        return None
    methods = [one.metric for one in there[0][1].scores if one.metric in _METHODS]
    heads: list[Child] = [phrase("section"), phrase("items")]
    for at, _ in of_model:
        named = tag("small", " ", subjects[at].name) if len(subjects) > 1 else None
        heads += [phrase("known"), *(tag("span", name_of(method), named) for method in methods)]
    rows: list[list[Child]] = []
    for name in names:
        of_section = [_mapping(sections.get(name)) for _, sections in of_model]
        row: list[Child] = [name, max(_count(one.get("n_items")) for one in of_section)]
        for one in of_section:
            row += [_count(one.get("n_known")), *(number(_share(one.get(method))) for method in methods)]
        rows.append(row)
    return table(heads, rows, caption=phrase("by_section"), numeric=range(1, len(heads)), class_="grouped")


def _chances(subjects: Sequence[Subject], there: Sequence[tuple[int, Result]]) -> Html | None:
    """How likely each association is in a random division of its targets."""
    lines = []
    for at, result in there:
        whose = f"{subjects[at].name}: " if len(subjects) > 1 else ""
        for one in result.scores:
            told = _mapping(result.details.get(one.metric))
            if result.test == "associations" and (p := _share(told.get("p"))) is not None:
                lines.append(tag("li", whose, one.metric, ": ", phrase("one_sided", p=p_value(p))))
    return tag("ul", lines, class_="note") if lines else None


def _mapping(found: object) -> Mapping[str, object]:
    return found if isinstance(found, Mapping) else {}


def _count(found: object) -> int:
    return found if isinstance(found, int) else 0


def _share(found: object) -> float | None:
    return found if isinstance(found, float) else None


def _known(subjects: Sequence[Subject], there: Sequence[tuple[int, Result]]) -> Html:
    """How many items are known; once where it is the same for all models."""
    counts = [f"{result.n_known:,}/{result.n_items:,} ({result.coverage:.1%})" for _, result in there]
    if len(set(counts)) > 1:
        counts = [f"{subjects[at].name} {text}" for (at, _), text in zip(there, counts, strict=True)]
    return tag("small", phrase("known"), " ", ", ".join(dict.fromkeys(counts)))


def _notes(subjects: Sequence[Subject], there: Sequence[tuple[int, Result]]) -> Html | None:
    of_note: dict[str, list[str]] = {}
    for at, result in there:
        for note in result.notes:
            of_note.setdefault(note, []).append(subjects[at].name)
    lines = [
        tag("li", note if len(names) == len(there) else f"{', '.join(names)}: {note}")
        for note, names in of_note.items()
    ]
    return tag("ul", lines, class_="note", lang="en") if lines else None


def compared(
    subjects: Sequence[Subject],
    comparisons: Sequence[tuple[int, Comparison]],
    shared: Sequence[tuple[int, Result]],
) -> Section | None:
    """The first model against each other one: (place of the other, comparison), and how many neighbours they share."""
    if not comparisons and not shared:
        return None
    parts: list[Child] = []
    a, several = subjects[0].name, len(subjects) > 2
    rows: list[list[Child]] = []
    for at, one in comparisons:
        b = subjects[at].name
        verdict = phrase(one.verdict, a=a, b=b)
        interval = "–" if one.low is None else f"{number(one.low)} … {number(one.high)}"
        rows.append(
            [
                tag(
                    "span",
                    name_of(one.test),
                    tag("small", " ", set_name(one.dataset), ", ", score_name(one.test, one.metric)),
                ),
                *([phrase("against", a=a, b=b)] if several else []),
                one.n,
                number(one.a),
                number(one.b),
                number(one.difference),
                interval,
                p_value(one.p),
                p_value(one.p_holm),
                verdict if one.verdict.startswith("no") else tag("b", verdict),
            ]
        )
    if rows:
        heads: list[Child] = [
            phrase("test"),
            *(
                [phrase("models"), phrase("items"), "a", "b"]
                if several
                else [phrase("items"), a, subjects[1].name]
            ),
            phrase("difference"),
        ]
        heads += [phrase("interval"), phrase("p"), phrase("p_holm"), phrase("verdict")]
        parts.append(
            table(
                heads,
                rows,
                caption=phrase("compared_note"),
                numeric=range(2 if several else 1, len(heads) - 1),
            )
        )
    if shared:
        parts.append(_stability(subjects, shared))
    first = {one.test for one in subjects[0].report.results}
    if IN_CONTEXT in first and len({one.space is None for one in subjects}) > 1:
        parts.append(tag("p", phrase("not_compared"), class_="note"))
    unpaired = dict.fromkeys(one.test for one in subjects[0].report.results if one.outcome is None)
    if unpaired:
        tests = listed([name_of(one) for one in unpaired])
        parts.append(tag("p", phrase("not_paired", tests=tests), class_="note"))
    return Section("compared", tag("div", parts))


def _stability(subjects: Sequence[Subject], shared: Sequence[tuple[int, Result]]) -> Html:
    rows: list[list[Child]] = []
    for at, result in shared:
        score = result.scores[0]
        rows.append(
            [
                phrase("against", a=subjects[0].name, b=subjects[at].name),
                tag("b", number(score.value)),
                _interval(score),
                number(score.zero_line),
                score.n,
            ]
        )
    heads: list[Child] = [
        phrase("models"),
        phrase("value"),
        phrase("interval"),
        phrase("chance"),
        phrase("items"),
    ]
    caption = tag("span", tag("b", name_of("stability")), " ", name_of("neighbours shared"))
    return table(heads, rows, caption=caption, numeric=range(1, 5))


def coverage(subjects: Sequence[Subject]) -> Section | None:
    """Known items of each test set as bars."""
    rows: list[list[Child]] = []
    first_rows: list[dict[str, Attribute]] = []
    done: set[str | None] = {None}
    for _, dataset, results in _tests(subjects):
        there = [(at, one) for at, one in enumerate(results) if one is not None]
        # Several tests can be of one set: the first has its items as they stand in the file.
        if (mark := there[0][1].dataset_fingerprint) in done:
            continue
        done.add(mark)
        for place, (at, one) in enumerate(there):
            cells: list[Child] = [tag("span", set_name(dataset), class_="again" if place else None)]
            if len(subjects) > 1:
                cells.append(key(at, subjects[at].name))
            rows.append(
                [*cells, f"{one.n_known:,} / {one.n_items:,}", f"{one.coverage:.1%}", bar(one.coverage, at)]
            )
            first_rows.append({"class_": None if place else "first"})
    if not rows:
        return None
    model = [phrase("model")] if len(subjects) > 1 else []
    heads: list[Child] = [phrase("dataset"), *model, phrase("known"), phrase("share"), ""]
    at = 1 + len(model)
    shown = table(
        heads,
        rows,
        caption=phrase("coverage_note"),
        numeric=(at, at + 1),
        row_attributes=first_rows,
        class_="grouped charted",
    )
    return Section("coverage", shown)
