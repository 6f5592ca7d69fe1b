"""The loop that trains a network on labels and stops when held-out examples say so."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import TrainingError
from qianru.layers.embedding import parameter_groups
from qianru.progress import Progress, ProgressCallback
from qianru.transfer.calibration import log_loss
from qianru.transfer.network import Inputs, TunedNetwork, batches, beside, scores_of

# With few examples a pass is too short to judge by: held-out examples are asked after at least so many steps.
_MIN_STEPS = 20
_CLIP = 1.0


@dataclass(frozen=True)
class FitSettings:
    """How long and how fast; as in `train_text_classifier`."""

    epochs: int = 30
    patience: int = 3
    batch_size: int = 32
    learning_rate: float = 2e-3
    slow: float = 0.2
    weight_decay: float = 0.01
    body_learning_rate: float = 5e-5
    warmup: float = 0.1


@dataclass
class Fit:
    """What became of a run. history: of each check epochs done, mean training loss, held-out loss and accuracy. diverged: after the
    last of them a loss was no number."""

    best_check: int = 0
    stopped_early: bool = False
    diverged: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


def fit(
    network: Any,
    inputs: Inputs,
    labels: Int64Array,
    held_out: tuple[Inputs, Int64Array] | None,
    settings: FitSettings,
    *,
    seed: int,
    weights: Float64Array | None = None,
    stage: str = "train",
    progress: ProgressCallback | None = None,
) -> Fit:
    """Train the network in place, where it is; with held-out examples it ends as it was at their least log loss.

    A loss that is no number ends it at that state too, and raises TrainingError where there is none yet.
    weights: of each label [n_labels], in the training loss alone.
    """
    rng = np.random.default_rng([seed, 11])
    optimizers = _optimizers(network, settings)
    device = network.head.weight.device
    loss_weights = None if weights is None else torch.from_numpy(weights.astype(np.float32)).to(device)
    n_batches = -(-len(inputs) // settings.batch_size)
    per_check = max(n_batches, _MIN_STEPS)
    n_checks = settings.epochs
    steps = _endless(inputs, settings.batch_size, rng)
    made, best, best_state, started = Fit(), float("inf"), None, time.monotonic()
    network.train()
    for check in range(1, n_checks + 1):
        total = 0.0
        for step in range(per_check):
            places = next(steps)
            if isinstance(network, TunedNetwork):
                _set_rates(
                    optimizers[0], (check - 1) * per_check + step, n_checks * per_check, settings.warmup
                )
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(
                network(beside(network, inputs.batch(places))),
                torch.from_numpy(labels[places]).to(device),
                weight=loss_weights,
            )
            value = float(loss.detach())
            if not np.isfinite(value):
                made.diverged = True
                break
            loss.backward()
            dense = [p for p in network.parameters() if p.grad is not None and not p.grad.is_sparse]
            torch.nn.utils.clip_grad_norm_(dense, _CLIP)
            for optimizer in optimizers:
                optimizer.step()
            total += value
        if made.diverged:
            if best_state is None:
                raise TrainingError(
                    f"the loss is {value} after {check - 1} checks of {stage}",
                    hint="Use a smaller learning rate.",
                )
            break
        told = {"epochs": check * per_check / n_batches, "loss": total / per_check}
        if held_out is not None:
            scores = scores_of(network, held_out[0])
            told["held_out_loss"] = log_loss(scores, held_out[1])
            told["held_out_accuracy"] = float((scores.argmax(axis=1) == held_out[1]).mean())
            if not np.isfinite(told["held_out_loss"]):
                if best_state is None:
                    raise TrainingError(
                        f"the held-out loss is {told['held_out_loss']} at check {check} of {stage}",
                        hint="Use a smaller learning rate.",
                    )
                made.diverged = True
                break
            if told["held_out_loss"] < best:
                best, made.best_check = told["held_out_loss"], check
                best_state = copy.deepcopy(network.state_dict())
        made.history.append(told)
        made.stopped_early = held_out is not None and check - made.best_check >= settings.patience
        if progress is not None:
            seconds = max(time.monotonic() - started, 1e-9)
            done = 1.0 if made.stopped_early else check / n_checks
            rate = check * per_check * min(settings.batch_size, len(inputs)) / seconds
            progress(Progress(stage, done, rate, "texts", told.get("held_out_loss", told["loss"])))
        if made.stopped_early:
            break
    if best_state is not None:
        network.load_state_dict(best_state)
    elif held_out is None:
        made.best_check = n_checks
    network.eval()
    return made


def _optimizers(network: Any, settings: FitSettings) -> list[Any]:
    rate, slow, decay = settings.learning_rate, settings.slow, settings.weight_decay
    if isinstance(network, TunedNetwork):
        groups = parameter_groups(network.top, learning_rate=rate, weight_decay=decay)
        groups += parameter_groups(
            network.pretrained, learning_rate=settings.body_learning_rate, weight_decay=decay
        )
        return [torch.optim.AdamW([{**group, "full_rate": group["lr"]} for group in groups])]
    dense = parameter_groups(network, learning_rate=rate, slow=slow, weight_decay=decay)
    sparse = parameter_groups(network, learning_rate=rate, slow=slow, sparse=True)
    return [torch.optim.AdamW(dense), *([torch.optim.SparseAdam(sparse)] if sparse else [])]


def _set_rates(optimizer: Any, step: int, n_steps: int, warmup: float) -> None:
    """Rates rise in equal steps over the warm-up, and fall so to 0 at the last step (Devlin et al. 2019)."""
    rising = warmup * n_steps
    share = min((step + 1) / max(rising, 1), (n_steps - step) / max(n_steps - rising, 1), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = group["full_rate"] * share


def _endless(inputs: Inputs, batch_size: int, rng: np.random.Generator) -> Iterator[Int64Array]:
    while True:
        yield from batches(inputs, batch_size, rng)
