"""The core as engine: pipelines that it knows exactly, recognised in a tokenizer.json."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from qianru import _core
from qianru.arrays import Int64Array, UInt32Array
from qianru.errors import FormatError, QianruError
from qianru.text.splitting import change_spans
from qianru.tokens.description import Description, model_kind, model_vocab
from qianru.tokens.encoding import TokenBatch, utf8_of
from qianru.tokens.pipelines import byte_level_bytes
from qianru.tokens.word_model import CUTS, FINAL_SIGMA

if TYPE_CHECKING:
    import tokenizers

_Encoder = _core.BpeEncoder | _core.WordPieceEncoder | _core.UnigramEncoder | _core.SentencePieceEncoder


def is_from_package(error: BaseException) -> bool:
    """Whether the tokenizers package may have raised it: what it does not expect is a panic there, which is no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


@contextlib.contextmanager
def told_as_format_error(
    what: str = "the vocabulary cannot encode this text",
    hint: str = "characters without a token need an unknown token or byte fallback",
) -> Iterator[None]:
    """What the core or the package cannot do is a fault of the tokenizer's description."""
    try:
        yield
    except (QianruError, MemoryError):
        raise
    except BaseException as error:
        if not is_from_package(error):
            raise
        raise FormatError(f"{what}: {error}", hint=hint) from None


class CoreEngine:
    """One of the core's encoders. Text that is not in NFC where it must be is first normalised by the package."""

    name: Literal["core"] = "core"

    def __init__(
        self, encoder: _Encoder, package: tokenizers.Tokenizer, *, steps: Sequence[str] = ()
    ) -> None:
        """steps: normalizers that come first, "NFC" and "Lowercase" in this order."""
        self._encoder = encoder
        self._package = package
        self._nfc = "NFC" in steps
        self._lower = "Lowercase" in steps

    def encode(self, text: str) -> tuple[UInt32Array, Int64Array]:
        """The ids [n] of one text, which is not normalised first, and their offsets in bytes, int64 [n, 2]."""
        with told_as_format_error():
            ids, starts, ends = self._encoder.encode(text.encode())
        return ids, np.stack([starts, ends], axis=1).astype(np.int64)

    def encode_batch(self, texts: Sequence[str], threads: int) -> TokenBatch:
        parts = utf8_of(texts)
        # Most texts are normal already; the look at all of them has to be quick.
        nfc = unicodedata.is_normalized
        odd = []
        if self._lower:
            odd = [i for i, text in enumerate(texts) if not self._is_normal(text)]
        elif self._nfc:
            odd = [i for i, text in enumerate(texts) if not nfc("NFC", text)]
        for i in odd:
            parts[i] = self._normal(texts[i]).encode()
        with told_as_format_error():
            ids, splits = self._encoder.encode_batch(parts, threads)
        return TokenBatch(ids, splits)

    def encode_lines(self, block: bytes, threads: int, line_end: int | None) -> UInt32Array:
        if self._lower:
            block = block.lower() if block.isascii() else self._normal_lines(block.decode()).encode()
        elif self._nfc:
            # Only lines that may not be in NFC are looked at by Python, whose check takes longer than encoding does.
            block = change_spans(block, _core.survey(block)[2], self._normal_lines)
        with told_as_format_error():
            return self._encoder.encode_lines(block, threads, line_end)

    def _normal_lines(self, text: str) -> str:
        return "\n".join(map(self._normal, text.split("\n")))

    def _normal(self, text: str) -> str:
        if self._is_normal(text):
            return text
        return text.lower() if text.isascii() else str(self._package.normalizer.normalize_str(text))

    def _is_normal(self, text: str) -> bool:
        return (not self._nfc or unicodedata.is_normalized("NFC", text)) and (
            not self._lower or text == text.lower()
        )


def core_engine(description: Description, package: tokenizers.Tokenizer) -> CoreEngine | None:
    """The engine for a checked description, None where a part of it is not one that the core knows.

    Added tokens that are no special ones are found in text before all else, which the core does not do.
    """
    added = cast(list[Mapping[str, object]], description.get("added_tokens") or [])
    if not all(token.get("special") for token in added):
        return None
    model = cast(Mapping[str, object], description["model"])
    make = {"BPE": _bpe, "WordPiece": _wordpiece, "Unigram": _unigram}.get(model_kind(model))
    encoder = None if make is None else make(description, model)
    if encoder is None:
        return None
    steps = _normal_steps(description) or []
    return CoreEngine(encoder, package, steps=steps)


def _normal_steps(description: Description) -> list[str] | None:
    """The names of the normalizers, None if the core cannot have the package go before it with them."""
    normalizer = description.get("normalizer")
    if normalizer is None:
        return []
    inner = (
        cast(Mapping[str, object], normalizer).get("normalizers") if isinstance(normalizer, dict) else None
    )
    steps = inner if isinstance(inner, list) else [normalizer]
    # Text that is in lower case already has no capital sigma.
    names = [str(_type_of(step)) for step in steps if step != FINAL_SIGMA]
    return names if names in (["NFC"], ["Lowercase"], ["NFC", "Lowercase"]) else None


def _type_of(step: object) -> object:
    return cast(Mapping[str, object], step).get("type") if isinstance(step, dict) else None


