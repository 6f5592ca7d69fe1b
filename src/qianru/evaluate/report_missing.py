"""What the report does not show, and why: nothing is left out without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qianru.evaluate.report_markup import Child, Html, listed, table, word
from qianru.evaluate.report_phrases import name_of, phrase
from qianru.evaluate.report_senses import RecordedSenses
from qianru.evaluate.report_subject import Section, Subject, contextual, static
from qianru.tokens.report import TokenReport

# Sections on words, that a page of contextual models alone cannot have.
_OF_WORDS = ("neighbours", "map", "analogies")


def missing(
    subjects: Sequence[Subject],
    there: Sequence[Section],
    words: Sequence[str],
    senses: Sequence[RecordedSenses],
    tokens: Mapping[str, TokenReport],
) -> Section | None:
    """Parts that the page could have, and the models that lack them. there: the sections that it has."""
    shown = {one.key for one in there}
    of_texts, of_words = contextual(subjects), static(subjects)
    rows: list[list[Child]] = []

    def add(part: str | Html, names: Sequence[str], reason: Child) -> None:
        rows.append([part if isinstance(part, Html) else phrase(part), ", ".join(names), reason])

    everyone = [one.name for one in subjects]
    if of_texts:
        of_words_alone = [*(phrase(one) for one in _OF_WORDS), name_of("geometry")]
        add(listed(of_words_alone), [one.name for one in of_texts], phrase("no_single_words"))
    untested = [one.name for one in subjects if not [r for r in one.report.results if r.dataset_fingerprint]]
    if untested:
        add("tests", untested, phrase("no_sets"))
    for key in _OF_WORDS:
        if of_words and key not in shown:
            add(key, [name for _, name, _ in of_words], phrase(f"no_{key}"))
    if not senses and not (of_texts and words):
        add("senses", everyone, phrase("no_senses"))
    for one in of_texts:
        found = {entry.word for entry in senses if one.is_of(entry)}
        lacking = [text for text in words if text not in found]
        if lacking:
            add("senses", [one.name], _words(lacking))
    without = [one.name for one in subjects if one.name not in tokens]
    if without:
        add("fertility", without, phrase("no_tokens" if tokens else "no_text"))
    if unmeasured := [one.name for one in of_texts if not one.measured.n_texts]:
        add("text_speed", unmeasured, phrase("no_texts"))
    if unopened := [one.name for one in subjects if one.measured.open_ms is None]:
        add("open_ms", unopened, phrase("not_opened"))
    if homeless := [one.name for one in subjects if one.measured.on_disk is None]:
        add("on_disk", homeless, phrase("no_place"))
    if not rows:
        return None
    heads: list[Child] = [phrase("part"), phrase("models"), phrase("reason")]
    return Section("missing", table(heads, rows, caption=phrase("missing_note")))


def _words(texts: Sequence[str]) -> Html:
    return phrase("no_senses_of", words=listed([word(text) for text in texts]))
