"""A new BERT's first two heads look at the neighbours, whatever the words are."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from qianru.contextual.first_weights import first_spread, look_at_neighbours  # noqa: E402
from qianru.contextual.transformers_tasks import SHAPES  # noqa: E402


def made(dim: int, n_heads: int, length: int) -> Any:
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=300,
        hidden_size=dim,
        num_hidden_layers=1,
        num_attention_heads=n_heads,
        intermediate_size=2 * dim,
        max_position_embeddings=length,
        initializer_range=first_spread(dim),
    )
    model = transformers.BertForMaskedLM(config).eval()
    model.set_attn_implementation("eager")
    return model


def weights(model: Any, length: int) -> Any:
    """What each head gives to the tokens at a distance: float32 [heads, 2 length - 1], the mean over places and texts."""
    ids = torch.randint(0, 300, (8, length), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        found = model.bert(ids, output_attentions=True).attentions[0].mean(dim=0)
    distances = range(1 - length, length)
    return torch.stack(
        [torch.stack([torch.diagonal(head, one).mean() for one in distances]) for head in found]
    )


@pytest.mark.parametrize("size", ["tiny", "small", "base"])
def test_the_first_heads_look_at_the_token_before_and_behind(size: str) -> None:
    shape = SHAPES[size]
    model = made(shape.dim, shape.n_heads, shape.length)
    before = weights(model, 64)
    look_at_neighbours(model)
    found = weights(model, 64)
    for head, step in enumerate((-1, 1)):
        assert int(found[head].argmax()) == 63 + step
        assert float(found[head, 63 + step]) > 0.15
    assert float(before[:2].max()) < 0.1
    if shape.n_heads > 2:
        assert float(found[2:].max()) < 0.25


@pytest.mark.parametrize(("dim", "n_heads"), [(32, 1), (12, 6)])
def test_a_model_without_room_for_it_stays_as_it_was(dim: int, n_heads: int) -> None:
    model = made(dim, n_heads, 16)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    look_at_neighbours(model)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
