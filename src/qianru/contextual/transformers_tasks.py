"""BERT and GPT in training, on the classes of transformers, so that what is saved opens wherever those do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qianru.arrays import Int64Array
from qianru.contextual.first_weights import first_spread, look_at_neighbours
from qianru.contextual.losses import linear_cross_entropy, n_correct
from qianru.contextual.masking import mask_tokens
from qianru.contextual.packing import TokenStream
from qianru.contextual.settings import PretrainSettings, one_of
from qianru.contextual.task import Batch
from qianru.errors import ArgumentError
from qianru.layers.backend import load_torch, load_transformers
from qianru.tokens import Tokenizer

torch = load_torch()
Module: Any = torch.nn.Module

BERT_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
GPT_TOKENS = ("<|endoftext|>",)


@dataclass(frozen=True)
class Shape:
    """A size: layers, width, attention heads, and what length, batch and learning rate it is trained with by default."""

    n_layers: int
    dim: int
    n_heads: int
    length: int
    batch_size: int
    learning_rate: float


SHAPES = {
    "tiny": Shape(2, 128, 2, 128, 32, 2e-3),
    "small": Shape(4, 512, 8, 256, 64, 5e-4),
    "base": Shape(12, 768, 12, 512, 128, 2e-4),
}


def shape_of(size: str) -> Shape:
    """The shape of a size. Raises ArgumentError."""
    one_of("size", size, tuple(SHAPES))
    return SHAPES[size]


def special_ids(tokenizer: Tokenizer, names: tuple[str, ...], kind: str) -> dict[str, int]:
    """The ids of special tokens that a kind of model needs. Raises ArgumentError, naming those that lack."""
    lacking = [name for name in names if name not in tokenizer]
    if lacking:
        raise ArgumentError(
            f"the tokenizer has no {', '.join(lacking)}, which {kind} needs",
            hint=f"train one on the way, or `qianru tokenizer train … --special-token '{lacking[0]}'`",
        )
    return {name: tokenizer.id_of(name) for name in names}


class _Scored(Module):
    """A model with its loss over the tokens asked for; `dtype` is that of the last multiplication."""

    def __init__(self, model: Any, settings: PretrainSettings) -> None:
        super().__init__()
        self.model = model
        self._dtype = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32

    def hidden(self, inputs: Any, places: Any) -> Any:
        """What the output layer gets, [m, dim]."""
        raise NotImplementedError

    def forward(self, inputs: Any, places: Any, targets: Any) -> Any:
        """The loss summed over the targets, float32 []."""
        head = self.model.get_output_embeddings()
        hidden = self.hidden(inputs, places)
        return linear_cross_entropy(hidden, head.weight, head.bias, targets, dtype=self._dtype)

    def score(self, inputs: Any, places: Any, targets: Any) -> tuple[Any, int]:
        """The same loss, and how many tokens have the highest score."""
        head = self.model.get_output_embeddings()
        hidden = self.hidden(inputs, places)
        loss = linear_cross_entropy(hidden, head.weight, head.bias, targets, dtype=self._dtype)
        return loss, n_correct(hidden, head.weight, head.bias, targets)


class MaskedModel(_Scored):
    """BertForMaskedLM; its head is applied where tokens are asked for and nowhere else."""

    def hidden(self, inputs: Any, places: Any) -> Any:
        """[m, dim] at the places."""
        found = self.model.bert(inputs).last_hidden_state.flatten(0, 1)[places]
        return self.model.cls.predictions.transform(found)


class CausalModel(_Scored):
    """GPT2LMHeadModel; every place is asked for the token that comes next."""

    def hidden(self, inputs: Any, places: Any) -> Any:
        """[n x length, dim]."""
        return self.model.transformer(inputs, use_cache=False).last_hidden_state.flatten(0, 1)


class BertTask:
    """Masked words of sequences `[CLS] line [SEP] line [SEP]`, in which the lines follow one another as in the text."""

    def __init__(
        self,
        stream: TokenStream,
        tokenizer: Tokenizer,
        settings: PretrainSettings,
        *,
        mask_share: float,
        shape: Shape,
    ) -> None:
        transformers = load_transformers()
        ids = special_ids(tokenizer, BERT_TOKENS[2:], "BERT")
        self._cls, self._sep, self._mask = ids.values()
        self._stream, self._share = stream, mask_share
        self._length = settings.length - 2
        self.n_sequences = len(stream.ids) // self._length
        special = set(tokenizer.special_tokens.values())
        self._ordinary = np.array([i for i in range(tokenizer.n_tokens) if i not in special], dtype=np.int64)
        config = transformers.BertConfig(
            vocab_size=tokenizer.n_tokens,
            hidden_size=shape.dim,
            num_hidden_layers=shape.n_layers,
            num_attention_heads=shape.n_heads,
            intermediate_size=4 * shape.dim,
            max_position_embeddings=settings.length,
            initializer_range=first_spread(shape.dim),
            hidden_dropout_prob=settings.dropout,
            attention_probs_dropout_prob=settings.dropout,
            pad_token_id=tokenizer.special_tokens.get("[PAD]"),
        )
        model = transformers.BertForMaskedLM(config)
        look_at_neighbours(model)
        self.module = MaskedModel(model, settings)

    def batch(self, sequences: Int64Array, random: np.random.Generator) -> Batch:
        """Masks drawn anew."""
        length = self._length
        inputs = np.full((len(sequences), length + 2), self._sep, dtype=np.int64)
        inputs[:, 0] = self._cls
        inputs[:, 1:-1] = self._stream.window(sequences * length, length, line_end=self._sep)
        begins = self._stream.begins_at(sequences * length, length)
        if begins is not None:
            begins = np.pad(begins, ((0, 0), (1, 1)), constant_values=True)
        fixed = (inputs == self._sep) | (inputs == self._cls)
        made = mask_tokens(
            inputs, fixed, begins, random, share=self._share, mask_id=self._mask, ordinary=self._ordinary
        )
        return Batch(made.inputs, made.places, made.targets, len(made.targets))

    def save(self, folder: Path) -> None:
        """config.json and model.safetensors."""
        save_model(self.module.model, folder)


class GptTask:
    """The next token everywhere; lines follow one another with the end-of-text token between them."""

    def __init__(
        self, stream: TokenStream, tokenizer: Tokenizer, settings: PretrainSettings, *, shape: Shape
    ) -> None:
        transformers = load_transformers()
        self._end = end_of_text(tokenizer)
        self._stream, self._length = stream, settings.length
        self.n_sequences = (len(stream.ids) - 1) // self._length
        config = transformers.GPT2Config(
            vocab_size=tokenizer.n_tokens,
            n_embd=shape.dim,
            n_layer=shape.n_layers,
            n_head=shape.n_heads,
            n_positions=settings.length,
            initializer_range=first_spread(shape.dim),
            resid_pdrop=settings.dropout,
            embd_pdrop=settings.dropout,
            attn_pdrop=settings.dropout,
            bos_token_id=self._end,
            eos_token_id=self._end,
        )
        self.module = CausalModel(transformers.GPT2LMHeadModel(config), settings)

    def batch(self, sequences: Int64Array, random: np.random.Generator) -> Batch:
        """Nothing is drawn."""
        length = self._length
        window = self._stream.window(sequences * length, length + 1, line_end=self._end)
        targets = np.ascontiguousarray(window[:, 1:]).reshape(-1)
        return Batch(np.ascontiguousarray(window[:, :-1]), None, targets, len(targets))

    def save(self, folder: Path) -> None:
        """config.json, generation_config.json and model.safetensors."""
        save_model(self.module.model, folder)


def end_of_text(tokenizer: Tokenizer) -> int:
    """The id of the token between texts. Raises ArgumentError where there is none."""
    for name in (*GPT_TOKENS, "</s>", "<|end_of_text|>", "[SEP]"):
        if name in tokenizer.special_tokens:
            return tokenizer.special_tokens[name]
    special_ids(tokenizer, GPT_TOKENS, "GPT")
    return tokenizer.id_of(GPT_TOKENS[0])


def save_model(model: Any, folder: Path) -> None:
    """Its configuration and model.safetensors, without a bar on the terminal."""
    logging = load_transformers().utils.logging
    drawn = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder)
    finally:
        if drawn:
            logging.enable_progress_bar()
