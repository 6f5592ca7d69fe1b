"""Byte-level BPE in other programs' files: vocab.json with merges.txt (GPT-2), and tiktoken's ranks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from qianru.errors import ArgumentError, FormatError
from qianru.tokens.description import Description, check_ids
from qianru.tokens.pipelines import BYTE_CHARACTERS, PATTERNS, around, byte_level, byte_level_text

# File stem → pattern, special tokens (tiktoken_ext/openai_public.py has the same facts).
_GPT2_END = {"<|endoftext|>": 50256}
_FIM = {"<|fim_prefix|>": 100258, "<|fim_middle|>": 100259, "<|fim_suffix|>": 100260}
RANK_FILES: dict[str, tuple[str, dict[str, int]]] = {
    "gpt2": ("gpt2", _GPT2_END),
    "r50k_base": ("gpt2", _GPT2_END),
    "p50k_base": ("gpt2", _GPT2_END),
    "p50k_edit": (
        "gpt2",
        {**_GPT2_END, "<|fim_prefix|>": 50281, "<|fim_middle|>": 50282, "<|fim_suffix|>": 50283},
    ),
    "cl100k_base": ("cl100k", {"<|endoftext|>": 100257, **_FIM, "<|endofprompt|>": 100276}),
    "o200k_base": ("o200k", {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}),
}


def read_gpt2_files(
    vocab: Mapping[str, object],
    merges: bytes,
    path: str,
    merges_path: str,
    config: Mapping[str, object],
    pattern: str | None,
) -> tuple[Description, list[str]]:
    """The tokenizer of vocab.json and merges.txt, and notes on what was assumed. Raises FormatError."""
    for token, found in vocab.items():
        if type(found) is not int or found < 0:
            raise FormatError(f"the id of {token!r} must be from 0 up, got {found!r}", path=path)
    ids = cast(Mapping[str, int], vocab)
    check_ids(ids, path)
    if missing := [char for char in BYTE_CHARACTERS if char not in ids]:
        raise FormatError(
            f"{len(missing)} of the 256 bytes have no token, first {missing[0]!r}",
            path=path,
            hint="only byte-level BPE (GPT-2, RoBERTa, Qwen) comes in these files; open the tokenizer.json instead",
        )
    rules = _merges(merges, ids, merges_path)
    name = str(config.get("tokenizer_class", "")).removesuffix("Fast")
    notes: list[str] = []
    normalizer: object = None
    processor: object = None
    if pattern is None:
        pattern = "gpt2"
        if name == "Qwen2Tokenizer":
            pattern, normalizer = "qwen2", {"type": "NFC"}
        elif name not in ("GPT2Tokenizer", "RobertaTokenizer"):
            notes.append(f"nothing beside {Path(path).name} names the pattern: GPT-2's is taken")
    special = [
        (token, ids[token])
        for token in ("<|endoftext|>", "<s>", "</s>", "<pad>", "<unk>", "<mask>")
        if token in ids
    ]
    if name == "RobertaTokenizer" and "<s>" in ids and "</s>" in ids:
        processor = around(("<s>", ids["<s>"]), ("</s>", ids["</s>"]))
    made = byte_level(
        ids,
        rules,
        pattern,
        special=sorted(special, key=lambda entry: entry[1]),
        normalizer=normalizer,
        post_processor=processor,
    )
    return made, notes


def _merges(data: bytes, vocab: Mapping[str, int], path: str) -> list[str]:
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("not valid UTF-8", path=path, offset=error.start) from None
    merges: list[str] = []
    for number, line in enumerate(lines, 1):
        line = line.removesuffix("\r")
        if (number == 1 and line.startswith("#version")) or (not line and number == len(lines)):
            continue
        left, _, right = line.partition(" ")
        if not left or not right or " " in right:
            raise FormatError(f"line {number}: must be two tokens, got {line!r:.60}", path=path)
        for token in (left, right, left + right):
            if token not in vocab:
                raise FormatError(
                    f"line {number}: {token!r} is not in the vocabulary",
                    path=path,
                    hint="vocab.json and merges.txt are of two models, or one is cut short",
                )
        merges.append(line)
    return merges


def read_ranks(data: bytes, path: str, pattern: str | None) -> tuple[Description, list[str]]:
    """The tokenizer of a tiktoken file: lines of a token in base64, a space and its rank, which is its id.

    Its name tells pattern and special tokens (RANK_FILES), or pattern does; ids without a token are filled
    with special tokens, since the `tokenizers` package leaves no holes.

    Raises FormatError with the line; ArgumentError if nothing tells the pattern.
    """
    stem = Path(path).name.removesuffix(".tiktoken")
    known, special = RANK_FILES.get(stem, ("", {}))
    ranks = _ranks(data, path)
    if pattern is None and not known:
        raise ArgumentError(
            f"{path}: the name does not tell by which pattern text is cut",
            hint=f"pass pattern, one of {', '.join(PATTERNS)}; known names: {', '.join(RANK_FILES)}",
        )
    for number, byte in enumerate(bytes([value]) for value in range(256)):
        if byte not in ranks:
            raise FormatError(f"the byte {number:#04x} has no token", path=path, hint="copy the file again")
    taken = {rank: byte_level_text(token) for token, rank in ranks.items()}
    notes: list[str] = []
    for token, rank in special.items():
        if taken.setdefault(rank, token) != token:
            raise FormatError(f"the rank {rank} belongs to {taken[rank]!r}, not to {token!r}", path=path)
    if holes := [rank for rank in range(max(taken)) if rank not in taken]:
        if stem not in RANK_FILES:
            raise FormatError(f"no token has the rank {holes[0]}", path=path, hint="copy the file again")
        special = {**special, **{f"<|reserved_{rank}|>": rank for rank in holes}}
        notes.append(
            f"{len(holes)} ids without a token, from {holes[0]} on, got special tokens <|reserved_…|>"
        )
    # A special token among the ranks (p50k) must be in the model, or the `tokenizers` package gives it another id.
    inner = [(token, rank) for token, rank in special.items() if rank < max(ranks.values())]
    words = [(byte_level_text(token), rank) for token, rank in ranks.items()]
    vocab = dict(sorted([*words, *inner], key=lambda item: item[1]))
    return (
        byte_level(
            vocab,
            _pairs(ranks),
            pattern or known,
            special=sorted(special.items(), key=lambda entry: entry[1]),
            # tiktoken looks a whole piece up before it merges.
            ignore_merges=True,
        ),
        notes,
    )


def _ranks(data: bytes, path: str) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    seen: dict[int, int] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        encoded, _, rank = line.strip().partition(b" ")
        try:
            token = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            token = b""
        if not token or not rank.isdigit() or len(rank) > 9:
            raise FormatError(
                f"line {number}: must be base64, a space and a rank, got {line[:40]!r}",
                path=path,
                hint="the file is cut short or damaged: copy it again",
            )
        if token in ranks:
            raise FormatError(
                f"line {number}: the token {token!r} has the rank {ranks[token]} already", path=path
            )
        ranks[token] = int(rank)
        if seen.setdefault(ranks[token], number) != number:
            raise FormatError(
                f"line {number}: the rank {ranks[token]} stands already in line {seen[ranks[token]]}",
                path=path,
            )
    if not ranks:
        raise FormatError("no token in it", path=path)
    return ranks


def _pairs(ranks: Mapping[bytes, int]) -> list[str]:
    """Merges by rank: every way to make a token of two others; ties by the ranks of the two."""
    merges: list[str] = []
    for token, _ in sorted(ranks.items(), key=lambda item: item[1]):
        found = [
            (ranks[token[:at]], ranks[token[at:]], at)
            for at in range(1, len(token))
            if token[:at] in ranks and token[at:] in ranks
        ]
        merges.extend(
            f"{byte_level_text(token[:at])} {byte_level_text(token[at:])}" for _, _, at in sorted(found)
        )
    return merges
