"""Which tensors of a transformers folder have a row for each token, found by asking the model, not by name.

The model is built twice without weights, once for a vocabulary that is larger; the tensors whose shapes differ are those
that hang on the vocabulary: input matrix, output head, its bias, and whatever else the class has. All classes that the
weights may belong to are asked, since a folder often holds a head that its named class does not have.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qianru.errors import FormatError
from qianru.layers.backend import load_torch, load_transformers
from qianru.layers.checkpoint import Checkpoint, Tensor

_MORE = 64
_MAPPINGS = (
    "MODEL_FOR_PRETRAINING_MAPPING",
    "MODEL_FOR_CAUSAL_LM_MAPPING",
    "MODEL_FOR_MASKED_LM_MAPPING",
    "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING",
    "MODEL_MAPPING",
)


@dataclass(frozen=True)
class VocabTensor:
    """A tensor of the folder that hangs on the vocabulary: its place, the axis of the tokens, and what it is."""

    tensor: Tensor
    axis: int
    role: str  # input, head, bias, other

    @property
    def n_rows(self) -> int:
        """Tokens that it has a place for."""
        return self.tensor.shape[self.axis]


@dataclass(frozen=True)
class VocabTensors:
    """All of them, and whether the head is the input matrix. n_rows: the size that all have."""

    tensors: tuple[VocabTensor, ...]
    tied: bool
    n_rows: int

    @property
    def input(self) -> VocabTensor:
        """The input matrix."""
        return next(found for found in self.tensors if found.role == "input")


def load_config(folder: Path) -> Any:
    """The folder's configuration. Raises FormatError; code that comes with a model is never run."""
    transformers = load_transformers()
    if not (folder / "config.json").is_file():
        raise FormatError("no config.json in the folder", path=str(folder), hint="Name a model folder.")
    try:
        with quiet():
            config = transformers.AutoConfig.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
    except Exception as error:  # whatever the package raises on a broken file
        raise FormatError(
            f"transformers does not take the configuration: {str(error).splitlines()[0]}",
            path=str(folder / "config.json"),
        ) from None
    return config


def find_vocab_tensors(checkpoint: Checkpoint, config: Any) -> VocabTensors:
    """Raises FormatError where tensors and configuration do not fit, or one of the vocabulary's size is not known."""
    where = str(checkpoint.folder)
    found: dict[str, VocabTensor] = {}
    known: set[str] = set()
    tied: bool | None = None
    for model_class in _classes(config):
        roles, others, is_tied = _ask(model_class, config)
        if roles is None:
            continue
        prefix = getattr(model_class, "base_model_prefix", "")
        for name in others:
            known |= set(_names(name, prefix))
        for name, (axis, role, width) in roles.items():
            tensor = _stored(checkpoint, name, prefix, axis, width)
            if tensor is not None and tensor.name not in found:
                found[tensor.name] = VocabTensor(tensor, axis, role)
        if is_tied is not None and tied is None:
            tied = is_tied
    tensors = tuple(found.values())
    if not any(one.role == "input" for one in tensors):
        raise FormatError(
            "no input matrix for the configured model among the weights",
            path=where,
            hint=f"architectures is {getattr(config, 'architectures', None)}; is it a language model?",
        )
    n_rows = next(one.n_rows for one in tensors if one.role == "input")
    for one in tensors:
        if one.n_rows != n_rows:
            raise FormatError(
                f"tensor {one.tensor.name!r} has {one.n_rows} rows, the input matrix {n_rows}", path=where
            )
    for tensor in checkpoint.tensors.values():
        if tensor.shape[:1] == (n_rows,) and tensor.name not in found and tensor.name not in known:
            raise FormatError(
                f"tensor {tensor.name!r} has the vocabulary's size, and no class of the model knows it",
                path=where,
                hint="Remove it, or load and save the folder with transformers first.",
            )
    head = [one for one in tensors if one.role == "head"]
    same = all(checkpoint.data(one.tensor) == checkpoint.data(tensors_input(tensors)) for one in head)
    return VocabTensors(tensors, bool(tied) and same, n_rows)


def tensors_input(tensors: tuple[VocabTensor, ...]) -> Tensor:
    """The input matrix's place."""
    return next(one.tensor for one in tensors if one.role == "input")


