"""A bilingual vocabulary, BERT-tiny and GPT-tiny from raw English and Chinese text, within a given time.

    python -m recipes.pretrain OUT [--minutes 60] [--megabytes 100] [--vocab-size 32000] [--size tiny] [--kind bert gpt]

The time that is left after the vocabulary is shared out evenly to the models; how many steps that is, is measured on a dozen of them.
Stopped (Ctrl-C, a crash), the same command goes on. Prints the held-out curves, words filled in, texts continued, and the
neighbours of words in their sentences.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from recipes.intrinsic import data_folder
from recipes.surgery import first_lines

from qianru.contextual import train_bert, train_gpt
from qianru.contextual.run_state import STATE, checkpoint_folder
from qianru.progress import Progress, TerminalProgress
from qianru.text import Corpus
from qianru.tokens import Tokenizer

TRAIN = {"bert": train_bert, "gpt": train_gpt}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<|endoftext|>")
FILL_IN = (
    "He was born in New [MASK] and studied at the university.",
    "The city is the capital of the [MASK].",
    "She wrote a book about the history of the Second World [MASK].",
    "The river flows into the [MASK] in the north.",
    "中华人民[MASK]成立于1949年。",
    "他是一位著名的[MASK]。",
    "这座城市的[MASK]约为一百万。",
    "他[MASK]了一口气，没有说话。",
)
PROMPTS = ("The history of the city", "In 1990 he", "中国的经济", "他走进房间，")
ASKED = (" bank", " music", " war", " king", "经济", "学校", "战争", "先生")


def steps_of(kind: str, lines: list[str], tokenizer: Tokenizer, out: Path, seconds: float, size: str) -> int:
    """How many steps of training fit into the time."""
    times: list[float] = []

    def note(report: Progress) -> None:
        if report.stage == "train":
            times.append(time.perf_counter())

    probe = out / "probe"
    TRAIN[kind](
        Corpus(lines), output=probe, tokenizer=tokenizer, size=size, steps=14, evaluate_every=14, force=True,
        progress=note,
    )  # fmt: skip
    shutil.rmtree(probe)
    a_step = (times[-2] - times[2]) / (
        len(times) - 4
    )  # without the first ones, and without the look at the end
    print(f"{kind}: {a_step:.3f} s a step", flush=True)
    return max(int(0.93 * seconds / a_step), 20)  # the rest is for looks at held-out text and checkpoints


def plan(arguments: argparse.Namespace, out: Path, corpus: Corpus, files: list[Path]) -> dict[str, Any]:
    """The tokenizer, and the steps of each model; found again where a run was stopped."""
    path = out / "plan.json"
    if path.is_file():
        return dict(json.loads(path.read_text("utf-8")))
    started = time.time()
    bar = TerminalProgress()
    tokenizer = Tokenizer.train(
        corpus, kind="bpe", vocab_size=arguments.vocab_size, special_tokens=SPECIAL, progress=bar
    )
    bar.close()
    tokenizer.save(out / "tokenizer", force=True)
    print(f"vocabulary of {tokenizer.n_tokens:,} tokens in {time.time() - started:.0f} s", flush=True)
    few = [line for file in files for line in first_lines(file, 1_500_000)]
    each = (arguments.minutes * 60 - (time.time() - started)) / len(arguments.kind)
    each -= arguments.megabytes * 0.4 + 20  # encoding, and the probe
    steps = {kind: steps_of(kind, few, tokenizer, out, each, arguments.size) for kind in arguments.kind}
    made = {"steps": steps, "megabytes": arguments.megabytes, "size": arguments.size}
    path.write_text(json.dumps(made) + "\n", encoding="utf-8")
    return made


def trained(kind: str, out: Path, corpus: Corpus, plan: dict[str, Any]) -> Path:
    """The folder of the model: made, or gone on with, or there already."""
    folder = out / kind
    if (folder / "qianru.json").is_file():
        return folder
    resume = (checkpoint_folder(folder) / STATE).is_file()
    bar, started = TerminalProgress(), time.time()
    made = TRAIN[kind](
        corpus,
        output=folder,
        tokenizer=Tokenizer.load(out / "tokenizer"),
        size=plan["size"],
        steps=plan["steps"][kind],
        resume=resume,
        force=not resume,
        progress=bar,
    )
    bar.close()
    print(f"{kind}: {time.time() - started:.0f} s{' since it was resumed' if resume else ''}", flush=True)
    return made.path


def show_curve(folder: Path) -> None:
    about = json.loads((folder / "qianru.json").read_text("utf-8"))["provenance"]
    text = about["corpus"]
    print(f"\n{folder.name}-{about['size']}: {about['steps']:,} steps, text of {text['n_tokens']:,} tokens")
    print("  step      tokens   train  held-out  perplexity  accuracy")
    for look in about["held_out"]:
        print(
            f"{look['step']:6,} {look['tokens']:11,} {look['train_loss']:7.3f} {look['loss']:9.3f} "
            f"{look['perplexity']:11.1f} {look['accuracy']:8.1%}"
        )


def fill_in(folder: Path, tokenizer: Tokenizer) -> None:
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder, local_files_only=True).eval()
    print()
    for text in FILL_IN:
        # The space before a word is part of its token, so it is masked with it.
        parts = (part.rstrip(" ") for part in text.split("[MASK]"))
        before, after = (tokenizer.encode(part, add_special_tokens=False).ids.tolist() for part in parts)
        names = [tokenizer.id_of(name) for name in ("[CLS]", "[MASK]", "[SEP]")]
        ids = [names[0], *before, names[1], *after, names[2]]
        with torch.no_grad():
            scores = model(torch.tensor([ids])).logits[0, 1 + len(before)].softmax(dim=0)
        best = scores.topk(5)
        guesses = ", ".join(
            f"{tokenizer.decode([number]).strip()} {share:.0%}"
            for number, share in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        )
        print(f"  {text}  →  {guesses}")


def go_on(folder: Path, tokenizer: Tokenizer) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    print()
    for text in PROMPTS:
        torch.manual_seed(1)
        ids = torch.tensor([tokenizer.encode(text).ids.tolist()])
        made = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=True, top_k=20, temperature=0.8,
            pad_token_id=tokenizer.id_of("<|endoftext|>"),
        )  # fmt: skip
        print(f"  {tokenizer.decode(made[0].tolist())!r}")


def neighbours(folder: Path, tokenizer: Tokenizer, lines: list[str]) -> None:
    """Occurrences of tokens that are words, nearest first by the cosine of their last hidden states less the mean."""
    model = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
    texts = {number: tokenizer.decode([number]) for number in range(tokenizer.n_tokens)}
    length = model.config.max_position_embeddings - 2
    first, last = tokenizer.id_of("[CLS]"), tokenizer.id_of("[SEP]")
    vectors, numbers, where = [], [], []
    with torch.no_grad():
        for line in lines:
            ids = tokenizer.encode(line, add_special_tokens=False).ids.tolist()[:length]
            if len(ids) < 8:
                continue
            states = model(torch.tensor([[first, *ids, last]])).last_hidden_state[0, 1:-1].numpy()
            for place, number in enumerate(ids):
                text = texts[number]
                if (text.startswith(" ") and text[1:].isalpha() and text.isascii() and len(text) > 3) or (
                    len(text) > 1 and text.isalpha() and not text.isascii()
                ):
                    vectors.append(states[place])
                    numbers.append(number)
                    where.append(tokenizer.decode(ids[max(place - 5, 0) : place + 6]))
    matrix = np.array(vectors)
    matrix -= matrix.mean(axis=0)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    print(f"\nneighbours among {len(numbers):,} occurrences")
    for text in ASKED:
        asked = [i for i, number in enumerate(numbers) if texts[number] == text]
        if not asked:
            continue
        scores = matrix @ matrix[asked[0]]
        found: dict[str, float] = {}
        for i in np.argsort(-scores):
            if texts[numbers[i]] != text and len(found) < 6:
                found.setdefault(texts[numbers[i]].strip(), float(scores[i]))
        shown = ", ".join(f"{word} {score:.2f}" for word, score in found.items())
        print(f"  {text.strip()} in {where[asked[0]]!r}: {shown}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--megabytes", type=float, default=100, help="of each language")
    parser.add_argument("--vocab-size", type=int, default=32_000)
    parser.add_argument("--size", default="tiny", choices=["tiny", "small", "base"])
    parser.add_argument("--kind", nargs="+", default=list(TRAIN), choices=list(TRAIN))
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    files = [data_folder() / "corpora" / f"{name}.txt.zst" for name in ("en-wiki-100mb", "zh-mixed-100mb")]
    if arguments.megabytes < 100:
        parts = []
        for file in files:
            part = out / f"{file.name.split('.')[0]}-{arguments.megabytes:g}.txt"
            if not part.is_file():
                lines = first_lines(file, int(arguments.megabytes * 1e6))
                part.write_text("\n".join(lines) + "\n", encoding="utf-8")
            parts.append(part)
        files = parts
    corpus = Corpus(*files)
    steps = plan(arguments, out, corpus, files)
    folders = {kind: trained(kind, out, corpus, steps) for kind in arguments.kind}
    tokenizer = Tokenizer.load(out / "tokenizer")
    for folder in folders.values():
        show_curve(folder)
    if "gpt" in folders:
        go_on(folders["gpt"], tokenizer)
    if "bert" in folders:
        fill_in(folders["bert"], tokenizer)
        neighbours(
            folders["bert"], tokenizer, [line for file in files for line in first_lines(file, 300_000)]
        )


if __name__ == "__main__":
    main()
