"""From layers to one vector a token, and from those to one a text: pooling, and the layers that sentence-transformers puts behind it.

A text longer than the model comes in several windows. Each token's vector is taken from one of them, so a mean or a
maximum is over all tokens of the text; "cls" is the mean over the windows' first tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from qianru.contextual.encode_batches import Batch
from qianru.errors import ArgumentError, FormatError
from qianru.layers.backend import load_torch
from qianru.vectors.safetensors_file import MAX_FOREIGN_HEADER, map_header, parse_json_object, view_tensor

Layers: TypeAlias = int | Sequence[int] | Mapping[int, float]

# Ours, and the names that sentence-transformers gives them.
MODES = {
    "mean": ("mean", "pooling_mode_mean_tokens"),
    "cls": ("cls", "pooling_mode_cls_token"),
    "max": ("max", "pooling_mode_max_tokens"),
    "last": ("lasttoken", "pooling_mode_lasttoken"),
    "weighted": ("weightedmean", "pooling_mode_weightedmean_tokens"),
    "mean_sqrt": ("mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens"),
}
# Several modes follow one another in this order in models that name them by flags.
_FLAG_ORDER = ("cls", "max", "mean", "mean_sqrt", "weighted", "last")
ACTIVATIONS = {"Identity": None, "Tanh": "tanh", "ReLU": "relu", "GELU": "gelu", "SiLU": "silu"}


@dataclass(frozen=True)
class Dense:
    """A linear layer behind the pooling. weight float32 [n_out, n_in], bias [n_out] or None, both parameters of torch
    without a gradient; a function of torch."""

    weight: Any
    bias: Any
    activation: str | None


@dataclass(frozen=True)
class Pooling:
    """What happens to the vectors of a text's tokens: the modes, one vector after the other, then the steps.

    Attributes:
        modes: of MODES.
        steps: `Dense` layers, and "normalize", in their order.
    """

    modes: tuple[str, ...] = ("mean",)
    steps: tuple[Dense | str, ...] = ()

    def out_dim(self, dim: int) -> int:
        """Numbers in a text's vector, for tokens of dim numbers."""
        dim *= len(self.modes)
        for step in self.steps:
            if isinstance(step, Dense):
                dim = int(step.weight.shape[0])
        return dim

    def describe(self) -> str:
        """For fingerprints and people: `mean, dense 384 tanh, normalize`."""
        told = [
            step if isinstance(step, str) else f"dense {step.weight.shape[0]} {step.activation or 'linear'}"
            for step in self.steps
        ]
        return ", ".join([" + ".join(self.modes), *told])


def checked_modes(pooling: str | Sequence[str]) -> tuple[str, ...]:
    """The modes. Raises ArgumentError."""
    modes = (pooling,) if isinstance(pooling, str) else tuple(pooling)
    for mode in modes:
        if mode not in MODES:
            raise ArgumentError(f"pooling must be of {', '.join(MODES)}, got {mode!r}")
    if not modes or len(set(modes)) != len(modes):
        raise ArgumentError(f"pooling must name each mode once, got {pooling!r}")
    return modes


