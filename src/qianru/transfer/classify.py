"""`train_text_classifier`: an encoder on an embedding layer learns labels, from random or from pretrained rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import torch

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import ArgumentError, CorpusError
from qianru.layers.backend import device_of, own_draws, set_threads
from qianru.layers.embedding import MODES
from qianru.layers.encoders import ENCODERS
from qianru.progress import ProgressCallback
from qianru.tokens import Tokenizer
from qianru.transfer.calibration import LOWEST, MIN_EXAMPLES, fit_temperature, softmax
from qianru.transfer.classifier import Run, TextClassifier
from qianru.transfer.classifier_folder import Saved
from qianru.transfer.classify_source import Features, Plan, Rows, Source, Tokens, Tuned, words_tokenizer
from qianru.transfer.encoder_features import as_features, settings_for_json
from qianru.transfer.examples import (
    Examples,
    LabelledTexts,
    as_examples,
    check_labels,
    hold_out,
    label_names,
    text_marks,
    without_overlap,
)
from qianru.transfer.fitting import Fit, FitSettings, fit
from qianru.transfer.network import FeatureModel, Inputs, TextNetwork, scores_of
from qianru.transfer.report import text_report
from qianru.vectors import SubwordVectors, Vectors

ClassWeights: TypeAlias = str | Mapping[str, float]


def train_text_classifier(
    examples: Examples,
    *,
    validation: Examples | float = 0.1,
    test: Examples | None = None,
    start: Vectors | SubwordVectors | None = None,
    rows: Rows = "slow",
    features: FeatureModel | str | os.PathLike[str] | None = None,
    fine_tune: str | os.PathLike[str] | None = None,
    features_settings: Mapping[str, Any] | None = None,
    encoder: str = "mean",
    encoder_settings: Mapping[str, Any] | None = None,
    tokenizer: Tokenizer | None = None,
    dim: int = 100,
    min_count: int = 2,
    max_vocab: int = 100_000,
    max_tokens: int = 256,
    dropout: float = 0.3,
    epochs: int | None = None,
    patience: int = 3,
    batch_size: int = 32,
    learning_rate: float = 2e-3,
    slow: float = 0.2,
    body_learning_rate: float = 5e-5,
    warmup: float = 0.1,
    weight_decay: float = 0.01,
    class_weights: ClassWeights = "none",
    seeds: int | Sequence[int] = 1,
    overlap: str = "refuse",
    threads: int | None = None,
    device: str | None = None,
    progress: ProgressCallback | None = None,
) -> TextClassifier:
    """Train a classifier of texts; of several seeds the run with the least held-out loss is returned.

    Training stops when the held-out loss has not fallen for `patience` checks, and the network goes back to the best one. A check
    comes after each pass, with few examples after twenty steps. So it is where a loss is no number later on. Probabilities are calibrated on the held-out examples, if
    there are twenty and a temperature fits them best; `notes` says where not.

    Args:
        examples: a CSV, TSV or JSON lines file, or pairs of text and label.
        validation: examples to stop by, or the share of the training examples that is held out for that, of each label alike;
            copies of a text (case and white space do not count) are held out or trained on together.
        test: evaluated at the end, for each seed; the best seed is never chosen by it.
        start: vectors that rows start from; None: random rows of `dim` numbers.
        rows: what training does to the rows of words that `start` knows: "frozen", "slow" (at the rate slow x
            learning_rate) or "free". All other rows are free.
        features: instead of tokens: a model with encode(texts) → float32 [n, dim], frozen, with a linear map on it; or the
            path of one that `load_encoder` opens, and features_settings of that (layers, pooling, long, …).
        fine_tune: instead of tokens: a folder of transformers, all of whose weights are trained with the linear map on its pooled
            vectors (Devlin et al. 2019); features_settings go with it too.
        encoder: "mean", "cnn", "lstm", "gru" or "transformer"; encoder_settings as for `make_encoder`.
        tokenizer: gives the tokens; by default words, those of `start` and those of the examples.
        min_count: words of the examples that occur less often are unknown, unless `start` knows them.
        max_vocab: at most so many words of `start`, the first ones.
        max_tokens: longer texts are cut, and counted in `notes`; with features and fine_tune their model's limit does that.
        epochs: checks, at most; by default 30, with fine_tune 10.
        body_learning_rate: of the weights of fine_tune; learning_rate is that of all others. Both rise from 0 over the share
            `warmup` of all steps and then fall to 0 by the last of `epochs`.
        class_weights: "none", "balanced" (n / (n_labels x n of the label)), or a weight for each label, in the training loss.
        seeds: so many, 1, 2, …, or the seeds themselves.
        overlap: validation and test examples whose text is trained on: "refuse", "drop" or "allow".
        threads: of torch, for the whole process.
        device: of torch, "cpu", "cuda" or "cuda:1"; None: a GPU where there is one. The classifier stays there.

    Raises:
        ArgumentError: an argument breaks its rule. CorpusError: one label alone, one that UTF-8 cannot hold, labels that differ
            between files, a test set that was trained on. TrainingError: the loss is no number.
    """
    if epochs is None:
        epochs = 30 if fine_tune is None else 10
    fitting = FitSettings(
        epochs, patience, batch_size, learning_rate, slow, weight_decay, body_learning_rate, warmup
    )
    numbers = _checked(fitting, locals())
    data = _data(examples, validation, test, overlap, numbers[0])
    weights = _class_weights(class_weights, data)
    set_threads(threads)
    place = device_of(device)
    plan = Plan(len(data.names), encoder, dict(encoder_settings or {}), dropout)
    model = None if fine_tune is not None else as_features(features, features_settings, device=str(place))
    if fine_tune is not None:
        source: Source = Tuned(fine_tune, features_settings, str(place))
    elif model is not None:
        source = Features(model, progress)
    else:
        given = tokenizer or words_tokenizer(start, data.train.texts, min_count, max_vocab)
        source = Tokens(given, start, rows, dim)
    made = [source.inputs(part.texts, max_tokens) for part in data.parts()]
    runs: list[Run] = []
    best: tuple[float, Any, Run] | None = None
    for seed in numbers:
        with own_draws(place):
            torch.manual_seed(seed)
            network = source.network(plan, made[0], seed).to(place)
            found = fit(
                network,
                made[0],
                data.labels(data.train),
                (made[1], data.labels(data.held_out)) if data.held_out is not None else None,
                fitting,
                seed=seed,
                weights=weights,
                stage=f"seed {seed}",
                progress=progress,
            )
        run = _finished(network, found, made, data, seed)
        runs.append(run)
        judged = run.held_out_loss if run.held_out_loss is not None else run.history[-1]["loss"]
        if best is None or judged < best[0]:
            best = (judged, network, run)
    assert best is not None
    _, network, run = best
    settings = {
        **asdict(fitting),
        "rows": rows if start is not None else "free",
        "dropout": dropout,
        "min_count": min_count,
        "max_vocab": max_vocab,
        "class_weights": class_weights
        if isinstance(class_weights, str)
        else {name: float(weight) for name, weight in class_weights.items()},
    }
    provenance: dict[str, object] = {
        "made_by": "train_text_classifier",
        "settings": settings,
        "data": data.told(),
        "start": source.told(network),
        "runs": [one.as_dict() for one in runs],
    }
    saved = Saved(
        tuple(data.names),
        encoder if isinstance(source, Tokens) else "none",
        network.text.encoder.settings if isinstance(network, TextNetwork) else {},
        max_tokens,
        data.seen,
        run.temperature,
        run.seed,
        None if model is None else str(getattr(model, "fingerprint", "") or ""),
        tuned=settings_for_json(source.settings) if isinstance(source, Tuned) else None,
        provenance=provenance,
    )
    return TextClassifier(
        network,
        saved,
        features=model,
        runs=runs,
        notes=_notes(
            data, made[0], f"{max_tokens} tokens" if isinstance(source, Tokens) else "their model takes", runs
        ),
    )


@dataclass(frozen=True)
class _Data:
    """Training, held-out and test examples, with one order of labels."""

    names: list[str]
    train: LabelledTexts
    held_out: LabelledTexts | None
    test: LabelledTexts | None
    seen: Any

    def labels(self, examples: LabelledTexts | None) -> Int64Array:
        return check_labels(cast(LabelledTexts, examples), self.names)

    def parts(self) -> list[LabelledTexts]:
        nothing = LabelledTexts([], [])
        return [self.train, self.held_out or nothing, self.test or nothing]

    def told(self) -> dict[str, object]:
        return {
            "n_train": len(self.train),
            "n_held_out": len(self.held_out) if self.held_out is not None else 0,
            "n_test": len(self.test) if self.test is not None else 0,
            "labels": {name: self.train.labels.count(name) for name in self.names},
        }


def _data(
    examples: Examples, validation: Examples | float, test: Examples | None, overlap: str, seed: int
) -> _Data:
    train = as_examples(examples)
    names = label_names(train)
    marks = text_marks(train.texts)
    held_out = None
    if not isinstance(validation, float | int):
        held_out = as_examples(validation, "validation")
        check_labels(held_out, names)
        held_out = without_overlap(held_out, marks, overlap, what="validation")
        marks = np.concatenate([marks, text_marks(held_out.texts)])
    elif validation:
        kept, out = hold_out(check_labels(train, names), marks, float(validation), seed)
        if not len(out):
            raise CorpusError(
                f"{train.name} has no label with two different texts to hold one out of",
                hint="Give more examples, or validation=0.",
            )
        train, held_out = train.chosen(kept), train.chosen(out)
    tested = None
    if test is not None:
        tested = as_examples(test, "test")
        check_labels(tested, names)
        tested = without_overlap(tested, marks, overlap)
    return _Data(names, train, held_out, tested, np.unique(marks))


def _finished(network: Any, found: Fit, made: list[Inputs], data: _Data, seed: int) -> Run:
    temperature, loss, accuracy, report = 1.0, None, None, None
    if data.held_out is not None:
        labels = data.labels(data.held_out)
        scores = scores_of(network, made[1])
        if len(labels) >= MIN_EXAMPLES:
            temperature = fit_temperature(scores, labels) or 1.0
        best = found.history[found.best_check - 1]
        loss, accuracy = best["held_out_loss"], best["held_out_accuracy"]
    if data.test is not None:
        probabilities = softmax(scores_of(network, made[2]), temperature)
        report = text_report(
            data.names, probabilities, data.labels(data.test), n_truncated=made[2].n_truncated
        )
    return Run(
        seed,
        found.best_check,
        found.stopped_early,
        loss,
        accuracy,
        temperature,
        found.history,
        report,
        found.diverged,
    )


def _class_weights(given: ClassWeights, data: _Data) -> Float64Array | None:
    if isinstance(given, str):
        if given not in ("none", "balanced"):
            raise ArgumentError(f'class_weights must be "none", "balanced" or by label, got {given!r}')
        if given == "none":
            return None
        n = np.bincount(data.labels(data.train), minlength=len(data.names))
        weights: Float64Array = len(data.train) / (len(data.names) * np.maximum(n, 1))
        return weights
    strange = sorted(set(given) ^ set(data.names))
    if strange or any(not 0 < weight < np.inf for weight in given.values()):
        raise ArgumentError(
            f"class_weights must give a number above 0 for each of {', '.join(map(repr, data.names[:10]))}"
            + (f"; {strange[0]!r} is not on both sides" if strange else "")
        )
    return np.array([given[name] for name in data.names], dtype=np.float64)


def _checked(fitting: FitSettings, told: Mapping[str, Any]) -> list[int]:
    """The seeds. Raises ArgumentError for the first argument that breaks its rule."""
    for name in ("dim", "min_count", "max_vocab", "max_tokens"):
        _whole(name, told[name])
    for name in ("epochs", "patience", "batch_size"):
        _whole(name, getattr(fitting, name))
    for name in ("learning_rate", "slow", "body_learning_rate"):
        value = getattr(fitting, name)
        if not 0 < value < float("inf"):
            raise ArgumentError(f"{name} must be above 0, got {value}")
    if not 0 <= fitting.weight_decay < float("inf"):
        raise ArgumentError(f"weight_decay must be from 0 up, got {fitting.weight_decay}")
    for name in ("dropout", "warmup"):
        if not 0 <= told[name] < 1:
            raise ArgumentError(f"{name} must be from 0 to below 1, got {told[name]}")
    if told["rows"] not in MODES:
        raise ArgumentError(f"rows must be one of {', '.join(MODES)}, got {told['rows']!r}")
    if told["encoder"] not in ENCODERS:
        raise ArgumentError(f"encoder must be one of {', '.join(ENCODERS)}, got {told['encoder']!r}")
    share = told["validation"]
    if isinstance(share, float | int) and not 0 <= share < 1:
        raise ArgumentError(f"validation must be examples, or a share from 0 to below 1, got {share}")
    for name in ("features", "fine_tune"):
        others = ("start", "tokenizer", *(("features",) if name == "fine_tune" else ()))
        if told[name] is not None and any(told[other] is not None for other in others):
            raise ArgumentError(
                f"{name} must come without {' and '.join(others)}: the model behind it has its own",
                hint="leave those out",
            )
        if told[name] is not None and told["encoder"] != "mean":
            raise ArgumentError(
                f"{name} must come without encoder, got {told['encoder']!r}: a linear map lies on the model's vectors",
                hint="leave encoder out",
            )
    seeds = told["seeds"]
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        _whole("seeds", seeds)
        return list(range(1, seeds + 1))
    found = list(seeds) if isinstance(seeds, Sequence) and not isinstance(seeds, str) else []
    if not found or any(isinstance(one, bool) or not isinstance(one, int) or one < 0 for one in found):
        raise ArgumentError(f"seeds must be how many, or whole numbers from 0 up, got {seeds!r}")
    return found


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ArgumentError(f"{name} must be a whole number from 1 up, got {value!r}")


def _notes(data: _Data, inputs: Inputs, limit: str, runs: Sequence[Run]) -> list[str]:
    notes = [
        f"the loss of seed {run.seed} was no number after check {len(run.history)}: the state of check {run.best_check} is kept, "
        "and a smaller learning rate may do better"
        for run in runs
        if run.diverged
    ]
    if inputs.n_truncated:
        notes.append(f"{inputs.n_truncated} training texts are longer than {limit} and were cut")
    if data.held_out is None:
        notes.append("nothing was held out: training did not stop early, probabilities are not calibrated")
    elif len(data.held_out) < MIN_EXAMPLES:
        notes.append(f"{len(data.held_out)} held-out examples are too few: probabilities are not calibrated")
    else:
        # One that was fitted is no round number.
        notes += [
            f"the held-out loss of seed {run.seed} falls down to the temperature {LOWEST}: its probabilities are not "
            "calibrated, and more held-out examples would help"
            for run in runs
            if run.temperature == 1.0
        ]
    return notes
