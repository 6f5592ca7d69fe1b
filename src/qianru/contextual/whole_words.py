"""Which tokens begin a word, so that words are masked whole: Chinese words as the corpus is cut, too."""

from __future__ import annotations

import re

import numpy as np

from qianru.arrays import BoolArray, Int64Array, UInt32Array
from qianru.text.han import HanCutter, is_han
from qianru.tokens.surgery_data import TokenizerData
from qianru.tokens.surgery_pipeline import byte_level_string, is_byte_level

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_SPACES = "▁ \t\n\r\u3000"


class WordBegins:
    """Tells for a stream of ids whether each token begins a word.

    A token goes on with a word if its tokenizer marks it so ("##ing"), or, where spaces are marked instead ("Ġ", "▁"), if
    both it and the token before it are of letters or of pieces of characters. Runs of Han characters are cut by
    `cut`: a token begins a word if a word begins at its first character.
    """

    def __init__(self, data: TokenizerData, cut: HanCutter) -> None:
        prefix = str(data.model.get("continuing_subword_prefix") or "")
        kind = data.model.get("type")
        # Words and characters are whole as they are, where nothing marks a space.
        marks_spaces = is_byte_level(data) or kind == "Unigram" or (kind == "BPE" and not prefix)
        n = len(data.tokens)
        self._han: list[str] = [""] * n
        self._goes_on = np.zeros(n, dtype=np.bool_)  # whatever stands before it
        self._may_go_on = np.zeros(n, dtype=np.bool_)  # if what stands before it may be gone on with
        self._may_be_gone_on_with = np.zeros(n, dtype=np.bool_)
        for token_id, token in enumerate(data.tokens):
            if token in data.added:
                continue
            # A byte of a character that is no token has no text of its own.
            text: str | None = None if _BYTE.fullmatch(token) else token
            if is_byte_level(data):
                text = byte_level_string(token)
            elif prefix and token.startswith(prefix):
                self._goes_on[token_id] = True
                text = token.removeprefix(prefix)
            if text and all(map(is_han, text)):
                self._han[token_id] = text
            elif marks_spaces:
                self._may_go_on[token_id] = text is None or bool(text and _of_word(text[0]))
                self._may_be_gone_on_with[token_id] = text is None or bool(text and _of_word(text[-1]))
        self._is_han = np.array([bool(text) for text in self._han])
        self._n_han = np.array([len(text) for text in self._han], dtype=np.int64)
        self._cut = cut

    def __call__(self, ids: UInt32Array) -> BoolArray:
        """bool [n]. A line end (any id above the vocabulary) is a word of its own."""
        n_tokens = len(self._han)
        known = np.where(ids < n_tokens, ids, 0).astype(np.int64)
        inside = ids < n_tokens
        goes_on = self._goes_on[known] & inside
        may = self._may_go_on[known] & inside
        before = np.zeros(len(ids), dtype=np.bool_)
        before[1:] = (self._may_be_gone_on_with[known] & inside)[:-1]
        begins = ~(goes_on | (may & before))
        han = self._is_han[known] & inside
        places = np.flatnonzero(han)
        if len(places):
            begins[places] = self._han_begins(known[places], np.diff(places, prepend=-2) != 1)
        return begins

    def _han_begins(self, ids: Int64Array, first: BoolArray) -> BoolArray:
        """Of the tokens of Han runs alone; first: begins a run."""
        texts = self._han
        parts = [
            f"\n{texts[token_id]}" if new else texts[token_id]
            for token_id, new in zip(ids.tolist(), first.tolist(), strict=True)
        ]
        words = self._cut("".join(parts))
        word_begins = np.zeros(sum(map(len, words)) + 1, dtype=np.bool_)
        word_begins[np.cumsum([0, *map(len, words)])] = True
        lengths = self._n_han[ids] + first
        token_begins = np.cumsum(lengths) - lengths + first  # behind the line feed
        found: BoolArray = word_begins[token_begins] | first
        return found


def _of_word(char: str) -> bool:
    return char not in _SPACES and (char.isalnum() or char == "_") and not is_han(char)
