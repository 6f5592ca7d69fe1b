"""A SentencePiece model as tokenizer.json, for decoding, for saving and for others.

Its ids come from the core, which follows sentencepiece to the letter; the tokenizer.json comes close: other
libraries break ties of Unigram otherwise, and know one order of merges where the model has scores.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from qianru.errors import FormatError
from qianru.tokens.description import Description
from qianru.tokens.pipelines import around, describe, special_token
from qianru.tokens.sentencepiece_file import BPE, CONTROL, NORMAL, UNKNOWN, USER_DEFINED, SentencePieceFile

_SPACE = "\u2581"
# A piece that must not be found in text: worse than any other way to cut it.
_NEVER = -1e6
# Whether these classes of transformers put <s> before a text and </s> behind it where the file does not say.
_ENDS = {
    "LlamaTokenizer": (True, False),
    "CodeLlamaTokenizer": (True, False),
    "GemmaTokenizer": (True, False),
    "T5Tokenizer": (False, True),
}


def describe_sentencepiece(model: SentencePieceFile, path: str) -> tuple[Description, list[str]]:
    """The tokenizer.json, and notes on what it does not carry over. Raises FormatError for a piece that is there twice."""
    seen: dict[str, int] = {}
    for token_id, piece in enumerate(model.pieces):
        if seen.setdefault(piece, token_id) != token_id:
            raise FormatError(f"piece {token_id}: {piece!r} stands already at {seen[piece]}", path=path)
    notes = ["ids are those of sentencepiece; a saved tokenizer.json gives others where scores tie"]
    if model.whitespace_as_suffix:
        notes.append("spaces behind words are not carried over into tokenizer.json")
    unknown = next((i for i, kind in enumerate(model.types) if kind == UNKNOWN), None)
    made = describe(
        _bpe(model, unknown) if model.kind == BPE else _unigram(model, unknown),
        normalizer=_normalizer(model),
        pre_tokenizer=None if model.kind == BPE else _metaspace(model),
        decoder={"type": "Sequence", "decoders": _decoders(model)},
    )
    added: list[object] = []
    for token_id, (piece, kind) in enumerate(zip(model.pieces, model.types, strict=True)):
        if kind in (UNKNOWN, CONTROL):
            added.append(special_token(piece, token_id))
        elif kind == USER_DEFINED:
            added.append({**special_token(piece, token_id), "special": False})
    made["added_tokens"] = added
    return made, notes


def ends_of_text(
    model: SentencePieceFile, config: Mapping[str, object], roles: Mapping[str, str], path: str
) -> Description | None:
    """The post-processor that tokenizer_config.json asks for: add_bos_token, add_eos_token, or what its class does.

    roles: what the config says of bos_token and eos_token; the model's own names otherwise. Raises FormatError.
    """
    name = str(config.get("tokenizer_class", "")).removesuffix("Fast")
    ends: list[tuple[str, int] | None] = []
    for role, piece, by_class in zip(
        ("bos", "eos"), (model.bos_piece, model.eos_piece), _ENDS.get(name, (False, False)), strict=True
    ):
        wanted = config.get(f"add_{role}_token")
        if not isinstance(wanted, bool | None):
            raise FormatError(f"add_{role}_token must be true or false, got {wanted!r}", path=path)
        piece = roles.get(f"{role}_token", piece)
        if not (by_class if wanted is None else wanted):
            ends.append(None)
        elif piece in model.pieces:
            ends.append((piece, model.pieces.index(piece)))
        else:
            raise FormatError(
                f"texts are to get the {role}_token {piece!r}, which is no piece of the model",
                path=path,
                hint=f"set add_{role}_token to false, or name a piece as {role}_token",
            )
    first, last = ends
    return around(first, last, first_again=True) if first or last else None


def _unigram(model: SentencePieceFile, unknown: int | None) -> Description:
    scores = [
        [piece, score if kind not in (UNKNOWN, CONTROL) else _NEVER]
        for piece, score, kind in zip(model.pieces, model.scores, model.types, strict=True)
    ]
    return {"type": "Unigram", "unk_id": unknown, "vocab": scores, "byte_fallback": model.byte_fallback}


def _bpe(model: SentencePieceFile, unknown: int | None) -> Description:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None if unknown is None else model.pieces[unknown],
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": model.byte_fallback,
        "ignore_merges": False,
        "vocab": {piece: token_id for token_id, piece in enumerate(model.pieces)},
        "merges": _merges(model),
    }


def _merges(model: SentencePieceFile) -> list[list[str]]:
    """Every way to make a piece of two others, the best score first; ties in the order of the ids."""
    scores = {
        piece: score
        for piece, score, kind in zip(model.pieces, model.scores, model.types, strict=True)
        if kind in (NORMAL, USER_DEFINED)
    }
    ranked = sorted(scores, key=lambda piece: -scores[piece])
    return [
        [piece[:at], piece[at:]]
        for piece in ranked
        for at in range(1, len(piece))
        if piece[:at] in scores and piece[at:] in scores
    ]


def _normalizer(model: SentencePieceFile) -> object:
    steps: list[object] = []
    if model.charsmap:
        charsmap = base64.b64encode(model.charsmap).decode()
        steps.append({"type": "Precompiled", "precompiled_charsmap": charsmap})
    if model.remove_extra_whitespaces:
        steps.append({"type": "Strip", "strip_left": True, "strip_right": True})
        steps.append({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})
    if model.kind == BPE:
        if model.add_dummy_prefix:
            steps.append({"type": "Prepend", "prepend": _SPACE})
        steps.append({"type": "Replace", "pattern": {"String": " "}, "content": _SPACE})
    return {"type": "Sequence", "normalizers": steps} if steps else None


def _metaspace(model: SentencePieceFile) -> object:
    return {
        "type": "Metaspace",
        "replacement": _SPACE,
        "prepend_scheme": "always" if model.add_dummy_prefix else "never",
        # A piece with a space inside is only found where text is not split at spaces.
        "split": not any(_SPACE in piece[1:] for piece in model.pieces),
    }


def _decoders(model: SentencePieceFile) -> list[object]:
    steps: list[object] = [
        {"type": "Replace", "pattern": {"String": _SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if model.add_dummy_prefix:
        steps.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return steps
