"""Translation: the network and the search against plain twins, learning, folders, and what is refused."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.errors import ArgumentError, CorpusError, FormatError, QianruError, TrainingError
from qianru.evaluate.intervals import resampled
from qianru.tokens import tokenizer_of_words
from qianru.vectors import Vectors

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")
from qianru.layers import EmbeddingLayer  # noqa: E402
from qianru.transfer import Translator, train_translator  # noqa: E402
from qianru.transfer.beam import beam_search  # noqa: E402
from qianru.transfer.seq2seq import Decoding, Seq2Seq  # noqa: E402
from qianru.transfer.translate import joined_space  # noqa: E402
from qianru.transfer.translator import _is_chinese  # noqa: E402

_spec = importlib.util.spec_from_file_location(
    "reference_seq2seq", Path(__file__).parent / "reference_seq2seq.py"
)
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

WORDS = ["cat", "dog", "sees", "the", "big", "红", "蓝"]
N_LAYERS, N_HEADS = 2, 2


@pytest.fixture(scope="module")
def network() -> Seq2Seq:
    torch.manual_seed(4)
    tokenizer = tokenizer_of_words(WORDS, special_tokens=["<pad>", "<s>", "</s>"])
    made = Seq2Seq(EmbeddingLayer(tokenizer, dim=8, seed=2), n_layers=N_LAYERS, n_heads=N_HEADS, dropout=0.3)
    with torch.no_grad():
        for parameter in made.parameters():
            if (
                parameter.ndim == 1 or parameter.shape[0] != 11
            ):  # all but the rows, whose last one is the zero of padding
                parameter.add_(0.3 * torch.randn(parameter.shape))
    return made.eval()


PAD, BEGIN, END = 8, 9, 10


def plain_scores(network: Seq2Seq, source: list[int], target: list[int]) -> np.ndarray:
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}
    rows = network.layer.weight.detach().double().numpy()
    return reference.scores(source, target, rows, weights, N_LAYERS, N_HEADS)


def test_scores_are_those_of_the_plain_twin_whatever_is_padded(network: Seq2Seq) -> None:
    sources = [[0, 3, 5, END], [1, END]]
    targets = [[BEGIN, 2, 2, 6], [BEGIN, 4]]
    with torch.no_grad():
        found = network(
            torch.tensor([[*sources[0], PAD], [*sources[1], PAD, PAD, PAD]]),
            torch.tensor([targets[0], [*targets[1], PAD, PAD]]),
        )
    for i in range(2):
        expected = plain_scores(network, sources[i], targets[i])
        assert np.abs(found[i, : len(targets[i])].numpy() - expected).max() < 2e-5


def test_no_score_knows_what_comes_later(network: Seq2Seq) -> None:
    source = torch.tensor([[0, 1, END]])
    with torch.no_grad():
        one = network(source, torch.tensor([[BEGIN, 2, 3, 4]]))
        other = network(source, torch.tensor([[BEGIN, 2, 6, 0]]))
    assert torch.equal(one[:, :2], other[:, :2])
    assert not torch.allclose(one[:, 2], other[:, 2])


def test_a_token_at_a_time_gives_the_same_scores(network: Seq2Seq) -> None:
    sources = torch.tensor([[0, 1, 2, END], [4, END, PAD, PAD]])
    targets = torch.tensor([[BEGIN, 2, 3, 4], [BEGIN, 0, 0, 6]])
    with torch.no_grad():
        whole = torch.log_softmax(network(sources, targets), dim=-1)
        decoding = Decoding(network, *network.encode(sources))
        for place in range(4):
            step = decoding.next_scores(targets[:, place])
            assert torch.allclose(step, whole[:, place], atol=1e-5)
            if place == 1:  # rows change places, and one is there twice
                decoding.reorder(torch.tensor([1, 0, 1]))
                targets, whole = targets[[1, 0, 1]], whole[[1, 0, 1]]


@pytest.mark.parametrize(("beam", "penalty"), [(1, 0.0), (2, 0.6), (4, 1.0), (7, 0.0)])
def test_the_search_finds_what_the_plain_one_finds(network: Seq2Seq, beam: int, penalty: float) -> None:
    sources, longest = [[0, 1, END], [5, 6, 3, 3, END], [2, END]], [6, 4, 3]
    padded = torch.tensor([ids + [PAD] * (5 - len(ids)) for ids in sources])
    never = [BEGIN, PAD]
    found = beam_search(
        network, padded, begin=BEGIN, end=END, beam=beam, penalty=penalty, longest=longest, never=never
    )
    for source, most, hypotheses in zip(sources, longest, found, strict=True):

        def next_logs(ids: list[int], source: list[int] = source) -> np.ndarray:
            with torch.no_grad():
                scores = network(torch.tensor([source]), torch.tensor([[BEGIN, *ids]]))[0, -1]
            logs = torch.log_softmax(scores, dim=-1).numpy().copy()
            logs[never] = -np.inf
            return logs

        expected = reference.beam(next_logs, end=END, width=beam, penalty=penalty, longest=most)
        assert [one.ids for one in hypotheses] == [ids for _, ids in expected]
        assert [one.score for one in hypotheses] == pytest.approx([score for score, _ in expected], abs=1e-4)


@pytest.mark.parametrize("favour", [-2.0, -1.5, -1.0, 0.0])
def test_a_beam_of_one_takes_the_most_probable_token_each_time(network: Seq2Seq, favour: float) -> None:
    """However near the end comes to being that token."""
    made = copy.deepcopy(network)
    with torch.no_grad():
        made.output.bias[END] += favour
    for source in ([0, 1, END], [5, 6, 3, 3, END], [2, END], [4, 4, 1, END]):
        ids = [BEGIN]
        with torch.no_grad():
            while len(ids) <= 6 and ids[-1] != END:
                scores = made(torch.tensor([source]), torch.tensor([ids]))[0, -1]
                scores[[BEGIN, PAD]] = -torch.inf
                ids.append(int(scores.argmax()))
        never = [BEGIN, PAD]
        (found,) = beam_search(
            made, torch.tensor([source]), begin=BEGIN, end=END, beam=1, penalty=0.6, longest=[6], never=never
        )
        assert [one.ids for one in found] == [[token for token in ids[1:] if token != END]]


NOUNS = {"cat": "猫", "dog": "狗", "tiger": "老虎", "bird": "小鸟", "man": "男人", "king": "国王"}
VERBS = {"sees": "看见", "likes": "喜欢", "hears": "听见"}


def toy(n: int, seed: int) -> list[tuple[str, str]]:
    """Different small sentences whose object comes first in the translation."""
    rng = np.random.default_rng(seed)
    found: dict[str, str] = {}
    while len(found) < n:
        a, b = rng.choice(list(NOUNS), 2)
        verb = rng.choice(list(VERBS))
        found[f"the {a} {verb} the {b}"] = f"{NOUNS[b]} 被 {NOUNS[a]} {VERBS[verb]} 。"
    return list(found.items())


QUICK: dict[str, Any] = {
    "vocab_size": 330,
    "dim": 32,
    "n_layers": 1,
    "n_heads": 2,
    "warmup": 60,
    "learning_rate": 1e-2,
    "batch_tokens": 300,
    "epochs": 40,
    "patience": 40,
}


@pytest.fixture(scope="module")
def trained() -> tuple[Translator, list[tuple[str, str]]]:
    torch.set_num_threads(1)
    pairs = toy(90, 1)
    return train_translator(pairs[:75], validation=pairs[75:80], **QUICK), pairs


def test_it_learns_words_and_their_order(trained: tuple[Translator, list[tuple[str, str]]]) -> None:
    pytest.importorskip("sacrebleu", reason="sacrebleu is not installed")
    translator, pairs = trained
    report = translator.evaluate(pairs[80:], n_bootstrap=100)
    assert report.bleu.value is not None
    assert report.bleu.value > 60
    assert report.bleu.low <= report.bleu.value <= report.bleu.high
    assert report.chrf.value > 60
    assert "tok:zh" in report.bleu_signature
    assert report.as_dict()["n_pairs"] == 10
    history = translator.provenance["history"]
    assert history[-1]["held_out_loss"] < history[0]["held_out_loss"] / 2  # type: ignore[index]
    first = translator.translate([pairs[80][0]])[0]
    assert first.text == report.translations[0]
    with pytest.raises(CorpusError, match=r"75 of 75 test sentences .* are among the training sentences"):
        translator.evaluate(pairs[:75])
    with pytest.raises(CorpusError, match=r"1 of 2 test sentences"):
        translator.evaluate([pairs[0], pairs[85]])
    assert translator.evaluate([pairs[0], pairs[85]], overlap="drop", n_bootstrap=0).n_pairs == 1


def test_intervals_are_those_of_scoring_drawn_sentences_again(
    trained: tuple[Translator, list[tuple[str, str]]],
) -> None:
    metrics = pytest.importorskip("sacrebleu.metrics", reason="sacrebleu is not installed")
    translator, pairs = trained
    # Translations that are right, and some of other sentences.
    given = [(pairs[80 + i][0], pairs[80 + (i if i < 4 else i + 1) % 10][1]) for i in range(8)]
    report = translator.evaluate(given, n_bootstrap=100, seed=3)
    texts, targets = report.translations, [target for _, target in given]
    (weights,) = resampled(8, 100, 3)
    for found, metric in ((report.bleu, metrics.BLEU(tokenize="zh")), (report.chrf, metrics.CHRF())):
        assert found.value == pytest.approx(metric.corpus_score(texts, [targets]).score)
        scores = []
        for row in weights.astype(int):
            drawn = [i for i, n in enumerate(row) for _ in range(n)]
            made, expected = ([side[i] for i in drawn] for side in (texts, targets))
            scores.append(metric.corpus_score(made, [expected]).score)
        assert [found.low, found.high] == pytest.approx(np.percentile(scores, [2.5, 97.5]))
        assert 0 <= found.low < found.value < found.high <= 100
    assert "bs:" not in report.bleu_signature
    assert report.as_dict() == translator.evaluate(given, n_bootstrap=100, seed=3).as_dict()
    one = translator.evaluate(given[:1])
    assert (one.bleu.low, one.chrf.high) == (None, None)
    for n in (-5, 50, 1.5):
        with pytest.raises(ArgumentError, match="n_bootstrap must be"):
            translator.evaluate(given, n_bootstrap=n)  # type: ignore[arg-type]


def test_japanese_is_not_cut_as_chinese() -> None:
    assert _is_chinese(["猫喜欢狗。", "the 猫"])
    assert not _is_chinese(["日本経済新聞社は東京都にある。"])
    assert not _is_chinese(["the cat 猫"])
    assert _is_chinese(["这家店叫优の良品，卖很多好吃的点心和糖果，大家都喜欢去那里买东西"])


@pytest.mark.parametrize("n", [60, 90])
def test_batches_and_warm_up_follow_the_number_of_pairs(n: int) -> None:
    left_out = {**QUICK, "epochs": 1, "batch_tokens": None, "warmup": None}
    made = train_translator(toy(n, 1), **left_out)
    settings = dict(made.provenance["settings"])  # type: ignore[call-overload]
    n_tokens = sum(len(made._network.layer.tokenizer.encode(b).ids) + 2 for _, b in toy(n, 1)) * 0.98
    assert settings["batch_tokens"] == pytest.approx(n_tokens / 50, rel=0.1)
    assert settings["warmup"] == pytest.approx(100, abs=6)


def test_both_precisions_learn_the_same() -> None:
    losses = []
    for precision in ("float32", "bfloat16"):
        made = train_translator(toy(60, 1), **{**QUICK, "epochs": 4, "precision": precision})
        assert made.provenance["settings"]["precision"] == precision  # type: ignore[index]
        assert made._network.layer.weight.dtype == torch.float32
        losses.append([one["held_out_loss"] for one in made.provenance["history"]])  # type: ignore[attr-defined]
    assert losses[0][-1] < losses[0][0] * 0.9
    assert losses[1] == pytest.approx(losses[0], rel=0.03)
    assert losses[1] != losses[0]


def test_the_vocabulary_follows_the_number_of_pairs() -> None:
    made = train_translator(toy(60, 1), **{**QUICK, "epochs": 1, "vocab_size": None})
    asked = made._network.layer.tokenizer.n_tokens
    fixed = train_translator(toy(60, 1), **{**QUICK, "epochs": 1, "vocab_size": 1000})
    assert asked == fixed._network.layer.tokenizer.n_tokens


def test_a_translation_does_not_hang_on_the_batch(trained: tuple[Translator, list[tuple[str, str]]]) -> None:
    translator, pairs = trained
    sentences = [source for source, _ in pairs[80:86]] + ["", "the the the cat sees the dog likes"]
    together = translator.translate(sentences)
    assert [translator.translate([one])[0].text for one in sentences] == [one.text for one in together]
    assert together[-2].text == ""
    # Sentences are trained on without white space around them.
    assert [one.text for one in translator.translate([" \t", f"\u3000{sentences[0]} \n"])] == [
        "",
        together[0].text,
    ]
    assert translator.translate([]) == []
    greedy = translator.translate(sentences, beam=1)
    assert sum(a.text == b.text for a, b in zip(greedy, together, strict=True)) >= 5


def test_it_comes_back_from_disk(trained: tuple[Translator, list[tuple[str, str]]], tmp_path: Path) -> None:
    translator, pairs = trained
    translator.save(tmp_path / "model")
    loaded = Translator.load(tmp_path / "model")
    sentences = [source for source, _ in pairs[80:]]
    assert loaded.translate(sentences) == translator.translate(sentences)
    data = (tmp_path / "model" / "model.safetensors").read_bytes()
    rng = np.random.default_rng(2)
    for cut in (0, 9, len(data) // 2, len(data) - 1):
        (tmp_path / "model" / "model.safetensors").write_bytes(data[:cut])
        with pytest.raises(QianruError):
            Translator.load(tmp_path / "model")
    for place in rng.integers(0, len(data), 20).tolist():
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "model" / "model.safetensors").write_bytes(bytes(flipped))
        try:
            Translator.load(tmp_path / "model")
        except QianruError:
            continue
        raise AssertionError(f"byte {place} may change unseen")
    (tmp_path / "model" / "model.safetensors").write_bytes(data)
    file = tmp_path / "model" / "qianru.json"
    told = json.loads(file.read_text("utf-8"))
    for name, value, message in (
        ("kind", "static", "kind must be 'translator'"),
        ("n_layers", 2, r"tensor 'encoder\.1\."),
        ("n_heads", 5, "n_heads must divide"),
        ("n_heads", 4, "not those that qianru.json tells of"),
        ("dim", 0, "dim is missing or breaks its rule"),
    ):
        file.write_text(json.dumps({**told, name: value}), "utf-8")
        with pytest.raises(FormatError, match=message):
            Translator.load(tmp_path / "model")


def test_rows_start_from_words_of_both_languages() -> None:
    rng = np.random.default_rng(3)
    english = Vectors(["cat", "dog", "x"], rng.normal(size=(3, 4)).astype(np.float32))
    chinese = Vectors(["猫", "x"], rng.normal(size=(2, 4)).astype(np.float32))
    space = joined_space([english, chinese])
    assert list(space.keys) == ["cat", "dog", "x", "猫"]
    assert np.linalg.norm(space.to_numpy(), axis=1) == pytest.approx(np.ones(4))
    unit = [one["x"] / np.linalg.norm(one["x"]) for one in (english, chinese)]
    assert space["x"] @ (unit[0] + unit[1]) == pytest.approx(np.linalg.norm(unit[0] + unit[1]), rel=1e-5)
    made = train_translator(toy(30, 1), start=[english, chinese], **{**QUICK, "dim": 4, "epochs": 1})
    told = made.provenance["start"]
    assert 3 <= told["n_found"] < told["n_missing"]  # type: ignore[index]
    with pytest.raises(ArgumentError, match=r"vectors of one space, got dims \[3, 4\]"):
        train_translator(toy(9, 1), start=[english, Vectors(["a"], np.ones((1, 3), np.float32))], n_heads=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"dropout": 1}, "dropout must be"),
        ({"precision": "half"}, "precision must be one of float32, bfloat16, got 'half'"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"max_seconds": float("nan")}, "max_seconds must be a number from 0 up, or None, got nan"),
        ({"max_seconds": -1}, "max_seconds must be a number from 0 up, or None, got -1"),
        ({"validation": 0.0}, "validation must be pairs, or a share"),
        ({"n_heads": 3}, "n_heads must divide the 128 numbers"),
        ({"start": ["x"]}, "start must be a sequence of Vectors"),
        ({"tokenizer": tokenizer_of_words(["a"])}, "tokenizer has no special token <pad>"),
        ({"validation": 0.99}, "leaves nothing to train on"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        train_translator(toy(10, 1), **options)


def test_other_bad_input(trained: tuple[Translator, list[tuple[str, str]]]) -> None:
    with pytest.raises(ArgumentError, match=r"pairs must be pairs of str; pairs\[0\]"):
        train_translator([("a", 3)])  # type: ignore[list-item]
    with pytest.raises(CorpusError, match="10 of 10 validation sentences"):
        train_translator(toy(10, 1), validation=toy(10, 1))
    with pytest.raises(ArgumentError, match="beam must be a whole number from 1 to 64, got 0"):
        trained[0].translate(["a"], beam=0)
    with pytest.raises(ArgumentError, match="got one str"):
        trained[0].translate("a")
    with pytest.raises(ArgumentError, match=r"sentences must be str, sentences\[1\] is int"):
        trained[0].translate(["a", 3])  # type: ignore[list-item]
    hot = {**QUICK, "learning_rate": 1e30, "warmup": 1}
    with pytest.raises(TrainingError, match="the loss is nan in epoch 1"):
        train_translator(toy(90, 1), **hot)
    with pytest.raises(TrainingError, match="the held-out loss is nan after epoch 1"):
        train_translator(toy(20, 1), **{**hot, "batch_tokens": 10_000, "epochs": 1})
