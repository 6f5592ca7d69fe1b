"""vocab.txt of BERT: one token a line, the id is the line's number from 0."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qianru.errors import FormatError
from qianru.tokens.description import Description
from qianru.tokens.pipelines import bert


def read_bert_vocab(
    data: bytes, path: str, config: Mapping[str, object], lowercase: bool | None
) -> tuple[Description, list[str]]:
    """The tokenizer, and notes on what was assumed.

    config: of the tokenizer_config.json beside the file, empty if there is none. lowercase: None to see it from
    the config or else from the tokens.

    Raises FormatError for a repeated or empty token, a missing [UNK] and bytes that are not UTF-8.
    """
    vocab = _tokens(data, path)
    if "[UNK]" not in vocab:
        raise FormatError(
            "no token [UNK]", path=path, hint="add a line [UNK], or check that this is a BERT vocabulary"
        )
    notes: list[str] = []
    if lowercase is None:
        found = config.get("do_lower_case")
        if isinstance(found, bool):
            lowercase = found
        else:
            lowercase = not _is_cased(vocab)
            notes.append(
                f"no tokenizer_config.json beside {Path(path).name}: lower case is "
                f"{'on' if lowercase else 'off'}, because tokens with capitals are "
                f"{'missing' if lowercase else 'there'}"
            )
    accents = config.get("strip_accents")
    han = config.get("tokenize_chinese_chars")
    made = bert(
        vocab,
        lowercase=lowercase,
        strip_accents=accents if isinstance(accents, bool) else None,
        han_apart=han if isinstance(han, bool) else True,
    )
    return made, notes


def _tokens(data: bytes, path: str) -> dict[str, int]:
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError(
            "not valid UTF-8", path=path, offset=error.start, hint="copy the file again"
        ) from None
    if lines[-1] in ("", "\r"):
        lines.pop()
    vocab: dict[str, int] = {}
    for number, line in enumerate(lines):
        token = line.removesuffix("\r")
        if not token:
            raise FormatError(f"line {number + 1} is empty", path=path, hint="each line must hold a token")
        if vocab.setdefault(token, number) != number:
            raise FormatError(
                f"line {number + 1}: the token {token!r} stands already in line {vocab[token] + 1}",
                path=path,
                hint="a vocab.txt has one token a line, each once",
            )
    return vocab


def _is_cased(vocab: Mapping[str, int]) -> bool:
    """Whether an ordinary token has a capital letter; names in brackets are special tokens."""
    return any("A" <= char <= "Z" for token in vocab if token[0] not in "[<" for char in token)
