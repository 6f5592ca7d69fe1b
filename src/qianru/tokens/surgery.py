"""A vocabulary takes up words, in the model itself: merges for BPE, entries for WordPiece, pieces with scores for Unigram.

Text in which no new token occurs comes out as before:

- BPE: new merges rank after all old ones and never make an old token (`surgery_bpe`).
- WordPiece takes the longest piece at each point, so a first difference is a new piece. Chinese words are let through
  where BERT's pipeline sets characters apart (`surgery_han`).
- Unigram takes the best path; a new piece that is not on it changes no other. Its score is never below the lowest,
  because the price of unknown characters hangs on that one.

`prune` and `merge` have files of their own; docs/concepts/growing-tokenizers.md explains all three.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qianru.errors import ArgumentError
from qianru.tokens.surgery_bpe import BpeGrowth
from qianru.tokens.surgery_data import Json, TokenizerData, checked, read_tokenizer, refuse_special
from qianru.tokens.surgery_han import han_words, let_through, sets_han_apart
from qianru.tokens.surgery_pipeline import Pipeline, is_han
from qianru.tokens.surgery_report import Surgery

# A new piece without a count is a little more likely than the pieces that stood for it.
_MARGIN = 0.5
_ROUNDS = 5


@dataclass
class Plan:
    """Forms (spellings for the model) by word, and why other words have none."""

    forms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    han: list[str] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, reason: str, word: str) -> None:
        self.skipped.setdefault(reason, []).append(word)


def extend(
    tokenizer: TokenizerData | str | Path | Json,
    words: Iterable[str],
    *,
    counts: Mapping[str, int] | None = None,
    n_tokens: int | None = None,
) -> Surgery:
    """Make each word a token. docs/concepts/growing-tokenizers.md says what that means for each kind.

    Words that are tokens already, that stand there twice, or that the pipeline cuts before the model sees them are
    passed over and told in `skipped`; the ids of old tokens stay.

    Args:
        tokenizer: a tokenizer.json, a folder with one, or the parsed file.
        words: in the order of their importance: where two overlap in a text, BPE joins the earlier one.
        counts, n_tokens: how often each word stands in a text of so many tokens; for the scores of Unigram pieces.

    Raises:
        ArgumentError: a word is empty, holds white space or a special token, or no word is left.
        FormatError: the tokenizer file breaks a rule.
    """
    data = read_tokenizer(tokenizer)
    pipeline = Pipeline(data)
    plan = _plan(data, pipeline, _checked_words(words, data))
    value = data.copy_json()
    if data.kind == "BPE":
        made, parts = _extend_bpe(data, value, plan)
    else:
        made = _extend_entries(data, value, plan, pipeline, counts or {}, n_tokens)
        parts = _old_ids(data, pipeline, made)
    if not made:
        told = ", ".join(f"{len(found)} {reason}" for reason, found in plan.skipped.items())
        raise ArgumentError(
            f"words: none of them becomes a token ({told or 'none given'})",
            hint="known: a token already; cut: the pre-tokenizer splits it; unreachable: in the vocabulary without merges.",
        )
    if plan.han:
        let_through(value, [*han_words(pipeline), *plan.han])
    after = checked(value, data.path)
    words_made = tuple(dict.fromkeys(word for word in made.values() if word))
    return Surgery(
        before=data,
        after=after,
        kept=(*range(len(data)), *[-1] * (len(after) - len(data))),
        parts=parts,
        words=words_made,
        helpers=tuple(
            after.tokens[number] for number in range(len(data), len(after)) if not made.get(number)
        ),
        skipped={reason: tuple(found) for reason, found in plan.skipped.items()},
        notes=tuple(_notes(data, made, Pipeline(after), after)),
    )


def _checked_words(words: Iterable[str], data: TokenizerData) -> list[str]:
    if isinstance(words, str):
        raise ArgumentError(f"words must be several words, got the text {words[:40]!r}", hint="Give a list.")
    listed = list(words)
    for place, word in enumerate(listed):
        if not isinstance(word, str) or not word or any(map(str.isspace, word)):
            raise ArgumentError(
                f"words: number {place + 1} is {word!r}", hint="A word is not empty and holds no white space."
            )
    if not listed:
        raise ArgumentError("words holds no word", hint="Give at least one.")
    refuse_special(listed, data)
    return listed


def _plan(data: TokenizerData, pipeline: Pipeline, words: list[str]) -> Plan:
    plan, apart = Plan(), sets_han_apart(data, pipeline)
    for word in words:
        if word in plan.forms:
            plan.skip("repeated", word)
            continue
        forms = pipeline.forms(word)
        if not forms and apart and len(word) > 1 and all(map(is_han, word)):
            forms = ("".join(pipeline.pretokens(word)),)
            plan.han.append(forms[0])
        if forms:
            plan.forms[word] = forms
        else:
            plan.skip("cut", word)
    return plan


def _extend_bpe(
    data: TokenizerData, value: Json, plan: Plan
) -> tuple[dict[int, str], dict[int, tuple[int, ...]]]:
    """New ids and the word of each, "" for helpers; and the old ids that each stands for."""
    growth = BpeGrowth.of(data)
    made: dict[int, str] = {}
    for word, forms in plan.forms.items():
        refused = [growth.add(form) for form in forms]
        if refused[0] is not None and forms[0] + growth.suffix not in growth.parts:
            plan.skip(refused[0], word)
        for form, reason in zip(forms, refused, strict=True):
            # A form that was a helper until now is known; it counts as a word too.
            token = form + growth.suffix
            if reason in (None, "known") and token in growth.parts:
                made[growth.vocab[token]] = word
    for token in growth.parts:
        made.setdefault(growth.vocab[token], "")
    write_bpe(growth, value)
    return made, old_ids_of_parts(growth)


def write_bpe(growth: BpeGrowth, value: Json) -> None:
    """Put what has grown into the tokenizer.json, merges spelled as the file spells them."""
    model = value["model"]
    model["vocab"] = growth.vocab
    old = model.get("merges") or []
    as_text = bool(old) and isinstance(old[0], str)
    new = list(growth.ranks)[growth.n_old_merges :]
    model["merges"] = [*old, *(f"{a} {b}" if as_text else [a, b] for a, b in new)]


def old_ids_of_parts(growth: BpeGrowth) -> dict[int, tuple[int, ...]]:
    """For each new token the old ids that stood for it; the unknown one only where there is nothing else."""
    old = growth.data.model["vocab"]
    unknown = growth.data.unknown_id
    return {
        growth.vocab[token]: known_first((old[part] for part in parts if part in old), unknown)
        for token, parts in growth.parts.items()
    }


def known_first(ids: Iterable[int], unknown: int | None) -> tuple[int, ...]:
    """The ids that are not the unknown token's."""
    return tuple(number for number in ids if number != unknown)


