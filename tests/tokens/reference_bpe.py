"""Byte pair encoding as slowly and plainly as it can be written."""

from __future__ import annotations

import itertools
from collections import Counter


def printable_bytes() -> dict[int, str]:
    """GPT-2's stand-ins: the bytes that are printable in Latin-1 are themselves, the others follow from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}


STAND_INS = printable_bytes()
BYTES = {ord(char): byte for byte, char in STAND_INS.items()}


def to_bytes(token: str) -> bytes:
    return token.translate(BYTES).encode("latin-1")


def encode(piece: bytes, ids: dict[bytes, int], ranks: dict[tuple[bytes, bytes], int]) -> list[int]:
    """Join the pair of lowest rank, the leftmost first, until there is none."""
    parts = [piece[i : i + 1] for i in range(len(piece))]
    while True:
        known = [(ranks[pair], i) for i, pair in enumerate(itertools.pairwise(parts)) if pair in ranks]
        if not known:
            return [ids[part] for part in parts]
        i = min(known)[1]
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


def train(words: dict[bytes, int], n_merges: int, min_frequency: int) -> list[tuple[bytes, bytes]]:
    """Join the most frequent pair everywhere; of equals the one with the smaller ids. Tokens must come about in one way only."""
    order = sorted(range(256), key=lambda byte: ord(STAND_INS[byte]))
    ids = {bytes([byte]): i for i, byte in enumerate(order)}
    split = {word: [word[i : i + 1] for i in range(len(word))] for word in words}
    merges: list[tuple[bytes, bytes]] = []
    while len(merges) < n_merges:
        counts: Counter[tuple[bytes, bytes]] = Counter()
        for word, parts in split.items():
            for pair in itertools.pairwise(parts):
                counts[pair] += words[word]
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], ids[pair[0]], ids[pair[1]]))
        if counts[best] < max(min_frequency, 1):
            break
        merges.append(best)
        ids.setdefault(best[0] + best[1], len(ids))
        for word, parts in split.items():
            joined: list[bytes] = []
            for part in parts:
                # The part before may just have been joined itself; then it is no longer the left half.
                if joined and (joined[-1], part) == best:
                    joined[-1] += part
                else:
                    joined.append(part)
            split[word] = joined
    return merges
