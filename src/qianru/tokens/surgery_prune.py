"""A vocabulary without the tokens that are not needed. Text that needs only kept tokens comes out as before:

- BPE: with a token stay all merges that make it and their parts, so every merge that made it still finds its turn.
- WordPiece: the longest piece at each point is the same; pieces met on the way to an unknown word stay too.
- Unigram: the best path is the best of fewer. One piece with the lowest score stays, for the price of unknown characters.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from qianru.errors import ArgumentError, CorpusError
from qianru.text import Corpus
from qianru.tokens.description import merge_pair, merged
from qianru.tokens.pipelines import BYTE_CHARACTERS, byte_level_bytes
from qianru.tokens.surgery_data import Json, TokenizerData, checked, read_tokenizer
from qianru.tokens.surgery_han import han_words, let_through, sets_han_apart
from qianru.tokens.surgery_pipeline import Pipeline, batches, is_byte_level
from qianru.tokens.surgery_report import Surgery

# First words of the names that Unicode gives to letters of these scripts.
SCRIPTS = {
    "han": ("CJK", "IDEOGRAPHIC", "KANGXI"),
    "latin": ("LATIN", "FULLWIDTH LATIN", "MODIFIER LETTER"),
    "greek": ("GREEK",),
    "cyrillic": ("CYRILLIC",),
    "kana": ("HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "KATAKANA-HIRAGANA"),
    "hangul": ("HANGUL", "HALFWIDTH HANGUL"),
    "arabic": ("ARABIC",),
    "hebrew": ("HEBREW",),
    "devanagari": ("DEVANAGARI",),
    "thai": ("THAI",),
}


def prune(
    tokenizer: TokenizerData | str | Path | Json,
    *,
    corpus: Corpus | str | Path | Iterable[str] | None = None,
    scripts: Sequence[str] | None = None,
    tokens: Iterable[str] | None = None,
    min_count: int = 1,
    keep_ids: Iterable[int] = (),
) -> Surgery:
    """Keep the tokens that every rule given lets through, and what those need. Ids move up, in their old order.

    Args:
        tokenizer: a tokenizer.json, a folder with one, or the parsed file.
        corpus: keep what this text uses at least min_count times.
        scripts: keep tokens whose letters all belong to these scripts (see SCRIPTS); digits and signs are of any.
        tokens: keep these, as the vocabulary spells them.
        keep_ids: stay in any case, as added tokens, the unknown token and single bytes do.

    Raises:
        ArgumentError: no rule, or one that is broken. CorpusError: the text is empty or cannot be read.
        FormatError: the tokenizer file breaks a rule.
    """
    if corpus is None and scripts is None and tokens is None:
        raise ArgumentError("prune needs at least one rule", hint="Give corpus, scripts or tokens (--help).")
    if isinstance(min_count, bool) or not isinstance(min_count, int) or min_count < 1:
        raise ArgumentError(f"min_count must be a whole number of at least 1, got {min_count!r}")
    data = read_tokenizer(tokenizer)
    pipeline = Pipeline(data)
    stays = set(range(len(data)))
    if scripts is not None:
        stays &= _of_scripts(data, scripts)
    if tokens is not None:
        stays &= _listed(data, tokens)
    if corpus is not None:
        stays &= _used(data, pipeline, corpus, min_count)
    if not stays - set(data.added.values()):
        raise ArgumentError("no token is left but the added ones", hint="Loosen a rule.")
    stays |= _always(data, keep_ids)
    if data.kind == "BPE":
        _close_merges(data, stays)
    return _without(data, pipeline, stays)


def _of_scripts(data: TokenizerData, scripts: Sequence[str]) -> set[int]:
    unknown = [name for name in scripts if name not in SCRIPTS]
    if unknown or isinstance(scripts, str) or not scripts:
        raise ArgumentError(
            f"scripts: {unknown[0] if unknown else scripts!r} is none of them",
            hint=f"Known are {', '.join(SCRIPTS)}.",
        )
    starts = tuple(start for name in scripts for start in SCRIPTS[name])
    in_bytes = is_byte_level(data)

    @functools.cache
    def fits(char: str) -> bool:
        return unicodedata.category(char)[0] not in "LM" or unicodedata.name(char, "").startswith(starts)

    kept = set()
    for number, token in enumerate(data.tokens):
        text = token
        if in_bytes and (spelled := byte_level_bytes(token)) is not None:
            # Parts of characters go, unless a kept token is made of them.
            text = spelled.decode("utf-8", "surrogateescape")
            if any("\ud800" <= char <= "\udfff" for char in text):
                continue
        if all(char == "▁" or fits(char) for char in text):
            kept.add(number)
    return kept


def _listed(data: TokenizerData, tokens: Iterable[str]) -> set[int]:
    if isinstance(tokens, str):
        raise ArgumentError(
            f"tokens must be several tokens, got the text {tokens[:40]!r}", hint="Give a list."
        )
    ids = {token: number for number, token in enumerate(data.tokens)}
    kept = set()
    for token in tokens:
        if token not in ids:
            raise ArgumentError(
                f"tokens: {token!r} is not in the vocabulary",
                hint="Spell tokens as the vocabulary does, with ##, Ġ or ▁.",
            )
        kept.add(ids[token])
    return kept


def _used(
    data: TokenizerData, pipeline: Pipeline, corpus: Corpus | str | Path | Iterable[str], min_count: int
) -> set[int]:
    lines = (corpus if isinstance(corpus, Corpus) else Corpus(corpus)).lines()
    counts: Counter[int] = Counter()
    met: set[int] = set()
    failing: set[str] = set()
    for batch in batches(lines):
        for line, ids in zip(batch, pipeline.encode(batch), strict=True):
            counts.update(ids)
            if data.kind == "WordPiece" and data.unknown_id in ids:
                failing.update(pipeline.pretokens(line))
    if not counts:
        raise CorpusError("corpus holds no token", hint="The inputs are empty.")
    if data.kind == "WordPiece":
        for word in failing:
            met |= met_pieces(data, word)
    return {number for number, count in counts.items() if count >= min_count} | met


def met_pieces(data: TokenizerData, word: str) -> set[int]:
    """The pieces that WordPiece takes on its way through a word, also where it ends in the unknown token."""
    vocab, prefix = data.model["vocab"], data.model.get("continuing_subword_prefix", "##")
    if len(word) > data.model.get("max_input_chars_per_word", 100):
        return set()
    begin, found = 0, set()
    while begin < len(word):
        start = prefix if begin else ""
        end = next((end for end in range(len(word), begin, -1) if start + word[begin:end] in vocab), None)
        if end is None:
            break
        found.add(vocab[start + word[begin:end]])
        begin = end
    return found


def _always(data: TokenizerData, keep_ids: Iterable[int]) -> set[int]:
    kept = set(data.added.values())
    if data.unknown_id is not None:
        kept.add(data.unknown_id)
    for number in keep_ids:
        if not 0 <= number < len(data):
            raise ArgumentError(
                f"keep_ids: there is no token with the id {number}, the last is {len(data) - 1}"
            )
        kept.add(number)
    byte_level = is_byte_level(data)
    names = {f"<0x{byte:02X}>" for byte in range(256)} | (set(BYTE_CHARACTERS) if byte_level else set())
    kept |= {number for number, token in enumerate(data.tokens) if token in names}
    if data.kind == "Unigram":
        scores = [score for _, score in data.model["vocab"]]
        kept.add(scores.index(min(scores)))
    return kept


def _close_merges(data: TokenizerData, stays: set[int]) -> None:
    """Add the parts of all merges that make a token that stays, again and again."""
    model = data.model
    vocab, prefix = model["vocab"], model.get("continuing_subword_prefix") or ""
    makers: dict[int, list[tuple[str, str]]] = {}
    for entry in model.get("merges") or []:
        pair = merge_pair(entry)
        if pair is not None:
            makers.setdefault(vocab[merged(pair, prefix)], []).append(pair)
    waiting = list(stays)
    while waiting:
        for pair in makers.get(waiting.pop(), ()):
            for token in pair:
                if vocab[token] not in stays:
                    stays.add(vocab[token])
                    waiting.append(vocab[token])


def _without(data: TokenizerData, pipeline: Pipeline, stays: set[int]) -> Surgery:
    kept = sorted(stays)
    new_id = {old: new for new, old in enumerate(kept)}
    value = data.copy_json()
    model = value["model"]
    if data.kind == "Unigram":
        model["vocab"] = [entry for number, entry in enumerate(model["vocab"]) if number in stays]
        if model.get("unk_id") is not None:
            model["unk_id"] = new_id[model["unk_id"]]
    else:
        old = model["vocab"]
        model["vocab"] = {token: new_id[number] for token, number in old.items() if number in stays}
        if data.kind == "BPE":
            prefix = model.get("continuing_subword_prefix") or ""
            # Parts of a merge that makes a token that stays have been kept.
            model["merges"] = [
                entry
                for entry in model.get("merges") or []
                if (pair := merge_pair(entry)) is not None and old[merged(pair, prefix)] in stays
            ]
    move_ids(value, new_id)
    if (data.json.get("pre_tokenizer") or {}).get("type") == "Sequence" and sets_han_apart(data, pipeline):
        through = [word for word in han_words(pipeline) if word in model["vocab"]]
        if len(through) < len(han_words(pipeline)):
            let_through(value, through)
    gone = tuple(data.tokens[number] for number in range(len(data)) if number not in stays)
    return Surgery(data, checked(value, data.path), tuple(kept), skipped={"gone": gone})


def move_ids(value: Json, new_id: dict[int, int]) -> None:
    """Ids in what stands around the model: added tokens, padding, post-processors."""
    value["added_tokens"] = [
        {**entry, "id": new_id[entry["id"]]} for entry in value.get("added_tokens") or []
    ]
    if value.get("padding"):
        value["padding"]["pad_id"] = new_id.get(value["padding"].get("pad_id", 0), 0)

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for inner in node:
                walk(inner)
        elif isinstance(node, dict):
            for name in ("sep", "cls"):
                if isinstance(node.get(name), list) and len(node[name]) == 2:
                    node[name][1] = new_id[node[name][1]]
            specials = node.get("special_tokens")
            if isinstance(specials, dict):
                for entry in specials.values():
                    entry["ids"] = [new_id[number] for number in entry["ids"]]
            for inner in node.values():
                walk(inner)

    walk(value.get("post_processor"))