def _extend_entries(
    data: TokenizerData,
    value: Json,
    plan: Plan,
    pipeline: Pipeline,
    counts: Mapping[str, int],
    n_tokens: int | None,
) -> dict[int, str]:
    """WordPiece, WordLevel, Unigram: one entry a form. Returns the word of each new id."""
    model = value["model"]
    known = {token for token in data.tokens if token not in data.added}
    limit = int(model.get("max_input_chars_per_word", 100)) if data.kind == "WordPiece" else 1 << 30
    fresh: dict[str, str] = {}
    han = set(plan.han)
    for word, forms in plan.forms.items():
        usable = [form for form in forms if form not in known and form not in fresh]
        if len(forms[0]) > limit:
            plan.skip("long", word)
            han.discard(forms[0])
        elif not usable:
            # A token of several Chinese characters that the pipeline cut until now would come up in old text.
            plan.skip("unreachable" if forms[0] in han else "known", word)
            han.discard(forms[0])
        for form in usable if len(forms[0]) <= limit else []:
            fresh[form] = word
    plan.han[:] = [form for form in plan.han if form in han]
    if data.kind == "Unigram":
        fresh = add_scored(data, value, fresh, scores_of(data, pipeline, fresh, counts, n_tokens))
    else:
        model["vocab"].update({form: len(data) + place for place, form in enumerate(fresh)})
    return {len(data) + place: word for place, word in enumerate(fresh.values())}


