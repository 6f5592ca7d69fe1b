"""`Translator`: sentences in one language to sentences in the other, by beam search; a folder on disk."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from qianru.arrays import Float64Array, UInt64Array
from qianru.errors import ArgumentError, FormatError, QianruError
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, checked_resampling, interval_of
from qianru.evaluate.result import Score, score
from qianru.layers.backend import device_of
from qianru.layers.embedding import pad
from qianru.progress import Progress, ProgressCallback
from qianru.transfer.beam import beam_search
from qianru.transfer.folder import (
    WEIGHTS,
    Rules,
    check_mark,
    fill,
    map_weights,
    mark_of,
    read_description,
    read_layer,
    tensors_of,
    write_network,
)
from qianru.transfer.pairs import Pairs, as_sentence_pairs, without_known
from qianru.transfer.seq2seq import Seq2Seq

KIND = "translator"
BEGIN, END, PADDING = "<s>", "</s>", "<pad>"
_PREFIX = "layer."
_RULES: Rules = {
    "dim": (int, lambda v: 1 <= v < 1 << 20),
    "n_layers": (int, lambda v: 1 <= v <= 64),
    "n_heads": (int, lambda v: 1 <= v <= 256),
    "max_tokens": (int, lambda v: v >= 1),
    "fingerprint": (str, bool),
    "provenance": (dict, lambda v: True),
}
_BATCH = 32


@dataclass(frozen=True)
class Saved:
    """What a translator knows beside its network. seen: hashes of the training sentences, sorted."""

    n_layers: int
    n_heads: int
    max_tokens: int
    seen: UInt64Array
    provenance: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Translation:
    """The best translation of a sentence; its score as `beam_search` has it; truncated: whether the source was cut."""

    text: str
    score: float
    truncated: bool = False


@dataclass(frozen=True)
class TranslationReport:
    """BLEU and chrF, 0 … 100, of n_pairs; signature: how sacrebleu counted.

    Intervals: the middle 95 % of the scores of resampled sentences; None for fewer than two pairs.
    """

    bleu: Score
    chrf: Score
    n_pairs: int
    n_truncated: int
    bleu_signature: str
    chrf_signature: str
    translations: list[str] = field(repr=False)

    def as_dict(self) -> dict[str, object]:
        """For JSON, without the translations."""
        told = {name: value for name, value in vars(self).items() if name != "translations"}
        return {**told, "bleu": self.bleu.as_dict(), "chrf": self.chrf.as_dict()}


class Translator:
    """An encoder-decoder with its vocabulary. Made by `train_translator`."""

    def __init__(self, network: Seq2Seq, saved: Saved, *, notes: Sequence[str] = ()) -> None:
        self._network, self._saved = network, saved
        self.notes = list(notes)
        network.eval()

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: str = "cpu") -> Translator:
        """Open a folder that `save` wrote. device: of torch, "cpu", "cuda" or "cuda:1".

        Raises FormatError, naming the file and what is wrong; ArgumentError for a device that cannot be used.
        """
        folder, place = Path(path), device_of(device)
        told = read_description(folder, KIND, "qianru translate train", _RULES)
        numbers = {name: cast(int, told[name]) for name in ("n_layers", "n_heads")}
        layer = read_layer(folder, cast(int, told["dim"]))
        for token in (BEGIN, END, PADDING):
            if token not in layer.tokenizer.special_tokens:
                raise FormatError(f"no special token {token}", path=str(folder / "tokenizer.json"))
        try:
            network = Seq2Seq(layer, dropout=0.0, **numbers)
        except ArgumentError as error:
            raise FormatError(error.message, path=str(folder / "qianru.json")) from None
        fill(network, _PREFIX, folder)
        seen = map_weights(folder / WEIGHTS, {"seen": ("U64", 1)}).get("seen", np.empty(0, np.uint64))
        provenance = cast("dict[str, object]", told["provenance"])
        saved = Saved(
            max_tokens=cast(int, told["max_tokens"]),
            seen=cast(UInt64Array, seen),
            provenance=provenance,
            **numbers,
        )
        check_mark(_mark(network, saved), told["fingerprint"], folder)
        return cls(network.to(place), saved)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the folder: model.safetensors, tokenizer.json, qianru.json. Raises OutputError."""
        layer = self._network.layer
        told = {
            "dim": layer.dim,
            "n_layers": self._saved.n_layers,
            "n_heads": self._saved.n_heads,
            "max_tokens": self._saved.max_tokens,
            "fingerprint": _mark(self._network, self._saved),
            "provenance": self._saved.provenance,
        }
        tensors = _tensors(self._network, self._saved)
        write_network(Path(path), KIND, tensors, layer.tokenizer, told, force=force)

    @property
    def provenance(self) -> MappingProxyType[str, object]:
        """Settings, data and the course of training; read-only."""
        return MappingProxyType(self._saved.provenance)

    @property
    def n_parameters(self) -> int:
        """Numbers in the network."""
        return sum(one.numel() for one in self._network.state_dict().values() if one.is_floating_point())

    def translate(
        self,
        sentences: Sequence[str],
        *,
        beam: int = 4,
        penalty: float = 0.6,
        progress: ProgressCallback | None = None,
    ) -> list[Translation]:
        """The best translation of each sentence.

        beam: hypotheses that are followed; 1 takes the most probable token each time. penalty: above 0 longer ones
        are favoured. White space around a sentence does not count, as in training; an empty one has an empty translation.
        Raises ArgumentError.
        """
        if isinstance(sentences, str):
            raise ArgumentError("sentences must be a sequence of them, got one str", hint="write [sentence]")
        if isinstance(beam, bool) or not isinstance(beam, int) or not 1 <= beam <= 64:
            raise ArgumentError(f"beam must be a whole number from 1 to 64, got {beam!r}")
        if not 0 <= penalty <= 5:
            raise ArgumentError(f"penalty must be from 0 to 5, got {penalty}")
        layer, most = self._network.layer, self._saved.max_tokens
        special = layer.tokenizer.special_tokens
        end = special[END]
        for i, sentence in enumerate(sentences):
            if not isinstance(sentence, str):
                raise ArgumentError(f"sentences must be str, sentences[{i}] is {type(sentence).__name__}")
        batch = layer.tokenizer.encode_batch([one.strip() for one in sentences], add_special_tokens=False)
        ids = [[*batch[i][:most].tolist(), end] for i in range(len(batch))]
        cut = (np.diff(batch.splits) > most).tolist()
        found = [Translation("", 0.0, False)] * len(sentences)
        order = sorted((i for i in range(len(ids)) if len(ids[i]) > 1), key=lambda i: len(ids[i]))
        never = sorted({special[BEGIN], special[PADDING], layer.padding_id})
        for first in range(0, len(order), _BATCH):
            places = order[first : first + _BATCH]
            results = beam_search(
                self._network,
                pad([ids[i] for i in places], layer.padding_id).to(self._network.device),
                begin=special[BEGIN],
                end=end,
                beam=beam,
                penalty=penalty,
                longest=[min(2 * len(ids[i]) + 10, most + 1) for i in places],
                never=never,
            )
            for place, hypotheses in zip(places, results, strict=True):
                best = hypotheses[0]
                found[place] = Translation(layer.tokenizer.decode(best.ids).strip(), best.score, cut[place])
            if progress is not None:
                progress(Progress("translate", (first + len(places)) / len(order), 0.0, "sentences"))
        return found

    def evaluate(
        self,
        pairs: Pairs,
        *,
        beam: int = 4,
        penalty: float = 0.6,
        overlap: str = "refuse",
        n_bootstrap: int = DEFAULT_BOOTSTRAP,
        seed: int = 1,
        progress: ProgressCallback | None = None,
    ) -> TranslationReport:
        """BLEU and chrF of the translations by sacrebleu, with 95 % intervals.

        Chinese references are cut into characters by sacrebleu's "zh", all others by its "13a". n_bootstrap: resamples of
        sentences, drawn by seed; 0 for no interval.

        Raises CorpusError for sentences that were trained on; ArgumentError; QianruError where sacrebleu is not installed.
        """
        checked_resampling(seed, n_bootstrap)
        try:
            metrics = importlib.import_module("sacrebleu.metrics")
        except ImportError:
            raise QianruError(
                "this needs the package sacrebleu", hint="pip install 'qianru[translate]'"
            ) from None
        given = without_known(as_sentence_pairs(pairs), self._saved.seen, overlap)
        made = self.translate(given.sources, beam=beam, penalty=penalty, progress=progress)
        texts = [one.text for one in made]
        cut = "zh" if _is_chinese(given.targets) else "13a"
        scores = []
        for name, metric in (("BLEU", metrics.BLEU(tokenize=cut)), ("chrF", metrics.CHRF())):
            value = _at_most_100(metric.corpus_score(texts, [given.targets]))
            # What a sentence adds to the sums that a score is made of.
            counts = np.array(metric._extract_corpus_statistics(texts, [given.targets]), dtype=np.float64)

            def resampled(weights: Float64Array, metric: Any = metric, counts: Any = counts) -> Float64Array:
                rows = (weights @ counts).tolist()
                return np.array([_at_most_100(metric._compute_score_from_stats(row)) for row in rows])

            interval = interval_of(resampled, len(given), n_bootstrap=n_bootstrap, seed=seed)
            scores.append((score(name, value, len(given), interval), str(metric.get_signature())))
        (bleu, bleu_signature), (chrf, chrf_signature) = scores
        n_cut = sum(one.truncated for one in made)
        return TranslationReport(bleu, chrf, len(given), n_cut, bleu_signature, chrf_signature, texts)

    def __repr__(self) -> str:
        layer = self._network.layer
        return f"Translator(n_layers={self._saved.n_layers}, dim={layer.dim}, n_tokens={layer.tokenizer.n_tokens})"


def _at_most_100(found: Any) -> float:
    """A score of sacrebleu, whose best is 100 but for rounding."""
    return min(float(found.score), 100.0)


def _is_chinese(texts: Sequence[str]) -> bool:
    """Whether a third of the characters are Han, and there is no kana beside them: a stray の in a long text makes it no Japanese."""
    text = "".join(texts)
    n_han = sum("\u4e00" <= char <= "\u9fff" for char in text)
    n_kana = sum("\u3041" <= char <= "\u3096" or "\u30a1" <= char <= "\u30fa" for char in text)
    return 3 * n_han > len(text) and 20 * n_kana < n_han


def _tensors(network: Any, saved: Saved) -> dict[str, Any]:
    made: dict[str, Any] = dict(tensors_of(network, network.layer, _PREFIX))
    if len(saved.seen):
        made["seen"] = saved.seen
    return made


def _mark(network: Any, saved: Saved) -> str:
    told = [saved.n_layers, saved.n_heads, saved.max_tokens]
    return mark_of(told, network.layer.tokenizer, _tensors(network, saved))
