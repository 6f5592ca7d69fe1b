"""Beam search: the translations that the network finds most probable, by length-normalised score.

Score: log probability / ((5 + length) / 6)^penalty, the length with the end token (Wu et al. 2016, arXiv:1609.08144). At each
step the 2 x beam best continuations over all hypotheses of a sentence are looked at; those of the first `beam` that end are set
aside, the `beam` best that do not end go on. A sentence is done when `beam` have ended, or at its longest length, where the
hypotheses that have not ended count as ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from qianru.transfer.seq2seq import Decoding, Seq2Seq


@dataclass(order=True)
class Hypothesis:
    """Token ids without begin and end, and the score."""

    score: float
    ids: list[int] = field(compare=False)


def length_penalty(length: int, penalty: float) -> float:
    """What a log probability of so many tokens is divided by."""
    return float(((5 + length) / 6) ** penalty)


def beam_search(
    network: Seq2Seq,
    sources: Any,
    *,
    begin: int,
    end: int,
    beam: int,
    penalty: float,
    longest: list[int],
    never: list[int],
) -> list[list[Hypothesis]]:
    """The ended hypotheses of each source [batch, n], best first; sources lie where the network computes.

    longest: tokens of a translation at most, for each source. never: ids that no translation holds.
    """
    n = len(sources)
    device = sources.device
    forbidden = torch.tensor(never, dtype=torch.int64, device=device)
    with torch.no_grad():
        memory, seen = network.encode(sources)
        decoding = Decoding(network, memory, seen)
        sentence_of = list(range(n))  # of each row that goes on
        held: list[list[int]] = [[] for _ in range(n)]
        totals = torch.zeros(n, device=device)
        last = torch.full((n,), begin, dtype=torch.int64, device=device)
        ended: list[list[Hypothesis]] = [[] for _ in range(n)]
        for step in range(1, max(longest) + 1):
            scores = decoding.next_scores(last)
            scores[:, forbidden] = -torch.inf
            # What a sentence goes on with is among the best of each of its rows: one transfer for all of them.
            best = (scores + totals[:, None]).topk(min(2 * beam, scores.shape[1]))
            continuations = list(zip(best.values.tolist(), best.indices.tolist(), strict=True))
            rows_of: dict[int, list[int]] = {}
            for row, sentence in enumerate(sentence_of):
                rows_of.setdefault(sentence, []).append(row)
            rows: list[int] = []
            tokens: list[int] = []
            sums: list[float] = []
            for sentence, own in rows_of.items():
                found = [
                    (total, row, token)
                    for row in own
                    for total, token in zip(*continuations[row], strict=True)
                ]
                found.sort(key=lambda one: -one[0])
                alive: list[tuple[int, int, float]] = []
                for rank, (total, row, token) in enumerate(found[: 2 * beam]):
                    if token == end:
                        # Behind `beam` better ones an end is not followed either: greedy search would stop at a token's rival.
                        if rank >= beam:
                            continue
                        ended[sentence].append(Hypothesis(total / length_penalty(step, penalty), held[row]))
                    elif len(alive) < beam and total > -torch.inf:
                        alive.append((row, token, total))
                if len(ended[sentence]) >= beam:
                    continue
                if step == longest[sentence]:
                    ended[sentence] += [
                        Hypothesis(total / length_penalty(step, penalty), [*held[row], token])
                        for row, token, total in alive
                    ]
                    continue
                rows += [row for row, _, _ in alive]
                tokens += [token for _, token, _ in alive]
                sums += [total for _, _, total in alive]
            if not rows:
                break
            decoding.reorder(torch.tensor(rows, device=device))
            sentence_of = [sentence_of[row] for row in rows]
            held = [[*held[row], token] for row, token in zip(rows, tokens, strict=True)]
            totals, last = torch.tensor(sums, device=device), torch.tensor(tokens, device=device)
    return [sorted(one, key=lambda hypothesis: -hypothesis.score) for one in ended]