def scores_of(
    data: TokenizerData,
    pipeline: Pipeline,
    forms: Mapping[str, str],
    counts: Mapping[str, int],
    n_tokens: int | None,
) -> list[float]:
    """For each form ln(count / n_tokens) if that is known; at least what beats the old pieces, and the lowest score."""
    scores = [score for _, score in data.model["vocab"]]
    least = min(scores)
    total = n_tokens or sum(counts.values()) or 1
    found = []
    for ids, word in zip(pipeline.encode(list(forms.values())), forms.values(), strict=True):
        now = sum(
            scores[number] if number < len(scores) and number != data.unknown_id else least - 10
            for number in ids
        )
        score = max(least, now + _MARGIN)
        if counts.get(word):
            score = max(score, math.log(counts[word] / total))
        found.append(min(score, max(scores)))
    return found


def add_scored(
    data: TokenizerData, value: Json, forms: Mapping[str, str], scores: list[float], *, outbid: bool = True
) -> dict[str, str]:
    """Append pieces; ids of added tokens beyond the list stay theirs, for which they get entries of their own."""
    vocab = value["model"]["vocab"]
    least = min(score for _, score in vocab)
    vocab += [[token, least] for token in data.tokens[len(vocab) :]]
    first = len(vocab)
    vocab += [[form, score] for form, score in zip(forms, scores, strict=True)]
    if outbid:
        _outbid(data, value, forms, first)
    return dict(forms)


def _outbid(data: TokenizerData, value: Json, forms: Mapping[str, str], first: int) -> None:
    """Raise the score of words whose pieces together are still worth more."""
    vocab = value["model"]["vocab"]
    top = max(score for _, score in vocab)
    for _ in range(_ROUNDS):
        pipeline = Pipeline(TokenizerData(value, data.kind, (), data.added, data.unknown_id))
        low = []
        for place, ids in enumerate(pipeline.encode(list(forms.values()))):
            own = first + place
            if own not in ids and not any(
                number >= first and forms_word(forms, number - first, place) for number in ids
            ):
                low.append((own, sum(vocab[number][1] for number in ids)))
        if not low:
            return
        for own, score in low:
            vocab[own][1] = min(max(score, vocab[own][1]) + _MARGIN, top)


def forms_word(forms: Mapping[str, str], one: int, other: int) -> bool:
    """Whether two forms are of the same word."""
    words = list(forms.values())
    return words[one] == words[other]


def _old_ids(data: TokenizerData, pipeline: Pipeline, made: Mapping[int, str]) -> dict[int, tuple[int, ...]]:
    """The old ids of each new token's text, without unknown ones and, for Chinese words, a space's mark before it."""
    mark = data.tokens.index(pipeline.space) if pipeline.space in data.tokens else None
    parts = {}
    for number, (word, ids) in zip(
        made, zip(made.values(), pipeline.encode(list(made.values())), strict=True), strict=True
    ):
        if ids and ids[0] == mark and is_han(word[0]):
            ids = ids[1:]
        parts[number] = known_first(ids, data.unknown_id)
    return parts


def _notes(
    data: TokenizerData, made: Mapping[int, str], pipeline: Pipeline, after: TokenizerData
) -> list[str]:
    """What holds less than promised: words that still come out as several tokens, characters that may turn unknown."""
    notes = []
    words = [word for word in dict.fromkeys(made.values()) if word]
    for word, ids in zip(words, pipeline.encode(words), strict=True):
        if not any(number in made and made[number] == word for number in ids):
            notes.append(f"{word!r} comes out as {' '.join(after.tokens[number] for number in ids)}")
    if data.kind == "WordPiece":
        bad = unsafe_characters(data)
        if bad:
            notes.append(
                f"no single piece inside a word for {len(bad)} characters ({' '.join(sorted(bad)[:8])}): "
                "a word that holds one behind a new token may turn unknown"
            )
    return notes


def unsafe_characters(data: TokenizerData) -> set[str]:
    """Characters of continuing pieces that are no piece themselves: what follows a new token may fail at one."""
    prefix = data.model.get("continuing_subword_prefix", "##")
    vocab = data.model["vocab"]
    return {
        char
        for token in vocab
        if token not in data.added and not (token.startswith("[") and token.endswith("]"))
        for char in (token.removeprefix(prefix) if token.startswith(prefix) else token[1:])
        if prefix + char not in vocab
    }
