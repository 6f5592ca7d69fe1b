"""Sections of the report beside the tests: how models were made, their words, their tokens, their size and speed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from qianru.evaluate.datasets import Dataset
from qianru.evaluate.report_charts import N_GROUPS, Line, arrows, bar, key, line_chart, scatter
from qianru.evaluate.report_facts import (
    BATCH,
    Asked,
    MapOf,
    asked,
    losses,
    map_of,
    neighbours,
    objective,
    relation,
    sections_of,
    settings_of,
    turned,
)
from qianru.evaluate.report_map import Projection
from qianru.evaluate.report_markup import Child, Html, number, table, tag, word
from qianru.evaluate.report_phrases import phrase
from qianru.evaluate.report_senses import RecordedSenses, RecordedUse
from qianru.evaluate.report_subject import Section, Subject
from qianru.tokens.report import Share, TokenReport
from qianru.vectors import Neighbour, Vectors
from qianru.vectors.stored import of_corpus

_N_SECTIONS = 6


class Figures:
    """Figures with captions, numbered so that a drawing can point at its caption."""

    def __init__(self) -> None:
        self._n = 0

    def next_id(self) -> str:
        """An id that no other figure has."""
        self._n += 1
        return f"figure{self._n}"


def _figure(
    drawing: Html, caption: Child, name: str, *, class_: str | None = None, below: Child = None
) -> Html:
    return tag("figure", tag("figcaption", caption, id=name), drawing, below, class_=class_)


def _megabytes(n_bytes: int | None) -> str:
    return "–" if n_bytes is None else f"{n_bytes / 1e6:,.1f} MB"


def how(subjects: Sequence[Subject], figures: Figures) -> Section:
    """What a model was trained on and how: facts, loss curves, every recorded setting."""
    heads: list[Child] = ["", *(one.name for one in subjects)]
    facts = [_facts(one.space.vectors) for one in subjects]
    rows: list[list[Child]] = [[phrase(name), *(of_one[name] for of_one in facts)] for name in facts[0]]
    parts: list[Child] = [table(heads, rows, caption=phrase("facts"))]
    parts += _loss_charts(subjects, figures)
    return Section("how", tag("div", parts))


def settings(subjects: Sequence[Subject]) -> Section | None:
    """Every recorded setting, those that differ marked."""
    flat = [settings_of(one.space.vectors.provenance) for one in subjects]
    names = list(dict.fromkeys(name for one in flat for name in one))
    rows: list[list[Child]] = []
    for name in names:
        values = [one.get(name) for one in flat]
        differs = tag("span", "≠", class_="differs") if len(set(values)) > 1 else None
        rows.append([tag("code", name, " ", differs), *("–" if one is None else one for one in values)])
    if not rows:
        return None
    marked = [tag("span", "≠", class_="differs"), " ", phrase("differs")] if len(subjects) > 1 else None
    heads: list[Child] = [phrase("setting"), *(one.name for one in subjects)]
    return Section(
        "settings", table(heads, rows, caption=[phrase("settings_note"), " ", marked], class_="settings")
    )


def _facts(vectors: Vectors) -> dict[str, Child]:
    """Facts for reading by the names of their phrases."""
    provenance = vectors.provenance
    settings = provenance.get("settings")
    known: Mapping[str, object] = settings if isinstance(settings, Mapping) else {}
    n_bytes, n_words = of_corpus(provenance, "n_bytes"), of_corpus(provenance, "n_raw_tokens")
    mark = of_corpus(provenance, "fingerprint")

    def told(value: object) -> Child:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        return phrase("not_recorded") if value is None else str(value)[:80]

    return {
        "kind": told(provenance.get("kind") or provenance.get("format")),
        "n_words": len(vectors),
        "dim": vectors.dim,
        "text_bytes": _megabytes(n_bytes) if isinstance(n_bytes, int) else told(None),
        "text_words": told(n_words),
        "words_counted": told(None if vectors.counts is None else int(vectors.counts.sum())),
        "epochs": told(provenance.get("epochs_done", known.get("epochs"))),
        "seed": told(known.get("seed")),
        "threads": told(known.get("threads")),
        "corpus_fingerprint": tag("code", str(mark)[:16]) if mark else told(None),
        "fingerprint": tag("code", vectors.fingerprint[:16]),
    }


def _loss_charts(subjects: Sequence[Subject], figures: Figures) -> Iterator[Html]:
    """One chart for each objective, so that only what is comparable stands together."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    without = []
    for at, one in enumerate(subjects):
        values = losses(one.space.vectors)
        if values:
            groups.setdefault(objective(one.space.vectors), []).append(Line(one.name, at, values))
        else:
            without.append(one.name)
    charts = []
    for lines in groups.values():
        name = figures.next_id()
        models = [key(line.group, line.name) for line in lines]
        charts.append(_figure(line_chart(lines, labelled_by=name), [phrase("loss"), " ", models], name))
    if charts:
        yield tag("div", charts, class_="panels")
    if len(groups) > 1:
        yield tag("p", phrase("loss_note"), class_="note")
    if without:
        yield tag("p", phrase("loss_none", names=", ".join(without)), class_="note")


