"""`ContextualEncoder`: texts, tokens and words by a Transformer, each in its sentence."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from qianru.arrays import Float32Array, Int64Array
from qianru.contextual.encode_batches import Batch, Plan, Rule
from qianru.contextual.encode_engines import Engine, HalvingEngine
from qianru.contextual.pooling import Layers, Pooled, Pooling, mixture_of
from qianru.contextual.word_places import word_spans
from qianru.errors import ArgumentError
from qianru.layers.backend import load_torch
from qianru.progress import Progress, ProgressCallback
from qianru.tokens import TokenBatch
from qianru.vectors.encoder import Encoded, Span, checked_spans, describe_flags

# Measured best on two cores, where a batch's numbers stay in the cache (bench/encode.py); more for a GPU.
DEFAULT_BATCH_TOKENS = 2048
_BOUND_TEXTS = 16


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """The n tokens, or words, of one text.

    Attributes:
        tokens: as they stand in the vocabulary, or in the text if they are words.
        vectors: float32 [n, dim].
        offsets: int64 [n, 2], where each begins and ends in the text, in characters.
        n_truncated: tokens of the text that were left out.
    """

    tokens: list[str]
    vectors: Float32Array
    offsets: Int64Array
    n_truncated: int = 0

    def __len__(self) -> int:
        return len(self.tokens)


class TextTokens(Protocol):
    """What an encoder asks of a tokenizer."""

    @property
    def fingerprint(self) -> str:
        """A hash over what ids depend on."""

    def token_of(self, number: int, /) -> str:
        """The token of an id."""

    def encode_batch(self, texts: Sequence[str], *, add_special_tokens: bool) -> TokenBatch:
        """The ids of texts."""

    def encode_offsets(self, texts: Sequence[str]) -> tuple[TokenBatch, Int64Array]:
        """The same, and where each token begins and ends in its text, int64 [n, 2], in characters."""


class ContextualEncoder:
    """A Transformer, or ELMo, with its tokenizer and pooling; `load_encoder` opens one.

    Args:
        engine: who runs the model.
        tokenizer: its tokenizer; of ELMo, what cuts words.
        pooling: from tokens to texts.
        rule: which tokens go around a text, how many fit, what happens to more.
        mixture: layers and their weights; layer 0 are the embeddings.
        prompt: put in front of each text. lowercase: texts are lower-cased first.
        batch_tokens: tokens of a batch, at most.
        weights_fingerprint: gives the hash of the weights, when it is first asked for.

    An empty text has the vector that the model gives to the tokens it puts around every text, zeros if there are none,
    and `is_empty` says so.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizer: TextTokens,
        pooling: Pooling,
        rule: Rule,
        *,
        mixture: Mapping[int, float],
        prompt: str = "",
        lowercase: bool = False,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        weights_fingerprint: Callable[[], str] = str,
    ) -> None:
        if batch_tokens < 1:
            raise ArgumentError(f"batch_tokens must be at least 1, got {batch_tokens}")
        self._engine, self._tokenizer = HalvingEngine(engine), tokenizer
        self._pooling, self._rule, self._mixture = pooling, rule, dict(mixture)
        self._prompt, self._lowercase, self._batch_tokens = prompt, lowercase, batch_tokens
        self._weights_fingerprint = weights_fingerprint
        self._fingerprint = ""

    @property
    def dim(self) -> int:
        """Numbers in a text's vector."""
        return self._pooling.out_dim(self._engine.dim)

    @property
    def token_dim(self) -> int:
        """Numbers in a token's vector."""
        return self._engine.dim

    @property
    def n_layers(self) -> int:
        """Layers behind the embeddings."""
        return self._engine.n_layers

    @property
    def max_tokens(self) -> int:
        """Tokens in a window, those around a text included."""
        return self._rule.limit

    @property
    def tokenizer(self) -> TextTokens:
        """The tokenizer."""
        return self._tokenizer

    @property
    def model(self) -> Any:
        """The module of transformers, where that runs (backend="transformers"), else None."""
        return self._engine.model

    @property
    def pooling(self) -> Pooling:
        """From tokens to texts."""
        return self._pooling

    @property
    def settings(self) -> dict[str, object]:
        """Everything beside weights and tokenizer that vectors depend on."""
        return {
            "engine": self._engine.name,
            "pooling": self._pooling.describe(),
            "layers": {str(layer): weight for layer, weight in sorted(self._mixture.items())},
            "max_tokens": self._rule.limit,
            "long": self._rule.long,
            "overlap": self._rule.overlap if self._rule.long == "window" else 0,
            "prompt": self._prompt,
            "lowercase": self._lowercase,
        }

    @property
    def weights_fingerprint(self) -> str:
        """A hash over weights and tokenizer: the same for all layers and settings."""
        return hashlib.sha256(
            f"{self._weights_fingerprint()} {self._tokenizer.fingerprint}".encode()
        ).hexdigest()

    @property
    def fingerprint(self) -> str:
        """A hash over weights, tokenizer and settings."""
        if not self._fingerprint:
            told = f"{self._weights_fingerprint()} {self._tokenizer.fingerprint} {self.settings}"
            made = hashlib.sha256(f"qianru contextual encoder 1\n{told}".encode())
            self._fingerprint = made.hexdigest()
        return self._fingerprint

    def with_layers(self, layers: Layers) -> ContextualEncoder:
        """The same model, not loaded again, with the vectors of other layers. Raises ArgumentError."""
        made = copy.copy(self)
        made._mixture, made._fingerprint = mixture_of(layers, self.n_layers), ""
        return made

    def __repr__(self) -> str:
        return (
            f"ContextualEncoder(dim={self.dim}, n_layers={self.n_layers}, "
            f"pooling={self._pooling.describe()!r}, engine={self._engine.name!r})"
        )

    def encode(self, texts: Sequence[str], *, progress: ProgressCallback | None = None) -> Encoded:
        """One vector for each text. Raises ArgumentError, naming the text that cannot be encoded."""
        with load_torch().inference_mode():
            plan = self.plan(self.tokens(texts))
            vectors = self.pool(plan, progress=progress).cpu().numpy()
        flags = describe_flags(plan.n_tokens, plan.n_truncated, self._rule.limit)
        return Encoded(vectors, plan.n_tokens, plan.n_truncated, flags + self._notes())

    def tokens(self, texts: Sequence[str]) -> TokenBatch:
        """The ids of texts, with the prompt, without those put around them. Raises ArgumentError."""
        return self._tokenizer.encode_batch(self._prepared(texts), add_special_tokens=False)

    def plan(self, tokens: TokenBatch) -> Plan:
        """The windows in which the model reads texts."""
        return Plan(tokens, self._rule)

    def pool(self, plan: Plan, *, progress: ProgressCallback | None = None) -> Any:
        """torch.float32 [n_texts, dim], with the gradient of `model` where that is wanted."""
        pooled = Pooled(self._pooling, len(plan.n_tokens), self._engine.dim, self._engine.device)
        for batch, hidden in self._run(plan, progress):
            pooled.add(batch, hidden)
        return pooled.finish()

    def encode_tokens(self, texts: Sequence[str], *, level: str = "token") -> list[TokenVectors]:
        """The vectors of each text's tokens, without those put around it.

        level: "token"; or "word", where the vectors of a word's tokens are averaged, words being those of `Corpus`, Chinese
        ones too. All of it is held in memory. Raises ArgumentError.
        """
        if level not in ("token", "word"):
            raise ArgumentError(f'level must be "token" or "word", got {level!r}')
        batch, offsets = self._tokenizer.encode_offsets(self._with_places(texts))
        vectors, plan = self._token_vectors(batch)
        found = []
        for i, text in enumerate(texts):
            first = int(batch.splits[i])
            last = first + int(plan.n_tokens[i])
            cut = int(plan.n_truncated[i])
            if level == "token":
                names = [self._tokenizer.token_of(one) for one in batch.ids[first:last].tolist()]
                found.append(TokenVectors(names, vectors[first:last], offsets[first:last], cut))
                continue
            places = word_spans(text)
            rows = [_inside(offsets[first:last], place) for place in places]
            kept = [(place, row) for place, row in zip(places, rows, strict=True) if len(row)]
            means = [vectors[first:last][row].mean(axis=0) for _, row in kept]
            matrix = np.array(means, dtype=np.float32).reshape(-1, self.token_dim)
            made = np.array([place for place, _ in kept], dtype=np.int64).reshape(-1, 2)
            found.append(TokenVectors([text[a:b] for a, b in made.tolist()], matrix, made, cut))
        return found

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Span], *, progress: ProgressCallback | None = None
    ) -> Encoded:
        """The mean vector of the tokens that lie in, or reach into, each place of its text. float32 [n, token_dim].

        So a word in several pieces has the mean of its pieces, and one that the tokenizer joins to its neighbours the vector
        of the longer token: `notes` tells how many those are. A text that is longer than the model is read around the place.
        Raises ArgumentError.
        """
        places = checked_spans(texts, spans)
        tokens, offsets = self._tokenizer.encode_offsets(self._with_places(texts))
        tokens, offsets = self._around(tokens, offsets, places)
        splits = tokens.splits
        of_each = [offsets[splits[i] : splits[i + 1]] for i in range(len(texts))]
        inside = [_inside(one, place) for one, place in zip(of_each, places, strict=True)]
        rows = [one + len(self._rule.before) for one in inside]
        n_joined = sum(map(_is_joined, texts, places, of_each, inside))
        out = np.zeros((len(texts), self.token_dim), dtype=np.float32)
        plan = Plan(tokens, self._rule)
        with load_torch().inference_mode():
            for batch, hidden in self._run(plan, progress):
                ends = np.concatenate([[0], np.cumsum(batch.lengths)])
                numbers = hidden.cpu().numpy()
                for i, text in enumerate(batch.texts.tolist()):
                    if len(rows[text]):
                        out[text] = numbers[ends[i] + rows[text]].mean(axis=0)
        n_tokens = np.array([len(row) for row in rows], dtype=np.int64)
        none = np.zeros(len(texts), dtype=np.int64)
        notes = describe_flags(n_tokens, none) + self._notes()
        if n_joined:
            notes += (
                f"{n_joined:,} of {len(texts):,} places share a token with what stands beside them: "
                "their vectors are those of the longer tokens",
            )
        return Encoded(out, n_tokens, none, notes)

    def batch_bound(self, texts: Sequence[str], vectors: Float32Array) -> float:
        """By how much, at most, a number of a vector differs when a text is encoded alone: over up to 16 texts of all
        lengths. vectors: what `encode` gave them [n, dim]."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        chosen = [order[i] for i in np.unique(np.linspace(0, len(order) - 1, _BOUND_TEXTS).astype(int))]
        differences = [
            float(np.abs(self.encode([texts[i]]).vectors[0] - vectors[i]).max(initial=0)) for i in chosen
        ]
        return max(differences, default=0.0)

    def _prepared(self, texts: Sequence[str]) -> list[str]:
        if isinstance(texts, str):
            raise ArgumentError("texts must be a sequence of texts, got one str", hint="write [text]")
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise ArgumentError(f"texts[{i}] must be a str, got {type(text).__name__}")
        if not self._lowercase and not self._prompt:
            return list(texts)
        return [self._prompt + (text.lower() if self._lowercase else text) for text in texts]

    def _with_places(self, texts: Sequence[str]) -> list[str]:
        """Texts as the tokenizer gets them, each character where it was."""
        if self._prompt:
            raise ArgumentError(
                f"vectors of tokens and places need texts as they are: this encoder puts {self._prompt!r} in front",
                hint='load_encoder(path, prompt="")',
            )
        made = self._prepared(texts)
        # A character whose lower case is two, as İ, stays: behind it all places would be others.
        return [
            one
            if len(one) == len(text)
            else "".join(low if len(low := char.lower()) == 1 else char for char in text)
            for one, text in zip(made, texts, strict=True)
        ]

    def _run(self, plan: Plan, progress: ProgressCallback | None) -> Iterator[tuple[Batch, Any]]:
        started, done = time.monotonic(), 0
        for batch in plan.batches(self._batch_tokens):
            yield batch, self._engine.hidden(batch, self._mixture)
            done += len(batch.lengths)
            if progress is not None:
                seconds = max(time.monotonic() - started, 1e-9)
                left = seconds * (len(plan) - done) / done
                progress(Progress("encode", done / len(plan), done / seconds, "windows", None, left))

    def _token_vectors(self, tokens: TokenBatch) -> tuple[Float32Array, Plan]:
        """The vectors of all tokens [total, dim]; rows of tokens that were left out are zeros."""
        plan = Plan(tokens, self._rule)
        out = np.zeros((len(tokens.ids), self.token_dim), dtype=np.float32)
        n_before, n_behind = len(self._rule.before), len(self._rule.behind)
        with load_torch().inference_mode():
            for batch, hidden in self._run(plan, None):
                numbers, end = hidden.cpu().numpy(), 0
                for i, text in enumerate(batch.texts.tolist()):
                    begin, end = end, end + int(batch.lengths[i])
                    first, last = int(batch.keep_begin[i]), int(batch.keep_end[i])
                    position = int(batch.position[i])
                    if position == 0:
                        first += n_before
                    else:
                        position -= n_before
                    if batch.is_last[i]:
                        last -= n_behind
                    to = int(tokens.splits[text]) + position
                    out[to : to + last - first] = numbers[begin + first : begin + last]
        return out, plan

    def _around(
        self, tokens: TokenBatch, offsets: Int64Array, places: list[Span]
    ) -> tuple[TokenBatch, Int64Array]:
        """Of texts that are too long, the tokens around the place, as many on both sides as there are."""
        room, kept, lengths = self._rule.room, [], []
        for i, place in enumerate(places):
            first, last = int(tokens.splits[i]), int(tokens.splits[i + 1])
            if last - first > room:
                inside = _inside(offsets[first:last], place)
                middle = int(inside.mean()) if len(inside) else 0
                first += min(max(0, middle - room // 2), last - first - room)
                last = first + room
            kept.append(np.arange(first, last))
            lengths.append(last - first)
        chosen = np.concatenate([np.empty(0, dtype=np.int64), *kept])
        splits = np.cumsum([0, *lengths], dtype=np.int64)
        return TokenBatch(tokens.ids[chosen], splits), offsets[chosen]

    def _notes(self) -> tuple[str, ...]:
        if self._engine.largest is None:
            return ()
        return (
            f"batches of {self._batch_tokens:,} tokens did not fit into memory: "
            f"halved down to {self._engine.largest:,}",
        )


def _inside(offsets: Int64Array, place: Span) -> Int64Array:
    """The numbers of the tokens that lie in, or reach into, the place."""
    return np.flatnonzero((offsets[:, 0] < place[1]) & (offsets[:, 1] > place[0]))


def _is_joined(text: str, place: Span, offsets: Int64Array, inside: Int64Array) -> bool:
    """Whether a token of the place also holds what stands beside it. White space does not count: many tokens begin with it."""
    if not len(inside):
        return False
    begin, end = int(offsets[inside, 0].min()), int(offsets[inside, 1].max())
    return bool(text[begin : place[0]].strip() or text[place[1] : end].strip())
