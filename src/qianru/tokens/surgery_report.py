"""What an operation on a vocabulary gave, and what it changes on a text of the user's."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qianru.output import new_file
from qianru.tokens.surgery_data import TokenizerData
from qianru.tokens.surgery_pipeline import Encoding, batches
from qianru.tokens.tokenizer import Tokenizer


@dataclass(frozen=True)
class Surgery:
    """A new tokenizer and how it comes from the old one, which is all that a model's matrices need to follow.

    Attributes:
        before, after: the tokenizers.
        kept: for each id of `after` the id that the token had before, -1 for a new token.
        parts: for each new id the old ids that stood for its text; may be empty.
        words: what was asked for and is a token now, in the order of the ids.
        helpers: further new tokens, which words are made of (BPE).
        skipped: what was asked for and is not a token now, by reason.
        notes: what the user should know.
    """

    before: TokenizerData
    after: TokenizerData
    kept: tuple[int, ...]
    parts: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    skipped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def n_new(self) -> int:
        """Tokens that were not there before."""
        return self.kept.count(-1)

    @property
    def n_gone(self) -> int:
        """Tokens that are no longer there."""
        return len(self.before) - (len(self.kept) - self.n_new)

    def summary(self) -> dict[str, object]:
        """The figures, for a table or JSON."""
        return {
            "kind": self.after.kind,
            "n_before": len(self.before),
            "n_after": len(self.after),
            "n_new": self.n_new,
            "n_words": len(self.words),
            "n_helpers": len(self.helpers),
            "n_gone": self.n_gone,
            "skipped": {reason: len(found) for reason, found in self.skipped.items()},
            "notes": list(self.notes),
        }

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the new tokenizer: a file if the path ends in .json, else a folder (`Tokenizer.save`). Raises OutputError."""
        if Path(path).suffix != ".json":
            Tokenizer(self.after.json).save(path, force=force)
            return
        with new_file(Path(path), force=force) as temporary:
            temporary.write_text(dump(self.after), encoding="utf-8")


class FastEncoding:
    """Lines to ids by `Tokenizer`, whose core takes most vocabularies."""

    def __init__(self, data: TokenizerData) -> None:
        self._tokenizer = Tokenizer(data.json)

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """The ids of each line, without special tokens."""
        batch = self._tokenizer.encode_batch(list(lines), add_special_tokens=False)
        ids, ends = batch.ids.tolist(), batch.splits.tolist()
        return [ids[begin:end] for begin, end in itertools.pairwise(ends)]


def dump(data: TokenizerData) -> str:
    """The text of tokenizer.json."""
    return json.dumps(data.json, ensure_ascii=False, indent=2) + "\n"


@dataclass(frozen=True)
class Example:
    """A changed line, cut short: its text and tokens before and after."""

    text: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What two tokenizers make of the same lines.

    n_changed: lines that come out otherwise. n_unexpected: changed lines without a new token, which an extension
    must not have; `unexpected` are some of them. n_by_helpers: lines whose only new tokens are helpers.
    n_tokens_before, n_tokens_after: of all lines. most_used: new tokens by how often they occur. n_unused: new tokens
    that never do.
    """

    n_lines: int
    n_changed: int
    n_unexpected: int
    n_by_helpers: int
    n_tokens_before: int
    n_tokens_after: int
    n_unknown_before: int
    n_unknown_after: int
    n_unused: int
    most_used: tuple[tuple[str, int], ...]
    examples: tuple[Example, ...]
    unexpected: tuple[Example, ...]


def compare(
    surgery: Surgery,
    lines: Iterable[str],
    *,
    n_examples: int = 5,
    before: Encoding | None = None,
    after: Encoding | None = None,
) -> Comparison:
    """Encode the lines with both tokenizers, and tell what has changed.

    before, after: other engines than `Tokenizer`. Raises what encoding does.
    """
    before = FastEncoding(surgery.before) if before is None else before
    after = FastEncoding(surgery.after) if after is None else after
    kept = surgery.kept
    old_of = {number: old for number, old in enumerate(kept) if old >= 0}
    helpers = frozenset(surgery.helpers)
    names = surgery.after.tokens
    uses: Counter[int] = Counter()
    n = Counter({"lines": 0})
    examples: list[Example] = []
    unexpected: list[Example] = []
    for batch in batches(lines):
        for line, old, new in zip(batch, before.encode(batch), after.encode(batch), strict=True):
            n["lines"] += 1
            n["before"] += len(old)
            n["after"] += len(new)
            n["unknown before"] += old.count(
                -1 if surgery.before.unknown_id is None else surgery.before.unknown_id
            )
            n["unknown after"] += new.count(
                -1 if surgery.after.unknown_id is None else surgery.after.unknown_id
            )
            if len(old) == len(new) and [old_of.get(number) for number in new] == old:
                continue
            n["changed"] += 1
            fresh = [number for number in new if kept[number] < 0]
            uses.update(fresh)
            shown = unexpected if not fresh else examples
            n["unexpected"] += not fresh
            n["helpers"] += bool(fresh) and all(names[number] in helpers for number in fresh)
            if len(shown) < n_examples:
                shown.append(_example(surgery, line, old, new))
    return Comparison(
        n_lines=n["lines"],
        n_changed=n["changed"],
        n_unexpected=n["unexpected"],
        n_by_helpers=n["helpers"],
        n_tokens_before=n["before"],
        n_tokens_after=n["after"],
        n_unknown_before=n["unknown before"],
        n_unknown_after=n["unknown after"],
        n_unused=surgery.n_new - len(uses),
        most_used=tuple((names[number], count) for number, count in uses.most_common(20)),
        examples=tuple(examples),
        unexpected=tuple(unexpected),
    )


def _example(surgery: Surgery, line: str, old: list[int], new: list[int]) -> Example:
    """From shortly before the first difference on."""
    a = [surgery.before.tokens[number] for number in old]
    b = [surgery.after.tokens[number] for number in new]
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    begin = max(same - 3, 0)
    return Example(line[:200], tuple(a[begin : begin + 12]), tuple(b[begin : begin + 12]))
