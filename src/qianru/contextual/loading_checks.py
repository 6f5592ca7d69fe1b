"""What is looked at before and after a model of transformers is made: its files, its sizes, its tensors, its vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qianru.errors import FormatError
from qianru.tokens import Tokenizer
from qianru.vectors.safetensors_file import MAX_FOREIGN_HEADER, map_header

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_CONVERT = (
    'where you trust it, convert it once: python -c "import transformers as t; '
    "m = t.AutoModel.from_pretrained('{folder}', use_safetensors=False); m.save_pretrained('{folder}')\""
)
# Heads and caches that some checkpoints carry or lack; the vectors of tokens do not come from them.
_NOT_NEEDED = (
    "pooler.",
    "position_ids",
    "lm_head",
    "cls.",
    ".attn.bias",
    ".attn.masked_bias",
    "rotary_emb.inv_freq",
)
# How configurations call the number of layers, and the sides of tensors.
_DEPTHS = re.compile(r"n_layers?|(num_)?(\w+_)?layers")
_WIDTHS = re.compile(
    r"\w+_size|d_(model|ff|kv|inner)|n_(embd|inner|heads?|ctx|positions)|(\w+_)?dim|(\w+_)?heads|\w+_embeddings"
)
_NEVER_NONE = (
    "hidden_size", "d_model", "n_embd", "num_hidden_layers", "num_layers", "n_layer", "num_attention_heads", "num_heads", "n_head",
)  # fmt: skip


def check_files(folder: Path) -> None:
    """One clear error before anything is loaded: a pickle, no weights, no configuration."""
    if not folder.is_dir():
        raise FormatError("not a folder", path=str(folder), hint="name the folder that holds config.json")
    weights = (folder / "model.safetensors").is_file() or (folder / "model.safetensors.index.json").is_file()
    pickles = sorted(entry.name for entry in folder.iterdir() if entry.suffix in _PICKLES)
    if not weights and pickles:
        raise FormatError(
            f"its weights are a pickle ({pickles[0]}), which could run any code and is never opened",
            path=str(folder),
            hint=_CONVERT.format(folder=folder),
        )
    if not (folder / "config.json").is_file():
        raise FormatError(
            "no config.json in it", path=str(folder), hint="name the folder of a model, not a part of it"
        )
    if not weights:
        raise FormatError("no model.safetensors in it", path=str(folder), hint="copy the whole folder again")


def check_sizes(told: Mapping[str, object], folder: Path) -> None:
    """The sizes in config.json are within reach of the weights: a model is made of them before the weights are looked at.

    Sizes that are wrong by little are found later, tensor by tensor. Raises FormatError.
    """
    n_tensors, longest = 0, 1
    for file in sorted(folder.glob("*.safetensors")):
        _, header, _ = map_header(file, max_header=MAX_FOREIGN_HEADER)
        n_tensors += len(header)
        for entry in header.values():
            shape = entry.get("shape") if isinstance(entry, dict) else None
            sides = [side for side in shape if isinstance(side, int)] if isinstance(shape, list) else []
            longest = max(longest, *sides, 1)
    for name, value in told.items():
        is_depth, is_width = _DEPTHS.fullmatch(name), _WIDTHS.fullmatch(name)
        if not (is_depth or is_width) or not isinstance(value, int | float) or isinstance(value, bool):
            continue
        # Positions may be counted without a tensor, as where they are rotations.
        most = n_tensors if is_depth else max(16 * longest, 1 << 24 if "position" in name else 1)
        least = 1 if name in _NEVER_NONE else 0
        if not least <= value <= most:
            raise FormatError(
                f"config.json and the weights disagree: {name} is {value}, which must be {least} to {most} for {n_tensors} tensors "
                f"whose longest side is {longest}",
                path=str(folder),
                hint="files of two models are mixed, or config.json was changed: copy the whole folder again",
            )


def check_fit(info: Mapping[str, Any], folder: Path) -> None:
    wrong = []
    for entry in info.get("mismatched_keys", ()):
        name, found, wanted = entry[0], list(entry[1]), list(entry[2])
        wrong.append(f"{name} is {found}, not {wanted}")
    missing = [name for name in info.get("missing_keys", ()) if not any(part in name for part in _NOT_NEEDED)]
    wrong += [f"{name} is missing" for name in sorted(missing)]
    wrong += [str(one) for one in info.get("error_msgs", ())]
    if wrong:
        raise FormatError(
            f"config.json and the weights disagree: {'; '.join(wrong)}",
            path=str(folder),
            hint="files of two models are mixed, or config.json was changed: copy the whole folder again",
        )


def check_vocabulary(tokenizer: Tokenizer, model: Any, folder: Path) -> None:
    n_rows = int(model.get_input_embeddings().weight.shape[0])
    if tokenizer.n_tokens > n_rows:
        raise FormatError(
            f"the tokenizer has {tokenizer.n_tokens} tokens, the model {n_rows} rows",
            path=str(folder),
            hint="the tokenizer is that of another model",
        )
