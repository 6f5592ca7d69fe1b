"""Small folders of transformers: a causal, a masked and an encoder model, made here with random weights."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make build")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: make build")

_spec = importlib.util.spec_from_file_location(
    "surgery_models", Path(__file__).parents[1] / "tokens" / "surgery_models.py"
)
assert _spec is not None
assert _spec.loader is not None
surgery_models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(surgery_models)

Make = Callable[..., Path]


def _model(kind: str, n_rows: int, options: dict[str, Any]) -> Any:
    torch.manual_seed(5)
    if kind == "bert":
        config = transformers.BertConfig(
            vocab_size=n_rows,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=24,
            max_position_embeddings=64,
            pad_token_id=0,
            **options,
        )
        return transformers.BertForMaskedLM(config)
    if kind == "encoder":
        return transformers.BertModel(_model("bert", n_rows, options).config)
    if kind == "llama":
        config = transformers.LlamaConfig(
            vocab_size=n_rows,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=24,
            bos_token_id=1,
            eos_token_id=1,
            **options,
        )
        return transformers.LlamaForCausalLM(config)
    if kind == "t5":
        config = transformers.T5Config(
            vocab_size=n_rows,
            d_model=16,
            d_kv=8,
            d_ff=24,
            num_layers=1,
            num_heads=2,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
            **options,
        )
        return transformers.T5ForConditionalGeneration(config)
    config = transformers.GPT2Config(
        vocab_size=n_rows,
        n_embd=16,
        n_layer=1,
        n_head=2,
        n_positions=64,
        bos_token_id=0,
        eos_token_id=0,
        **options,
    )
    return transformers.GPT2LMHeadModel(config)


TOKENIZERS = {
    "bert": "wordpiece",
    "encoder": "wordpiece",
    "gpt2": "bpe",
    "llama": "metaspace_bpe",
    "t5": "unigram",
}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """make(kind, spare=0, dtype=None, shard=None, **config): a folder of that model with a tokenizer of its kind."""

    def call(
        kind: str, *, spare: int = 0, dtype: Any = None, shard: str | None = None, **options: Any
    ) -> Path:
        tokenizer = surgery_models.KINDS[TOKENIZERS[kind]]()
        n_tokens = max(
            [*(entry["id"] + 1 for entry in tokenizer["added_tokens"]), len(tokenizer["model"]["vocab"])]
        )
        model = _model(kind, n_tokens + spare, options)
        if dtype is not None:
            model = model.to(dtype)
        folder = tmp_path / kind
        model.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
        config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64}
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "vocab.txt").write_text("stale\n", encoding="utf-8")
        (folder / "README.md").write_text("mine\n", encoding="utf-8")
        return folder

    return call
