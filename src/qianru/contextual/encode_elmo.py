"""ELMo as an encoder: its tokens are words, and all else is that of `ContextualEncoder`."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qianru.arrays import Int64Array
from qianru.contextual.characters import SENTENCE_BEGIN, SENTENCE_END, character_ids
from qianru.contextual.encode_batches import Batch
from qianru.contextual.pooling import read_json
from qianru.contextual.word_places import marks_between, word_spans
from qianru.errors import ArgumentError, FormatError
from qianru.layers.backend import load_torch
from qianru.tokens import TokenBatch
from qianru.tokens.encoding import checked_text
from qianru.vectors.encoder import Span

if TYPE_CHECKING:
    from qianru.contextual.elmo import Elmo

# Ids of the marks around a text; words follow.
BEGIN, END = 0, 1
# So many different words are remembered; with more, the table begins anew at the next batch.
_MOST_WORDS = 1 << 20
# An LSTM has no limit of its own; this one bounds the memory of a text.
_MOST_TOKENS = 8192


def open_elmo(
    path: Path, *, lowercase: bool | None, max_tokens: int | None, backend: str, device: str
) -> tuple[ElmoEngine, ElmoWords, int]:
    """The engine, what cuts words, and the words of a window. Raises FormatError, ArgumentError."""
    if backend != "auto":
        raise ArgumentError(f'backend="{backend}" does not know ELMo', hint='use backend="auto"')
    if max_tokens is not None and max_tokens < 1:
        raise ArgumentError(f"max_tokens must be at least 1, got {max_tokens}")
    words = words_of_folder(path, lowercase)
    # Not at the top: its classes are torch's, and `load_encoder` opens static models where there is no torch.
    load_torch()
    kind: type[Elmo] = importlib.import_module("qianru.contextual.elmo").Elmo
    engine = ElmoEngine(kind.load(path), words, device)
    return engine, words, _MOST_TOKENS if max_tokens is None else max_tokens


class ElmoWords:
    """Texts to words, in the place of a tokenizer: the characters of ELMo know every word, so an id is only the word's
    number in a table that grows while texts are read.

    Args:
        lowercase: words are lower-cased, as in the text that the model was trained on.
        marks: each character between words is a word too, as in the text of the original models; those that `train_elmo`
            makes have never seen one.
    """

    def __init__(self, *, lowercase: bool, marks: bool) -> None:
        self._lowercase, self._marks = lowercase, marks
        self._start()

    def _start(self) -> None:
        self._words = [SENTENCE_BEGIN, SENTENCE_END]
        self._ids: dict[str, int] = {}

    @property
    def fingerprint(self) -> str:
        """A hash over what the words depend on."""
        told = f"qianru ELMo words 1 {self._lowercase} {self._marks}"
        return hashlib.sha256(told.encode()).hexdigest()

    def token_of(self, number: int) -> str:
        """The word of an id of the last batch."""
        return self._words[number]

    def encode_batch(self, texts: Sequence[str], *, add_special_tokens: bool = False) -> TokenBatch:
        """The ids of the words of texts. Raises ArgumentError, naming the text that cannot be cut."""
        return self.encode_offsets(texts)[0]

    def encode_offsets(self, texts: Sequence[str]) -> tuple[TokenBatch, Int64Array]:
        """The same, and where each word begins and ends in its text, int64 [n, 2], in characters."""
        if len(self._words) > _MOST_WORDS:
            self._start()
        ids: list[int] = []
        places: list[Span] = []
        splits = [0]
        for i, text in enumerate(texts):
            found = self._places(checked_text(text, f"texts[{i}]"))
            places += found
            ids += [self._id(text[begin:end]) for begin, end in found]
            splits.append(len(ids))
        batch = TokenBatch(np.array(ids, dtype=np.uint32), np.array(splits, dtype=np.int64))
        return batch, np.array(places, dtype=np.int64).reshape(-1, 2)

    def _places(self, text: str) -> list[Span]:
        words = word_spans(text)
        return marks_between(text, words) if self._marks else words

    def _id(self, word: str) -> int:
        word = word.lower() if self._lowercase else word
        found = self._ids.get(word)
        if found is None:
            found = self._ids[word] = len(self._words)
            self._words.append(word)
        return found


class ElmoEngine:
    """ELMo over packed batches; layer 0 are the words alone."""

    name = "elmo"

    def __init__(self, model: Elmo, words: ElmoWords, device: str = "cpu") -> None:
        self._torch = load_torch()
        self._model, self._words, self.device = model.to(device).eval(), words, device
        self.dim = 2 * model.options.projection_dim
        self.n_layers = int(model.options.n_layers)

    def hidden(self, batch: Batch, mixture: Mapping[int, float]) -> Any:
        """float32 [n_tokens of the batch, dim]."""
        torch = self._torch
        if not len(batch.ids):
            return torch.zeros((0, self.dim), device=self.device)
        numbers, places = np.unique(batch.ids, return_inverse=True)
        words = [self._words.token_of(number) for number in numbers.tolist()]
        longest = self._model.options.max_characters
        table = torch.from_numpy(character_ids(words, max_characters=longest)).to(self.device)
        packed = self._model.words(table)[torch.from_numpy(places).to(self.device)]
        parts = [
            self._mixed(packed[begin:end], lengths, mixture) for begin, end, lengths in _parts(batch.lengths)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _mixed(self, words: Any, lengths: Int64Array, mixture: Mapping[int, float]) -> Any:
        """Words [n_words, width] of several windows, one behind the other, to their mixture [n_words, 2 x width]."""
        torch = self._torch
        real = torch.from_numpy(np.arange(lengths.max()) < lengths[:, None]).to(self.device)
        padded = words.new_zeros((*real.shape, words.shape[1]))
        padded[real] = words
        layers, _ = self._model.lstm(padded, torch.from_numpy(lengths).to(self.device))
        made = words.new_zeros((len(words), self.dim))
        for layer, weight in mixture.items():
            if layer == 0:
                made += weight * torch.cat((words, words), dim=1)
            else:
                forward, backward = layers[layer - 1]
                made += weight * torch.cat((forward[real], backward[real]), dim=1)
        return made


def _parts(lengths: Int64Array) -> Iterator[tuple[int, int, Int64Array]]:
    """Windows, longest first, in runs of which none is half as long as the first: (first word, last word, lengths).

    So padding is never more than what is padded."""
    first, begin = 0, 0
    while first < len(lengths):
        last = first + int(np.searchsorted(-lengths[first:], -(lengths[first] // 2), side="left"))
        last = max(last, first + 1)
        end = begin + int(lengths[first:last].sum())
        yield begin, end, lengths[first:last]
        first, begin = last, end


def is_elmo_folder(path: Path) -> bool:
    """Whether a folder holds ELMo's options.json, and no model of transformers."""
    return (path / "options.json").is_file() and not (path / "config.json").is_file()


def words_of_folder(path: Path, lowercase: bool | None) -> ElmoWords:
    """How texts are cut for the model: in lower case, unless told, if its training text was; with marks between words if it
    is a folder of the original program. Raises FormatError."""
    file = path / "qianru.json"
    if not file.is_file():
        return ElmoWords(lowercase=bool(lowercase), marks=True)
    told = read_json(file)
    if told.get("kind") != "elmo":
        raise FormatError(f"kind must be 'elmo', got {told.get('kind')!r}", path=str(file))
    made = told.get("provenance")
    corpus = made.get("corpus") if isinstance(made, dict) else None
    trained = isinstance(corpus, dict) and corpus.get("lowercase") is True
    return ElmoWords(lowercase=trained if lowercase is None else lowercase, marks=False)


def hash_of_elmo(path: Path) -> str:
    """A hash over options and weights."""
    digest = hashlib.sha256((path / "options.json").read_bytes())
    # The folder was opened, so there is one file of weights, as `read_weights` looks for it.
    weights = path / "model.safetensors"
    if not weights.is_file():
        weights = (sorted(path.glob("*weights*.hdf5")) or sorted(path.glob("*.hdf5")))[0]
    with weights.open("rb") as data:
        digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()
