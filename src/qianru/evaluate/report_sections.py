"""Sections of the report on words and tokens: neighbours, maps, relations, senses, tokenizers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qianru.evaluate.datasets import Dataset
from qianru.evaluate.report_charts import N_GROUPS, Figures, arrows, bar, figure, key, scatter
from qianru.evaluate.report_facts import (
    Asked,
    MapOf,
    asked,
    map_of,
    neighbours,
    relation,
    sections_of,
    turned,
)
from qianru.evaluate.report_map import Projection
from qianru.evaluate.report_markup import Child, Html, listed, number, table, tag, word
from qianru.evaluate.report_phrases import phrase
from qianru.evaluate.report_senses import RecordedSenses, RecordedUse
from qianru.evaluate.report_subject import Section, Subject, static
from qianru.tokens.report import Share, TokenReport
from qianru.vectors import Neighbour

_N_SECTIONS = 6


def nearest(subjects: Sequence[Subject], words: Sequence[str], k: int) -> Section | None:
    """The nearest words of the chosen ones."""
    known = [one for one in subjects if one.space is not None]
    if not words or not known:
        return None
    parts: list[Child] = [tag("p", phrase("neighbours_note"), class_="note")]
    for one in known:
        rows: list[list[Child]] = []
        for text in words:
            assert one.space is not None
            by_parts = (
                one.subwords is not None and text not in one.space.vectors and one.space.rows([text])[0] < 0
            )
            told = phrase("by_ngrams") if by_parts else None
            near = neighbours(one.space, one.subwords, text, k)
            noted = tag("small", " ", told) if told and isinstance(near, list) else None
            rows.append([tag("span", word(text), noted), _near(near)])
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
    for _, model, space in static(subjects):
        shown = map_of(space, datasets, words, projection=projection, n_groups=N_GROUPS, seed=seed)
        if shown is None:
            continue
        first = first or shown
        shown = turned(shown, first)
        name = figures.next_id()
        values = {"name": model, "n": f"{len(shown.words):,}"}
        if shown.plane.share is None:
            told = phrase("map_tsne", **values)
        else:
            told = phrase("map_pca", share=f"{shown.plane.share:.0%}", **values)
        of = phrase("map_words") if shown.dataset is None else phrase("map_categories", dataset=shown.dataset)
        drawing = scatter(
            shown.words, shown.plane.points, shown.groups, strong=set(shown.names), labelled_by=name
        )
        below = tag("ul", [_group(shown, at) for at in range(len(shown.names))], class_="groups")
        parts.append(figure(drawing, [of, " ", tag("span", told, class_="note")], name, below=below))
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
    known = static(subjects)
    for at, model, space in known:
        drawn = [found for name, questions in sections.items() if (found := relation(space, name, questions))]
        panels = []
        for found in drawn[:_N_SECTIONS]:
            name = figures.next_id()
            drawing = arrows(found.pairs, found.points, marker=f"{name}-head", labelled_by=name)
            # Labels without room are not drawn: the pairs stand below.
            pairs = listed([word(f"{a} → {b}") for a, b in found.pairs])
            panels.append(figure(drawing, found.section, name, below=tag("p", pairs, class_="note")))
        if panels:
            title = key(at, model) if len(subjects) > 1 else None
            parts += [tag("p", title, class_="legends"), tag("div", panels, class_="panels")]
    if not parts:
        return None
    rows: list[list[Child]] = []
    for name, questions in sections.items():
        answers = [asked(space, name, questions) for _, _, space in known]
        question = next((one.question for one in answers if one is not None), None)
        if question is None:
            continue
        a, b, c, d = map(word, question)
        cells: list[Child] = [_answer(one, question) for one in answers]
        rows.append([name, tag("span", a, " : ", b, " = ", c, " : ", tag("i", d)), *cells])
    if rows:
        heads: list[Child] = [phrase("section"), phrase("question"), *(model for _, model, _ in known)]
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
    parts: list[Child] = [tag("p", phrase("senses_note"), class_="note")]
    for entry in entries:
        told: list[Child] = [
            phrase("senses_of", word=word(entry.word), n=f"{entry.n_uses:,}", k=len(entry.senses))
        ]
        if entry.silhouette is not None:
            told += [", ", phrase("silhouette", value=number(entry.silhouette))]
        if entry.by_chance is not None:
            told += [" (", phrase("by_chance", value=number(entry.by_chance)), ")"]
        if (own := next((one.name for one in subjects if one.is_of(entry)), None)) is not None:
            told += [", ", tag("small", phrase("senses_model", name=own))]
        elif entry.model_fingerprint is not None:
            told += [", ", tag("small", phrase("senses_other", mark=entry.model_fingerprint[:16]))]
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
        if entry.notes:
            parts.append(tag("ul", [tag("li", note) for note in entry.notes], class_="note", lang="en"))
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
