"""Byte-level BPE: MB/s of encoding and seconds of training beside `tokenizers`, the results compared.

    python -m bench.tokens                     2 threads, the 100 MB corpora under QIANRU_DATA, 32,000 tokens
    python -m bench.tokens --megabytes 5       a small piece of each, to see that it runs

Both systems train on the same lines and then encode them with the vocabulary that came out; then both encode with GPT-2's and,
by tiktoken if it is installed, cl100k's. `tokenizers` gets the lines as one list (encode_batch), tiktoken too
(encode_ordinary_batch). Merges and ids have to be equal, or the run ends with an error.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bench.jobs import corpus_file
from recipes.intrinsic import data_folder
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from qianru import _core

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def timed(work: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def stand_ins() -> dict[int, int]:
    """From the characters that stand for bytes in a tokenizer.json to the bytes."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {b: b for b in printable} | {256 + i: b for i, b in enumerate(others)}


def encoder_of(tokenizer: Tokenizer) -> _core.BpeEncoder:
    model = json.loads(tokenizer.to_str())["model"]
    vocab, table = model["vocab"], stand_ins()
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    tokens = [token.translate(table).encode("latin-1") for token in vocab]
    merges = np.array([[vocab[a], vocab[b]] for a, b in pairs], np.uint32).reshape(-1, 2)
    return _core.BpeEncoder(tokens, np.array(list(vocab.values()), np.uint32), merges, pattern="gpt2")


def train_qianru(data: bytes, vocab_size: int, threads: int) -> tuple[list[bytes], list[list[int]]]:
    counter = _core.WordCounter(pattern="gpt2")
    counter.count_lines(data, threads)
    trainer = _core.BpeTrainer(
        counter,
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[],
        initial_alphabet=[bytes(range(256))],
    )
    while not trainer.run(1.0):
        pass
    return trainer.tokens(), trainer.merges().tolist()


def train_tokenizers(lines: list[str], vocab_size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=2, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def compare_training(data: bytes, lines: list[str], vocab_size: int, threads: int) -> Tokenizer:
    seconds, (_, merges) = timed(lambda: train_qianru(data, vocab_size, threads))
    other_seconds, tokenizer = timed(lambda: train_tokenizers(lines, vocab_size))
    model = json.loads(tokenizer.to_str())["model"]
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    if merges != [[model["vocab"][a], model["vocab"][b]] for a, b in pairs]:
        raise SystemExit("the merges differ")
    print(
        f"  training        qianru {seconds:6.1f} s   tokenizers {other_seconds:6.1f} s   {other_seconds / seconds:5.1f} x"
    )
    return tokenizer


def encode(name: str, encoder: _core.BpeEncoder, data: bytes, threads: int, repeats: int) -> np.ndarray:
    """The best of the repeats: the first fills the caches."""
    best = 0.0
    for _ in range(repeats):
        seconds, ids = timed(lambda: encoder.encode_lines(data, threads))
        best = max(best, len(data) / seconds / 1e6)
    print(f"  {name:<15} qianru {best:6.1f} MB/s", end="", flush=True)
    return ids


def compare_with_tokenizers(
    name: str, tokenizer: Tokenizer, data: bytes, lines: list[str], args: argparse.Namespace
) -> None:
    ids = encode(name, encoder_of(tokenizer), data, args.threads, args.repeats)
    at, seconds = 0, 0.0
    for start in range(0, len(lines), 20_000):  # its results take much memory
        spent, encodings = timed(lambda part=lines[start : start + 20_000]: tokenizer.encode_batch(part))
        seconds += spent
        for encoding in encodings:
            if ids[at : at + len(encoding)].tolist() != encoding.ids:
                raise SystemExit("the ids differ")
            at += len(encoding)
    print(f"   tokenizers {len(data) / seconds / 1e6:5.2f} MB/s   {at:,} ids, equal")


def compare_cl100k(data: bytes, lines: list[str], args: argparse.Namespace) -> None:
    path = data_folder() / "models" / "tokenizers" / "cl100k_base.tiktoken"
    rows = [line.split() for line in path.read_bytes().splitlines()]
    ranks = {base64.b64decode(token): int(rank) for token, rank in rows}
    numbers = np.array(list(ranks.values()), np.uint32)
    encoder = _core.BpeEncoder(list(ranks), numbers, None, pattern="cl100k", ignore_merges=True)
    ids = encode("cl100k", encoder, data, args.threads, args.repeats)
    if importlib.util.find_spec("tiktoken"):
        import tiktoken

        other = tiktoken.Encoding("cl100k", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
        seconds, texts = timed(lambda: other.encode_ordinary_batch(lines, num_threads=args.threads))
        if ids.tolist() != [i for text in texts for i in text]:
            raise SystemExit("the ids differ")
        print(f"   tiktoken   {len(data) / seconds / 1e6:5.2f} MB/s   {len(ids):,} ids, equal", end="")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--vocab-size", type=int, default=32_000)
    parser.add_argument("--megabytes", type=int, help="use only so much of each corpus")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "qianru-bench")
    parser.add_argument("--languages", nargs="+", choices=["en", "zh"], default=["en", "zh"])
    args = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = str(args.threads)
    gpt2 = Tokenizer.from_file(str(data_folder() / "models" / "tokenizers" / "gpt2" / "tokenizer.json"))
    for language in args.languages:
        data = corpus_file(language, args.cache, args.megabytes, style="raw").read_bytes()
        lines = data.decode().removesuffix("\n").split("\n")
        print(f"{language}, {len(data) / 1e6:.0f} MB, {args.threads} threads")
        trained = compare_training(data, lines, args.vocab_size, args.threads)
        compare_with_tokenizers("own vocabulary", trained, data, lines, args)
        compare_with_tokenizers("gpt2", gpt2, data, lines, args)
        compare_cl100k(data, lines, args)


if __name__ == "__main__":
    main()