def nearest(subjects: Sequence[Subject], words: Sequence[str], k: int) -> Section | None:
    """The nearest words of the chosen ones."""
    if not words:
        return None
    parts: list[Child] = [tag("p", phrase("neighbours_note"), class_="note")]
    for one in subjects:
        rows: list[list[Child]] = [[word(text), _near(neighbours(one.space, text, k))] for text in words]
        caption = phrase("neighbours_of", name=one.name)
        parts.append(table([phrase("word"), phrase("neighbours")], rows, caption=caption, class_="near"))
    return Section("neighbours", tag("div", parts))


def _near(found: list[Neighbour] | tuple[str, ...]) -> Html:
    if isinstance(found, tuple):
        close = [", ", phrase("close", words=", ".join(found))] if found else None
        return tag("em", phrase("unknown_word"), close)
    told = [
        [tag("span", word(one.word), " ", tag("small", number(one.score)), class_="neighbour"), " "]
        for one in found
    ]
    return tag("span", told)


def maps(
    subjects: Sequence[Subject],
    datasets: Sequence[Dataset],
    words: Sequence[str],
    figures: Figures,
    *,
    projection: Projection,
    seed: int,
) -> Section | None:
    """A map of each model's words; those after the first are turned onto it."""
    parts: list[Child] = []
    first: MapOf | None = None
    for one in subjects:
        shown = map_of(one.space, datasets, words, projection=projection, n_groups=N_GROUPS, seed=seed)
        if shown is None:
            continue
        first = first or shown
        shown = turned(shown, first)
        name = figures.next_id()
        values = {"name": one.name, "n": f"{len(shown.words):,}"}
        if shown.plane.share is None:
            told = phrase("map_tsne", **values)
        else:
            told = phrase("map_pca", share=f"{shown.plane.share:.0%}", **values)
        of = phrase("map_words") if shown.dataset is None else phrase("map_categories", dataset=shown.dataset)
        drawing = scatter(
            shown.words, shown.plane.points, shown.groups, strong=set(shown.names), labelled_by=name
        )
        below = tag("ul", [_group(shown, at) for at in range(len(shown.names))], class_="groups")
        parts.append(_figure(drawing, [of, " ", tag("span", told, class_="note")], name, below=below))
    return Section("map", tag("div", parts)) if parts else None


def _group(shown: MapOf, group: int) -> Html:
    """A group's mark and all its words, since not every label has room on the map."""
    title = shown.names[group]
    others = [
        text for text, at in zip(shown.words, shown.groups, strict=True) if at == group and text != title
    ]
    return tag("li", key(group, tag("b", title)), [[word(text), " "] for text in others])


def relations(subjects: Sequence[Subject], datasets: Sequence[Dataset], figures: Figures) -> Section | None:
    """Pairs of the first sections as arrows, and one question of each section with the models' answers."""
    sections = sections_of(datasets)
    parts: list[Child] = []
    for at, one in enumerate(subjects):
        drawn = [
            found for name, questions in sections.items() if (found := relation(one.space, name, questions))
        ]
        panels = []
        for found in drawn[:_N_SECTIONS]:
            name = figures.next_id()
            drawing = arrows(found.pairs, found.points, marker=f"{name}-head", labelled_by=name)
            # Labels without room are not drawn: the pairs stand below.
            pairs = [[None if at == 0 else ", ", word(f"{a} → {b}")] for at, (a, b) in enumerate(found.pairs)]
            panels.append(_figure(drawing, found.section, name, below=tag("p", pairs, class_="note")))
        if panels:
            title = key(at, one.name) if len(subjects) > 1 else None
            parts += [tag("p", title, class_="legends"), tag("div", panels, class_="panels")]
    if not parts:
        return None
    rows: list[list[Child]] = []
    for name, questions in sections.items():
        answers = [asked(one.space, name, questions) for one in subjects]
        question = next((one.question for one in answers if one is not None), None)
        if question is None:
            continue
        a, b, c, d = map(word, question)
        cells: list[Child] = [_answer(one, question) for one in answers]
        rows.append([name, tag("span", a, " : ", b, " = ", c, " : ", tag("i", d)), *cells])
    if rows:
        heads: list[Child] = [phrase("section"), phrase("question"), *(one.name for one in subjects)]
        parts.append(table(heads, rows, caption=phrase("asked")))
    return Section("analogies", tag("div", tag("p", phrase("analogies_note"), class_="note"), parts))