class Pooled:
    """Takes batch after batch in, and gives the vectors of n texts in the end."""

    def __init__(self, pooling: Pooling, n_texts: int, dim: int, device: str) -> None:
        torch = load_torch()
        self._torch, self._pooling, self._dim = torch, pooling, dim
        modes = set(pooling.modes)

        def zeros(*shape: int) -> Any:
            return torch.zeros(shape, dtype=torch.float32, device=device)

        self._sums = zeros(n_texts, dim) if modes & {"mean", "mean_sqrt"} else None
        self._counts = zeros(n_texts)
        self._weighted = zeros(n_texts, dim) if "weighted" in modes else None
        self._weights = zeros(n_texts)
        self._max = zeros(n_texts, dim).fill_(-torch.inf) if "max" in modes else None
        self._cls = zeros(n_texts, dim) if "cls" in modes else None
        self._windows = zeros(n_texts)
        self._last = zeros(n_texts, dim) if "last" in modes else None

    def add(self, batch: Batch, hidden: Any) -> None:
        """hidden: float32 [n_tokens of the batch, dim], as packed as the batch."""
        torch = self._torch
        for group in batch.groups:
            rows = hidden[group.begin : group.end].view(group.n, group.length, self._dim)
            if group.length == 0:
                continue
            texts = torch.from_numpy(batch.texts[group.first : group.first + group.n]).to(hidden.device)
            first = batch.keep_begin[group.first : group.first + group.n]
            last = batch.keep_end[group.first : group.first + group.n]
            places = np.arange(group.length)
            keep = (places >= first[:, None]) & (places < last[:, None])
            mask = None if keep.all() else torch.from_numpy(keep).to(hidden.device)
            kept = rows if mask is None else rows * mask[:, :, None]
            counts = torch.from_numpy(keep.sum(axis=1).astype(np.float32)).to(hidden.device)
            self._counts.index_add_(0, texts, counts)
            self._windows.index_add_(0, texts, torch.ones_like(counts))
            if self._sums is not None:
                self._sums.index_add_(0, texts, kept.sum(1))
            if self._cls is not None:
                self._cls.index_add_(0, texts, rows[:, 0])
            if self._max is not None:
                alone = rows if mask is None else rows.masked_fill(~mask[:, :, None], -torch.inf)
                index = texts[:, None].expand(-1, self._dim)
                if torch.is_grad_enabled():  # which needs what it was before
                    self._max = self._max.scatter_reduce(0, index, alone.amax(1), "amax")
                else:
                    self._max.scatter_reduce_(0, index, alone.amax(1), "amax")
            if self._weighted is not None:
                # Muennighoff 2022 (SGPT): the later a token, the more it has read.
                start = batch.position[group.first : group.first + group.n] - first
                at = (places + 1 + start[:, None]) * keep
                weights = torch.from_numpy(at.astype(np.float32)).to(hidden.device)
                self._weighted.index_add_(0, texts, (rows * weights[:, :, None]).sum(1))
                self._weights.index_add_(0, texts, weights.sum(1))
            if self._last is not None:
                ends = np.flatnonzero(batch.is_last[group.first : group.first + group.n])
                if len(ends):
                    chosen = torch.from_numpy(ends).to(hidden.device)
                    self._last[texts[chosen]] = rows[chosen, -1]

    def finish(self) -> Any:
        """float32 [n_texts, out_dim]; zeros for a text without any token, not even one around it."""
        torch = self._torch
        counts = self._counts.clamp(min=1)[:, None]
        made: dict[str, Callable[[], Any]] = {
            "mean": lambda: self._sums / counts,
            "mean_sqrt": lambda: self._sums / counts.sqrt(),
            "weighted": lambda: self._weighted / self._weights.clamp(min=1)[:, None],
            "cls": lambda: self._cls / self._windows.clamp(min=1)[:, None],
            "max": lambda: torch.where(torch.isinf(self._max), 0.0, self._max),
            "last": lambda: self._last,
        }
        vectors = torch.cat([made[mode]() for mode in self._pooling.modes], dim=1)
        for step in self._pooling.steps:
            if isinstance(step, Dense):
                vectors = torch.nn.functional.linear(vectors, step.weight, step.bias)
                if step.activation is not None:
                    vectors = getattr(torch.nn.functional, step.activation)(vectors)
            else:
                vectors = torch.nn.functional.normalize(vectors, dim=1)
        return vectors


def read_pooling(folder: Path, modules: Sequence[Mapping[str, object]], device: str) -> Pooling:
    """The pooling that the modules behind the model tell. Raises FormatError for one that is not known here."""
    modes: tuple[str, ...] = ()
    steps: list[Dense | str] = []
    for module in modules:
        kind = str(module.get("type")).rpartition(".")[2]
        part = folder / str(module.get("path", ""))
        if kind == "Pooling":
            modes = _modes(part / "config.json")
        elif kind == "Dense":
            steps.append(_dense(part, device))
        elif kind == "Normalize":
            steps.append("normalize")
        elif kind != "Dropout":
            raise FormatError(
                f"module {kind} is not known here",
                path=str(folder / "modules.json"),
                hint="Transformer, Pooling, Dense, Dropout and Normalize are; or name pooling= yourself",
            )
    if not modes:
        raise FormatError("no Pooling among the modules", path=str(folder / "modules.json"))
    return Pooling(modes, tuple(steps))