def _classes(config: Any) -> list[Any]:
    """Model classes, the named one first."""
    transformers = load_transformers()
    classes = []
    for name in getattr(config, "architectures", None) or []:
        if (named := getattr(transformers, str(name), None)) is not None:
            classes.append(named)
    for name in _MAPPINGS:
        with contextlib.suppress(Exception):
            classes.append(getattr(transformers, name)[type(config)])
    unique = []
    for one in classes:
        for each in one if isinstance(one, tuple) else (one,):
            if each not in unique:
                unique.append(each)
    return unique


Roles = dict[str, tuple[int, str, tuple[int, ...]]]


def _ask(model_class: Any, config: Any) -> tuple[Roles | None, set[str], bool | None]:
    """Vocabulary tensors of the class (axis, role, shape without that axis), its other tensors, and the tie."""
    small, large = _built(model_class, config, 0), _built(model_class, config, _MORE)
    if small is None or large is None:
        return None, set(), None
    shapes = {name: tuple(tensor.shape) for name, tensor in _named(large)}
    source = small.get_input_embeddings()
    head = small.get_output_embeddings() if hasattr(small, "get_output_embeddings") else None
    input_id = id(getattr(source, "weight", None))
    head_id, bias_id = id(getattr(head, "weight", None)), id(getattr(head, "bias", None))
    roles: Roles = {}
    others: set[str] = set()
    for name, tensor in _named(small):
        shape = tuple(tensor.shape)
        axes = [axis for axis, n in enumerate(shape) if shapes[name][axis] != n]
        if not axes:
            others.add(name)
            continue
        axis = axes[0]
        role = "input" if id(tensor) == input_id else "head" if id(tensor) == head_id else "other"
        if id(tensor) == bias_id or (role == "other" and sum(n > 1 for n in shape) == 1):
            role = "bias"
        if role == "input" and head is not None and name.startswith(_path_of(small, head)):
            role = "head"  # the head's own copy of a tied matrix
        roles[name] = (axis, role, shape[:axis] + shape[axis + 1 :])
    tie = None if head is None or getattr(head, "weight", None) is None else head_id == input_id
    return roles, others, tie


def _path_of(model: Any, module: Any) -> str:
    return next((f"{name}." for name, one in model.named_modules() if one is module and name), "\0")


def _named(model: Any) -> Iterator[tuple[str, Any]]:
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def _built(model_class: Any, config: Any, more: int) -> Any:
    """The model without weights, for a vocabulary so much larger, or None if it cannot be built."""
    torch = load_torch()
    changed = copy.deepcopy(config)
    inner = changed.get_text_config() if hasattr(changed, "get_text_config") else changed
    if not isinstance(getattr(inner, "vocab_size", None), int):
        return None
    inner.vocab_size += more
    try:
        with quiet(), torch.device("meta"):
            model = model_class(changed)
            model.tie_weights()
    except Exception:  # classes that cannot be made from a configuration alone
        return None
    return model


def _names(name: str, prefix: str) -> list[str]:
    """Spellings of a tensor's name: with and without the base model's prefix, and the old ones of layer norms."""
    names = [name]
    if prefix:
        names.append(name.removeprefix(f"{prefix}.") if name.startswith(f"{prefix}.") else f"{prefix}.{name}")
    old = [
        one.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        for one in names
    ]
    return list(dict.fromkeys([*names, *old]))


def _stored(
    checkpoint: Checkpoint, name: str, prefix: str, axis: int, width: tuple[int, ...]
) -> Tensor | None:
    def fits(tensor: Tensor) -> bool:
        return tensor.shape[:axis] + tensor.shape[axis + 1 :] == width and len(tensor.shape) == len(width) + 1

    for one in _names(name, prefix):
        if one in checkpoint.tensors and fits(checkpoint.tensors[one]):
            return checkpoint.tensors[one]
    # Folders whose names transformers changes while loading: the same end, and no other like it.
    end = "." + ".".join(name.split(".")[-2:])
    alike = [tensor for tensor in checkpoint.tensors.values() if tensor.name.endswith(end) and fits(tensor)]
    return alike[0] if len(alike) == 1 and "." in name else None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """transformers without its messages."""
    logger = logging.getLogger("transformers")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(before)
