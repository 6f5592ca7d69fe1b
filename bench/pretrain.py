"""Tokens a second in pretraining, beside transformers' Trainer with its own collator: same model, text, batch and machine.

    python -m bench.pretrain [--kind bert gpt] [--megabytes 4] [--steps 12] [--batch 32] [--length 128] [--threads 2] [--peak 989]

The Trainer gets each line as an example, cut off at the length and padded to the longest of its batch, as its default collator
does it; tokens are counted without padding. The ladder below shows where the difference comes from, one change a row: packed
sequences, the head where tokens are asked for and nowhere else, the loss in blocks with its gradient, bfloat16.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from recipes.intrinsic import data_folder
from recipes.surgery import first_lines

from qianru.contextual.packing import write_stream
from qianru.contextual.pretrain import PretrainRun
from qianru.contextual.processes import Processes
from qianru.contextual.settings import PretrainSettings
from qianru.contextual.task import Task
from qianru.contextual.transformers_tasks import (
    BERT_TOKENS,
    GPT_TOKENS,
    SHAPES,
    BertTask,
    CausalModel,
    GptTask,
    MaskedModel,
)
from qianru.progress import Progress
from qianru.text import Corpus
from qianru.tokens import Tokenizer

WARM = 3


class AllPlaces(MaskedModel):
    """The head at all places, as transformers applies it, and torch's loss."""

    def forward(self, inputs: Any, places: Any, targets: Any) -> Any:
        labels = torch.full((inputs.numel(),), -100, device=inputs.device)
        labels[places] = targets
        logits = self.model(inputs).logits.float().flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, labels, reduction="sum")


class PlainLoss(MaskedModel):
    """The head where tokens are asked for, and torch's loss."""

    def forward(self, inputs: Any, places: Any, targets: Any) -> Any:
        scores = self.model.get_output_embeddings()(self.hidden(inputs, places)).float()
        return torch.nn.functional.cross_entropy(scores, targets, reduction="sum")


class PlainCausal(CausalModel):
    """All scores at once, and torch's loss."""

    def forward(self, inputs: Any, places: Any, targets: Any) -> Any:
        logits = self.model(inputs, use_cache=False).logits.float().flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, targets, reduction="sum")


def settings_of(arguments: argparse.Namespace, precision: str) -> PretrainSettings:
    return PretrainSettings(
        size=arguments.size,
        length=arguments.length,
        batch_size=arguments.batch,
        accumulate=1,
        steps=WARM + arguments.steps + 1,
        epochs=1.0,
        learning_rate=1e-3,
        warmup=0.0,
        min_learning_rate=0.0,
        weight_decay=0.01,
        clip_norm=1.0,
        dropout=0.0,
        seed=1,
        precision=precision,
        evaluate_every=None if arguments.steps < 1 else 1 << 30,
        checkpoint_seconds=1e9,
    )


def ours(task: Task, settings: PretrainSettings, n_steps: int) -> float:
    """Tokens a second over the steps behind the first ones."""
    times: list[float] = []

    def note(report: Progress) -> None:
        times.append(time.perf_counter())

    run = PretrainRun(task, settings, folder=None, identity={}, processes=Processes(), progress=note)
    run.train()
    return n_steps * settings.batch_size * settings.length / (times[WARM + n_steps - 1] - times[WARM - 1])