def _steps(pre_tokenizer: object) -> list[Mapping[str, object]]:
    """The steps of a pre-tokeniser, one or a sequence."""
    if not isinstance(pre_tokenizer, dict):
        return []
    steps = pre_tokenizer.get("pretokenizers") if pre_tokenizer.get("type") == "Sequence" else [pre_tokenizer]
    return cast(list[Mapping[str, object]], steps)


def _bpe(description: Description, model: Mapping[str, object]) -> _core.BpeEncoder | None:
    unused = ("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
    cut = _byte_level_cut(description.get("pre_tokenizer"))
    if any(model.get(name) for name in unused) or cut is None:
        return None
    if _normal_steps(description) is None:
        return None
    vocab = model_vocab(model, "")
    spelled = [(byte_level_bytes(token), token_id) for token, token_id in vocab.items()]
    known = [(token, token_id) for token, token_id in spelled if token is not None]
    pairs = np.empty((len(cast(list[object], model["merges"])), 2), dtype=np.uint32)
    for rank, merge in enumerate(cast(list[str | list[str]], model["merges"])):
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        pairs[rank] = vocab[left], vocab[right]
    pattern, digits, add_prefix_space = cut
    try:
        return _core.BpeEncoder(
            [token for token, _ in known],
            np.array([token_id for _, token_id in known], dtype=np.uint32),
            pairs,
            pattern=pattern,
            digits=digits,
            add_prefix_space=add_prefix_space,
            ignore_merges=bool(model.get("ignore_merges")),
        )
    except ValueError:  # a vocabulary without all bytes, say: the package knows what it does then
        return None


def _byte_level_cut(step: object) -> tuple[str, str, bool] | None:
    """Pattern, digits and prefix of a byte-level pre-tokeniser that the core knows."""
    steps = _steps(step)
    if not steps or _type_of(steps[-1]) != "ByteLevel":
        return None
    *before, last = steps
    digits, pattern = "together", "gpt2" if last.get("use_regex", True) else "none"
    prefix = bool(last.get("add_prefix_space"))
    if before and _type_of(before[0]) == "Digits":
        digits = "each" if before[0].get("individual_digits") else "runs"
        before = before[1:]
    if len(before) > 1 or (before and (pattern != "none" or prefix)):
        return None
    if before:
        split = before[0]
        regex = cast(Mapping[str, object], split.get("pattern") or {}).get("Regex")
        if _type_of(split) != "Split" or split.get("behavior") != "Isolated" or split.get("invert"):
            return None
        if not isinstance(regex, str) or not _core.knows_pattern(regex):
            return None
        pattern = regex
    # A prefix would be put before each piece that the digits leave.
    return None if prefix and digits != "together" else (pattern, digits, prefix)


def _wordpiece(description: Description, model: Mapping[str, object]) -> _core.WordPieceEncoder | None:
    normalizer = description.get("normalizer")
    if (
        _type_of(normalizer) != "BertNormalizer"
        or _type_of(description.get("pre_tokenizer")) != "BertPreTokenizer"
    ):
        return None
    rules = cast(Mapping[str, bool | None], normalizer)
    vocab = model_vocab(model, "")
    try:
        return _core.WordPieceEncoder(
            [token.encode() for token in vocab],
            np.array(list(vocab.values()), dtype=np.uint32),
            unknown=str(model.get("unk_token", "[UNK]")),
            prefix=str(model.get("continuing_subword_prefix", "##")),
            max_chars=min(cast(int, model.get("max_input_chars_per_word", 100)), 0xFFFFFFFF),
            clean_text=bool(rules.get("clean_text", True)),
            separate_han=bool(rules.get("handle_chinese_chars", True)),
            strip_accents=rules.get("strip_accents"),
            lowercase=bool(rules.get("lowercase", True)),
        )
    except ValueError:
        return None


def _unigram(description: Description, model: Mapping[str, object]) -> _core.UnigramEncoder | None:
    cut = _metaspace_cut(description.get("pre_tokenizer"))
    if cut is None or _normal_steps(description) is None:
        return None
    words, metaspace, prepend, split = cut
    pieces = cast(list[tuple[str, float]], model["vocab"])
    try:
        return _core.UnigramEncoder(
            [piece.encode() for piece, _ in pieces],
            np.array([score for _, score in pieces], dtype=np.float64),
            unknown=cast("int | None", model.get("unk_id")),
            byte_fallback=bool(model.get("byte_fallback")),
            words=words,
            metaspace=metaspace,
            prepend=prepend,
            metaspace_split=split,
        )
    except ValueError:
        return None


def _metaspace_cut(step: object) -> tuple[str, str, str, bool] | None:
    """Words, the mark of a space, when it is put before a text, and whether marks begin pieces."""
    if step is None:
        return "none", "", "never", False
    steps = _steps(step)
    if words := next((name for name, cut in CUTS.items() if cut == step), ""):
        return words, "", "never", False
    words = "none"
    if steps and _type_of(steps[0]) == "WhitespaceSplit":
        words, steps = "whitespace", steps[1:]
    if not steps:
        return words, "", "never", False
    if len(steps) > 1 or _type_of(steps[0]) != "Metaspace":
        return None
    mark, scheme = steps[0].get("replacement"), steps[0].get("prepend_scheme")
    if not isinstance(mark, str) or not isinstance(scheme, str):
        return None
    return words, mark, scheme, bool(steps[0].get("split", True))
