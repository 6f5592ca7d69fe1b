"""Small folders of transformers with random weights, a tokenizer trained on the sample world, and training runs of a second."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from qianru.sample import sample_lines
from qianru.text import Corpus
from qianru.tokens import Tokenizer

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'qianru[torch]'")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

# The models are tiny, and tests run side by side: threads that wait for one another take most of the time.
torch.set_num_threads(1)
transformers.utils.logging.disable_progress_bar()

Make = Callable[..., Path]
LINES = [*sample_lines("en", n_bytes=20_000), *sample_lines("zh", n_bytes=20_000)]
SMALL: dict[str, Any] = {
    "length": 16,
    "batch_size": 8,
    "steps": 6,
    "evaluate_every": 3,
    "learning_rate": 3e-3,
    "precision": "float32",
}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="session")
def lines() -> list[str]:
    return LINES


@pytest.fixture(scope="session")
def tokenizer_folder(lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer") / "wordpiece"
    made = Tokenizer.train(Corpus(lines), kind="wordpiece", vocab_size=1200, special_tokens=SPECIAL)
    description: dict[str, Any] = made.description
    cls, sep = made.id_of("[CLS]"), made.id_of("[SEP]")
    description["post_processor"] = {"type": "BertProcessing", "cls": ["[CLS]", cls], "sep": ["[SEP]", sep]}
    Tokenizer(description).save(folder)
    return folder


def _config(kind: str, n_rows: int, options: dict[str, Any]) -> Any:
    if kind == "gpt2":
        sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
        return transformers.GPT2Config(
            vocab_size=n_rows, bos_token_id=0, eos_token_id=0, **{**sizes, **options}
        )
    sizes = {
        "vocab_size": n_rows,
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "pad_token_id": 0,
        "initializer_range": 0.5,
    }
    made = {"bert": transformers.BertConfig, "roberta": transformers.RobertaConfig}[kind]
    return made(**{**sizes, **options})


@pytest.fixture
def make(tokenizer_folder: Path, tmp_path: Path) -> Make:
    """make(kind, modules=None, **config): a folder; modules: written as modules.json, with their folders."""

    def call(kind: str = "bert", *, modules: list[dict[str, Any]] | None = None, **options: Any) -> Path:
        n_tokens = Tokenizer.load(tokenizer_folder).n_tokens
        torch.manual_seed(5)
        model = transformers.AutoModel.from_config(_config(kind, n_tokens, options))
        folder = tmp_path / kind
        model.save_pretrained(folder)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(tokenizer_folder / name, folder / name)
        if modules is not None:
            listed = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
            for number, module in enumerate(modules, 1):
                path = f"{number}_{module['kind']}"
                (folder / path).mkdir()
                if "config" in module:
                    (folder / path / "config.json").write_text(json.dumps(module["config"]), encoding="utf-8")
                kind_name = f"sentence_transformers.models.{module['kind']}"
                listed.append({"idx": number, "name": str(number), "path": path, "type": kind_name})
            (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
        return folder

    return call


@cache
def _tokenizer(kind: str) -> Tokenizer:
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if kind == "bert" else ("<|endoftext|>",)
    model = "wordpiece" if kind == "bert" else "bpe"
    return Tokenizer.train(Corpus(LINES), kind=model, vocab_size=1200, special_tokens=names)


@pytest.fixture
def corpus() -> Corpus:
    """The text that `train` trains on."""
    return Corpus(LINES)


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Any]:
    """train(kind, name="model", **options): a small run, written to a folder of that name."""
    from qianru import contextual

    def call(kind: str, name: str = "model", **options: Any) -> Any:
        tokenizer = {} if kind == "elmo" else {"tokenizer": _tokenizer(kind)}
        settings = {**SMALL, **tokenizer, **options}
        text = settings.pop("corpus", Corpus(LINES))
        return getattr(contextual, f"train_{kind}")(text, output=tmp_path / name, **settings)

    return call
