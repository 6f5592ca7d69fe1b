"""An encoder as a folder that `load_encoder` and sentence-transformers open: model, tokenizer, pooling and what is behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qianru.contextual.encode import ContextualEncoder
from qianru.contextual.pooling import ACTIVATIONS, MODES, Dense
from qianru.contextual.transformers_tasks import save_model
from qianru.tokens import Tokenizer
from qianru.vectors.safetensors_file import write_header

_TYPES = "sentence_transformers.models."


def save_encoder(encoder: ContextualEncoder, folder: Path) -> None:
    """Write the files into a folder that is there. Layers and windows of long texts are not in it: no file has a place for them.

    encoder: opened with backend="transformers".
    """
    save_model(encoder.model, folder)
    tokenizer = encoder.tokenizer
    assert isinstance(tokenizer, Tokenizer)
    tokenizer.save(folder / "tokenizer")
    for file in sorted((folder / "tokenizer").iterdir()):
        file.rename(folder / file.name)
    (folder / "tokenizer").rmdir()
    told = encoder.settings
    _write(
        folder / "sentence_bert_config.json",
        {"max_seq_length": told["max_tokens"], "do_lower_case": told["lowercase"]},
    )
    if told["prompt"]:
        prompts = {"prompts": {"default": told["prompt"]}, "default_prompt_name": "default"}
        _write(folder / "config_sentence_transformers.json", prompts)
    modes = [MODES[mode][0] for mode in encoder.pooling.modes]
    pooling = {
        "word_embedding_dimension": encoder.token_dim,
        "pooling_mode": modes[0] if len(modes) == 1 else modes,
        **{flag: mode in encoder.pooling.modes for mode, (_, flag) in MODES.items()},
    }
    modules = [{"idx": 0, "name": "0", "path": "", "type": f"{_TYPES}Transformer"}]
    for number, step in enumerate([pooling, *encoder.pooling.steps], 1):
        kind = "Pooling" if number == 1 else "Dense" if isinstance(step, Dense) else "Normalize"
        part = folder / f"{number}_{kind}"
        part.mkdir()
        if isinstance(step, Dense):
            _write_dense(step, part)
        elif isinstance(step, dict):
            _write(part / "config.json", step)
        modules.append({"idx": number, "name": str(number), "path": part.name, "type": f"{_TYPES}{kind}"})
    _write(folder / "modules.json", modules)


def _write_dense(step: Dense, folder: Path) -> None:
    tensors = {"linear.weight": step.weight, "linear.bias": step.bias}
    arrays = {name: one.detach().cpu().numpy() for name, one in tensors.items() if one is not None}
    with (folder / "model.safetensors").open("wb") as out:
        write_header(out, {name: (one.dtype, one.shape) for name, one in arrays.items()}, {"format": "pt"})
        for one in arrays.values():
            out.write(one.tobytes())
    name = next(theirs for theirs, ours in ACTIVATIONS.items() if ours == step.activation)
    module = "linear" if name == "Identity" else "activation"
    n_out, n_in = step.weight.shape
    told = {
        "in_features": n_in,
        "out_features": n_out,
        "bias": step.bias is not None,
        "activation_function": f"torch.nn.modules.{module}.{name}",
    }
    _write(folder / "config.json", told)


def _write(file: Path, told: Any) -> None:
    file.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
