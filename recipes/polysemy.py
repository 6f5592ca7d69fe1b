"""Can vectors tell the senses of a word apart? CoarseWSD-20 (seven words) by the nearest training sentence, and WiC.

    python -m recipes.polysemy [CONTEXTUAL...] [--static MODEL] [--elmo MODEL] [--layers=-1,-2] [--words apple bank]
    python -m recipes.polysemy --elmo FOLDER --elmo-text FILE [--elmo-steps N]     train that ELMo first, then the table

One table: a word a row; the most frequent sense, the static model, ELMo, and each contextual model, accuracy x 100 with its 95 %
interval. Then WiC: accuracy with a threshold learned on its training set. Without --static the words of GloVe's first 20,000 lines
in the data folder stand for static vectors. Data: QIANRU_DATA.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from recipes.intrinsic import data_folder

from qianru.contextual import load_encoder, train_elmo
from qianru.contextual.run_state import STATE, checkpoint_folder
from qianru.errors import ArgumentError
from qianru.evaluate import Result, SenseExamples, read_dataset, word_senses, words_in_context
from qianru.progress import TerminalProgress
from qianru.text import Corpus
from qianru.vectors import Encoder, StaticEncoder


def senses_of(encoder: Encoder, data: SenseExamples) -> Result | None:
    """None where the encoder does not know the word."""
    try:
        return word_senses(encoder, data)
    except ArgumentError:
        return None


def trained_elmo(folder: Path, text: str, steps: int | None) -> None:
    """An ELMo of size "tiny" in the folder, unless one stands there; a run that was stopped goes on."""
    if (folder / "options.json").is_file():
        return
    resume = (checkpoint_folder(folder) / STATE).is_file()
    progress = TerminalProgress()
    try:
        made = train_elmo(Corpus(text), output=folder, steps=steps, resume=resume, progress=progress)
    finally:
        progress.close()
    print(
        f"{folder}: held-out perplexity {made.held_out['perplexity']:.1f} behind {made.held_out['step']:,} steps"
    )


def shown(found: Result | None) -> str:
    if found is None:
        return "unknown word"
    one = found.scores[0]
    return f"{100 * one.value:5.1f} [{100 * one.low:4.1f} {100 * one.high:5.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*")
    parser.add_argument("--static")
    parser.add_argument("--elmo", help="a folder of `qianru train elmo`, or of the original program")
    parser.add_argument("--elmo-text", help="train ELMo on this text first, unless the folder stands there")
    parser.add_argument("--elmo-steps", type=int, help="of 32 x 64 words; one pass over the text by default")
    parser.add_argument("--layers", help="of ELMo and the contextual models, averaged; the last by default")
    parser.add_argument("--words", nargs="+")
    parser.add_argument("--skip-wic", action="store_true")
    parser.add_argument("--results", type=Path, help="append all numbers as JSON lines")
    options = parser.parse_args()
    if options.elmo_text is not None:
        if options.elmo is None:
            parser.error("--elmo-text needs --elmo, the folder to write")
        trained_elmo(Path(options.elmo), options.elmo_text, options.elmo_steps)
    folder = data_folder()
    static = options.static or str(folder / "models/glove/glove.6B.50d.head20k.txt")
    layers = [int(one) for one in options.layers.split(",")] if options.layers else None
    encoders: dict[str, Encoder] = {"static": StaticEncoder.load(static)}
    if options.elmo:
        encoders["elmo"] = load_encoder(options.elmo, layers=layers)
    encoders |= {
        Path(path).resolve().name if Path(path).name != "model" else Path(path).resolve().parent.name: (
            load_encoder(path, layers=layers, prompt="", lowercase=False)
        )
        for path in options.models
    }
    names = list(encoders)
    print(
        f"{'word':10} {'senses':>6} {'test':>5} {'most frequent':>14}  "
        + "  ".join(f"{n[:20]:>20}" for n in names)
    )
    totals: dict[str, list[float]] = {name: [] for name in ("most frequent", *names)}
    log: list[dict[str, object]] = []
    for file in sorted((folder / "eval/en/coarsewsd").glob("*/test.data.txt")):
        data = read_dataset(file)
        assert isinstance(data, SenseExamples)
        if options.words and data.word not in options.words:
            continue
        begin = time.perf_counter()
        found = {name: senses_of(encoder, data) for name, encoder in encoders.items()}
        log += [{"model": name, **one.as_dict()} for name, one in found.items() if one is not None]
        zero = next(one.scores[0].zero_line for one in found.values() if one is not None)
        totals["most frequent"].append(zero)
        for name in names:
            # Who does not know the word can only answer with the most frequent sense.
            totals[name].append(zero if found[name] is None else found[name].value)
        n_senses = len({one[3] for one in data.train})
        cells = "  ".join(f"{shown(found[name]):>20}" for name in names)
        took = time.perf_counter() - begin
        print(
            f"{data.word:10} {n_senses:6} {len(data.test):5} {100 * zero:14.1f}  {cells}  {took:4.0f} s",
            flush=True,
        )
    means = {name: 100 * sum(values) / len(values) for name, values in totals.items()}
    cells = "  ".join(f"{means[name]:20.1f}" for name in names)
    print(f"{'mean':10} {'':6} {'':5} {means['most frequent']:14.1f}  {cells}")
    if not options.skip_wic:
        train, data = (read_dataset(folder / f"eval/en/wic/{part}.tsv") for part in ("train", "validation"))
        for name, encoder in encoders.items():
            one = words_in_context(encoder, data, train=train)
            log.append({"model": name, **one.as_dict()})
            print(f"WiC, {name}: {shown(one)}, always “same” {100 * one.scores[0].zero_line:.1f}", flush=True)
    if options.results:
        with options.results.open("a", encoding="utf-8") as out:
            out.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in log)


if __name__ == "__main__":
    main()
