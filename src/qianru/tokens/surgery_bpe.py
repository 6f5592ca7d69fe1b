"""New merges for a BPE model, placed so that they change nothing but what they are for.

BPE applies, again and again, the merge of the lowest rank that fits. Three rules for new merges make text without
new tokens come out as before:

1. They come after all old ones, so the old merges run first, to their end.
2. What they make is never a token of the old vocabulary, so no old merge fits it, and the new merges only join
   tokens of the old result; where none fires, that result stands.
3. A word's merges are found by running all merges so far over the word, so those of earlier words count, and each
   word becomes one token: later merges rank lower and no longer meet it.

A word of n old tokens needs n - 1 merges, and each makes a token. Those that are not words themselves are helpers.
They are shared: first the parts of one character are joined, then characters from the left.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qianru.errors import ArgumentError, FormatError
from qianru.tokens.description import merge_pair, merged
from qianru.tokens.pipelines import byte_level_bytes
from qianru.tokens.surgery_data import TokenizerData
from qianru.tokens.surgery_pipeline import is_byte_level

Pair = tuple[str, str]


@dataclass
class BpeGrowth:
    """An old BPE model and what is added to it: `ranks` of all merges, `vocab` of all tokens, `parts` of new ones."""

    data: TokenizerData
    prefix: str
    suffix: str
    byte_fallback: bool
    characters: Callable[[Sequence[str]], list[int]]
    ranks: dict[Pair, int]
    vocab: dict[str, int]
    n_old_merges: int
    next_id: int
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: TokenizerData) -> BpeGrowth:
        """Raises FormatError or ArgumentError for models whose result is not decided by its merges alone."""
        model = data.model
        if model.get("dropout"):
            raise ArgumentError(
                f"{data.path or 'tokenizer'}: merges are dropped at random (dropout {model['dropout']})",
                hint="Set model.dropout to null: with it no text is sure to stay the same.",
            )
        pairs = [merge_pair(merge) for merge in model.get("merges") or []]
        ranks = {pair: rank for rank, pair in enumerate(pairs) if pair is not None}
        return cls(
            data,
            model.get("continuing_subword_prefix") or "",
            model.get("end_of_word_suffix") or "",
            bool(model.get("byte_fallback")),
            _characters_of_bytes if is_byte_level(data) else _one_each,
            ranks,
            dict(model["vocab"]),
            len(ranks),
            len(data),
        )

    def symbols(self, form: str, *, grow: bool) -> list[str]:
        """A pre-token's letters as the model starts with them. grow: letters that are missing become new tokens."""
        found: list[str] = []
        for place, letter in enumerate(form):
            symbol = (self.prefix if place else "") + letter + (self.suffix if place == len(form) - 1 else "")
            if symbol in self.vocab:
                found.append(symbol)
            elif grow:
                self._add(symbol, tuple(self._fallback(letter)))
                found.append(symbol)
            else:
                found += self._fallback(letter)
        return found

    def _fallback(self, letter: str) -> list[str]:
        """The old tokens of a letter that the model does not have."""
        if self.byte_fallback:
            names = [f"<0x{byte:02X}>" for byte in letter.encode()]
            if all(name in self.data.model["vocab"] for name in names):
                return names
        unknown = self.data.model.get("unk_token")
        return [unknown] if unknown in self.vocab else []

    def run(self, symbols: list[str]) -> list[str]:
        """All merges so far over the symbols, the plain way."""
        tokens = list(symbols)
        while len(tokens) > 1:
            pairs = [
                (self.ranks[pair], place)
                for place, pair in enumerate(itertools.pairwise(tokens))
                if pair in self.ranks
            ]
            if not pairs:
                break
            _, place = min(pairs)
            tokens[place : place + 2] = [merged((tokens[place], tokens[place + 1]), self.prefix)]
        return tokens

    def add(self, form: str) -> str | None:
        """Make the pre-token one token. Returns why that cannot be, or None."""
        whole = form + self.suffix
        if whole in self.vocab and self.data.model.get("ignore_merges"):
            return "known"
        known = self.run(self.symbols(form, grow=False))
        if len(known) == 1 and known[0] == whole:
            return "known"
        if whole in self.data.model["vocab"]:
            # An old token that no merge reaches: to make it reachable would bring an old token into other text.
            return "unreachable"
        n_tokens, n_merges = len(self.parts), len(self.ranks)
        start = self.symbols(form, grow=True)
        while len(tokens := self.run(start)) > 1:
            pair = self._next(tokens)
            if pair is None:
                self._take_back(n_tokens, n_merges)
                return "blocked"
            self._join(pair)
        return None

    def add_merge(self, pair: Pair) -> bool:
        """A merge of another vocabulary, unless it makes an old token. Returns whether it was new."""
        token = merged(pair, self.prefix)
        if pair in self.ranks or token in self.data.model["vocab"]:
            return False
        self._join(pair)
        return True

    def add_symbol(self, symbol: str) -> None:
        """A letter of another vocabulary."""
        if symbol not in self.vocab:
            self._add(symbol, tuple(self._fallback(symbol)))

    def _next(self, tokens: list[str]) -> Pair | None:
        """Which two neighbours to join: parts of one character, then what is a token already, then from the left."""
        old = self.data.model["vocab"]
        number = self.characters(tokens)
        best: tuple[int, int] | None = None
        for place, pair in enumerate(itertools.pairwise(tokens)):
            token = merged(pair, self.prefix)
            if token in old:
                continue
            kind = 0 if number[place] == number[place + 1] >= 0 else 1 if token in self.vocab else 2
            best = min(best, (kind, place)) if best is not None else (kind, place)
        return None if best is None else (tokens[best[1]], tokens[best[1] + 1])

    def _join(self, pair: Pair) -> None:
        self._add(merged(pair, self.prefix), (*self._parts_of(pair[0]), *self._parts_of(pair[1])))
        self.ranks[pair] = len(self.ranks)

    def _take_back(self, n_tokens: int, n_merges: int) -> None:
        """Undo what came after so many new tokens and merges."""
        while len(self.parts) > n_tokens:
            del self.vocab[self.parts.popitem()[0]]
            self.next_id -= 1
        while len(self.ranks) > n_merges:
            self.ranks.popitem()

    def _parts_of(self, token: str) -> tuple[str, ...]:
        return self.parts.get(token, (token,))

    def _add(self, token: str, parts: tuple[str, ...]) -> None:
        if token not in self.vocab:
            self.vocab[token] = self.next_id
            self.next_id += 1
            self.parts[token] = parts


def _one_each(tokens: Sequence[str]) -> list[int]:
    """Tokens of whole characters: none is part of one."""
    return [-1] * len(tokens)


def _characters_of_bytes(tokens: Sequence[str]) -> list[int]:
    """For tokens of bytes as letters: the number of the character that each lies in, -1 where it is not within one."""
    numbers, character = [], -1
    for token in tokens:
        data = byte_level_bytes(token)
        if data is None:
            raise FormatError(f"token {token!r} is no string of bytes as letters")
        first = character + 1 if data[0] & 0xC0 != 0x80 else character
        character += sum(byte & 0xC0 != 0x80 for byte in data)
        numbers.append(-1 if first != character or _is_text(data) else character)
    return numbers


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