def _answer(found: Asked | None, question: tuple[str, str, str, str]) -> Html:
    """A model's answer; a dash where it knows another question first."""
    if found is None or found.question != question:
        return Html("–")
    sign, class_ = ("✓ ", "right") if found.is_right else ("✗ ", "wrong")
    return tag("span", sign, word(found.answer), class_=class_)


def senses_of(entries: Sequence[RecordedSenses], subjects: Sequence[Subject]) -> Section | None:
    """Clusters of a word's uses, each with its share, typical words and examples."""
    if not entries:
        return None
    own = {one.space.vectors.fingerprint for one in subjects}
    parts: list[Child] = [tag("p", phrase("senses_note"), class_="note")]
    for entry in entries:
        told: list[Child] = [
            phrase("senses_of", word=word(entry.word), n=f"{entry.n_uses:,}", k=len(entry.senses))
        ]
        if entry.silhouette is not None:
            told += [", ", phrase("silhouette", value=number(entry.silhouette))]
        if entry.model_fingerprint is not None:
            name = "senses_model" if entry.model_fingerprint in own else "senses_other"
            told += [", ", tag("small", phrase(name, mark=entry.model_fingerprint[:16]))]
        rows: list[list[Child]] = [
            [
                str(place),
                f"{one.share:.0%}",
                bar(one.share, place - 1),
                tag("span", [[word(text), " "] for text in one.typical]),
                tag("ul", [tag("li", _use(use)) for use in one.examples], class_="examples"),
            ]
            for place, one in enumerate(entry.senses, 1)
        ]
        heads: list[Child] = [phrase("sense"), phrase("share"), "", phrase("typical"), phrase("examples")]
        parts.append(table(heads, rows, caption=told, numeric=(1,), class_="senses"))
    return Section("senses", tag("div", parts))


def _use(use: RecordedUse) -> Html:
    before, there, behind = use.text[: use.start], use.text[use.start : use.end], use.text[use.end :]
    return tag("bdi", before, tag("mark", there), behind)


def tokenizers(reports: Mapping[str, TokenReport]) -> Section | None:
    """What each tokenizer makes of the given text, by script."""
    if not reports:
        return None
    parts: list[Child] = [tag("p", phrase("fertility_note"), class_="note")]
    heads: list[Child] = [
        phrase("script"),
        phrase("n_tokens"),
        phrase("tokens_a_word"),
        phrase("characters_a_token"),
    ]
    heads += [phrase("unknown_share"), phrase("byte_share")]
    for name, one in reports.items():
        # White space is seldom a token of its own.
        scripts = [(script, share) for script, share in one.scripts.items() if share.n_tokens]
        shares: list[tuple[Child, Share]] = [(phrase("all"), one.total), *scripts]
        rows: list[list[Child]] = [
            [
                script,
                share.n_tokens,
                number(share.fertility) if share.n_words else "–",
                number(share.characters_per_token),
                f"{share.unknown_rate:.2%}",
                f"{share.fallback_rate:.2%}",
            ]
            for script, share in shares
        ]
        caption = tag("span", tag("b", name), " ", tag("small", tag("code", one.fingerprint[:16])))
        parts.append(table(heads, rows, caption=caption, numeric=range(1, 6)))
    return Section("fertility", tag("div", parts))


def speed(subjects: Sequence[Subject], threads: int) -> Section:
    """Size and speed side by side."""

    def milliseconds(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f} ms"

    def one_hot(vectors: Vectors) -> str:
        return _megabytes(len(vectors) ** 2 * 4)

    rows: list[list[Child]] = [
        [phrase("on_disk"), *(_megabytes(one.measured.on_disk) for one in subjects)],
        [phrase("in_memory"), *(_megabytes(one.measured.in_memory) for one in subjects)],
        [phrase("as_one_hot"), *(one_hot(one.space.vectors) for one in subjects)],
        [phrase("open_ms"), *(milliseconds(one.measured.open_ms) for one in subjects)],
        [phrase("query_ms"), *(milliseconds(one.measured.query_ms) for one in subjects)],
        [
            phrase("batch_rate", n=BATCH),
            *(phrase("a_second", n=f"{one.measured.rate:,.0f}") for one in subjects),
        ],
    ]
    caption = phrase("speed_note", threads=threads)
    heads: list[Child] = ["", *(one.name for one in subjects)]
    return Section("speed", table(heads, rows, caption=caption, numeric=range(1, len(heads))))
