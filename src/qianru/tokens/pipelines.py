"""Parts of a tokenizer.json that several readers and trainers put together: byte-level BPE, BERT, templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qianru.errors import ArgumentError
from qianru.tokens.description import Description

_ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
# How text is cut before byte-level BPE; "gpt2" is the pattern that the ByteLevel step has built in.
PATTERNS = {
    "gpt2": None,
    "cl100k": rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}",
    "o200k": rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_ENDINGS}?|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_ENDINGS}?"
    rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}",
    "qwen2": rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}",
}
# What special tokens are for, where nothing but their names tells.
_ROLES = {
    "[UNK]": "unk_token",
    "<unk>": "unk_token",
    "[PAD]": "pad_token",
    "<pad>": "pad_token",
    "[CLS]": "cls_token",
    "[SEP]": "sep_token",
    "[MASK]": "mask_token",
    "<mask>": "mask_token",
    "<s>": "bos_token",
    "</s>": "eos_token",
    "<|endoftext|>": "eos_token",
    "<|begin_of_text|>": "bos_token",
    "<|end_of_text|>": "eos_token",
}


def _byte_characters() -> list[str]:
    """The printable character that stands for each byte in a byte-level vocabulary (GPT-2)."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    shifted = iter(range(0x100, 0x200))
    return [chr(byte) if byte in kept else chr(next(shifted)) for byte in range(256)]


BYTE_CHARACTERS = _byte_characters()
_BYTE_TABLE = str.maketrans({chr(byte): char for byte, char in enumerate(BYTE_CHARACTERS)})
_CHARACTER_BYTES = {char: byte for byte, char in enumerate(BYTE_CHARACTERS)}


def byte_level_text(data: bytes) -> str:
    """Bytes as a byte-level vocabulary spells them."""
    return data.decode("latin-1").translate(_BYTE_TABLE)


def byte_level_bytes(token: str) -> bytes | None:
    """The bytes of a byte-level token; None for one that holds other characters."""
    try:
        return bytes(_CHARACTER_BYTES[char] for char in token)
    except KeyError:
        return None


def special_token(content: str, token_id: int) -> dict[str, object]:
    """An entry of added_tokens: never part of a word, and plain text where a user writes it."""
    return {
        "id": token_id,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def describe(
    model: Mapping[str, object],
    *,
    special: Iterable[tuple[str, int]] = (),
    normalizer: object = None,
    pre_tokenizer: object = None,
    post_processor: object = None,
    decoder: object = None,
) -> Description:
    """The whole tokenizer.json."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [special_token(content, token_id) for content, token_id in special],
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": decoder,
        "model": dict(model),
    }


def text_normalizer(*, lowercase: bool) -> object:
    """What `Corpus` does to text: NFC, and lower case if asked for."""
    if not lowercase:
        return {"type": "NFC"}
    return {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]}


def byte_level_steps(pattern: str) -> object:
    """The pre-tokenizer of byte-level BPE. Raises ArgumentError for a pattern without a name here."""
    if pattern not in PATTERNS:
        raise ArgumentError(f"pattern must be one of {', '.join(PATTERNS)}, got {pattern!r}")
    regex = PATTERNS[pattern]
    step = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": regex is None}
    if regex is None:
        return step
    split = {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, step]}


def byte_level(
    vocab: Mapping[str, int],
    merges: list[str],
    pattern: str,
    *,
    special: Iterable[tuple[str, int]] = (),
    normalizer: object = None,
    post_processor: object = None,
    ignore_merges: bool = False,
) -> Description:
    """A byte-level BPE tokenizer."""
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": ignore_merges,
        "vocab": dict(vocab),
        "merges": merges,
    }
    step = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    return describe(
        model,
        special=special,
        normalizer=normalizer,
        pre_tokenizer=byte_level_steps(pattern),
        post_processor=post_processor,
        decoder=step,
    )


def bert(
    vocab: Mapping[str, int], *, lowercase: bool, strip_accents: bool | None = None, han_apart: bool = True
) -> Description:
    """BERT's WordPiece tokenizer; [CLS] and [SEP] are put around a text if the vocabulary has both."""
    special = [
        (name, vocab[name]) for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if name in vocab
    ]
    template = None
    if "[CLS]" in vocab and "[SEP]" in vocab:
        template = around(("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"]))
    return describe(
        {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": dict(vocab),
        },
        special=sorted(special, key=lambda entry: entry[1]),
        normalizer={
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": han_apart,
            "strip_accents": strip_accents,
            "lowercase": lowercase,
        },
        pre_tokenizer={"type": "BertPreTokenizer"},
        post_processor=template,
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
    )


def around(
    first: tuple[str, int] | None, last: tuple[str, int] | None, *, first_again: bool = False
) -> Description:
    """A post-processor that puts a token before a text and one behind it, each with its id, either may be missing.

    Of two texts the second has `last` behind it too; `first` before it only with first_again.
    """

    def token(name: str, kind: int) -> object:
        return {"SpecialToken": {"id": name, "type_id": kind}}

    def text(name: str, kind: int) -> object:
        return {"Sequence": {"id": name, "type_id": kind}}

    def wrapped(name: str, kind: int, *, with_first: bool) -> list[object]:
        before = [token(first[0], kind)] if first and with_first else []
        return [*before, text(name, kind), *([token(last[0], kind)] if last else [])]

    single = wrapped("A", 0, with_first=True)
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, *wrapped("B", 1, with_first=first_again)],
        "special_tokens": {
            entry[0]: {"id": entry[0], "ids": [entry[1]], "tokens": [entry[0]]}
            for entry in (first, last)
            if entry
        },
    }


def roles_of(special: Iterable[str]) -> dict[str, str]:
    """What the special tokens are for, by their names: "unk_token" → "[UNK]", …"""
    roles: dict[str, str] = {}
    for content in special:
        if content in _ROLES:
            roles.setdefault(_ROLES[content], content)
    return roles
