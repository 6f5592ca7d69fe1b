"""Tokenizers: MB/s of encoding and seconds of training beside the `tokenizers` package, the ids compared.

    python -m bench.tokens                     2 threads, the 100 MB corpora under QIANRU_DATA, half an hour
    python -m bench.tokens --megabytes 5       a small piece of each, to see that it runs

Byte-level BPE is trained by both on the same lines, with 32,000 tokens, and the merges compared. Then both encode the lines, each once
and with empty caches: with that vocabulary, with GPT-2's, cl100k's and BERT's, and with a Unigram one trained on the first
megabytes where sentencepiece is installed. `tokenizers` gets the lines as lists (encode_batch), as qianru does; "file" is
Tokenizer.encode_files, from the file to ids in a file.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench.jobs import corpus_file
from recipes.intrinsic import data_folder
from tokenizers import Tokenizer as Package
from tokenizers import models, trainers

from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.tokens.pipelines import BYTE_CHARACTERS, byte_level

_SLICE = 20_000  # lines at a time for the package, whose results take much memory
_UNIGRAM_BYTES = 5_000_000


def package_of(description: dict[str, object]) -> Package:
    package = Package.from_str(json.dumps(description))
    package.encode_special_tokens = True
    package.no_truncation()
    package.no_padding()
    return package


def compare_training(lines: list[str], vocab_size: int, threads: int) -> Tokenizer:
    started = time.perf_counter()
    ours = Tokenizer.train(Corpus(lines), kind="bpe", vocab_size=vocab_size, threads=threads)
    middle = time.perf_counter()
    package = package_of(byte_level({}, [], "cl100k", normalizer={"type": "NFC"}))
    package.model = models.BPE()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=2, initial_alphabet=BYTE_CHARACTERS, show_progress=False
    )
    package.train_from_iterator((f"{line}\n" for line in lines), trainer)
    seconds, theirs = middle - started, time.perf_counter() - middle
    merges = json.loads(package.to_str())["model"]["merges"]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]
    equal = merges == ours.description["model"]["merges"]  # type: ignore[index]
    print(
        f"  training BPE     qianru {seconds:7.1f} s      tokenizers {theirs:7.1f} s     {theirs / seconds:5.1f} x  "
        f"merges {'equal' if equal else 'DIFFER'}",
        flush=True,
    )
    return ours


def compare_encoding(name: str, description: dict[str, object], path: Path, lines: list[str], n: int) -> None:
    n_mb = path.stat().st_size / 1e6
    ours = Tokenizer(description)
    started = time.perf_counter()
    found = ours.encode_batch(lines, add_special_tokens=False, threads=n)
    seconds = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        fresh = Tokenizer(description)
        started = time.perf_counter()
        fresh.encode_files(Corpus(path), Path(folder) / "ids.npy", threads=n)
        in_file = time.perf_counter() - started
    package, theirs, equal = package_of(description), 0.0, True
    for begin in range(0, len(lines), _SLICE):
        part = lines[begin : begin + _SLICE]
        started = time.perf_counter()
        encodings = package.encode_batch(part, add_special_tokens=False)
        theirs += time.perf_counter() - started
        for place, one in enumerate(encodings, begin):
            equal = equal and np.array_equal(found[place], one.ids)
    print(
        f"  {name:<16} qianru {n_mb / seconds:7.1f} MB/s   tokenizers {n_mb / theirs:7.2f} MB/s  "
        f"{theirs / seconds:5.1f} x  file {n_mb / in_file:6.1f} MB/s  {len(found.ids):,} ids "
        f"{'equal' if equal else 'DIFFER'} ({ours.engine})",
        flush=True,
    )


def vocabularies(language: str, lines: list[str]) -> Iterator[tuple[str, dict[str, object]]]:
    folder = data_folder() / "models" / "tokenizers"
    yield "GPT-2", Tokenizer.load(folder / "gpt2").description
    yield "cl100k", Tokenizer.load(folder / "cl100k_base.tiktoken").description
    bert = "bert-base-uncased" if language == "en" else "bert-base-chinese"
    yield bert, Tokenizer.load(folder / bert, lowercase=True).description
    if importlib.util.find_spec("sentencepiece") is None:
        return print("  sentencepiece is missing: Unigram is left out")
    some, n_bytes = [], 0
    for line in lines:
        some.append(line)
        n_bytes += len(line.encode())
        if n_bytes > _UNIGRAM_BYTES:
            break
    yield "Unigram", Tokenizer.train(Corpus(some), kind="unigram", vocab_size=16_000).description


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vocab-size", type=int, default=32_000)
    parser.add_argument("--megabytes", type=int, help="use only so much of each corpus")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "qianru-bench")
    parser.add_argument("--languages", nargs="+", choices=["en", "zh"], default=["en", "zh"])
    options = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = str(options.threads)
    for language in options.languages:
        path = corpus_file(language, options.cache, options.megabytes, style="raw")
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        print(f"{language}, {path.stat().st_size / 1e6:.0f} MB, {options.threads} threads", flush=True)
        trained = compare_training(lines, options.vocab_size, options.threads)
        compare_encoding("BPE, own", trained.description, path, lines, options.threads)
        for name, description in vocabularies(language, lines):
            compare_encoding(name, description, path, lines, options.threads)


if __name__ == "__main__":
    main()
