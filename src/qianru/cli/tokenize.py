"""`qianru tokenize`: a text as tokens, with their ids and places."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from qianru.cli.options import AsJson, texts_from
from qianru.cli.output import print_json, print_table

if TYPE_CHECKING:
    from qianru.tokens import Encoding, Tokenizer

_COLOURS = {"special": "35", "unknown": "31", "bytes": "33", "first": "36", "second": "32"}


def tokenize(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A folder, tokenizer.json, vocab.txt, vocab.json, .model or .tiktoken."
        ),
    ],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The text; - reads stdin, line by line.")],
    special: Annotated[
        bool, typer.Option("--special/--no-special", help="Put [CLS], </s> and the like around the text.")
    ] = True,
    allow_special: Annotated[
        bool, typer.Option("--allow-special", help="Find special tokens that stand in the text.")
    ] = False,
    byte_offsets: Annotated[bool, typer.Option("--bytes", help="Offsets in bytes, not characters.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the tokens of TEXT with their ids and offsets.

    On a terminal the text comes first with its tokens in colours: words in turn, bytes yellow, unknown red, special
    ones violet (NO_COLOR turns that off). Not on a terminal, the rows are: token, id, begin, end, kind, separated
    by tabs, and an empty line between texts.

    \b
    Examples:
      qianru tokenize model "老虎在森林里"
      qianru tokenize cl100k_base.tiktoken "a tiger" --json
      head -3 corpus.txt | qianru tokenize bert-base-chinese/vocab.txt -
    """
    from qianru.tokens import Tokenizer

    tokenizer = Tokenizer.load(model)
    for note in tokenizer.notes:
        typer.echo(f"note: {note}", err=True)
    shown = []
    # Bytes that are not UTF-8 become lone surrogates, which encode refuses.
    for number, line in enumerate(texts_from([text])):
        found = tokenizer.encode(
            line, add_special_tokens=special, allow_special=allow_special, byte_offsets=byte_offsets
        )
        kinds = _kinds(tokenizer, found)
        if as_json:
            shown.append(_as_dict(line, found, kinds))
            continue
        if number:
            typer.echo("")
        if sys.stdout.isatty():
            typer.echo(_coloured(tokenizer, found, kinds))
        rows = [
            (token, int(found.ids[i]), int(found.offsets[i, 0]), int(found.offsets[i, 1]), kinds[i])
            for i, token in enumerate(found.tokens)
        ]
        if rows:
            print_table(("token", "id", "begin", "end", "kind"), rows)
    if as_json:
        print_json(shown if text == "-" else shown[0])


def _kinds(tokenizer: Tokenizer, found: Encoding) -> list[str]:
    from qianru.tokens.report import partial_tokens

    partial, special = partial_tokens(tokenizer), set(tokenizer.special_tokens.values())
    kinds = []
    for token_id, is_around in zip(found.ids.tolist(), found.special_tokens_mask.tolist(), strict=True):
        if token_id == tokenizer.unknown_id and not is_around:
            kinds.append("unknown")
        elif is_around or token_id in special:
            kinds.append("special")
        else:
            kinds.append("bytes" if partial[token_id] else "text")
    return kinds


def _as_dict(text: str, found: Encoding, kinds: list[str]) -> dict[str, object]:
    return {
        "text": text,
        "tokens": found.tokens,
        "ids": found.ids.tolist(),
        "offsets": found.offsets.tolist(),
        "word_ids": found.word_ids.tolist(),
        "special_tokens_mask": found.special_tokens_mask.tolist(),
        "kinds": kinds,
    }


def _coloured(tokenizer: Tokenizer, found: Encoding, kinds: list[str]) -> str:
    """The tokens as text, one after the other; neighbours differ in colour, or stand apart without colours."""
    from qianru.tokens.report import readable

    texts = [
        "".join(char if char.isprintable() else "�" for char in readable(tokenizer, int(token_id)))
        for token_id in found.ids
    ]
    if os.environ.get("NO_COLOR"):
        return "|".join(texts)
    parts = []
    for number, (token, kind) in enumerate(zip(texts, kinds, strict=True)):
        name = kind if kind != "text" else ("first", "second")[number % 2]
        parts.append(f"\x1b[{_COLOURS[name]}m{token}\x1b[0m")
    return "".join(parts)
