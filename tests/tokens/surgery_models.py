"""Small tokenizers of every kind, made here: trained on the sample world, or written by hand."""

from __future__ import annotations

import functools
import json
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from qianru.sample import sample_lines

Json = dict[str, Any]
HAN = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"


@functools.cache
def sample_text() -> tuple[str, ...]:
    return (*sample_lines("en", n_bytes=40_000), *sample_lines("zh", n_bytes=40_000))


@functools.cache
def _bpe_text() -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample_text(), trainer)
    return tokenizer.to_str()


def bpe() -> Json:
    """Byte-level BPE as GPT-2's."""
    return dict(json.loads(_bpe_text()))


def metaspace_bpe() -> Json:
    """BPE over characters with bytes for the rest, and a mark before each word, as Llama's."""
    letters = ["▁", *"abcdefghijklmnopqrstuvwxyz", *HAN[:40]]
    merges = [["t", "h"], ["th", "e"], ["▁", "the"], ["i", "n"], ["▁", "a"], ["中", "国"], ["e", "r"]]
    tokens = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    tokens += [a + b for a, b in merges]
    return {
        "version": "1.0",
        "added_tokens": [_added("<unk>", 0), _added("<s>", 1)],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "byte_fallback": True,
            "fuse_unk": True,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": merges,
        },
    }


def wordpiece() -> Json:
    """As BERT's: Chinese characters apart, a piece for each letter inside a word."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"
    words = ["the", "cat", "token", "##ization", "##ize", "##ing", "un", "play", "##er", "walk"]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{x}" for x in letters), *words]
    tokens += HAN[:60]
    special = [(token, number) for number, token in enumerate(tokens[:5])]
    return {
        "version": "1.0",
        "added_tokens": [_added(token, number) for token, number in special],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
            ],
            "pair": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 1}},
            ],
            "special_tokens": {
                token: {"id": token, "ids": [number], "tokens": [token]} for token, number in special[2:4]
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {token: number for number, token in enumerate(tokens)},
        },
    }


def unigram() -> Json:
    """As XLM-R's: a mark before each word, scores; one added token lies behind the pieces."""
    pieces: list[list[Any]] = [["<unk>", 0.0], ["▁", -2.5]]
    pieces += [[letter, -4.0 - place / 10] for place, letter in enumerate("etaoinshrdlucmfwypvbgkqjxz")]
    pieces += [["▁the", -3.0], ["ing", -4.5], ["▁a", -3.5], ["er", -5.0], ["中国", -7.5]]
    pieces += [[char, -6.0 - place / 50] for place, char in enumerate(HAN[:60])]
    return {
        "version": "1.0",
        "added_tokens": [_added("<unk>", 0), _added("<mask>", len(pieces))],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": pieces},
    }


def word_level() -> Json:
    return {
        "version": "1.0",
        "added_tokens": [_added("[UNK]", 0)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "unk_token": "[UNK]",
            "vocab": {"[UNK]": 0, "the": 1, "cat": 2, "猫": 3},
        },
    }


def _added(content: str, number: int) -> Json:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": number, "content": content, **flags}


KINDS = {"bpe": bpe, "metaspace_bpe": metaspace_bpe, "wordpiece": wordpiece, "unigram": unigram}
