"""What 2,000 Chinese words do to two small models: loss on English before and after, and fertility on Chinese.

    python -m recipes.surgery [--megabytes 20] [--n-words 2000] [--lines 400]

Mines words from the first megabytes of the Chinese corpus, extends splade-tiny-bert and tiny-random-gpt2 of the data folder, and
prints the masked-LM (causal for GPT-2) loss on English lines. "old tokens" is the loss over the probabilities of old tokens alone,
which must stay to 1e-6; "all tokens" counts what new tokens take from them, which a shift of their output bias makes vanish.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import transformers
from recipes.intrinsic import data_folder

from qianru.layers import change_vocabulary
from qianru.text import Corpus
from qianru.tokens import compare, extend, mine, read_tokenizer
from qianru.tokens.surgery_pipeline import Pipeline


def first_lines(path: Path, n_bytes: int) -> list[str]:
    lines, read = [], 0
    for line in Corpus(path).lines():
        read += len(line.encode()) + 1
        if read > n_bytes:
            break
        lines.append(line)
    return lines


def batches(folder: Path, lines: list[str], *, mask: bool) -> list[tuple[Any, Any]]:
    """Ids and labels of each line, at most 128 tokens; every seventh token masked (-100: not asked)."""
    data = read_tokenizer(folder)
    found = []
    for ids in Pipeline(data).encode(lines):
        if len(ids := ids[:128]) < 8:
            continue
        labels = list(ids)
        if mask:
            asked = range(3, len(ids), 7)
            labels = [number if place in asked else -100 for place, number in enumerate(ids)]
            cls, sep, hidden = data.added["[CLS]"], data.added["[SEP]"], data.added["[MASK]"]
            shown = [hidden if place in asked else number for place, number in enumerate(ids)]
            ids, labels = [cls, *shown, sep], [-100, *labels, -100]
        found.append((torch.tensor([ids]), torch.tensor([labels])))
    return found


def losses(folder: Path, asked: list[tuple[Any, Any]], n_old: int, *, mask: bool) -> tuple[float, float]:
    """Mean loss in nats over old tokens alone, and over all."""
    kind = transformers.AutoModelForMaskedLM if mask else transformers.AutoModelForCausalLM
    model = kind.from_pretrained(folder, local_files_only=True).eval()
    sums, n = [0.0, 0.0], 0
    with torch.no_grad():
        for ids, labels in asked:
            logits = model(input_ids=ids).logits.double()[0]
            wanted = labels[0]
            if not mask:
                logits, wanted = logits[:-1], wanted[1:]
            for which, part in enumerate((logits[:, :n_old], logits)):
                sums[which] += float(
                    torch.nn.functional.cross_entropy(part, wanted, ignore_index=-100, reduction="sum")
                )
            n += int((wanted != -100).sum())
    return sums[0] / n, sums[1] / n


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--n-words", type=int, default=2000)
    parser.add_argument("--lines", type=int, default=400)
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    data = data_folder()
    chinese = first_lines(data / "corpora/zh-mixed-100mb.txt.zst", int(arguments.megabytes * 1e6))
    english = list(islice(Corpus(data / "corpora/en-wiki-100mb.txt.zst").lines(), arguments.lines))
    n_words = sum(map(len, Corpus(chinese).words()))
    for name in ("splade-tiny-bert", "tiny-random-gpt2"):
        folder, mask = data / "models" / name, name.endswith("bert")
        begin = time.perf_counter()
        mined = mine(folder, chinese, n_words=arguments.n_words, han=True)
        middle = time.perf_counter()
        surgery = extend(folder, mined.words, counts=mined.counts, n_tokens=mined.n_words_read)
        print(f"{name}: {json.dumps(surgery.summary(), ensure_ascii=False)}")
        print(f"  mining {middle - begin:.1f} s, extending {time.perf_counter() - middle:.1f} s", flush=True)
        zh, en = compare(surgery, chinese), compare(surgery, english)
        print(
            f"  Chinese: tokens a word {zh.n_tokens_before / n_words:.3f} -> {zh.n_tokens_after / n_words:.3f}, "
            f"unknown {zh.n_unknown_before / zh.n_tokens_before:.2%} -> {zh.n_unknown_after / zh.n_tokens_after:.2%}, "
            f"lines changed without a new token {zh.n_unexpected} of {zh.n_lines}"
        )
        print(
            f"  English: lines changed {en.n_changed} of {en.n_lines}, without a new token {en.n_unexpected}"
        )
        n_old = len(surgery.before)
        pairs = zip(english, Pipeline(surgery.after).encode(english), strict=True)
        same = [line for line, ids in pairs if max(ids, default=0) < n_old]
        before = batches(folder, same, mask=mask)
        old = losses(folder, before, n_old, mask=mask)
        print(f"  English, {len(before)} lines: loss before {old[1]:.7f}", flush=True)
        with tempfile.TemporaryDirectory() as place:
            for shift in (0.0, -40.0) if mask else (0.0,):
                new = Path(place) / f"{name}{shift}"
                begin = time.perf_counter()
                changed = change_vocabulary(folder, surgery, new, bias_shift=shift)
                took = time.perf_counter() - begin
                after = losses(new, batches(new, same, mask=mask), n_old, mask=mask)
                print(
                    f"  after, bias shift {shift:g}: old tokens {after[0]:.7f} ({after[0] - old[0]:+.1e}), "
                    f"all tokens {after[1]:.7f} ({after[1] - old[1]:+.1e}); rows {changed.n_rows_before} -> "
                    f"{changed.n_rows_after}, {len(changed.proof)} checks passed, {took:.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
