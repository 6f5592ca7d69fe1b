"""Frozen rows keep their bits through every optimiser, decay, clipping and a tied head."""

from __future__ import annotations

from typing import Any

import pytest

from qianru.errors import ArgumentError
from qianru.layers import freeze_rows

torch = pytest.importorskip("torch", reason="torch is not installed: make build")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: make build")
pytestmark = pytest.mark.filterwarnings("ignore")


def model() -> Any:
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        vocab_size=50, n_embd=16, n_layer=1, n_head=2, n_positions=32, bos_token_id=0, eos_token_id=0
    )
    return transformers.GPT2LMHeadModel(config)


def steps(net: Any, optimizer: Any, n: int = 5, *, clip: bool = True) -> None:
    for step in range(n):
        ids = torch.randint(0, 50, (2, 12), generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        net(input_ids=ids, labels=ids).loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "adamw, one by one": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, foreach=False),
    "adamw, fused": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, fused=True),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "adafactor": lambda p: torch.optim.Adafactor(p, lr=0.1, weight_decay=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_bits_stay_and_new_rows_learn(name: str) -> None:
    net = model()
    source = net.get_input_embeddings()
    assert net.get_output_embeddings().weight is source.weight
    before = source.weight.detach().clone()
    optimizer = OPTIMIZERS[name](net.parameters())
    with freeze_rows(source, 40) as frozen:
        assert frozen.n_rows == 40
        steps(net, optimizer)
        assert torch.equal(source.weight[:40].view(torch.int32), before[:40].view(torch.int32))
        assert not torch.equal(source.weight[40:], before[40:])
        assert source.weight.grad[:40].abs().max() == 0
    steps(net, optimizer, 1)
    assert not torch.equal(source.weight[:40], before[:40])


def test_momentum_from_before_does_not_move_them() -> None:
    net = model()
    source = net.get_input_embeddings()
    optimizer = OPTIMIZERS["sgd"](net.parameters())
    steps(net, optimizer, 2)
    before = source.weight.detach().clone()
    with freeze_rows(source, [3, 7, 3]):
        steps(net, optimizer)
        assert torch.equal(source.weight[[3, 7]], before[[3, 7]])
        assert not torch.equal(source.weight[4], before[4])


def test_a_gradient_of_zero_alone_is_not_enough() -> None:
    """Why rows are put back: decay moves them."""
    net = model()
    source = net.get_input_embeddings()
    before = source.weight.detach().clone()
    source.weight.register_hook(lambda gradient: gradient.index_fill(0, torch.arange(40), 0))
    steps(net, OPTIMIZERS["adamw"](net.parameters()))
    assert not torch.equal(source.weight[:40], before[:40])


@pytest.mark.parametrize("kind", [torch.optim.SparseAdam, torch.optim.SGD, torch.optim.Adagrad])
def test_sparse_gradients_lose_frozen_rows(kind: Any) -> None:
    layer = torch.nn.Embedding(6, 3, sparse=True)
    before = layer.weight.detach().clone()
    optimizer = kind(layer.parameters(), lr=0.1)
    with freeze_rows(layer, [0, 3]):
        for _ in range(3):
            optimizer.zero_grad()
            (layer(torch.tensor([0, 1, 1, 3, 4])) ** 2).sum().backward()
            gradient = layer.weight.grad
            assert gradient.is_sparse
            assert gradient.coalesce().indices().tolist() == [[1, 4]]
            assert torch.allclose(
                gradient.to_dense()[[1, 4]], layer.weight[[1, 4]] * torch.tensor([[4], [2]])
            )
            optimizer.step()
    moved = (layer.weight != before).any(dim=1).tolist()
    assert moved == [False, True, False, False, True, False]


def test_a_loaded_state_stands() -> None:
    net = model()
    source = net.get_input_embeddings()
    optimizer = OPTIMIZERS["adamw"](net.parameters())
    with freeze_rows(source, 40):
        steps(net, optimizer, 1)
        state = {name: value + 1 for name, value in net.state_dict().items()}
        net.load_state_dict(state)
        loaded = source.weight.detach().clone()
        steps(net, optimizer)
        assert torch.equal(source.weight[:40], loaded[:40])
        assert not torch.equal(source.weight[40:], loaded[40:])


def test_another_dtype_stands() -> None:
    net = model()
    source = net.get_input_embeddings()
    before = source.weight.detach().clone()
    optimizer = OPTIMIZERS["sgd"](net.parameters())
    with freeze_rows(source, 40) as frozen:
        net.to(torch.bfloat16)
        frozen.restore()
        steps(net, optimizer)
        assert torch.equal(source.weight[:40], before[:40].to(torch.bfloat16))
        assert not torch.equal(source.weight[40:], before[40:].to(torch.bfloat16))
        assert source.weight.grad[:40].abs().max() == 0


def test_a_step_that_breaks_off_or_has_another_in_it_moves_nothing() -> None:
    layer = torch.nn.Embedding(4, 2)
    before = layer.weight.detach().clone()

    class Wrapped(torch.optim.SGD):
        broken = True

        def step(self, closure: Any = None) -> None:
            with torch.no_grad():
                layer.weight += 1
            if self.broken:
                raise KeyboardInterrupt
            torch.optim.SGD(layer.parameters(), lr=0.1, weight_decay=0.5).step()
            with torch.no_grad():
                layer.weight += 1

    optimizer = Wrapped(layer.parameters(), lr=0.1)
    with freeze_rows(layer, 3):
        layer(torch.arange(4)).sum().backward()
        with pytest.raises(KeyboardInterrupt):
            optimizer.step()
        optimizer.broken = False
        optimizer.step()
    assert torch.equal(layer.weight[:3], before[:3])
    assert not torch.equal(layer.weight[3], before[3])


def test_biases_and_bad_rows() -> None:
    layer = torch.nn.Linear(3, 6)
    before = layer.bias.detach().clone()
    optimizer = OPTIMIZERS["adamw"](layer.parameters())
    with freeze_rows(layer, range(2, 6), name="bias"):
        layer(torch.ones(2, 3)).sum().backward()
        optimizer.step()
        assert torch.equal(layer.bias[2:], before[2:])
        assert not torch.equal(layer.bias[:2], before[:2])
    for rows in (0, 7, [-1], [6]):
        with pytest.raises(ArgumentError, match="rows must be among 0 to 5"):
            freeze_rows(layer, rows)
    with pytest.raises(ArgumentError, match="no parameter 'nothing'"):
        freeze_rows(layer, 1, name="nothing")
