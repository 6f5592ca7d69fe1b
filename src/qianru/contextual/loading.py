"""Folders become encoders: those of transformers, of sentence-transformers, of model2vec, of ELMo, and our own.

Only safetensors, and ELMo's HDF5, are read; a pickle is refused, because opening one runs whatever code is in it. Code that a folder
brings along is never run. Nothing is fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from qianru.contextual.encode import DEFAULT_BATCH_TOKENS, ContextualEncoder
from qianru.contextual.encode_batches import Rule
from qianru.contextual.encode_elmo import BEGIN, END, hash_of_elmo, is_elmo_folder, open_elmo
from qianru.contextual.encode_engines import Engine, PaddedEngine
from qianru.contextual.encode_onnx import OnnxEngine
from qianru.contextual.encode_packed import PackedEngine, can_pack
from qianru.contextual.loading_checks import check_files, check_fit, check_sizes, check_vocabulary
from qianru.contextual.pooling import Layers, Pooling, checked_modes, mixture_of, read_json, read_pooling
from qianru.errors import ArgumentError, FormatError
from qianru.layers.backend import device_of, load_torch, load_transformers
from qianru.tokens import Tokenizer
from qianru.tokens.engine import around_ids
from qianru.vectors.static_encoder import StaticEncoder, StaticPooling, is_static_folder

BACKENDS = ("auto", "packed", "transformers", "onnx")
# Where a model names no limit: what more tokens cost grows with their square.
_NO_LIMIT = 8192


def load_encoder(
    path: str | os.PathLike[str],
    *,
    pooling: str | Sequence[str] | None = None,
    normalize: bool | None = None,
    layers: Layers | None = None,
    max_tokens: int | None = None,
    long: str = "truncate",
    overlap: int | None = None,
    prompt: str | None = None,
    lowercase: bool | None = None,
    backend: str = "auto",
    batch_tokens: int = DEFAULT_BATCH_TOKENS,
    device: str = "cpu",
) -> ContextualEncoder | StaticEncoder:
    """Open a model as an encoder; with no option given, its vectors are those of the library that wrote it.

    Static models (ours, files of word vectors, model2vec, StaticEmbedding) become a `StaticEncoder`; only pooling and
    normalize apply to them. Of ELMo (folders of `train_elmo` and of the original program) the tokens are words.

    Args:
        pooling: "mean", "cls", "max", "last", "weighted", "mean_sqrt", or several, joined; by default what modules.json
            says, else "mean".
        normalize: texts' vectors get length 1; by default as modules.json says, else not.
        layers: one layer's number (0: the embeddings, -1: the last), several to be averaged, or numbers with weights.
        max_tokens: tokens of a window, those around the text included; by default, and at most, what the model takes.
        long: what happens to longer texts: "truncate", and `Encoded` says so, or "window".
        overlap: tokens that two windows share; an eighth of a window by default.
        prompt: put in front of each text; by default the model's own default prompt, mostly none.
        lowercase: lower-case texts first; by default as the folder says.
        backend: "packed" (BERT and RoBERTa without padding), "transformers" (any model), "auto": the first that fits; or
            "onnx": BERT and RoBERTa with int8 products, faster, and not quite the same vectors.
        batch_tokens: tokens of a batch, at most; it is halved where that does not fit into memory.
        device: of torch, "cpu", "cuda" or "cuda:1"; static models need none.

    Raises FormatError, naming file and tensor, ArgumentError, and QianruError where torch is not installed.
    """
    folder = Path(path)
    if backend not in BACKENDS:
        raise ArgumentError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if not folder.exists():
        raise FormatError(
            "no such file or folder", path=str(path), hint="check the path; models are never fetched"
        )
    if is_static_folder(folder):
        asked = {"max_tokens": max_tokens, "prompt": prompt, "lowercase": lowercase}
        asked["backend"] = None if backend == "auto" else backend
        for name in (name for name, value in asked.items() if value is not None):
            raise ArgumentError(
                f"{name}={asked[name]!r} is for models that read a text as a whole, and {path} has one vector a word",
                hint=f"leave {name} out",
            )
        return _open_static(folder, pooling, normalize, layers)
    device = str(device_of(device))
    if is_elmo_folder(folder):
        reader, words, limit = open_elmo(
            folder, lowercase=lowercase, max_tokens=max_tokens, backend=backend, device=device
        )
        return ContextualEncoder(
            reader,
            words,
            _pooling(path, None, pooling, normalize, device),
            Rule((BEGIN,), (END,), limit, long, (limit - 2) // 8 if overlap is None else overlap),
            mixture=mixture_of(layers, reader.n_layers),
            prompt=prompt or "",
            batch_tokens=batch_tokens,
            weights_fingerprint=lambda: hash_of_elmo(folder),
        )
    folder, modules = _transformer_folder(folder)
    check_files(folder)
    told = read_json(folder / "config.json")
    tokenizer = _tokenizer_of(folder)
    model = load_model(folder)
    settings = _read_optional(folder, "sentence_bert_config.json")
    limit = _limit(model.config, told, settings, folder, max_tokens)
    before, behind = around_ids(tokenizer.description, str(folder))
    rule = Rule(
        tuple(before),
        tuple(behind),
        limit,
        long,
        (limit - len(before) - len(behind)) // 8 if overlap is None else overlap,
    )
    check_vocabulary(tokenizer, model, folder)
    engine: Engine
    if backend in ("packed", "onnx") and not can_pack(model.config):
        raise ArgumentError(
            f'backend="{backend}" does not know models of type {model.config.model_type}',
            hint='use backend="auto"',
        )
    if backend == "onnx":
        if device != "cpu":
            raise ArgumentError(f'backend="onnx" runs on "cpu" only, got {device!r}')
        engine = OnnxEngine(model)
    elif backend != "transformers" and can_pack(model.config):
        engine = PackedEngine(model, device)
    else:
        engine = PaddedEngine(model, device)
    return ContextualEncoder(
        engine,
        tokenizer,
        _pooling(path, modules, pooling, normalize, device),
        rule,
        mixture=mixture_of(layers, engine.n_layers),
        prompt=_prompt(Path(path)) if prompt is None else prompt,
        lowercase=settings.get("do_lower_case") is True if lowercase is None else lowercase,
        batch_tokens=batch_tokens,
        weights_fingerprint=lambda: _hash_of_weights(folder),
    )


def load_model(folder: Path) -> Any:
    """The model of a folder of transformers, without heads, in float32. Raises FormatError, naming each tensor that
    does not fit the configuration."""
    transformers = load_transformers()
    torch = load_torch()
    check_sizes(read_json(folder / "config.json"), folder)
    quiet = transformers.utils.logging
    level, bars = quiet.get_verbosity(), quiet.is_progress_bar_enabled()
    quiet.set_verbosity_error()
    quiet.disable_progress_bar()
    try:
        config = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        kind = transformers.AutoModel
        if getattr(config, "is_encoder_decoder", False):
            kind = transformers.AutoModelForTextEncoding
        model, info = kind.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except MemoryError:
        raise
    except Exception as error:  # each library has exceptions of its own
        if type(error).__name__ == "SafetensorError":
            raise FormatError(
                f"damaged weights: {error}", path=str(folder), hint="copy the whole folder again"
            ) from None
        raise FormatError(
            f"transformers does not open it: {' '.join(str(error).split())[:300]}",
            path=str(folder),
            hint="the folder is damaged, needs code of its own, or a newer transformers",
        ) from None
    finally:
        quiet.set_verbosity(level)
        if bars:
            quiet.enable_progress_bar()
    check_fit(info, folder)
    return model


def _open_static(
    path: Path, pooling: str | Sequence[str] | None, normalize: bool | None, layers: Layers | None
) -> StaticEncoder:
    if layers is not None:
        raise ArgumentError("layers: a static model has one vector a word, and no layers")
    if pooling is not None and not isinstance(pooling, str):
        raise ArgumentError(f"pooling of a static model must be one mode, got {list(pooling)}")
    kind = cast("StaticPooling", "mean" if pooling is None else pooling)
    return StaticEncoder.load(path, pooling=kind, normalize=normalize is not False)


def _transformer_folder(folder: Path) -> tuple[Path, list[Mapping[str, object]] | None]:
    """Where config and weights are, and the modules behind them; None where nothing tells of such."""
    file = folder / "modules.json"
    if not file.is_file():
        return folder, None
    try:
        listed = json.loads(file.read_bytes())
        modules: list[Mapping[str, object]] = [dict(entry) for entry in listed]
        first = modules[0]
        kind = str(first["type"]).rpartition(".")[2]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise FormatError("no list of modules", path=str(file), hint="copy the whole folder again") from None
    if kind != "Transformer":
        raise FormatError(f"the first module must be a Transformer, got {kind}", path=str(file))
    part = folder / str(first.get("path", ""))
    inside = os.path.realpath(part).startswith(os.path.realpath(folder))
    if not inside or any(not _is_inside(folder, str(module.get("path", ""))) for module in modules):
        raise FormatError("a module's path leads out of the folder", path=str(file))
    return part, modules[1:]


def _is_inside(folder: Path, path: str) -> bool:
    root = os.path.realpath(folder)
    return os.path.realpath(folder / path) == root or os.path.realpath(folder / path).startswith(
        root + os.sep
    )


def _tokenizer_of(folder: Path) -> Tokenizer:
    try:
        return Tokenizer.load(folder)
    except FormatError as error:
        if "no tokenizer" not in error.message:
            raise
        raise FormatError(
            "no tokenizer in it: without it, ids cannot be made of text",
            path=str(folder),
            hint="copy tokenizer.json of the same model into the folder",
        ) from None


def _limit(
    config: Any, told: Mapping[str, object], settings: Mapping[str, object], folder: Path, asked: int | None
) -> int:
    """Tokens of a window: what the folder says, at most what the model has positions for."""
    positions = getattr(config, "max_position_embeddings", None)
    most = positions if isinstance(positions, int) and positions > 0 else None
    if most is not None and config.model_type in ("roberta", "xlm-roberta", "camembert"):
        most -= int(config.pad_token_id) + 1
    if asked is not None:
        if asked < 1 or (most is not None and asked > most):
            raise ArgumentError(
                f"max_tokens must be from 1 to {most}, the positions of the model, got {asked}",
                hint='long="window" (--long window) reads longer texts in parts',
            )
        return asked
    named = settings.get("max_seq_length")
    if not isinstance(named, int):
        named = _read_optional(folder, "tokenizer_config.json").get("model_max_length")
    # Tokenizers without a limit name a number with thirty digits.
    limits = [n for n in (named, most) if isinstance(n, int) and 0 < n < 1 << 30]
    return min(limits, default=_NO_LIMIT)


def _pooling(
    path: str | os.PathLike[str],
    modules: Sequence[Mapping[str, object]] | None,
    asked: str | Sequence[str] | None,
    normalize: bool | None,
    device: str,
) -> Pooling:
    if asked is not None:
        # Dense layers belong to the pooling they were trained behind.
        made = Pooling(checked_modes(asked))
        told = [str(module.get("type")).rpartition(".")[2] for module in modules or ()]
        if normalize is None and "Normalize" in told and "Dense" not in told:
            normalize = True
    else:
        made = Pooling() if modules is None else read_pooling(Path(path), modules, device)
    if normalize is None:
        return made
    steps = tuple(step for step in made.steps if step != "normalize")
    return replace(made, steps=(*steps, "normalize") if normalize else steps)


def _prompt(folder: Path) -> str:
    told = _read_optional(folder, "config_sentence_transformers.json")
    name, prompts = told.get("default_prompt_name"), told.get("prompts")
    if not isinstance(name, str):
        return ""
    if not isinstance(prompts, dict) or not isinstance(prompts.get(name), str):
        raise FormatError(
            f"default_prompt_name {name!r} is not among the prompts",
            path=str(folder / "config_sentence_transformers.json"),
        )
    return str(prompts[name])


def _read_optional(folder: Path, name: str) -> dict[str, object]:
    return read_json(folder / name) if (folder / name).is_file() else {}


def _hash_of_weights(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        digest.update(file.name.encode())
        with file.open("rb") as data:
            digest.update(hashlib.file_digest(data, "sha256").digest())
    digest.update((folder / "config.json").read_bytes())
    return digest.hexdigest()
