"""One vocabulary of two: the first as it is, and behind it what the second has and the first has not.

The first one's ids and pipeline stay, and text in which no new token occurs comes out as before, for the reasons given
in `surgery`. Of two BPE vocabularies over the same letters the second one's merges are taken over in their order, so
its tokens come with the parts they have there; otherwise its whole words are added as `extend` adds them.
"""

from __future__ import annotations

from pathlib import Path

from qianru.errors import ArgumentError
from qianru.tokens.description import merge_pair
from qianru.tokens.surgery import (
    add_scored,
    extend,
    known_first,
    old_ids_of_parts,
    unsafe_characters,
    write_bpe,
)
from qianru.tokens.surgery_bpe import BpeGrowth
from qianru.tokens.surgery_data import Json, TokenizerData, checked, read_tokenizer
from qianru.tokens.surgery_han import han_words, let_through, sets_han_apart
from qianru.tokens.surgery_pipeline import Pipeline, is_byte_level, is_han, token_texts
from qianru.tokens.surgery_report import Surgery


def merge(first: TokenizerData | str | Path | Json, second: TokenizerData | str | Path | Json) -> Surgery:
    """The first vocabulary with the tokens of the second one that it lacks, in their order.

    Special tokens of the second one are left out, and so is what the first one's pipeline cannot hand to its model;
    `skipped` tells which.

    Raises:
        ArgumentError: nothing is new.
        FormatError: a tokenizer file breaks a rule.
    """
    a, b = read_tokenizer(first), read_tokenizer(second)
    here, there = Pipeline(a), Pipeline(b)
    if a.kind == b.kind == "BPE" and _same_letters(a, b):
        return _merge_bpe(a, b)
    if a.kind == b.kind and a.kind != "BPE" and here.space == there.space:
        return _merge_entries(a, b, here)
    texts = [text for text in token_texts(b) if text is not None and not any(map(str.isspace, text))]
    words = [text for text in dict.fromkeys(texts) if not any(token in text for token in a.added)]
    if not words:
        raise ArgumentError("second holds no whole word", hint="There is nothing to take over.")
    return extend(a, words)


def _same_letters(a: TokenizerData, b: TokenizerData) -> bool:
    names = ("continuing_subword_prefix", "end_of_word_suffix")
    same = all((a.model.get(name) or "") == (b.model.get(name) or "") for name in names)
    return same and is_byte_level(a) == is_byte_level(b) and Pipeline(a).space == Pipeline(b).space


def _merge_bpe(a: TokenizerData, b: TokenizerData) -> Surgery:
    growth = BpeGrowth.of(a)
    pairs = [pair for entry in b.model.get("merges") or [] if (pair := merge_pair(entry)) is not None]
    made = {part for pair in pairs for part in pair}
    from_merges = {pair[0] + pair[1] for pair in pairs}
    for token in b.tokens:
        if token in made and token not in from_merges and token not in a.added:
            growth.add_symbol(token)
    for pair in pairs:
        if pair[0] in growth.vocab and pair[1] in growth.vocab:
            growth.add_merge(pair)
    value = a.copy_json()
    write_bpe(growth, value)
    lost = [token for token in b.tokens if token not in growth.vocab]
    return _result(a, b, value, old_ids_of_parts(growth), tuple(growth.parts), lost)


def _merge_entries(a: TokenizerData, b: TokenizerData, here: Pipeline) -> Surgery:
    """WordPiece, WordLevel, Unigram: entries as they are."""
    prefix = b.model.get("continuing_subword_prefix", "##") if b.kind == "WordPiece" else ""
    known = set(a.tokens)
    apart = sets_han_apart(a, here)
    fresh: dict[str, str] = {}
    han: list[str] = []
    for token in b.tokens:
        if token in known or token in b.added:
            continue
        text = token.removeprefix(prefix) if prefix else token
        if apart and text and all(map(is_han, text)):
            # Chinese characters never continue a word there.
            if text == token:
                fresh[token] = text
                han += [text] if len(text) > 1 else []
        elif here.bare(text.removeprefix(here.space)) == text.removeprefix(here.space):
            fresh[token] = text.removeprefix(here.space)
    value = a.copy_json()
    if a.kind == "Unigram":
        scores = dict(b.model["vocab"])
        least = min(score for _, score in a.model["vocab"])
        fresh = add_scored(a, value, fresh, [max(scores[token], least) for token in fresh], outbid=False)
    else:
        value["model"]["vocab"].update({token: len(a) + place for place, token in enumerate(fresh)})
    if han:
        let_through(value, [*han_words(here), *han])
    ids = here.encode(list(fresh.values()))
    parts = {len(a) + place: known_first(found, a.unknown_id) for place, found in enumerate(ids)}
    lost = [token for token in b.tokens if token not in known and token not in fresh]
    return _result(a, b, value, parts, tuple(fresh), lost)


def _result(
    a: TokenizerData,
    b: TokenizerData,
    value: Json,
    parts: dict[int, tuple[int, ...]],
    fresh: tuple[str, ...],
    lost: list[str],
) -> Surgery:
    if not fresh:
        raise ArgumentError("second has no token that the first lacks", hint="There is nothing to take over.")
    notes = []
    if a.kind == "WordPiece" and (bad := unsafe_characters(a)):
        notes.append(
            f"{len(bad)} characters are no piece inside a word: words that hold one may turn unknown"
        )
    return Surgery(
        before=a,
        after=checked(value, a.path),
        kept=(*range(len(a)), *[-1] * len(fresh)),
        parts=parts,
        words=fresh,
        skipped={
            "special": tuple(token for token in lost if token in b.added),
            "cut": tuple(token for token in lost if token not in b.added),
        },
        notes=tuple(notes),
    )
