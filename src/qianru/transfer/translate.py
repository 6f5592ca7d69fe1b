"""`train_translator`: an encoder-decoder Transformer learns to translate, from random or from aligned pretrained rows."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from qianru.arrays import Float32Array, Int64Array
from qianru.contextual.losses import linear_cross_entropy
from qianru.contextual.settings import PRECISIONS
from qianru.errors import ArgumentError, TrainingError
from qianru.layers.backend import default_precision, device_of, own_draws, set_threads
from qianru.layers.embedding import EmbeddingLayer, pad, parameter_groups
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.transfer.examples import text_marks
from qianru.transfer.pairs import Pairs, SentencePairs, as_sentence_pairs, shared_groups, without_known
from qianru.transfer.seq2seq import Seq2Seq
from qianru.transfer.translator import BEGIN, END, PADDING, Saved, Translator
from qianru.vectors import Vectors

_CLIP = 1.0
_POOL = 100  # batches whose sentences are sorted by length together
# With few pairs words are cut finer, and batches are smaller, so that a pass has that many steps. With 2,000 pairs, 8,000 tokens,
# batches of 1,500 and 400 steps of warm-up, thirteen steps a pass, BLEU was a third of what it is so.
_VOCAB_SIZES = 1000, 8000
_BATCH_TOKENS, _FEWEST_STEPS, _WARMUP, _WARMUP_PASSES = 1500, 50, 400, 2
Ids = list[list[int]]


def train_translator(
    pairs: Pairs,
    *,
    validation: Pairs | float = 0.02,
    start: Sequence[Vectors] = (),
    tokenizer: Tokenizer | None = None,
    vocab_size: int | None = None,
    dim: int = 128,
    n_layers: int = 2,
    n_heads: int = 4,
    dropout: float = 0.1,
    epochs: int = 20,
    patience: int = 3,
    batch_tokens: int | None = None,
    learning_rate: float = 2e-3,
    warmup: int | None = None,
    smoothing: float = 0.1,
    max_tokens: int = 120,
    max_seconds: float | None = None,
    precision: str | None = None,
    overlap: str = "refuse",
    seed: int = 1,
    threads: int | None = None,
    device: str | None = None,
    progress: ProgressCallback | None = None,
) -> Translator:
    """Train a translator; it ends as it was at the least held-out loss.

    Both languages share one vocabulary, a byte-level BPE tokenizer trained on both sides, and one matrix, which is also the
    output.

    Args:
        pairs: sentences and translations; a path, or pairs.
        validation: pairs to stop by, or the share of the pairs that is held out for that: pairs that share no sentence, on either
            side, with those that are trained on.
        start: vectors of one space, of one language each (as `qianru align` makes them) or of both: tokens that are words
            of them start from those, scaled to length 1, and from the mean where several know the token; `dim` is then
            theirs. Empty: all rows start at random.
        tokenizer: one with the special tokens <s>, </s> and <pad>, instead of training one of vocab_size; None: as many tokens as
            pairs, from 1,000 to 8,000.
        n_layers: of encoder and decoder each.
        batch_tokens: target tokens in a step, about; None: 1,500, or fewer, so that a pass has fifty steps.
        warmup: steps until the learning rate has risen to its height, from where it falls with the square root of the step; None: two
            passes, at most 400. smoothing: of labels (Szegedy et al. 2016).
        max_tokens: longer sources and targets are cut, and counted in `notes`.
        max_seconds: training ends after the epoch in which this time is over.
        precision: of the multiplications in training, "float32" or "bfloat16"; None: bfloat16 where the device multiplies it faster.
        device: of torch, "cpu", "cuda" or "cuda:1"; None: a GPU where there is one. The translator stays there.

    Raises:
        ArgumentError, CorpusError. TrainingError: a loss is no number.
    """
    _check(locals())
    data = as_sentence_pairs(pairs)
    train, held_out = _split(data, validation, overlap, seed)
    marks = np.unique(np.concatenate([text_marks(train.sources), text_marks(held_out.sources)]))
    set_threads(threads)
    if tokenizer is None:
        lines = [" ".join(text.split()) for text in (*train.sources, *train.targets)]
        tokenizer = Tokenizer.train(
            Corpus(lines),
            kind="bpe",
            vocab_size=vocab_size or min(max(len(train), _VOCAB_SIZES[0]), _VOCAB_SIZES[1]),
            special_tokens=(PADDING, BEGIN, END),
        )
    missing = [token for token in (PADDING, BEGIN, END) if token not in tokenizer.special_tokens]
    if missing:
        raise ArgumentError(f"tokenizer has no special token {missing[0]}", hint="train one with it")
    place, precision = device_of(device), precision or default_precision(device)
    with own_draws(place):
        torch.manual_seed(seed)
        layer = _layer(tokenizer, start, dim, seed)
        network = Seq2Seq(layer, n_layers=n_layers, n_heads=n_heads, dropout=dropout).to(place)
        sets = [_encode(one, tokenizer, max_tokens) for one in (train, held_out)]
        n_tokens = sum(len(ids) for ids in sets[0][1])
        size = batch_tokens or min(max(n_tokens // _FEWEST_STEPS, 1), _BATCH_TOKENS)
        rising = warmup or min(max(_WARMUP_PASSES * n_tokens // size, 1), _WARMUP)
        history = _fit(
            network,
            sets[0][:2],
            sets[1][:2],
            epochs=epochs,
            patience=patience,
            batch_tokens=size,
            learning_rate=learning_rate,
            warmup=rising,
            smoothing=smoothing,
            max_seconds=max_seconds,
            precision=precision,
            seed=seed,
            progress=progress,
        )
    settings = {
        "dropout": dropout,
        "batch_tokens": size,
        "learning_rate": learning_rate,
        "warmup": rising,
        "smoothing": smoothing,
        "precision": precision,
        "seed": seed,
    }
    provenance: dict[str, object] = {
        "made_by": "train_translator",
        "settings": settings,
        "data": {"n_train": len(train), "n_held_out": len(held_out), "n_empty": data.n_empty},
        "start": None if layer.report is None else layer.report.as_dict(),
        "history": history,
    }
    notes = [f"{data.n_empty} pairs with an empty side were left out"] if data.n_empty else []
    if sets[0][2]:
        notes.append(f"{sets[0][2]} training sentences are longer than {max_tokens} tokens and were cut")
    return Translator(network, Saved(n_layers, n_heads, max_tokens, marks, provenance), notes=notes)


def joined_space(spaces: Sequence[Vectors]) -> Vectors:
    """All words of several vectors in one space, rows of length 1; the mean, of length 1, where several know a word.

    Raises ArgumentError for unequal dims.
    """
    dims = {one.dim for one in spaces}
    if len(dims) != 1:
        raise ArgumentError(
            f"start must be vectors of one space, got dims {sorted(dims)}", hint="qianru align"
        )
    words = list(dict.fromkeys(word for one in spaces for word in one.keys))
    rows = {word: row for row, word in enumerate(words)}
    sums = np.zeros((len(words), dims.pop()), np.float64)
    for one in spaces:
        unit = one.normalise().to_numpy()
        np.add.at(sums, [rows[word] for word in one.keys], unit)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    matrix: Float32Array = (sums / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return Vectors(words, matrix)


def _layer(tokenizer: Tokenizer, start: Sequence[Vectors], dim: int, seed: int) -> EmbeddingLayer:
    if not start:
        return EmbeddingLayer(tokenizer, dim=dim, seed=seed)
    return EmbeddingLayer.from_vectors(joined_space(start), tokenizer, ignore_case=True, seed=seed)


def _split(
    data: SentencePairs, validation: Pairs | float, overlap: str, seed: int
) -> tuple[SentencePairs, SentencePairs]:
    if not isinstance(validation, float | int):
        held_out = as_sentence_pairs(validation, "validation")
        return data, without_known(held_out, np.unique(text_marks(data.sources)), overlap, what="validation")
    n = max(1, round(validation * len(data)))
    if n >= len(data):
        raise ArgumentError(f"validation leaves nothing to train on: {n} of {len(data)} pairs")
    order = np.random.default_rng([seed, 13]).permutation(len(data))
    groups = shared_groups(data)
    sizes = np.bincount(groups)
    drawn = list(dict.fromkeys(groups[order].tolist()))
    held: list[int] = []
    for group in drawn:
        if sizes[group] <= n:
            held.append(group)
            n -= sizes[group]
    is_out = np.isin(groups, held or min(drawn, key=lambda group: int(sizes[group])))
    if is_out.all():
        raise ArgumentError(
            f"validation leaves nothing to train on: all {len(data)} pairs are linked by sentences that they share",
            hint="Give pairs of their own as validation.",
        )
    return data.chosen(np.flatnonzero(~is_out).tolist()), data.chosen(np.flatnonzero(is_out).tolist())


def _encode(pairs: SentencePairs, tokenizer: Tokenizer, most: int) -> tuple[Ids, Ids, int]:
    """Sources with </s>, targets with <s> and </s>, and how many sentences were cut."""
    begin, end = tokenizer.special_tokens[BEGIN], tokenizer.special_tokens[END]
    sides, n_cut = [], 0
    for texts in (pairs.sources, pairs.targets):
        batch = tokenizer.encode_batch(texts, add_special_tokens=False)
        n_cut += int((np.diff(batch.splits) > most).sum())
        sides.append([batch[i][:most].tolist() for i in range(len(batch))])
    return [[*ids, end] for ids in sides[0]], [[begin, *ids, end] for ids in sides[1]], n_cut


def _batches(pairs: tuple[Ids, Ids], batch_tokens: int, rng: np.random.Generator) -> Iterator[Int64Array]:
    """Places of one pass in random batches of about so many target tokens; targets of like length together, of those sources of like length."""
    sources, lengths = (_lengths(side) for side in pairs)
    order = rng.permutation(len(lengths))
    size = max(1, batch_tokens // max(int(lengths.mean()), 1))
    found = []
    for first in range(0, len(order), size * _POOL):
        pool = order[first : first + size * _POOL]
        pool = pool[np.lexsort((sources[pool], lengths[pool]))]
        begin = 0
        while begin < len(pool):
            stop = begin + 1
            while stop < len(pool) and (stop - begin + 1) * lengths[pool[stop]] <= batch_tokens:
                stop += 1
            found.append(pool[begin:stop])
            begin = stop
    for i in rng.permutation(len(found)).tolist():
        yield found[i]


def _lengths(side: Ids) -> Int64Array:
    return np.array([len(ids) for ids in side], dtype=np.int64)


def _fit(
    network: Seq2Seq,
    train: tuple[Ids, Ids],
    held_out: tuple[Ids, Ids],
    *,
    epochs: int,
    patience: int,
    batch_tokens: int,
    learning_rate: float,
    warmup: int,
    smoothing: float,
    max_seconds: float | None,
    precision: str,
    seed: int,
    progress: ProgressCallback | None,
) -> list[dict[str, float]]:
    rng = np.random.default_rng([seed, 17])
    lengths = _lengths(train[1])
    optimizer = torch.optim.AdamW(
        parameter_groups(network, learning_rate=learning_rate), betas=(0.9, 0.98), fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (warmup / (step + 1)) ** 0.5)
    )
    history: list[dict[str, float]] = []
    best, best_epoch, best_state, began = float("inf"), 0, None, time.monotonic()
    for epoch in range(1, epochs + 1):
        network.train()
        total, n_tokens = 0.0, 0
        for places in _batches(train, batch_tokens, rng):
            optimizer.zero_grad(set_to_none=True)
            loss, n = _loss(network, train, places, smoothing, precision)
            value = float(loss.detach())
            if not np.isfinite(value):
                raise TrainingError(
                    f"the loss is {value} in epoch {epoch}", hint="Use a smaller learning rate."
                )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
            optimizer.step()
            schedule.step()
            total, n_tokens = total + value * n, n_tokens + n
            if progress is not None:
                seconds = max(time.monotonic() - began, 1e-9)
                done = (epoch - 1 + n_tokens / max(int(lengths.sum() - len(lengths)), 1)) / epochs
                rate = (int(lengths.sum()) * (epoch - 1) + n_tokens) / seconds
                progress(Progress("train", min(done, 1.0), rate, "tokens", total / n_tokens))
        found = held_out_loss(network, held_out, batch_tokens, precision)
        if not np.isfinite(found):
            raise TrainingError(
                f"the held-out loss is {found} after epoch {epoch}", hint="Use a smaller learning rate."
            )
        history.append({"epoch": epoch, "loss": total / n_tokens, "held_out_loss": found})
        if found < best:
            best, best_epoch, best_state = found, epoch, copy.deepcopy(network.state_dict())
        over = max_seconds is not None and time.monotonic() - began > max_seconds
        if epoch - best_epoch >= patience or over:
            break
    network.load_state_dict(best_state)
    network.eval()
    return history


def held_out_loss(
    network: Seq2Seq, pairs: tuple[Ids, Ids], batch_tokens: int, precision: str = "float32"
) -> float:
    """The mean of -ln p of the target tokens, without dropout and smoothing."""
    network.eval()
    total, n_tokens = 0.0, 0
    with torch.no_grad():
        for places in _batches(pairs, batch_tokens, np.random.default_rng(0)):
            loss, n = _loss(network, pairs, places, 0.0, precision)
            total, n_tokens = total + float(loss) * n, n_tokens + n
    return total / n_tokens


def _loss(
    network: Seq2Seq, pairs: tuple[Ids, Ids], places: Int64Array, smoothing: float, precision: str
) -> tuple[Any, int]:
    padding = network.layer.padding_id
    sources, targets = (pad([side[i] for i in places.tolist()], padding).to(network.device) for side in pairs)
    aim = targets[:, 1:]
    real = aim != padding
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    with torch.autocast(network.device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        states, n = network.states(sources, targets[:, :-1])[real], int(real.sum())
    weight, bias = network.layer.weight, network.output.bias
    loss = linear_cross_entropy(states, weight, bias, aim[real], dtype=dtype, smoothing=smoothing)
    return loss / n, n


def _check(told: dict[str, Any]) -> None:
    for name in (
        "vocab_size",
        "dim",
        "n_layers",
        "n_heads",
        "epochs",
        "patience",
        "batch_tokens",
        "warmup",
        "max_tokens",
    ):
        value = told[name]
        if value is None and name in ("vocab_size", "batch_tokens", "warmup"):
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ArgumentError(f"{name} must be a whole number from 1 up, got {value!r}")
    if told["precision"] not in (None, *PRECISIONS):
        raise ArgumentError(f"precision must be one of {', '.join(PRECISIONS)}, got {told['precision']!r}")
    for name in ("dropout", "smoothing"):
        if not 0 <= told[name] < 1:
            raise ArgumentError(f"{name} must be from 0 to below 1, got {told[name]}")
    if not 0 < told["learning_rate"] < float("inf"):
        raise ArgumentError(f"learning_rate must be above 0, got {told['learning_rate']}")
    seconds = told["max_seconds"]
    if seconds is not None and not seconds >= 0:
        raise ArgumentError(f"max_seconds must be a number from 0 up, or None, got {seconds!r}")
    if isinstance(told["validation"], float | int) and not 0 < told["validation"] < 1:
        raise ArgumentError(
            f"validation must be pairs, or a share above 0 and below 1, got {told['validation']}"
        )
    if isinstance(told["start"], Vectors) or not all(isinstance(one, Vectors) for one in told["start"]):
        raise ArgumentError("start must be a sequence of Vectors", hint="write [vectors]")
    dim = told["start"][0].dim if told["start"] else told["dim"]
    if dim % told["n_heads"]:
        raise ArgumentError(f"n_heads must divide the {dim} numbers of a row, got {told['n_heads']}")