def trainer(model: Any, examples: list[dict[str, Any]], collate: Any, arguments: Any, *, bf16: bool) -> float:
    """The same of transformers' Trainer, padding not counted."""
    counts: list[int] = []
    times: list[float] = []

    def counted(batch: list[dict[str, Any]]) -> Any:
        made = collate(batch)
        counts.append(int(made["attention_mask"].sum()))
        return made

    class Clock(transformers.TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available() and len(times) + 1 in (WARM, WARM + arguments.steps):
                torch.cuda.synchronize()  # the steps that were sent off are done
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        options = transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=arguments.batch,
            max_steps=WARM + arguments.steps,
            learning_rate=1e-3,
            weight_decay=0.01,
            use_cpu=not torch.cuda.is_available(),
            bf16=bf16,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        transformers.Trainer(
            model=model, args=options, train_dataset=examples, data_collator=counted, callbacks=[Clock()]
        ).train()
    return sum(counts[WARM : WARM + arguments.steps]) / (times[-1] - times[WARM - 1])


def flops_a_token(kind: str, arguments: argparse.Namespace, n_tokens: int) -> float:
    """Operations of the products in forward and backward that the model needs (Chowdhery et al. 2022, appendix B): of the layers
    and attention, and of the output for the tokens that are asked for, 15 % of them in BERT."""
    shape = SHAPES[arguments.size]
    layer = 6 * 12 * shape.dim**2 + 12 * arguments.length * shape.dim / (1 if kind == "bert" else 2)
    asked, head = (0.15, shape.dim**2) if kind == "bert" else (1.0, 0)
    return float(shape.n_layers * layer + asked * 6 * (n_tokens * shape.dim + head))


def measure(kind: str, lines: list[str], arguments: argparse.Namespace) -> None:
    is_bert = kind == "bert"
    tokenizer = Tokenizer.train(
        Corpus(lines),
        kind="wordpiece" if is_bert else "bpe",
        vocab_size=32_000,
        special_tokens=BERT_TOKENS if is_bert else GPT_TOKENS,
    )
    shape = SHAPES[arguments.size]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        stream = write_stream(Corpus(lines), tokenizer, folder, whole_words=is_bert)
        tokenizer.save(folder / "tokenizer")
        theirs = transformers.AutoTokenizer.from_pretrained(folder / "tokenizer")
        if not is_bert:
            theirs.pad_token = theirs.eos_token
        collate = transformers.DataCollatorForLanguageModeling(theirs, mlm=is_bert)

        def task(precision: str) -> Any:
            torch.manual_seed(1)
            settings = settings_of(arguments, precision)
            if is_bert:
                return BertTask(stream, tokenizer, settings, mask_share=0.15, shape=shape)
            return GptTask(stream, tokenizer, settings, shape=shape)

        def with_loss(module: Any, precision: str = "float32") -> Callable[[], float]:
            def run() -> float:
                made, settings = task(precision), settings_of(arguments, precision)
                made.module = module(made.module.model, settings)
                return ours(made, settings, arguments.steps)

            return run

        random = torch.Generator().manual_seed(1)
        order = torch.randperm(len(lines), generator=random).tolist()
        ids = [
            {"input_ids": tokenizer.encode(lines[i]).ids.tolist()[: arguments.length]}
            for i in order[: (WARM + arguments.steps + 2) * arguments.batch]
            if lines[i].strip()
        ]
        length, inner = arguments.length, arguments.length - (2 if is_bert else 0)
        packed = []
        for i in range((WARM + arguments.steps + 2) * arguments.batch):
            part = stream.window(torch.tensor([i * inner]).numpy(), inner, line_end=0)[0].tolist()
            packed.append({"input_ids": ([2, *part, 3] if is_bert else part)[:length]})
        own = MaskedModel if is_bert else CausalModel
        rows: list[tuple[str, Callable[[], float]]] = [
            ("Trainer, lines padded", lambda: trainer(task("float32").module.model, ids, collate, arguments, bf16=False)),
            ("Trainer, lines padded, bfloat16", lambda: trainer(task("float32").module.model, ids, collate, arguments, bf16=True)),
            ("Trainer, packed", lambda: trainer(task("float32").module.model, packed, collate, arguments, bf16=False)),
            *([("here, packed, head everywhere", with_loss(AllPlaces))] if is_bert else []),
            ("here, head where asked, torch's loss", with_loss(PlainLoss)) if is_bert else ("here, packed, torch's loss", with_loss(PlainCausal)),
            ("here, loss in blocks", with_loss(own)),
            ("here, bfloat16", with_loss(own, "bfloat16")),
        ]  # fmt: skip
        first: float | None = None
        print(f"{kind}-{arguments.size}, {len(lines):,} lines, {tokenizer.n_tokens:,} tokens", flush=True)
        for name, run in rows:
            rate = run()
            first = first or rate
            speed = rate * flops_a_token(kind, arguments, tokenizer.n_tokens) / 1e12
            print(
                f"  {name:<38} {rate:10,.0f} tokens/s  {rate / first:5.2f} x  {speed:6.2f} TFLOP/s"
                + (f", {speed / arguments.peak:.1%} of {arguments.peak:g}" if arguments.peak else ""),
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", nargs="+", default=["bert", "gpt"], choices=["bert", "gpt"])
    parser.add_argument("--size", default="tiny", choices=list(SHAPES))
    parser.add_argument("--megabytes", type=float, default=4)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peak", type=float, help="TFLOP/s of the device, to print the share that is used")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    corpora = data_folder() / "corpora"
    n_bytes = int(arguments.megabytes * 500_000)
    lines = [
        line
        for name in ("en-wiki-100mb", "zh-mixed-100mb")
        for line in first_lines(corpora / f"{name}.txt.zst", n_bytes)
    ]
    for kind in arguments.kind:
        measure(kind, lines, arguments)


if __name__ == "__main__":
    main()
