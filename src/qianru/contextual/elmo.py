"""ELMo (Peters et al. 2018, arXiv:1802.05365): characters to words to a two-way LSTM, and the mixture of its layers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qianru.arrays import Float32Array
from qianru.contextual.characters import SENTENCE_BEGIN, SENTENCE_END, character_ids
from qianru.contextual.elmo_files import ElmoOptions, lstm_name, read_weights, write_hdf5, write_options
from qianru.errors import ArgumentError
from qianru.layers.backend import load_torch

torch = load_torch()
Module: Any = torch.nn.Module


class CharacterWords(Module):
    """One vector a word from its characters: convolutions, the greatest value over the word, highways, a projection."""

    def __init__(self, options: ElmoOptions) -> None:
        super().__init__()
        self.options = options
        self.characters = torch.nn.Parameter(torch.empty(261, options.character_dim))
        self.filters = torch.nn.ModuleList(
            torch.nn.Conv1d(options.character_dim, number, width) for width, number in options.filters
        )
        n_filters = options.n_filters
        self.carry = torch.nn.ModuleList(
            torch.nn.Linear(n_filters, n_filters) for _ in range(options.n_highway)
        )
        self.transform = torch.nn.ModuleList(
            torch.nn.Linear(n_filters, n_filters) for _ in range(options.n_highway)
        )
        self.projection = torch.nn.Linear(n_filters, options.projection_dim)

    def forward(self, characters: Any) -> Any:
        """Character ids int64 [n, max_characters], 1 to 261, to vectors [n, projection_dim]."""
        # Behind the longest word all windows hold padding alone and give the same: one of them is enough.
        widest = max(width for width, _ in self.options.filters)
        n_used = int((characters != 261).sum(dim=1).max()) if len(characters) else 0
        characters = characters[:, : n_used + widest]
        values = torch.nn.functional.embedding(characters - 1, self.characters).transpose(1, 2)
        found = torch.cat([convolve(values).amax(dim=2) for convolve in self.filters], dim=1)
        activation = torch.relu if self.options.activation == "relu" else torch.tanh
        found = activation(found)
        for carry, transform in zip(self.carry, self.transform, strict=True):
            gate = torch.sigmoid(carry(found))
            found = gate * torch.relu(transform(found)) + (1 - gate) * found
        return self.projection(found)


class TwoWayLstm(Module):
    """LSTM layers with projection and clipping, both directions in the same multiplications.

    The gates are, in the order of their columns: input, new value, forget (to which 1 is added), output.
    """

    def __init__(self, options: ElmoOptions) -> None:
        super().__init__()
        self.options = options
        width, dim = options.projection_dim, options.dim
        self.kernels = torch.nn.ParameterList(
            torch.empty(2, 2 * width, 4 * dim) for _ in range(options.n_layers)
        )
        self.biases = torch.nn.ParameterList(torch.zeros(2, 4 * dim) for _ in range(options.n_layers))
        self.projections = torch.nn.ParameterList(torch.empty(2, dim, width) for _ in range(options.n_layers))

    def forward(self, words: Any, lengths: Any = None, state: Any = None) -> tuple[Any, Any]:
        """Words [n_texts, n_words, width] to layers [n_layers, 2, n_texts, n_words, width] and the state to go on with.

        lengths: int64 [n_texts], None if all texts are full. state: of an earlier call with as many texts; each
        text's is that of its own last word, backward that of its first.
        """
        n_texts, n_words, _ = words.shape
        back = _reversal(lengths, n_texts, n_words, words.device)
        inputs = torch.stack((words, _take(words, back)))
        alive = None
        if lengths is not None:
            alive = (torch.arange(n_words, device=words.device)[:, None] < lengths)[:, None, :, None]
        layers, states = [], []
        for layer in range(self.options.n_layers):
            outputs, after = self._layer(layer, inputs, alive, None if state is None else state[layer])
            if layer and self.options.skip_connections:
                outputs = outputs + inputs
            layers.append(torch.stack((outputs[0], _take(outputs[1], back))))
            states.append(after)
            inputs = outputs
        return torch.stack(layers), states

    def _layer(self, layer: int, inputs: Any, alive: Any, state: Any) -> tuple[Any, tuple[Any, Any]]:
        options = self.options
        _, n_texts, n_words, width = inputs.shape
        kernel, projection = self.kernels[layer], self.projections[layer]
        from_inputs = torch.baddbmm(
            self.biases[layer][:, None], inputs.reshape(2, n_texts * n_words, width), kernel[:, :width]
        ).view(2, n_texts, n_words, 4 * options.dim)
        from_hidden = kernel[:, width:]
        if state is None:
            hidden = inputs.new_zeros(2, n_texts, width)
            cells = inputs.new_zeros(2, n_texts, options.dim)
        else:
            hidden, cells = state
        outputs = []
        for place in range(n_words):
            gates = from_inputs[:, :, place] + torch.bmm(hidden, from_hidden)
            enter, value, forget, leave = gates.chunk(4, dim=2)
            new_cells = cells * torch.sigmoid(forget + 1) + torch.sigmoid(enter) * torch.tanh(value)
            if options.cell_clip is not None:
                new_cells = new_cells.clamp(-options.cell_clip, options.cell_clip)
            new_hidden = torch.bmm(torch.sigmoid(leave) * torch.tanh(new_cells), projection)
            if options.proj_clip is not None:
                new_hidden = new_hidden.clamp(-options.proj_clip, options.proj_clip)
            outputs.append(new_hidden)
            if alive is not None:
                new_hidden = torch.where(alive[place], new_hidden, hidden)
                new_cells = torch.where(alive[place], new_cells, cells)
            hidden, cells = new_hidden, new_cells
        return torch.stack(outputs, dim=2), (hidden, cells)


class LayerMix(Module):
    """gamma x sum of softmax(weights)_k x layer k (equation 1 of the paper); weights and gamma are learned by a task."""

    def __init__(self, n_layers: int) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.zeros(n_layers))
        self.gamma = torch.nn.Parameter(torch.ones(()))

    def forward(self, layers: Any) -> Any:
        """Layers [n_layers, …] to one mixture […]."""
        shares = torch.softmax(self.weights, dim=0)
        return self.gamma * torch.tensordot(shares, layers, dims=1)


class Elmo(Module):
    """Sentences of words to layers of vectors: layer 0 knows the word alone, the others its sentence.

    Attributes:
        options: the sizes.
    """

    def __init__(self, options: ElmoOptions) -> None:
        super().__init__()
        self.options = options
        self.words = CharacterWords(options)
        self.lstm = TwoWayLstm(options)
        self.start()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Elmo:
        """Open a folder with options.json and an .hdf5 of the original program, or one that `train_elmo` wrote.

        Raises FormatError where options and weights disagree.
        """
        options, weights = read_weights(Path(path))
        made = cls(options)
        made.set_weights(weights)
        return made.eval()  # type: ignore[no-any-return]

    def start(self) -> None:
        """Draw all weights anew from torch's generator, as far as their layers are wide."""
        with torch.no_grad():
            for parameter in self.parameters():
                if parameter.dim() < 2:
                    parameter.zero_()
            torch.nn.init.uniform_(self.words.characters, -1.0, 1.0)
            for convolve in self.words.filters:
                torch.nn.init.uniform_(convolve.weight, -0.05, 0.05)
            for linear in (*self.words.carry, *self.words.transform):
                torch.nn.init.normal_(linear.weight, 0.0, self.options.n_filters**-0.5)
            for linear in self.words.carry:
                torch.nn.init.constant_(linear.bias, -2.0)  # to let words through at first
            torch.nn.init.normal_(self.words.projection.weight, 0.0, self.options.n_filters**-0.5)
            for layer in range(self.options.n_layers):
                self.lstm.biases[layer].zero_()
                torch.nn.init.normal_(
                    self.lstm.kernels[layer], 0.0, (2 * self.options.projection_dim) ** -0.5
                )
                torch.nn.init.normal_(self.lstm.projections[layer], 0.0, self.options.dim**-0.5)

    def forward(self, characters: Any, lengths: Any = None, state: Any = None) -> tuple[Any, Any]:
        """Character ids [n_texts, n_words, max_characters] to layers [n_layers + 1, n_texts, n_words, 2 x width], state.

        In each layer the forward half comes first; layer 0 is the word's vector twice.
        """
        n_texts, n_words, n_characters = characters.shape
        words = self.words(characters.reshape(-1, n_characters)).view(n_texts, n_words, -1)
        layers, state = self.lstm(words, lengths, state)
        both = layers.permute(0, 2, 3, 1, 4).reshape(len(layers), n_texts, n_words, -1)
        return torch.cat((torch.cat((words, words), dim=2)[None], both)), state

    def embed(
        self, sentences: Sequence[Sequence[str]], *, state: Any = None, keep_state: bool = False
    ) -> list[Float32Array] | tuple[list[Float32Array], Any]:
        """The layers of each sentence, float32 [n_layers + 1, n_words, 2 x projection_dim], in one batch.

        state: of an earlier call, to go on where its sentences ended, as the original program does; keep_state: return
        (layers, state). Marks of begin and end are put around each sentence and left out of the result.

        Raises ArgumentError if there is no sentence or the state is of another number of them.
        """
        if not sentences or isinstance(sentences, str) or any(isinstance(one, str) for one in sentences):
            raise ArgumentError(
                "sentences must be a list of lists of words, and not empty", hint='write [["a", "cat"]]'
            )
        if state is not None and state[0][0].shape[1] != len(sentences):
            raise ArgumentError(
                f"state is of {state[0][0].shape[1]} sentences, got {len(sentences)}",
                hint="keep their number",
            )
        lengths = np.array([len(sentence) + 2 for sentence in sentences])
        device = self.words.characters.device
        words = [word for sentence in sentences for word in (SENTENCE_BEGIN, *sentence, SENTENCE_END)]
        different = {word: i for i, word in enumerate(dict.fromkeys(words))}
        table = character_ids(list(different), max_characters=self.options.max_characters)
        rows = np.zeros((len(sentences), lengths.max()), dtype=np.int64)
        rows[np.arange(lengths.max()) < lengths[:, None]] = [different[word] for word in words]
        with torch.no_grad():
            vectors = self.words(torch.from_numpy(table).to(device))
            looked_up = vectors[torch.from_numpy(rows).to(device)]
            layers, state = self.lstm(looked_up, torch.from_numpy(lengths).to(device), state)
        first = torch.cat((looked_up, looked_up), dim=2)[None]
        both = torch.cat((first, layers.permute(0, 2, 3, 1, 4).flatten(3))).cpu().numpy()
        made = [both[:, i, 1 : length - 1].copy() for i, length in enumerate(lengths)]
        return (made, state) if keep_state else made

    def weights(self) -> dict[str, Float32Array]:
        """All tensors, float32, by the names of the original program."""
        return {name: _array(values) for name, values in self._named().items()}

    def set_weights(self, weights: Mapping[str, Float32Array]) -> None:
        """Take tensors by the names of the original program; their shapes have been checked."""
        with torch.no_grad():
            for name, values in self._named().items():
                values.copy_(torch.from_numpy(np.array(weights[name], dtype=np.float32)))

    def export(self, folder: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write options.json and lm_weights.hdf5, as the original program does, into an existing or new folder.

        Raises OutputError. Needs h5py.
        """
        target = Path(folder)
        target.mkdir(exist_ok=True)
        write_hdf5(target / "lm_weights.hdf5", self.weights(), force=force)
        write_options(target / "options.json", self.options)

    def _named(self) -> dict[str, Any]:
        """Views of all parameters, in the names and shapes of the original."""
        words, lstm = self.words, self.lstm
        found: dict[str, Any] = {"char_embed": words.characters.detach()}
        for i, convolve in enumerate(words.filters):
            found[f"CNN/W_cnn_{i}"] = convolve.weight.detach().permute(2, 1, 0)[None]
            found[f"CNN/b_cnn_{i}"] = convolve.bias.detach()
        for i, pair in enumerate(zip(words.carry, words.transform, strict=True)):
            for gate, linear in zip(("carry", "transform"), pair, strict=True):
                found[f"CNN_high_{i}/W_{gate}"] = linear.weight.detach().T
                found[f"CNN_high_{i}/b_{gate}"] = linear.bias.detach()
        found["CNN_proj/W_proj"] = words.projection.weight.detach().T
        found["CNN_proj/b_proj"] = words.projection.bias.detach()
        for direction in range(2):
            for layer in range(self.options.n_layers):
                cell = lstm_name(direction, layer)
                found[f"{cell}/W_0"] = lstm.kernels[layer].detach()[direction]
                found[f"{cell}/B"] = lstm.biases[layer].detach()[direction]
                found[f"{cell}/W_P_0"] = lstm.projections[layer].detach()[direction]
        return found


def _array(values: Any) -> Float32Array:
    return np.ascontiguousarray(values.cpu().numpy())


def _reversal(lengths: Any, n_texts: int, n_words: int, device: Any) -> Any:
    """Which word comes at each place when each text is read backward, int64 [n_texts, n_words]; its own inverse."""
    places = torch.arange(n_words, device=device).expand(n_texts, n_words)
    if lengths is None:
        return n_words - 1 - places
    turned = lengths[:, None] - 1 - places
    return torch.where(turned >= 0, turned, places)


def _take(words: Any, places: Any) -> Any:
    return words.gather(1, places[:, :, None].expand(-1, -1, words.shape[2]))
