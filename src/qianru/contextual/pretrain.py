"""The training loop of BERT, GPT and ELMo: steps, looks at what was held out, checkpoints, and the way back to them."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qianru.arrays import Float32Array
from qianru.contextual.packing import Order
from qianru.contextual.processes import Processes
from qianru.contextual.run_state import STATE, read_run_state, write_run_state
from qianru.contextual.settings import PretrainSettings, learning_rate_at
from qianru.contextual.task import Batch, Task
from qianru.differences import differences
from qianru.errors import ArgumentError, FormatError, TrainingError
from qianru.layers.backend import is_no_room, load_torch
from qianru.progress import Progress, ProgressCallback

torch = load_torch()

# Draws are made from [seed, what they are for, …]; `packing.Order` has 0.
_MASKS, _DROPOUT, _HELD_OUT = 1, 2, 3
_EVALUATIONS = 20
_BETAS = (0.9, 0.98)


@dataclass
class Curve:
    """What a run has seen of itself.

    Attributes:
        losses: of each step, nats a target.
        held_out: at each look a dict of step, tokens, loss, perplexity, accuracy and train_loss, the mean since the
            look before.
    """

    losses: list[float] = field(default_factory=list)
    held_out: list[dict[str, float]] = field(default_factory=list)


class PretrainRun:
    """A run over one text; `train` takes it to its end.

    Args:
        folder: where checkpoints stand, None for none.
        identity: what must be the same for a resumed run, as JSON knows it.
        notice: gets a sentence where something is done otherwise than asked for.
    """

    def __init__(
        self,
        task: Task,
        settings: PretrainSettings,
        *,
        folder: Path | None,
        identity: dict[str, object],
        processes: Processes,
        progress: ProgressCallback | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        self.task, self.settings, self.processes = task, settings, processes
        if processes.n * settings.accumulate > settings.batch_size:
            raise ArgumentError(
                f"accumulate must be at most batch_size / processes, {settings.batch_size} / {processes.n}, "
                f"got {settings.accumulate}",
                hint="a part of a batch holds one sequence at least",
            )
        self.order = Order(task.n_sequences, batch_size=settings.batch_size, seed=settings.seed)
        epoch = max(len(self.order.train) / settings.batch_size, 1e-9)
        self.n_steps = settings.steps or max(math.ceil(settings.epochs * epoch), 1)
        self.curve, self.step = Curve(), 0
        self._ahead: tuple[int, Batch] | None = None  # a step, and its batch
        self._folder, self._identity = folder, identity
        self._progress, self._notice = progress, notice
        self.accumulate = settings.accumulate
        self._every = settings.evaluate_every or max(math.ceil(self.n_steps / _EVALUATIONS), 1)
        self._dtype = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
        self._module = processes.wrap(task.module)
        self._parameters = {
            name: value for name, value in task.module.named_parameters() if value.requires_grad
        }
        matrices = [value for value in self._parameters.values() if value.dim() > 1]
        others = [value for value in self._parameters.values() if value.dim() < 2]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": settings.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=_BETAS,
            fused=True,
        )
        numbers = self.order.held_out
        self._held_out = task.batch(numbers, np.random.default_rng([settings.seed, _HELD_OUT]))
        for draw in range(100):  # of little text, a draw may mask nothing
            if self._held_out.n_targets:
                break
            self._held_out = task.batch(numbers, np.random.default_rng([settings.seed, _HELD_OUT, draw]))

    def train(self) -> Curve:
        """All steps that are left.

        Raises TrainingError when a loss is not finite: the module then has the weights of the last checkpoint.
        KeyboardInterrupt comes behind a whole step, when a checkpoint has been written.
        """
        saved = begun = time.monotonic()
        first = self.step
        if first == 0:
            self.save()
        self.task.module.train()
        with self.processes.own_draws(), _interruptions() as interrupted:
            while self.step < self.n_steps:
                loss = self._one_step()
                if not math.isfinite(loss):
                    self._stop(f"the loss of step {self.step + 1} is {loss}")
                self.curve.losses.append(loss)
                self.step += 1
                look = self.step % self._every == 0 or self.step == self.n_steps
                if look:
                    self.evaluate()
                late = time.monotonic() - saved > self.settings.checkpoint_seconds
                stop = self.processes.sums(float(bool(interrupted)), float(late))
                if self.step < self.n_steps and (look or any(stop)):
                    self.save()
                    saved = time.monotonic()
                self._report(loss, begun, first)
                if stop[0] and self.step < self.n_steps:
                    raise KeyboardInterrupt
        return self.curve

    def evaluate(self) -> dict[str, float]:
        """Loss (nats a target), perplexity and share of right guesses on the held-out sequences; goes into the curve."""
        module, n = self.task.module, len(self._held_out.inputs)
        module.eval()
        sums = [0.0, 0.0, 0.0]
        rows = max(self.settings.batch_size // self.processes.n // self.accumulate, 1)
        with torch.no_grad():
            for begin in range(self.processes.rank * rows, n, self.processes.n * rows):
                part = self._held_out.rows(begin, min(begin + rows, n))
                with self._precision():
                    loss, n_right = module.score(*self._tensors(part))
                sums = [sums[0] + float(loss), sums[1] + n_right, sums[2] + part.n_targets]
        module.train()
        loss, n_right, n_targets = self.processes.sums(*sums)
        loss /= max(n_targets, 1)
        if not math.isfinite(loss):
            self._stop(f"the held-out loss at step {self.step} is {loss}")
        before = int(self.curve.held_out[-1]["step"]) if self.curve.held_out else 0
        found = {
            "step": self.step,
            "tokens": self.step * self.settings.batch_size * self.settings.length,
            "loss": loss,
            "perplexity": math.exp(min(loss, 700.0)),
            "accuracy": n_right / max(n_targets, 1),
            # A batch in which nothing was masked has the loss 0, and says nothing.
            "train_loss": float(np.mean([one for one in self.curve.losses[before:] if one] or [math.nan])),
        }
        self.curve.held_out.append(found)
        return found

    def save(self) -> None:
        """Write the checkpoint, if this run has any."""
        if self._folder is None or not self.processes.is_first:
            return
        arrays: dict[str, Float32Array] = {}
        for name, parameter in self._parameters.items():
            state = self._optimizer.state.get(parameter, {})
            arrays[f"weight/{name}"] = _array(parameter)
            for part in ("exp_avg", "exp_avg_sq"):
                if part in state:
                    arrays[f"{part}/{name}"] = _array(state[part])
        if not all(np.isfinite(array).all() for array in arrays.values()):
            self._stop(f"a weight is not finite behind step {self.step}")
        about = {
            "run": self._identity,
            "step": self.step,
            "n_steps": self.n_steps,
            "accumulate": self.accumulate,
            "losses": self.curve.losses,
            "held_out": self.curve.held_out,
        }
        write_run_state(self._folder / STATE, arrays, about)

    def resume(self) -> None:
        """Put everything where the checkpoint left it. Raises FormatError; ArgumentError if it is of another run."""
        assert self._folder is not None
        path = self._folder / STATE
        arrays, about = read_run_state(path)
        if differ := differences(about.get("run"), self._identity):
            raise ArgumentError(
                f"the checkpoint {path} is of another run: {'; '.join(differ[:4])}",
                hint="resume with the settings it began with, or begin anew with force=True (--force)",
            )
        try:
            # More parts than before may be asked for, where memory was short.
            self.step, self.accumulate = int(about["step"]), max(int(about["accumulate"]), self.accumulate)
            self.curve = Curve([float(loss) for loss in about["losses"]], list(about["held_out"]))
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"the description lacks its parts: {error!r}", path=str(path)) from None
        self._take(arrays, path, with_moments=self.step > 0)

    def _take(self, arrays: dict[str, Float32Array], path: Path, *, with_moments: bool) -> None:
        for name, parameter in self._parameters.items():
            shape = tuple(parameter.shape)
            for part in ("weight", "exp_avg", "exp_avg_sq") if with_moments else ("weight",):
                array = arrays.get(f"{part}/{name}")
                if array is None or array.shape != shape:
                    found = "is missing" if array is None else f"has shape {list(array.shape)}"
                    raise FormatError(f"tensor {part}/{name} {found}, not {list(shape)}", path=str(path))
                values = torch.from_numpy(np.array(array)).to(parameter.device)
                if part == "weight":
                    with torch.no_grad():
                        parameter.copy_(values)
                else:
                    self._optimizer.state[parameter][part] = values
            if with_moments:
                # Where the fused AdamW looks for it: beside the weights.
                self._optimizer.state[parameter]["step"] = torch.tensor(
                    float(self.step), device=parameter.device
                )

    def _one_step(self) -> float:
        """The mean loss of one batch, whose gradient has been followed; in smaller parts where memory is short."""
        settings = self.settings
        batch = self._batch(self.step)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate_at(self.step, self.n_steps, settings)
        while True:
            try:
                total = self._gradients(batch)
                break
            except (RuntimeError, MemoryError) as error:
                if not is_no_room(error) or self.processes.n > 1:
                    raise
                self._optimizer.zero_grad(set_to_none=True)
                if self.accumulate >= settings.batch_size:
                    raise MemoryError("one sequence does not fit; give a smaller size or length") from None
                self.accumulate = min(self.accumulate * 2, settings.batch_size)
                if self._notice is not None:
                    self._notice(
                        f"memory was short: each batch is now taken in {self.accumulate} parts "
                        f"(--accumulate {self.accumulate})"
                    )
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), settings.clip_norm)
        if math.isfinite(total):  # else the weights stay as they are
            self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return total

    def _batch(self, step: int) -> Batch:
        if self._ahead is None or self._ahead[0] != step:
            random = np.random.default_rng([self.settings.seed, _MASKS, step])
            self._ahead = step, self.task.batch(self.order.batch(step), random)
        return self._ahead[1]

    def _gradients(self, batch: Batch) -> float:
        """Forward and backward over this process's share; the mean loss over all shares."""
        n, rank, accumulate = self.processes.n, self.processes.rank, self.accumulate
        edges = np.linspace(0, len(batch.inputs), n * accumulate + 1).round().astype(int)
        losses = []
        for number in range(accumulate):
            begin, end = (int(edge) for edge in edges[rank * accumulate + number :][:2])
            part = batch.rows(begin, end)
            if self.settings.dropout:
                torch.manual_seed(_seed([self.settings.seed, _DROPOUT, self.step, rank, number]))
            last = number == accumulate - 1
            with _nothing() if last else self.processes.without_sharing(self._module):
                with self._precision():
                    loss = self._module(*self._tensors(part))
                # The processes' gradients are averaged, and the batch's is over all targets.
                (loss * (n / max(batch.n_targets, 1))).backward()
            losses.append(loss.detach())
        if self.step + 1 < self.n_steps:
            self._batch(self.step + 1)  # while a GPU works: the loss is only known when it is done
        total = sum(float(loss) for loss in losses)
        return self.processes.sums(total)[0] / max(batch.n_targets, 1)

    def _tensors(self, batch: Batch) -> tuple[Any, Any, Any]:
        arrays = (batch.inputs, batch.places, batch.targets)
        moved = [
            None if array is None else torch.from_numpy(array).to(self.processes.device) for array in arrays
        ]
        return moved[0], moved[1], moved[2]

    def _precision(self) -> Any:
        return torch.autocast(
            self.processes.device.type, dtype=torch.bfloat16, enabled=self._dtype == torch.bfloat16
        )

    def _stop(self, why: str) -> None:
        """Go back to the last checkpoint, whose weights are good, and raise TrainingError."""
        hint = "there was no checkpoint yet: begin anew with a lower learning_rate"
        if self._folder is not None and (self._folder / STATE).is_file():
            arrays, about = read_run_state(self._folder / STATE)
            self._take(arrays, self._folder / STATE, with_moments=False)
            self.step = int(about["step"])
            del self.curve.losses[self.step :]
            hint = f"the weights are those of step {self.step}, the last good checkpoint; begin anew with a lower learning_rate (force=True, --force)"
        else:
            self.step = 0
        raise TrainingError(why, hint=hint)

    def _report(self, loss: float, begun: float, first: int) -> None:
        if self._progress is None or not self.processes.is_first:
            return
        seconds = max(time.monotonic() - begun, 1e-9)
        done = self.step - first
        rate = done * self.settings.batch_size * self.settings.length / seconds
        left = seconds / done * (self.n_steps - self.step)
        self._progress(Progress("train", self.step / self.n_steps, rate, "tokens", loss, left))


def _seed(parts: list[int]) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _array(tensor: Any) -> Float32Array:
    found: Float32Array = tensor.detach().float().cpu().numpy()
    return found


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _interruptions() -> Iterator[list[int]]:
    """Ctrl-C is noted, so that the step can end; a second one is not waited for."""
    came: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield came
        return

    def note(number: int, _frame: object) -> None:
        if came:
            signal.signal(signal.SIGINT, before)
            raise KeyboardInterrupt
        came.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)
