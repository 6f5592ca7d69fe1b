"""Tests on texts, with encoders made by hand whose answers are known, and against plain loops."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianru.errors import ArgumentError, FormatError
from qianru.evaluate import (
    Result,
    SenseExamples,
    SentencePairs,
    WordInContext,
    WordPairs,
    compare,
    compare_models,
    evaluate,
    evaluate_encoder,
    find_datasets,
    read_dataset,
    sentence_similarity,
    spearman,
    word_senses,
    words_in_context,
)
from qianru.evaluate.context import threshold
from qianru.evaluate.senses import _MacroF1, nearest_labels
from qianru.vectors import Encoded, StaticEncoder, Vectors


class Contextual:
    """Vectors that depend on the letters of the whole text; `share` of them is noise."""

    dim = 26

    def __init__(self, share: float = 0.0) -> None:
        self.share = share
        self.fingerprint = f"by hand {share}"

    def encode(self, texts: Sequence[str], *, progress: object = None) -> Encoded:
        rows = []
        for text in texts:
            counts = np.array([text.lower().count(chr(97 + i)) for i in range(26)], np.float32)
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
            noise = np.random.default_rng(seed).standard_normal(26)
            rows.append(counts + self.share * noise.astype(np.float32))
        n_tokens = np.array([len(text.split()) for text in texts], dtype=np.int64)
        return Encoded(np.array(rows, np.float32).reshape(-1, 26), n_tokens, n_tokens * 0)

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[tuple[int, int]], *, progress: object = None
    ) -> Encoded:
        for text, (start, end) in zip(texts, spans, strict=True):
            assert text[start:end].strip()
        return self.encode(texts)


def example(text: str, sense: str) -> tuple[str, int, int, str]:
    return text, text.index("bank"), text.index("bank") + 4, sense


MONEY = [f"the bank lends money to firm {name}" for name in ("zz", "qq", "xx", "kk")]
RIVER = [f"a mossy bank by our river {name}" for name in ("zz", "qq")]
SENSES = SenseExamples(
    "bank",
    "bank",
    tuple([example(text, "money") for text in MONEY[:3]] + [example(text, "river") for text in RIVER[:1]]),
    (example(MONEY[3], "money"), example(RIVER[1], "river")),
)


def test_the_nearest_sentence_tells_the_sense() -> None:
    found = word_senses(Contextual(), SENSES)
    assert (found.value, found["macro F1"].value) == (1.0, 1.0)
    assert found.scores[0].zero_line == 0.5
    assert found.details["senses"] == {"money": {"n": 1, "accuracy": 1.0}, "river": {"n": 1, "accuracy": 1.0}}
    assert found.policies["model_fingerprint"] == "by hand 0.0"


def test_senses_that_are_only_answered_or_only_asked_count() -> None:
    """In macro F1 the senses that are asked or answered, as in scikit-learn; a note tells which nobody could know."""
    asked = (example(MONEY[3], "money"), example(RIVER[1], "account"))
    data = SenseExamples("bank", "bank", SENSES.train, asked)
    found = word_senses(Contextual(), data)
    # The second answer is "river", which nobody asked for: money 1, account 0, river 0.
    assert found["macro F1"].value == pytest.approx(1 / 3)
    assert found["macro F1"].zero_line == pytest.approx((2 / 3 + 0) / 2)
    assert found.notes == ("1 of the sentences have a sense that no training sentence has",)
    assert word_senses(Contextual(), SENSES).notes == ()
    assert 0 <= found["macro F1"].low < found["macro F1"].high <= 1


def test_one_vector_a_word_is_the_most_frequent_sense() -> None:
    static = StaticEncoder.from_vectors(Vectors(["bank", "river"], np.eye(2, dtype=np.float32)))
    found = word_senses(static, SENSES)
    assert found.value == found.scores[0].zero_line == 0.5
    unknown = StaticEncoder.from_vectors(Vectors(["cat"], np.ones((1, 2), np.float32)))
    with pytest.raises(ArgumentError, match="no token"):
        word_senses(unknown, SENSES)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=20), st.integers(0, 99))
def test_macro_f1_of_a_resample_is_that_of_its_sentences(pairs: list[tuple[int, int]], seed: int) -> None:
    answers, gold = np.array(pairs).T
    drawn = np.random.default_rng(seed).integers(0, len(gold), len(gold))
    of_each = []
    for label in set(answers[drawn].tolist()) | set(gold[drawn].tolist()):
        answered, asked = answers[drawn] == label, gold[drawn] == label
        of_each.append(2 * (answered & asked).sum() / (answered.sum() + asked.sum()))
    weights = np.bincount(drawn, minlength=len(gold))[None].astype(np.float64)
    assert _MacroF1(answers, gold)(weights)[0] == pytest.approx(np.mean(of_each))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1 << 30))
def test_nearest_labels_are_those_of_a_loop(n_points: int, n_queries: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, queries = rng.integers(-2, 3, (n_points, 2)) * 1.0, rng.integers(-2, 3, (n_queries, 2)) * 1.0
    labels = rng.integers(0, 3, n_points)
    expected = []
    for query in queries:
        products = [float(query @ point) for point in points]
        near = [label for product, label in zip(products, labels, strict=True) if product == max(products)]
        expected.append(max(range(3), key=lambda label: (near.count(label), -label)))
    assert nearest_labels(queries, points, labels, 3).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=12))
def test_no_threshold_is_better(items: list[tuple[int, bool]]) -> None:
    cosines = np.array([one for one, _ in items], dtype=np.float64)
    gold = np.array([same for _, same in items])

    def right(line: float) -> int:
        return int(((cosines > line) == gold).sum())

    assert right(threshold(cosines, gold)) == max(right(i - 0.5) for i in range(8))


ONE_PAIR = WordPairs("pair", (("cat", "dog"), ("dog", "dog")), (1, 2))


def uses(n: int) -> WordInContext:
    made = []
    for i in range(n):
        same = i % 3 != 0
        one = f"aaa bank aaaa {i}"
        two = f"aaa bank aaaa a {i}" if same else f"zzzz bank {i} yyyy"
        at, other = one.index("bank"), two.index("bank")
        made.append(("bank", one, two, at, at + 4, other, other + 4, same))
    return WordInContext("wic", tuple(made))


def test_words_in_context_learn_their_threshold_elsewhere() -> None:
    found = words_in_context(Contextual(), uses(30), train=uses(20))
    assert found.value == 1.0
    assert found.scores[0].zero_line == pytest.approx(2 / 3)
    assert 0 < found.details["threshold"] < 1
    folds = words_in_context(Contextual(), uses(30))
    assert folds.value == 1.0
    assert "folds" in folds.details["learned_from"]
    with pytest.raises(ArgumentError, match="those that are scored"):
        words_in_context(Contextual(), uses(30), train=uses(30))
    static = StaticEncoder.from_vectors(Vectors(["bank", "aaa"], np.eye(2, dtype=np.float32)))
    assert words_in_context(static, uses(30)).value == pytest.approx(2 / 3)
    strange = StaticEncoder.from_vectors(Vectors(["cat"], np.ones((1, 2), np.float32)))
    for train in (None, uses(20)):
        with pytest.raises(ArgumentError, match="the word in none of 30 items"):
            words_in_context(strange, uses(30), train=train)
    report = evaluate(Vectors(["cat", "dog"], np.eye(2, dtype=np.float32)), [uses(30), ONE_PAIR])
    assert [one.test for one in report.skipped] == ["words in context", "geometry"]


def named(name: str, data: WordInContext) -> WordInContext:
    return WordInContext(name, data.uses)


def chinese(n: int) -> WordInContext:
    made = [(f"他在银行工作了{i}年", f"银行旁边有{i}家店") for i in range(n)]
    return WordInContext("zh", tuple(("银行", a, b, 2, 4, 0, 2, i % 2 == 0) for i, (a, b) in enumerate(made)))


def test_thresholds_are_learned_in_the_language_that_they_are_for() -> None:
    """On the one set named "train" of the same words; where there is none, or another one too, in folds."""

    def learned(*sets: WordInContext) -> list[tuple[str, object]]:
        report = evaluate_encoder(Contextual(0.1), sets, n_bootstrap=0)
        return [(one.dataset, one.details["learned_from"]) for one in report.results]

    train, dev, folds = named("train", uses(20)), named("dev", uses(30)), "10 folds of the items"
    other, far = named("train", chinese(20)), named("dev", chinese(30))
    assert learned(train, dev, named("test", uses(25))) == [("dev", "train"), ("test", "train")]
    assert learned(train, far) == [("train", folds), ("dev", folds)]
    assert learned(train, other, dev, far) == [("dev", "train"), ("dev", "train")]
    report = evaluate_encoder(Contextual(), [train, dev, other, far], n_bootstrap=0)
    marks = [one.details["train_fingerprint"] for one in report.results]
    assert marks == [train.fingerprint, other.fingerprint]
    again = named("train", uses(15))
    assert learned(train, again, dev) == [("train", folds), ("train", folds), ("dev", folds)]
    assert learned(train) == [("train", folds)]


def pairs() -> SentencePairs:
    one = "abcdefghij"
    return SentencePairs("sts", tuple((one, one[:k] + "z" * (10 - k)) for k in range(10)), tuple(range(10)))


def test_sentence_similarity_is_a_correlation() -> None:
    data = pairs()
    found = sentence_similarity(Contextual(), data)
    first = Contextual().encode([a for a, _ in data.pairs]).vectors
    second = Contextual().encode([b for _, b in data.pairs]).vectors
    cosines = np.array(
        [float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in zip(first, second, strict=True)]
    )
    assert found.value == pytest.approx(spearman(cosines, data.gold), abs=1e-6)
    noisy = sentence_similarity(Contextual(3.0), data)
    assert noisy.value < found.value
    made = compare(found, noisy)
    assert made is not None
    assert made.n == 10
    for scores in ((1.0,) * 10, (1.0,) * 9 + (float("nan"),)):
        with pytest.raises(ArgumentError):
            SentencePairs("sts", data.pairs, scores)
    blank = SentencePairs("sts", (("", ""), (" ", "")), (1.0, 2.0))
    with pytest.raises(ArgumentError, match="no pair has a token"):
        sentence_similarity(Contextual(), blank)


class Fixed(Contextual):
    """Texts are the numbers of degrees to which their vectors point, and are as long as a random number says."""

    def encode(self, texts: Sequence[str], *, progress: object = None) -> Encoded:
        lengths = np.random.default_rng(len(texts[0])).uniform(0.1, 9, len(texts))
        angles = np.deg2rad([float(text) for text in texts])
        rows = lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return Encoded(rows.astype(np.float32), np.ones(len(texts), np.int64), np.zeros(len(texts), np.int64))


def test_the_rounding_of_float32_is_no_correlation() -> None:
    def of(angles: list[float]) -> Result:
        data = SentencePairs("sts", tuple(("0", str(one)) for one in angles), tuple(range(len(angles))))
        return sentence_similarity(Fixed(), data)

    for angle in (0.0, 60.0, 77.0):
        found = of([angle] * 50)
        assert (found.value, found["pearson"].value, found.scores[0].low) == (None, None, None)
        assert "undefined" in found.notes[0]
    # Cosines that lie 1e-5 from each other are told apart.
    near = of(np.rad2deg(np.arccos(0.5 + 1e-5 * np.arange(50))).tolist())
    assert near.value == 1
    assert near.notes == ()


def test_a_report_over_all_of_them() -> None:
    train = WordInContext("train", uses(20).uses)
    report = evaluate_encoder(Contextual(), [train, uses(30), pairs(), SENSES], n_bootstrap=100)
    assert [one.test for one in report.results] == ["words in context", "sentence similarity", "word senses"]
    assert report.results[0].details["learned_from"] == "train"
    with pytest.raises(ArgumentError, match="no test on texts"):
        evaluate_encoder(Contextual(), [])


def test_static_models_run_them_with_the_tests_on_words() -> None:
    """Beside words in context, and as a `StaticEncoder` of the same words would be scored."""
    words = sorted({word for text in (*MONEY, *RIVER) for word in text.split()})
    rng = np.random.default_rng(3)
    one, two = (Vectors(words, rng.standard_normal((len(words), 8)).astype(np.float32)) for _ in range(2))
    sentences = [*MONEY, *RIVER]
    couples = tuple((a, b) for i, a in enumerate(sentences) for b in sentences[:i])
    sts = SentencePairs("sts", couples, tuple(float(i % 5) for i in range(len(couples))))
    report = evaluate(one, [sts, SENSES], n_bootstrap=100)
    assert [found.test for found in report.results] == ["sentence similarity", "word senses", "geometry"]
    encoder = StaticEncoder.from_vectors(one)
    assert report.results[0].value == sentence_similarity(encoder, sts, n_bootstrap=0).value
    # One vector for the word, wherever it stands: the answer is the most frequent sense.
    assert report.results[1].value == report.results[1].scores[0].zero_line == 0.5
    _, _, comparisons, _ = compare_models(one, two, [sts, SENSES], n_bootstrap=100)
    assert [made.test for made in comparisons] == ["sentence similarity", "word senses"]
    other = Vectors(["猫", "老虎"], np.eye(2, dtype=np.float32))
    with pytest.raises(ArgumentError, match="no pair has a token that the model knows"):
        evaluate(other, [sts])


def test_a_test_set_equal_to_the_training_set_is_refused() -> None:
    with pytest.raises(ArgumentError, match="also a training sentence"):
        SenseExamples("bank", "bank", SENSES.train, SENSES.train[:2])
    with pytest.raises(ArgumentError, match="two senses"):
        SenseExamples("bank", "bank", SENSES.train[:3], SENSES.test)
    other = tuple((*one[:3], f"{one[3]}-9") for one in SENSES.test)
    with pytest.raises(ArgumentError, match="got money-9, river-9 and money, river"):
        SenseExamples("bank", "bank", SENSES.train, other)
    assert SenseExamples("bank", "bank", SENSES.train, (*other, SENSES.test[0]))


def write_senses(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for part, examples in (("train", SENSES.train), ("test", SENSES.test)):
        rows = [f"{text[:start].count(' ')}\t{text}" for text, start, _, _ in examples]
        (folder / f"{part}.data.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
        labels = [str(int(sense == "river")) for *_, sense in examples]
        (folder / f"{part}.gold.txt").write_text("\n".join(labels), encoding="utf-8")
    (folder / "classes_map.txt").write_text('{"0": "money", "1": "river"}', encoding="utf-8")
    return folder / "test.data.txt"


def test_folders_of_senses_are_read(tmp_path: Path) -> None:
    file = write_senses(tmp_path / "bank")
    assert read_dataset(file) == SENSES
    (tmp_path / "sts-test.csv").write_text(
        "main\tMSR\t2012\t0024\t2.5\tA girl.\tA boy.\nmain\tMSR\t2012\t0025\t4\tA cat.\tA dog.\n",
        encoding="utf-8",
    )
    (tmp_path / "sts").mkdir()
    (tmp_path / "sts" / "dev.txt").write_text("一个女孩。\t一个男孩。\t2\n猫\t狗\t1.5\n", encoding="utf-8")
    found, passed = find_datasets(tmp_path)
    assert sorted(data.kind for data in found) == ["senses", "sentences", "sentences"]
    assert not passed
    assert next(data for data in found if data.name == "dev").pairs[0] == ("一个女孩。", "一个男孩。")
    for name, text in (
        ("test.gold.txt", "0\n"),
        ("test.gold.txt", "0\n1\n1\n"),
        ("test.data.txt", "bank\n"),
        ("test.data.txt", "²\tthe bank\n0\tbank\n"),
        ("test.data.txt", "9" * 5000 + "\tthe bank\n0\tbank\n"),
        ("test.data.txt", "99\tthe bank\n0\tbank\n"),
        ("test.data.txt", "1\tthe  bank\n0\tbank\n"),
        ("classes_map.txt", "[]"),
        ("classes_map.txt", "{"),
    ):
        good = (tmp_path / "bank" / name).read_bytes()
        (tmp_path / "bank" / name).write_text(text, encoding="utf-8")
        with pytest.raises(FormatError):
            read_dataset(file)
        (tmp_path / "bank" / name).write_bytes(good)
    for text in ("a\tb\n", "a\tb\tc\td\n", "\tb\t1\n"):
        (tmp_path / "sts-test.csv").write_text("one\ttwo\t1\n" + text, encoding="utf-8")
        with pytest.raises(FormatError, match="line 2"):
            read_dataset(tmp_path / "sts-test.csv")
