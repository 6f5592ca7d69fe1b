"""ELMo in training: from the words before it and from those behind it, each word is guessed (Peters et al. 2018, section 3.1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import Int64Array
from qianru.contextual.characters import SENTENCE_BEGIN, SENTENCE_END, character_ids
from qianru.contextual.elmo import Elmo
from qianru.contextual.elmo_files import ElmoOptions, write_options, write_safetensors
from qianru.contextual.losses import linear_cross_entropy, n_correct
from qianru.contextual.packing import TokenStream
from qianru.contextual.settings import PretrainSettings
from qianru.contextual.task import Batch
from qianru.layers.backend import load_torch
from qianru.layers.dropout import dropout

torch = load_torch()
Module: Any = torch.nn.Module

# The first ids of the output layer; the words follow by falling count.
UNKNOWN, BEGIN, END = 0, 1, 2
N_MARKS = 3


class TwoWayLanguageModel(Module):
    """ELMo with one output layer for both directions: the loss of ln p(word | before) + ln p(word | behind).

    Inputs are numbers of words in `characters`, the table of all words; one that the output layer has no row for is UNKNOWN as a target.
    """

    def __init__(
        self, elmo: Elmo, characters: NDArray[np.int16], n_targets: int, settings: PretrainSettings
    ) -> None:
        super().__init__()
        self.elmo = elmo
        self.output = torch.nn.Linear(elmo.options.projection_dim, n_targets)
        torch.nn.init.normal_(self.output.weight, 0.0, elmo.options.projection_dim**-0.5)
        torch.nn.init.zeros_(self.output.bias)
        self._characters, self._dropout = characters, settings.dropout
        self._dtype = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32

    def _hidden(self, inputs: Any) -> tuple[Any, Any]:
        """What the output layer gets [m, width], and its targets: first all forward, then all backward."""
        # Each different word goes through the convolutions once, however often it stands in the batch.
        numbers, places = torch.unique(inputs, return_inverse=True)
        table = torch.from_numpy(self._characters[numbers.cpu().numpy()].astype(np.int64)).to(inputs.device)
        words = self.elmo.words(table)[places]
        words = dropout(words, self._dropout, self.training)
        layers, _ = self.elmo.lstm(words)
        forward, backward = layers[-1]
        hidden = torch.cat((forward[:, :-1].flatten(0, 1), backward[:, 1:].flatten(0, 1)))
        hidden = dropout(hidden, self._dropout, self.training)
        known = torch.where(inputs < self.output.out_features, inputs, UNKNOWN)
        return hidden, torch.cat((known[:, 1:].flatten(), known[:, :-1].flatten()))

    def forward(self, inputs: Any, places: Any, targets: Any) -> Any:
        """The loss summed over both directions, float32 []."""
        hidden, wanted = self._hidden(inputs)
        return linear_cross_entropy(hidden, self.output.weight, self.output.bias, wanted, dtype=self._dtype)

    def score(self, inputs: Any, places: Any, targets: Any) -> tuple[Any, int]:
        """The same loss, and how many words have the highest score."""
        hidden, wanted = self._hidden(inputs)
        weight, bias = self.output.weight, self.output.bias
        loss = linear_cross_entropy(hidden, weight, bias, wanted, dtype=self._dtype)
        return loss, n_correct(hidden, weight, bias, wanted)


class ElmoTask:
    """Sequences of words, in which each line stands between its marks and lines follow one another.

    keys: all words, by falling count; the number of a word in the stream is its place among them and N_MARKS.
    n_targets: of the output layer; rarer words are UNKNOWN to it, but not to the characters.
    """

    def __init__(
        self,
        stream: TokenStream,
        keys: list[str],
        options: ElmoOptions,
        settings: PretrainSettings,
        *,
        n_targets: int,
    ) -> None:
        self._stream, self._length = stream, settings.length
        self.n_sequences = len(stream.ids) // self._length
        self._targets = ["<UNK>", SENTENCE_BEGIN, SENTENCE_END, *keys[: n_targets - N_MARKS]]
        words = ["", SENTENCE_BEGIN, SENTENCE_END, *keys]
        characters = character_ids(words, max_characters=options.max_characters, dtype=np.int16)
        self.module = TwoWayLanguageModel(Elmo(options), characters, n_targets, settings)

    def batch(self, sequences: Int64Array, random: np.random.Generator) -> Batch:
        """Nothing is drawn."""
        inputs = self._stream.window(sequences * self._length, self._length, line_end=END)
        return Batch(inputs, None, inputs.reshape(-1), 2 * len(inputs) * (self._length - 1))

    def save(self, folder: Path) -> None:
        """options.json, model.safetensors under the original's names, and vocab.json, the words of the output layer."""
        elmo = self.module.elmo
        write_options(folder / "options.json", elmo.options)
        weights = elmo.weights()
        weights["softmax/W"] = self.module.output.weight.detach().cpu().numpy()
        weights["softmax/b"] = self.module.output.bias.detach().cpu().numpy()
        write_safetensors(folder / "model.safetensors", weights)
        (folder / "vocab.json").write_text(
            json.dumps(self._targets, ensure_ascii=False) + "\n", encoding="utf-8"
        )
