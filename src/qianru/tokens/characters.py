"""Character tokenizers: each character of the text is a token; rare ones are bytes or [UNK], as declared.

The model in tokenizer.json is a BPE without merges, since that one knows byte fallback.
"""

from __future__ import annotations

import numpy as np

from qianru.arrays import Int64Array
from qianru.errors import CorpusError
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.tokens.description import Description
from qianru.tokens.pipelines import describe, text_normalizer

_N_CODES = 0x110000


def train_characters(
    corpus: Corpus,
    *,
    vocab_size: int,
    min_count: int,
    special_tokens: tuple[str, ...],
    coverage: float,
    byte_fallback: bool,
    progress: ProgressCallback | None,
) -> tuple[Description, int]:
    """The tokenizer and its number of tokens: special ones, [UNK] or 256 bytes, characters by falling count."""
    lowercase = corpus.settings["lowercase"] is True
    counts = count_characters(corpus, lowercase=lowercase, progress=progress)
    if counts.sum() == counts[ord("\n")]:
        raise CorpusError(f"no text in {corpus!r}", hint="The inputs are empty.")
    unknown = None if byte_fallback else "[UNK]"
    first = [*special_tokens, *([f"<0x{byte:02X}>" for byte in range(256)] if unknown is None else [unknown])]
    # A special token named [UNK] is the unknown token.
    vocab = {token: token_id for token_id, token in enumerate(dict.fromkeys(first))}
    for code in covering(counts, coverage, min_count)[: vocab_size - len(vocab)].tolist():
        vocab[chr(code)] = len(vocab)
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
        normalizer=text_normalizer(lowercase=lowercase),
        decoder={"type": "Sequence", "decoders": steps},
    )
    return made, len(vocab)


def count_characters(corpus: Corpus, *, lowercase: bool, progress: ProgressCallback | None) -> Int64Array:
    """How often each code point occurs, line feeds too: int64 [0x110000]."""
    counts = np.zeros(_N_CODES, dtype=np.int64)
    for block, done in corpus.blocks():
        text = block.decode()
        codes = np.frombuffer((text.lower() if lowercase else text).encode("utf-32-le"), dtype=np.uint32)
        found = np.bincount(codes)
        counts[: len(found)] += found
        if progress is not None:
            progress(Progress("read", done, 0.0, "B"))
    return counts


def covering(counts: Int64Array, coverage: float, min_count: int) -> Int64Array:
    """The code points, by falling count, then by number, that make up this share of the text."""
    codes = np.flatnonzero(counts >= min_count)
    codes = codes[np.lexsort((codes, -counts[codes]))]
    before = np.cumsum(counts[codes]) - counts[codes]
    chosen: Int64Array = codes[before < coverage * counts.sum()]
    return chosen