def _modes(file: Path) -> tuple[str, ...]:
    told = read_json(file)
    named = told.get("pooling_mode")
    if isinstance(named, (str, list)):
        wanted = [named] if isinstance(named, str) else named
        known = {theirs: ours for ours, (theirs, _) in MODES.items()}
        modes = [known.get(str(name), "") for name in wanted]
    else:
        modes = [mode for mode in _FLAG_ORDER if told.get(MODES[mode][1]) is True]
    if not modes or "" in modes:
        raise FormatError(f"no pooling mode that is known here in {told}", path=str(file))
    if told.get("include_prompt") is False:
        raise FormatError(
            "include_prompt is false: prompts that do not count are not known here",
            path=str(file),
            hint="name pooling= yourself, and give texts without a prompt",
        )
    return tuple(modes)


def _dense(folder: Path, device: str) -> Dense:
    torch = load_torch()
    told, file = read_json(folder / "config.json"), folder / "model.safetensors"
    if not file.is_file():
        raise FormatError(
            "no model.safetensors in it", path=str(folder), hint="pickled weights are never opened"
        )
    kind = str(told.get("activation_function", "Tanh")).rpartition(".")[2]
    if kind not in ACTIVATIONS or told.get("use_residual"):
        raise FormatError(f"a dense layer with {kind} or a residual is not known here", path=str(folder))
    mapped, header, begin = map_header(file, max_header=MAX_FOREIGN_HEADER)

    def tensor(name: str, n_dimensions: int) -> Any:
        if name not in header:
            return None
        found = view_tensor(mapped, header[name], begin, np.dtype("<f4"), "F32", n_dimensions, file, name)
        return torch.nn.Parameter(torch.from_numpy(found.copy()).to(device), requires_grad=False)

    weight = tensor("linear.weight", 2)
    if weight is None:
        raise FormatError("no tensor 'linear.weight'", path=str(file))
    return Dense(weight, tensor("linear.bias", 1), ACTIVATIONS[kind])


def read_json(file: Path) -> dict[str, object]:
    """The object in a JSON file. Raises FormatError, also where there is no such file."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise FormatError(
            f"cannot be read: {error.strerror or error}", path=str(file), hint="copy the whole folder again"
        ) from None
    return parse_json_object(data, file)


def mixture_of(layers: Layers | None, n_layers: int) -> dict[int, float]:
    """Layer numbers from 0 to n_layers, with their weights. Raises ArgumentError."""
    if layers is None:
        return {n_layers: 1.0}
    if isinstance(layers, int) and not isinstance(layers, bool):
        given: dict[int, float] = {layers: 1.0}
    elif isinstance(layers, Mapping):
        given = {int(number): float(weight) for number, weight in layers.items()}
    elif isinstance(layers, (list, tuple, range)):
        given = {int(number): 1 / len(layers) for number in layers}
        if len(given) != len(layers):
            raise ArgumentError(f"layers must be distinct, got {list(layers)}")
    else:
        raise ArgumentError(f"layers must be a number, several, or numbers with weights, got {layers!r}")
    made: dict[int, float] = {}
    for number, weight in given.items():
        if not -n_layers - 1 <= number <= n_layers:
            raise ArgumentError(
                f"layers must be from 0 to {n_layers}, or from -{n_layers + 1} to -1, got {number}"
            )
        place = number if number >= 0 else n_layers + 1 + number
        made[place] = made.get(place, 0.0) + weight
    if not made:
        raise ArgumentError("layers must name at least one layer")
    return made
