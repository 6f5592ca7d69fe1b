"""Encoders against plain twins in numpy; padding and the batch change nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.errors import ArgumentError

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")
from qianru.layers import EmbeddingLayer, TextEncoder, make_encoder  # noqa: E402

_spec = importlib.util.spec_from_file_location(
    "reference_encoders", Path(__file__).parent / "reference_encoders.py"
)
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

DIM = 6
SETTINGS: dict[str, dict[str, Any]] = {
    "mean": {},
    "cnn": {"n_filters": 4, "widths": (1, 2, 3, 4)},
    "lstm": {"hidden": 5, "n_layers": 2},
    "gru": {"hidden": 5},
    "transformer": {"n_layers": 2, "n_heads": 3},
    "transformer, wider": {"n_layers": 1, "n_heads": 2, "hidden": 8},
}


def made(name: str) -> Any:
    torch.manual_seed(2)
    encoder = make_encoder(name.split(",")[0], DIM, **SETTINGS[name]).eval()
    with torch.no_grad():
        for (
            parameter
        ) in encoder.parameters():  # norms and biases start at 0 and 1, where a mistake would not show
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return encoder


def plain(name: str, encoder: Any, rows: np.ndarray) -> np.ndarray:
    weights = {key: value.numpy().astype(np.float64) for key, value in encoder.state_dict().items()}
    kind = name.split(",")[0]
    if kind == "mean":
        return rows
    if kind == "cnn":
        return reference.cnn(rows, weights, list(SETTINGS[name]["widths"]))
    if kind in ("lstm", "gru"):
        return reference.rnn(rows, weights, kind, SETTINGS[name].get("n_layers", 1))
    return reference.transformer(rows, weights, SETTINGS[name]["n_layers"], SETTINGS[name]["n_heads"])


def batch(lengths: list[int], padded: int) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(7)
    rows = torch.randn(
        len(lengths), padded, DIM, generator=generator
    )  # padding holds numbers too: it must not be read
    mask = torch.arange(padded)[None, :] < torch.tensor(lengths)[:, None]
    return rows, mask


@pytest.mark.parametrize("name", SETTINGS)
def test_states_and_vectors_are_those_of_the_plain_twin(name: str) -> None:
    encoder = made(name)
    lengths = [7, 1, 4, 0, 2]
    rows, mask = batch(lengths, 9)
    with torch.no_grad():
        states = encoder(rows, mask)
        pooled = encoder.pool(states, mask)
    assert states.shape == (5, 9, encoder.dim)
    assert pooled.shape == (5, encoder.dim)
    for i, n in enumerate(lengths):
        assert not states[i, n:].any()
        if not n:
            assert not pooled[i].any()
            continue
        expected = plain(name, encoder, rows[i, :n].numpy().astype(np.float64))
        assert np.allclose(states[i, :n].numpy(), expected, atol=2e-6)
        whole = expected.mean(axis=0) if encoder.kind in ("mean", "transformer") else expected.max(axis=0)
        assert np.allclose(pooled[i].numpy(), whole, atol=2e-6)


@pytest.mark.parametrize("name", SETTINGS)
def test_more_padding_and_other_texts_change_nothing(name: str) -> None:
    encoder = made(name)
    rows, mask = batch([5, 3, 6], 6)
    more = torch.cat([rows, torch.full((3, 5, DIM), 1e3)], dim=1)
    with torch.no_grad():
        vectors = encoder.pool(encoder(rows, mask), mask)
        longer = torch.cat([mask, torch.zeros(3, 5, dtype=torch.bool)], dim=1)
        padded = encoder.pool(encoder(more, longer), longer)
        alone = encoder.pool(encoder(rows[1:2, :3], mask[1:2, :3]), mask[1:2, :3])
    assert torch.allclose(vectors, padded, atol=1e-6)
    assert torch.allclose(vectors[1:2], alone, atol=1e-6)


@pytest.mark.parametrize("name", SETTINGS)
def test_gradients_reach_rows_and_weights_but_not_padding(name: str) -> None:
    encoder = made(name).train()
    rows, mask = batch([3, 2], 4)
    rows.requires_grad_(True)
    encoder.pool(encoder(rows, mask), mask).pow(2).sum().backward()
    assert rows.grad[0, :3].abs().sum() > 0
    assert rows.grad[~mask].abs().max() == 0
    assert all(parameter.grad is not None for parameter in encoder.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", SETTINGS)
def test_half_precision_is_near(name: str, dtype: Any) -> None:
    encoder = made(name)
    rows, mask = batch([5, 0, 3], 6)
    with torch.no_grad():
        expected = encoder.pool(encoder(rows, mask), mask)
        encoder, rows = encoder.to(dtype), rows.to(dtype)
        found = encoder.pool(encoder(rows, mask), mask)
        assert found.dtype == dtype
        torch.testing.assert_close(found.float(), expected, atol=0.1, rtol=0.1)
        assert not found[1].any()
        assert encoder.train().pool(encoder(rows, mask), mask).isfinite().all()  # with dropout


def test_a_text_encoder_takes_ids() -> None:
    layer = EmbeddingLayer(["a", "b", "c"], dim=DIM)
    net = TextEncoder(layer, make_encoder("gru", DIM, hidden=4)).eval()
    ids, _ = layer.encode(["a b c", "b", ""])
    with torch.no_grad():
        vectors, states = net(ids), net(ids, pool=False)
        given = net(ids, ids != layer.padding_id)
    assert vectors.shape == (3, 8)
    assert states.shape == (3, 3, 8)
    assert torch.equal(vectors, given)
    assert not vectors[2].any()
    with pytest.raises(ArgumentError, match="takes rows of 5 numbers, and the layer has 6"):
        TextEncoder(layer, make_encoder("mean", 5))


def test_bad_settings() -> None:
    for kind, settings, message in (
        ("rnn", {}, "encoder must be one of mean, cnn"),
        ("cnn", {"widths": ()}, "at least one width"),
        ("cnn", {"n_filters": 0}, "n_filters must be a whole number"),
        ("cnn", {"size": 3}, "unexpected keyword argument 'size'"),
        ("lstm", {"hidden": -1}, "hidden must be"),
        ("gru", {"cell": "rnn"}, "cell must be"),
        ("transformer", {"n_heads": 4}, "n_heads must divide the 6 numbers"),
        ("lstm", {"dropout": 2}, "dropout must be a number from 0 to below 1, got 2"),
        ("gru", {"dropout": True}, "dropout must be"),
        ("transformer", {"n_heads": 3, "dropout": "a"}, "dropout must be.*'a'"),
        ("transformer", {"n_heads": 3, "dropout": 1.0}, "dropout must be"),
        ("transformer", {"n_heads": 3, "dropout": float("nan")}, "dropout must be"),
    ):
        with pytest.raises(ArgumentError, match=message):
            make_encoder(kind, DIM, **settings)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="true at the first tokens"):
        made("lstm")(torch.zeros(1, 3, DIM), torch.tensor([[True, False, True]]))
