"""The text classifier: what it learns, what it says of itself, and that its scores are those of a plain twin."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError, CorpusError, FormatError, TrainingError
from qianru.static import Classifier, train_classifier
from qianru.static.classifier_report import calibration_error, make_report
from qianru.static.labelled_text import read_pairs
from qianru.vectors import Vectors

TOPICS = {
    "animal": ["cat", "tiger", "dog", "猫", "老虎", "wolf"],
    "vehicle": ["car", "bus", "train", "汽车", "火车", "truck"],
    "fruit": ["apple", "pear", "peach", "苹果", "梨子", "plum"],
}
FILLER = ["the", "a", "saw", "we", "near", "old", "了", "在", "yesterday", "often"]


def made_pairs(n: int, seed: int) -> list[tuple[str, str]]:
    """Texts of fillers and two words of one topic."""
    random_ = random.Random(seed)
    pairs = []
    for _ in range(n):
        topic = random_.choice(list(TOPICS))
        words = random_.choices(FILLER, k=6) + random_.choices(TOPICS[topic], k=2)
        random_.shuffle(words)
        pairs.append((" ".join(words), topic))
    return pairs


TRAIN, TEST = made_pairs(600, 1), made_pairs(200, 2)


def trained(**options: object) -> Classifier:
    settings = {"dim": 16, "epochs": 10, "learning_rate": 0.5, "threads": 1} | options
    return train_classifier(TRAIN, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", ["softmax", "ova", "hs"])
@pytest.mark.parametrize(
    "options", [{}, {"word_ngrams": 2, "n_buckets": 1000}, {"min_n": 2, "max_n": 3, "n_buckets": 1000}]
)
def test_it_learns(loss: str, options: dict[str, int]) -> None:
    model = trained(loss=loss, **options)
    losses = model.provenance["loss_per_epoch"]
    assert isinstance(losses, list)
    assert losses[-1] < losses[0] / 2
    report = model.evaluate(TEST)
    assert report.accuracy > 0.97
    assert report.n_examples == len(TEST)
    (best,) = model.predict("we saw the old tiger 猫")
    assert best.label == "animal"
    assert 0.5 < best.probability <= 1


def test_shuffled_labels_teach_nothing() -> None:
    labels = [label for _, label in TRAIN]
    random.Random(3).shuffle(labels)
    model = train_classifier(
        [(text, label) for (text, _), label in zip(TRAIN, labels, strict=True)], dim=16, epochs=3, threads=1
    )
    assert model.evaluate(TEST).accuracy < 0.6


@pytest.mark.parametrize("loss", ["softmax", "ova", "hs"])
def test_one_thread_repeats_its_bits(loss: str, tmp_path: Path) -> None:
    for name, seed in (("a.bin", 1), ("b.bin", 1), ("c.bin", 2)):
        trained(loss=loss, seed=seed, epochs=2).export(tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in ("a.bin", "b.bin", "c.bin"))
    assert a == b
    assert a != c


def test_scores_are_those_of_the_plain_twin() -> None:
    """Mean of the rows of the known tokens and of the line's end, times the output matrix, softmax in float64."""
    model = trained(epochs=2)
    words = {model._model.entry(i).decode(): i for i in range(model._model.n_words)}
    rows, output = model._model.word_rows.astype(np.float64), model._model.output.astype(np.float64)
    texts = [text for text, _ in TEST[:20]] + ["tiger", "unheard tiger of"]
    found = model.probabilities(texts)
    for text, row in zip(texts, found, strict=True):
        ids = [words[token] for token in [*text.split(), "</s>"] if token in words]
        scores = output @ rows[ids].mean(axis=0)
        expected = np.exp(scores - scores.max())
        np.testing.assert_allclose(row, expected / expected.sum(), rtol=1e-4)


def test_probabilities_sum_to_one_except_one_vs_all() -> None:
    texts = [text for text, _ in TEST]
    for loss in ("softmax", "hs"):
        np.testing.assert_allclose(trained(loss=loss).probabilities(texts).sum(axis=1), 1, atol=1e-5)
    found = trained(loss="ova").probabilities(texts)
    assert ((found >= 0) & (found <= 1)).all()


def test_several_labels_of_one_text() -> None:
    random_ = random.Random(5)
    pairs = []
    for _ in range(800):
        topics = random_.sample(list(TOPICS), k=random_.choice((1, 2)))
        words = random_.choices(FILLER, k=4) + [
            random_.choice(TOPICS[topic]) for topic in topics for _ in (0, 1)
        ]
        pairs.append((" ".join(words), topics))
    model = train_classifier(pairs, loss="ova", dim=16, epochs=20, learning_rate=0.5, threads=1)
    found = model.predict("the cat near the old bus tiger car", k=3, threshold=0.5)
    assert {prediction.label for prediction in found} == {"animal", "vehicle"}


def test_files_pairs_and_formats_agree(tmp_path: Path) -> None:
    file = tmp_path / "train.txt"
    file.write_text("".join(f"__label__{label} {text}\n" for text, label in TRAIN), encoding="utf-8")
    from_file = train_classifier(file, dim=16, epochs=3, threads=1)
    from_pairs = trained(epochs=3, learning_rate=0.1)
    texts = [text for text, _ in TEST]
    np.testing.assert_array_equal(from_file.probabilities(texts), from_pairs.probabilities(texts))
    from_file.export(tmp_path / "model.bin")
    again = Classifier.load(tmp_path / "model.bin")
    assert again.labels == from_file.labels
    np.testing.assert_allclose(again.probabilities(texts), from_file.probabilities(texts), atol=1e-6)


