"""What a new language model's weights begin with.

A masked language model soon knows which words go together, and then stays for thousands of steps without learning what stands beside
the mask: no head looks at neighbours yet, and each place would have to find its own by itself (Chen et al. 2023, arXiv:2309.07311,
describe how suddenly that comes). So the first layer's heads begin there.
"""

from __future__ import annotations

import math
from typing import Any

from qianru.layers.backend import load_torch

torch = load_torch()

# Positions are sines in one number of a row in so many, of wavelengths from the one to the other, and so many times as large as
# the other weights; what else a position has is shrunk to this part.
_SHARE, _SHORTEST, _LONGEST, _LARGER, _SMALLER = 4, 3.0, 32.0, 2.0, 0.2
# By how much, about, the score of the neighbour is above that of a place far away, and how much of the random scores is left.
_PEAK, _LEFT = 6.5, 0.3


def first_spread(dim: int) -> float:
    """The standard deviation of a new model's weights: 0.02 at the 768 numbers of BERT base, for which it was chosen, and as
    much more where there are fewer that sums over them spread as they do there. With 0.02 at 128 all attention is even."""
    return float(0.02 * (768 / dim) ** 0.5)


def look_at_neighbours(model: Any) -> None:
    """Let the first two heads of a new BertForMaskedLM look at the token before and at that behind.

    In part of their numbers positions become sines and cosines (as in Vaswani et al. 2017, section 3.5), of which a rotation
    makes those of the neighbour: it is put into the query's weights, and into the key's what leaves them as they are.
    Everything is trained on from there. A model with one head, or heads too small for it, stays as it was drawn.
    """
    config = model.config
    size = config.hidden_size // config.num_attention_heads
    n = min(config.hidden_size // _SHARE, size) // 2  # pairs of a sine and a cosine
    if config.num_attention_heads < 2 or n < 2:
        return
    places = model.bert.embeddings.position_embeddings.weight
    attention = model.bert.encoder.layer[0].attention.self
    length, spread = len(places), config.initializer_range
    waves = torch.exp(torch.linspace(math.log(_SHORTEST), math.log(_LONGEST), n))
    angles = 2 * math.pi * torch.arange(length)[:, None] / waves
    # Behind the norm of words and positions together a sine has, squared and on average, this size.
    square = _LARGER**2 / (1 + _LARGER**2 * 2 * n / config.hidden_size)
    gain = math.sqrt(_PEAK * math.sqrt(size) / (square * 2 * n))
    sines, cosines = torch.arange(n) * 2, torch.arange(n) * 2 + 1
    with torch.no_grad():
        places.mul_(_SMALLER)
        places[:, sines] = _LARGER * spread * 2**0.5 * angles.sin()
        places[:, cosines] = _LARGER * spread * 2**0.5 * angles.cos()
        for head, step in enumerate((-1, 1)):
            begin = head * size
            turn = 2 * math.pi * step / waves
            query, key = (one.weight[begin : begin + size] for one in (attention.query, attention.key))
            query.mul_(_LEFT)
            key.mul_(_LEFT)
            query[sines, sines] += gain * turn.cos()
            query[sines, cosines] += gain * turn.sin()
            query[cosines, sines] -= gain * turn.sin()
            query[cosines, cosines] += gain * turn.cos()
            key[sines, sines] += gain
            key[cosines, cosines] += gain
