"""The embedding layer: where its rows come from, what training does to them, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru.errors import ArgumentError
from qianru.tokens import Tokenizer, tokenizer_of_words
from qianru.vectors import SubwordRule, SubwordVectors, Vectors

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")
from qianru.layers import EmbeddingLayer, TiedOutput, make_encoder, parameter_groups  # noqa: E402

WORDS = ["the", "cat", "sat", "老虎", "森林", "Tiger"]


def vectors(words: list[str] | None = None, dim: int = 4) -> Vectors:
    words = WORDS if words is None else words
    matrix = np.random.default_rng(3).normal(size=(len(words), dim)).astype(np.float32)
    return Vectors(words, matrix, counts=list(range(len(words), 0, -1)))


def subword_vectors() -> SubwordVectors:
    rng = np.random.default_rng(4)
    rule = SubwordRule(min_n=2, max_n=3, n_buckets=50)
    rows = rng.normal(size=(2, 4)).astype(np.float32)
    return SubwordVectors(["cat", "the"], rows, rng.normal(size=(50, 4)).astype(np.float32), rule=rule)


def test_rows_are_those_of_the_vectors() -> None:
    given = vectors()
    layer = EmbeddingLayer.from_vectors(given)
    assert (layer.vocab_size, layer.dim, layer.padding_id) == (8, 4, 7)  # 6 words, [UNK], padding
    ids, left_out = layer.encode(["the cat 老虎", "", "unheard"])
    assert left_out == 0
    assert ids.tolist() == [[0, 1, 3], [7, 7, 7], [6, 7, 7]]
    rows = layer(ids).detach().numpy()
    assert np.array_equal(rows[0], given.to_numpy()[[0, 1, 3]])
    assert not rows[1].any()
    assert np.array_equal(rows, layer.weight.detach().numpy()[ids.numpy()])


@pytest.mark.parametrize("mode", ["free", "slow", "frozen"])
def test_rows_of_each_mode_are_those_of_the_matrix(mode: str) -> None:
    layer = EmbeddingLayer.from_vectors(vectors(), modes={"found": mode, "missing": "free"})
    ids = torch.randint(0, layer.vocab_size, (5, 7), generator=torch.Generator().manual_seed(1))
    assert np.array_equal(layer(ids).detach().numpy(), layer.weight.detach().numpy()[ids.numpy()])
    assert layer.mode_of(0) == mode
    assert layer.mode_of(layer.padding_id) == "padding"


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_mixture_of_modes_reads_the_same_rows(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 12))
    modes = data.draw(st.lists(st.sampled_from(["free", "slow", "frozen"]), min_size=n + 1, max_size=n + 1))
    words = [f"w{i}" for i in range(n)]
    matrix = np.random.default_rng(n).normal(size=(n + 1, 3)).astype(np.float32)
    layer = EmbeddingLayer(words, dim=3, matrix=matrix, modes=modes)
    ids = data.draw(st.lists(st.integers(0, n + 1), min_size=1, max_size=9))
    rows = layer(torch.tensor([ids])).detach().numpy()[0]
    plain = np.vstack([matrix, np.zeros((1, 3), np.float32)])[ids]
    assert np.array_equal(rows, plain)


def test_the_report_counts_by_number_and_by_occurrence() -> None:
    tokenizer = tokenizer_of_words(["cat", "cats", "the", "~~"], special_tokens=["[PAD]"])
    layer = EmbeddingLayer.from_vectors(subword_vectors(), tokenizer, counts=[5, 3, 10, 2, 4, 0])
    report = layer.report
    assert report is not None
    assert layer.padding_id == 5
    assert (report.n_found, report.n_subwords, report.n_missing, report.n_special) == (2, 2, 2, 2)
    assert (report.count_found, report.count_subwords, report.count_missing) == (15, 5, 4)
    assert report.coverage == 20 / 24
    assert report.as_dict()["missing"] == []
    expected = subword_vectors().lookup("cats").vector
    assert np.array_equal(layer.weight.detach().numpy()[1], expected)
    plain = EmbeddingLayer.from_vectors(
        subword_vectors().vectors, tokenizer, counts=[5, 3, 10, 2, 4, 0]
    ).report
    assert plain is not None
    assert (plain.n_found, plain.n_subwords, plain.n_missing) == (2, 0, 4)
    assert plain.missing == ("cats", "~~")


def test_case_may_be_ignored_and_pieces_are_looked_up_by_their_text() -> None:
    tokens = tokenizer_of_words(["Cat", "The", "xyz"])
    with pytest.raises(ArgumentError, match="know none of the 4 tokens"):
        EmbeddingLayer.from_vectors(vectors(), tokens)
    report = EmbeddingLayer.from_vectors(vectors(), tokens, ignore_case=True).report
    assert report is not None
    assert (report.n_found, report.n_missing) == (2, 2)
    pieces = Tokenizer(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": None,
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": None,
            "decoder": None,
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {"[UNK]": 0, "cat": 1, "##cat": 2, "the": 3},
            },
        }
    )
    report = EmbeddingLayer.from_vectors(vectors(), pieces).report
    assert report is not None
    assert report.sources.tolist() == [2, 0, 2, 0]


def train(layer: EmbeddingLayer, optimizer: object, ids: object, n: int = 4) -> None:
    for _ in range(n):
        optimizer.zero_grad()  # type: ignore[attr-defined]
        (layer(ids) ** 2).sum().backward()
        optimizer.step()  # type: ignore[attr-defined]


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_rows_keep_their_bits_and_padding_stays_zero(name: str) -> None:
    given = vectors()
    layer = EmbeddingLayer.from_vectors(given, modes={"found": "frozen", "missing": "free"})
    before = layer.weight.detach().clone()
    ids = torch.arange(layer.vocab_size).reshape(1, -1)
    train(layer, OPTIMIZERS[name](layer.parameters()), ids)
    after = layer.weight.detach()
    assert torch.equal(after[:6].view(torch.int32), before[:6].view(torch.int32))
    assert not torch.equal(after[6], before[6])
    free = EmbeddingLayer.from_vectors(given)
    train(free, OPTIMIZERS[name](free.parameters()), ids)
    assert not free.weight[free.padding_id].any()
    assert not free(torch.tensor([[free.padding_id]])).any()
    assert not torch.equal(free.weight[0], before[0])


def test_slow_rows_have_a_rate_of_their_own() -> None:
    given = vectors()
    modes = ["slow"] * 3 + ["free"] * 4
    layer = EmbeddingLayer.from_vectors(given, modes=modes)
    before = layer.weight.detach().clone()
    groups = parameter_groups(layer, learning_rate=0.5, slow=0.1)
    assert sorted(group["lr"] for group in groups) == [0.05, 0.5]
    train(layer, torch.optim.SGD(groups), torch.arange(7).reshape(1, -1), n=1)
    moved = (layer.weight.detach() - before)[:7] / before[:7]
    assert torch.allclose(moved[:3], torch.tensor(-0.1), atol=1e-6)  # gradient 2w x rate 0.05
    assert torch.allclose(moved[3:], torch.tensor(-1.0), atol=1e-6)
    net = torch.nn.Sequential(layer, torch.nn.Linear(4, 2))
    decays = {group["weight_decay"] for group in parameter_groups(net, learning_rate=0.1, weight_decay=0.3)}
    assert decays == {0.0, 0.3}
    with pytest.raises(ArgumentError, match="slow must be above 0"):
        parameter_groups(net, learning_rate=0.1, slow=0.0)


def test_sparse_gradients_are_the_dense_ones() -> None:
    given = vectors()
    modes = ["slow"] * 3 + ["free"] * 4
    ids = torch.tensor([[0, 3, 3, 7], [1, 6, 7, 7]])
    dense = EmbeddingLayer.from_vectors(given, modes=modes)
    sparse = EmbeddingLayer.from_vectors(given, modes=modes, sparse=True)
    for layer in (dense, sparse):
        (layer(ids) ** 3).sum().backward()
    for mode in ("free", "slow"):
        found = getattr(sparse, mode).grad
        assert found.is_sparse
        assert torch.allclose(found.to_dense(), getattr(dense, mode).grad)
    groups = parameter_groups(sparse, learning_rate=0.1, sparse=True)
    assert len(groups) == 2
    assert parameter_groups(sparse, learning_rate=0.1) == []
    before = sparse.weight.detach().clone()
    torch.optim.SparseAdam(groups).step()
    moved = (sparse.weight.detach() != before).any(dim=1).tolist()
    assert moved == [True, True, False, True, False, False, True, False]
    with pytest.raises(ArgumentError, match="sparse gradients"):
        TiedOutput(sparse)


def test_the_gradient_is_that_of_finite_differences() -> None:
    """Of rows, positions and segments, through a tied output: central differences, number by number."""
    layer = EmbeddingLayer.from_vectors(
        vectors(dim=3), modes=["slow"] * 2 + ["free"] * 4 + ["frozen"], n_positions=5, n_segments=2
    )
    net = torch.nn.ModuleList([layer, TiedOutput(layer)]).double()
    ids = torch.tensor([[0, 4, 4, 6, 7], [5, 2, 7, 7, 7]])
    segments = torch.tensor([[0, 0, 1, 1, 0], [1, 0, 0, 0, 0]])
    aim = torch.tensor([[4, 4, 6, 1, 0], [2, 3, 0, 0, 0]])

    def loss() -> object:
        scores = net[1](layer(ids, segments))
        return torch.nn.functional.cross_entropy(scores.flatten(0, 1), aim.flatten())

    loss().backward()  # type: ignore[attr-defined]
    names = [name for name, _ in net.named_parameters()]
    assert [name.rpartition(".")[2] for name in names] == ["free", "slow", "positions", "segments", "bias"]
    step = 1e-6
    for name, parameter in net.named_parameters():
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for i in range(len(flat)):
            is_padding = name.endswith(("free", "slow")) and i >= len(flat) - 3
            kept = float(flat[i])
            with torch.no_grad():
                flat[i] = kept + step
                high = float(loss())  # type: ignore[arg-type]
                flat[i] = kept - step
                low = float(loss())  # type: ignore[arg-type]
                flat[i] = kept
            expected = 0.0 if is_padding else (high - low) / (2 * step)
            assert abs(float(gradient[i]) - expected) < 1e-8, (name, i)


def test_tied_scores_are_products_with_the_rows() -> None:
    layer = EmbeddingLayer.from_vectors(vectors(), modes={"found": "frozen"})
    hidden = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
    scores = TiedOutput(layer, bias=False)(hidden)
    assert torch.allclose(scores, hidden @ layer.weight.T)
    assert {name for name, _ in torch.nn.ModuleList([layer, TiedOutput(layer)]).named_parameters()} == {
        "0.free",
        "1.bias",
    }


def test_positions_and_segments_are_added_but_not_to_padding() -> None:
    layer = EmbeddingLayer(WORDS, dim=4, n_positions=4, n_segments=2, seed=3)
    ids = torch.tensor([[1, 2, 7]])
    rows = layer(ids, torch.tensor([[0, 1, 1]]))
    assert torch.allclose(rows[0, 1], layer.weight[2] + layer.positions[1] + layer.segments[1])
    assert torch.allclose(layer(ids)[0, 1], layer.weight[2] + layer.positions[1] + layer.segments[0])
    assert not rows[0, 2].any()
    with pytest.raises(ArgumentError, match="5 tokens in a text, and the layer has 4 positions"):
        layer(torch.zeros((1, 5), dtype=torch.int64))


def test_state_is_saved_and_taken_back() -> None:
    layer = EmbeddingLayer.from_vectors(vectors(), modes={"found": "frozen"}, n_positions=3)
    other = EmbeddingLayer(layer.tokenizer, dim=4, modes=["frozen"] * 6 + ["free"], n_positions=3, seed=9)
    assert not torch.equal(other.weight, layer.weight)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.weight, layer.weight)
    assert torch.equal(
        EmbeddingLayer(WORDS, dim=4, seed=9).weight, EmbeddingLayer(WORDS, dim=4, seed=9).weight
    )


def test_a_state_brings_its_modes_and_sources() -> None:
    given = vectors()
    layer = EmbeddingLayer.from_vectors(
        given, modes=["slow", "free", "frozen", "free", "slow", "free", "free"]
    )
    modes = ["free", "free", "frozen", "slow", "free", "slow", "free"]
    other = EmbeddingLayer(layer.tokenizer, dim=4, modes=modes)
    state = layer.state_dict()
    torch.nn.Sequential(other).load_state_dict({f"0.{name}": value for name, value in state.items()})
    ids = torch.arange(8).reshape(1, -1)
    assert torch.equal(other(ids), layer(ids))
    assert torch.equal(other.weight, layer.weight)
    assert [other.mode_of(i) for i in range(8)] == [layer.mode_of(i) for i in range(8)]
    assert other.inspect("the zzz").sources == ["found", "missing"]
    del state["sources"]  # as states were before
    other.load_state_dict(state)
    assert other.inspect("the").sources == ["unknown"]
    free = EmbeddingLayer(layer.tokenizer, dim=4)
    before = free(ids)
    for strict in (True, False):
        with pytest.raises(
            RuntimeError, match=r"the state has free=4, slow=2, frozen=1, the layer free=7: make it"
        ):
            free.load_state_dict(state, strict=strict)
    assert torch.equal(free(ids), before)


def test_missing_rows_are_not_all_zero_where_the_vectors_are_one_number() -> None:
    flat = Vectors(["a", "b"], np.full((2, 100), 0.1, np.float32))
    layer = EmbeddingLayer.from_vectors(flat, ["a", "b", *(f"w{i}" for i in range(50))])
    rows = layer.weight[2:52].detach()
    assert abs(float(rows.std()) - 0.1) < 0.01  # dim^-0.5


def test_inspect_shows_the_path() -> None:
    layer = EmbeddingLayer.from_vectors(vectors(), modes={"found": "slow"})
    found = layer.inspect("the 老虎 zzz")
    assert found.tokens == ["the", "老虎", "[UNK]"]
    assert found.ids.tolist() == [0, 3, 6]
    assert found.offsets.tolist() == [[0, 3], [4, 6], [7, 10]]
    assert found.sources == ["found", "found", "missing"]
    assert found.modes == ["slow", "slow", "free"]
    assert np.array_equal(found.rows, found.hidden)
    assert found.pooled is None
    encoder = make_encoder("transformer", 4, n_heads=2, n_layers=1)
    deep = layer.inspect("the 老虎 zzz", encoder)
    assert encoder.training
    assert deep.pooled is not None
    assert np.allclose(deep.hidden.mean(axis=0), deep.pooled, atol=1e-6)
    assert np.array_equal(deep.hidden, layer.inspect("the 老虎 zzz", encoder).hidden)
    lines = str(deep).splitlines()
    assert "老虎" in lines[3]
    assert "3 (found, slow)" in lines[3]
    assert lines[-1].startswith("vector")
    assert layer.inspect("", encoder).tokens == []
    assert EmbeddingLayer(WORDS, dim=2).inspect("cat").sources == ["random"]
    given = EmbeddingLayer(WORDS, dim=4, matrix=np.zeros((7, 4), np.float32))
    assert given.inspect("cat").sources == ["unknown"]


def test_encode_pads_and_tells_what_it_left_out() -> None:
    layer = EmbeddingLayer(WORDS, dim=2)
    ids, left_out = layer.encode(["the cat sat", "cat"], max_tokens=2)
    assert (ids.tolist(), left_out) == ([[0, 1], [1, 7]], 1)
    assert layer.encode([])[0].shape == (0, 1)
    for bad in (0, -1, True, 1.5):
        with pytest.raises(ArgumentError, match="max_tokens must be a whole number from 1 up, got"):
            layer.encode(["the cat"], max_tokens=bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, "dim must be a whole number from 1 up, got 0"),
        ({"dim": 2, "n_positions": -1}, "n_positions must be"),
        ({"dim": 2, "modes": "loose"}, "modes must be one of free, slow, frozen.*'loose'"),
        ({"dim": 2, "modes": ["free"]}, "one for each of 7 tokens, got 1 of them"),
        (
            {"dim": 2, "matrix": np.zeros((7, 3), np.float32)},
            r"matrix must be float32 \[7, 2\], got float32 \[7, 3\]",
        ),
        ({"dim": 1, "matrix": np.full((7, 1), np.nan, np.float32)}, "finite"),
    ],
)
def test_bad_arguments(options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        EmbeddingLayer(WORDS, **options)  # type: ignore[arg-type]


def test_bad_ids_words_and_sources() -> None:
    layer = EmbeddingLayer(WORDS, dim=2)
    for ids in (torch.tensor([[8]]), torch.tensor([[-1]])):
        with pytest.raises(ArgumentError, match="ids must be from 0 to 7"):
            layer(ids)
    with pytest.raises(ArgumentError, match="int64 or int32"):
        layer(torch.tensor([[1.0]]))
    with pytest.raises(ArgumentError, match=r"words\[1\] 'a' stands twice"):
        EmbeddingLayer(["a", "a"], dim=2)
    with pytest.raises(ArgumentError, match="at least one word"):
        EmbeddingLayer([], dim=2)
    with pytest.raises(ArgumentError, match="UTF-8"):
        EmbeddingLayer(["a\udc80"], dim=2)
    with pytest.raises(ArgumentError, match="by found, subwords, missing, got 'known'"):
        EmbeddingLayer.from_vectors(vectors(), modes={"known": "free"})
    with pytest.raises(ArgumentError, match="counts must be one for each token"):
        EmbeddingLayer.from_vectors(vectors(), counts=[1])