def test_words_cut_chinese() -> None:
    pairs = [(text.replace(" ", "") if i % 2 else text, label) for i, (text, label) in enumerate(TRAIN)]
    model = train_classifier(pairs, split="words", dim=16, epochs=10, learning_rate=0.5, threads=1)
    assert model.predict("老虎在")[0].label == "animal"
    assert model.predict("汽车，火车！")[0].label == "vehicle"


def test_pretrained_words_are_known_without_examples() -> None:
    words = [word for topic in TOPICS.values() for word in topic] + ["lion"]
    matrix = np.random.default_rng(1).standard_normal((len(words), 16)).astype(np.float32)
    matrix[-1] = matrix[words.index("tiger")]
    model = trained(pretrained=Vectors(words, matrix), epochs=3)
    assert model.predict("lion")[0].label == "animal"
    assert trained(epochs=3).evaluate([("lion", "animal")]).n_examples == 1
    with pytest.raises(ArgumentError, match="dim 16, got vectors of dim 3"):
        trained(pretrained=Vectors(["a", "b"], np.ones((2, 3), np.float32)))


def test_a_text_without_rows_has_no_labels() -> None:
    model = trained(epochs=1)
    assert model.predict([]) == []
    report = model.evaluate([*TEST, ("the cat", "unheard label")])
    assert report.n_left_out == 1
    with pytest.raises(ArgumentError, match="no known label"):
        model.evaluate([("the cat", "unheard label")])


def test_calibration_lowers_the_log_loss_and_keeps_the_answers() -> None:
    noisy = [
        (text, random.Random(i).choice(list(TOPICS)) if i % 4 == 0 else label)
        for i, (text, label) in enumerate(TEST)
    ]
    model = trained(epochs=30, learning_rate=1.0)
    calm = model.calibrate(noisy)
    before, after = model.evaluate(noisy), calm.evaluate(noisy)
    assert after.log_loss < before.log_loss
    assert after.accuracy == before.accuracy
    assert after.calibration_error < before.calibration_error


def test_quantisation_tells_what_it_costs(tmp_path: Path) -> None:
    model = trained()
    small = model.quantise(held_out=TEST)
    told = small.provenance["quantisation"]
    assert isinstance(told, dict)
    assert told["accuracy_before"] == model.evaluate(TEST).accuracy
    assert told["accuracy"] == small.evaluate(TEST).accuracy > 0.9
    small.export(tmp_path / "model.ftz")
    again = Classifier.load(tmp_path / "model.ftz")
    texts = [text for text, _ in TEST]
    np.testing.assert_allclose(again.probabilities(texts), small.probabilities(texts), atol=1e-5)
    with pytest.raises(ArgumentError, match="already"):
        small.quantise()


def test_the_report_is_that_of_the_definitions() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    report = make_report(
        ["a", "b", "c"], probabilities, [[0], [0], [1], [2]], k=1, threshold=0.0, n_left_out=0
    )
    assert report.accuracy == 0.5
    assert (report.precision, report.recall) == (0.5, 0.5)
    assert report.labels["a"].precision == report.labels["a"].recall == 0.5
    assert report.labels["b"].f1 == 0
    assert report.labels["c"].f1 == 1
    assert report.macro_f1 == pytest.approx((0.5 + 0 + 1) / 3)
    assert report.log_loss == pytest.approx(-np.log([0.7, 0.3, 0.3, 0.8]).mean())
    assert calibration_error(np.array([1.0, 1.0]), np.array([True, True])) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dim": 0}, "dim"),
        ({"epochs": 0}, "epochs"),
        ({"threads": 0}, "threads"),
        ({"loss": "hinge"}, "loss"),
        ({"split": "letters"}, "split"),
        ({"word_ngrams": 0}, "word_ngrams"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"label_prefix": "a b"}, "label_prefix"),
        ({"min_n": 3, "max_n": 2}, "max_n"),
    ],
)
def test_bad_options(options: dict[str, object], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        trained(**options)


def test_bad_examples(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no examples"):
        train_classifier([])
    with pytest.raises(CorpusError, match="two labels"):
        train_classifier([("a b", "x"), ("c d", "x")])
    with pytest.raises(ArgumentError, match="pairs"):
        train_classifier(["a b"])  # type: ignore[list-item]
    with pytest.raises(CorpusError, match="no such file"):
        train_classifier(tmp_path / "none.txt")
    with pytest.raises(ArgumentError, match="no such file"):
        Classifier.load(tmp_path / "none.bin")
    trained(epochs=1).export(tmp_path / "model.bin")
    whole = (tmp_path / "model.bin").read_bytes()
    (tmp_path / "cut.bin").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="byte"):
        Classifier.load(tmp_path / "cut.bin")


def test_a_loss_that_is_not_finite_stops_training() -> None:
    with pytest.raises(TrainingError, match="Lower learning_rate"):
        trained(learning_rate=1e6, epochs=50)


def test_files_and_texts_are_cut_at_the_same_blanks(tmp_path: Path) -> None:
    lines = [
        "__label__a red\u3000wine\0now",
        "__label__b blue\u00a0sky\x0bnow",
        "__label__a\tx\x1cy \u0085",
    ] * 20
    (tmp_path / "t").write_bytes("\ufeff".encode() + "\n".join(lines).encode())
    pairs = list(read_pairs(tmp_path / "t"))
    assert pairs[0] == ("red\u3000wine now", ["a"])
    options = {"dim": 6, "epochs": 3, "threads": 1, "n_buckets": 100}
    for name, model in (
        ("f", train_classifier(tmp_path / "t", **options)),
        ("p", train_classifier(pairs, **options)),
    ):
        known, unknown, empty = model.embed(["red\u3000wine", "red wine", ""])
        assert not np.array_equal(known, empty)
        np.testing.assert_array_equal(unknown, empty)
        model.export(tmp_path / name)
    assert (tmp_path / "f").read_bytes() == (tmp_path / "p").read_bytes()
