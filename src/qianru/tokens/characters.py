"""Character tokenizers: each character of the text is a token; rare ones are bytes or [UNK], as declared.

The model in tokenizer.json is a BPE without merges, since that one knows byte fallback.
"""

from __future__ import annotations

import numpy as np

from qianru.arrays import Int64Array
from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens.pipelines import describe, text_normalizer
from qianru.tokens.settings import Trained, TrainSettings, left_out, read_text

N_CODES = 0x110000


def train_characters(corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None) -> Trained:
    """Special tokens, [UNK] or 256 bytes, characters by falling count."""
    special_tokens, byte_fallback = settings.special_tokens, settings.byte_fallback
    counts = count_characters(corpus, progress)
    unknown = None if byte_fallback else "[UNK]"
    first = [*special_tokens, *([f"<0x{byte:02X}>" for byte in range(256)] if unknown is None else [unknown])]
    # A special token named [UNK] is the unknown token.
    vocab = {token: token_id for token_id, token in enumerate(dict.fromkeys(first))}
    wanted, room = covering(counts, settings.coverage, settings.min_count), settings.vocab_size - len(vocab)
    for code in wanted[:room].tolist():
        vocab[chr(code)] = len(vocab)
    over = wanted[room:]
    notes = left_out(len(over), "characters", int(counts[over].sum()), unknown or "bytes")
    steps = [{"type": "ByteFallback"}, {"type": "Fuse"}] if unknown is None else [{"type": "Fuse"}]
    model: dict[str, object] = {
        "type": "BPE",
        "dropout": None,
        "unk_token": unknown,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": byte_fallback,
        "ignore_merges": False,
        "vocab": vocab,
        "merges": [],
    }
    special = [*special_tokens, *([] if unknown is None or unknown in special_tokens else [unknown])]
    made = describe(
        model,
        special=[(token, vocab[token]) for token in special],
        normalizer=text_normalizer(lowercase=corpus.settings["lowercase"] is True),
        decoder={"type": "Sequence", "decoders": steps},
    )
    return made, len(vocab), notes


def count_characters(corpus: Corpus, progress: ProgressCallback | None) -> Int64Array:
    """How often each code point occurs, line feeds too: int64 [0x110000]."""
    counts = np.zeros(N_CODES, dtype=np.int64)
    for text in read_text(corpus, progress):
        add_characters(counts, text)
    return counts


def add_characters(counts: Int64Array, text: str) -> None:
    """Count the code points of the text into int64 [0x110000]."""
    found = np.bincount(np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32))
    counts[: len(found)] += found


def covering(counts: Int64Array, coverage: float, min_count: int) -> Int64Array:
    """The code points, by falling count, then by number, that make up this share of the text."""
    codes = np.flatnonzero(counts >= min_count)
    codes = codes[np.lexsort((codes, -counts[codes]))]
    before = np.cumsum(counts[codes]) - counts[codes]
    chosen: Int64Array = codes[before < coverage * counts.sum()]
    return chosen
