"""Each test on words beside its plain twin, and what it does with unknown words, case and nonsense."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError
from qianru.evaluate import (
    Association,
    Associations,
    Categories,
    Questions,
    Space,
    Translations,
    WordInContext,
    WordPairs,
    analogy,
    associations,
    categorisation,
    geometry,
    offsets,
    similarity,
    translation,
    words_in_context,
)
from qianru.evaluate.associations import partition_p
from qianru.evaluate.intervals import Shares
from qianru.evaluate.offsets import deranged, probability_higher
from qianru.vectors import Vectors
from qianru.vectors.clusters import k_means

SPEC = importlib.util.spec_from_file_location("reference", Path(__file__).with_name("reference.py"))
plain = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(plain)


def test_similarity(vectors: Vectors, pairs: WordPairs) -> None:
    found = similarity(vectors, pairs)
    cosines = [plain.cosine(vectors[a], vectors[b]) for a, b in pairs.pairs]
    # Cosines that are equal but for rounding have equal ranks.
    cosines = [round(value, 9) for value in cosines]
    assert found["spearman"].value == pytest.approx(plain.spearman(cosines, list(pairs.scores)), abs=1e-9)
    assert found["pearson"].value == pytest.approx(plain.pearson(cosines, list(pairs.scores)), abs=1e-6)
    assert found["spearman"].low < found["spearman"].value < found["spearman"].high
    one_hot = [float(a == b) for a, b in pairs.pairs]
    assert found["spearman"].zero_line == pytest.approx(plain.spearman(one_hot, list(pairs.scores)))
    assert found.coverage == 1
    assert found.policies["model_fingerprint"] == vectors.fingerprint
    assert found.dataset_fingerprint == pairs.fingerprint


def test_unknown_words(vectors: Vectors) -> None:
    data = WordPairs(
        "some",
        (("animal0", "animal1"), ("animal0", "fruit1"), ("animal2", "nothing"), ("a", "b")),
        (9, 1, 5, 5),
    )
    skipped = similarity(vectors, data)
    assert (skipped.n_known, skipped.n_items, skipped.scores[0].n) == (2, 4, 2)
    assert skipped.coverage == 0.5
    zero = similarity(Space(vectors, unknown="zero"), data)
    assert (zero.n_known, zero.scores[0].n) == (2, 4)
    cosines = [vectors.similarity("animal0", "animal1"), vectors.similarity("animal0", "fruit1"), 0, 0]
    assert zero.value == pytest.approx(plain.spearman(cosines, [9, 1, 5, 5]))
    for space in (vectors, Space(vectors, unknown="zero")):
        with pytest.raises(ArgumentError, match="0 of 2 pairs"):
            similarity(space, WordPairs("none", (("x", "y"), ("z", "y")), (1, 2)))


def test_constant_cosines_are_said() -> None:
    same = Vectors(["a", "b", "c"], np.ones((3, 2), np.float32))
    found = similarity(same, WordPairs("w", (("a", "b"), ("b", "c"), ("a", "c")), (1, 2, 3)))
    assert found.value is None
    assert found.scores[0].low is None
    assert "undefined" in found.notes[0]
    with pytest.raises(ArgumentError, match="all scores are 1"):
        WordPairs("w", (("a", "b"), ("b", "c")), (1, 1))


def test_case_and_restriction() -> None:
    rows = np.eye(4, dtype=np.float32)
    vectors = Vectors(["cat", "Cat", "DOG", "bird"], rows)
    assert Space(vectors).rows(["CAT", "dog", "Bird", "x"]).tolist() == [0, 2, 3, -1]
    assert Space(vectors, case="lower").rows(["CAT", "dog", "Bird"]).tolist() == [0, -1, 3]
    assert Space(vectors, case="exact").rows(["Cat", "dog"]).tolist() == [1, -1]
    for case in ("ignore", "lower", "exact"):
        assert Space(vectors, case=case, restrict_vocab=3).rows(["bird", "cat"]).tolist() == [-1, 0]
    with pytest.raises(ArgumentError, match="case must"):
        Space(vectors, case="upper")
    with pytest.raises(ArgumentError, match="unknown must"):
        Space(vectors, unknown="guess")
    with pytest.raises(ArgumentError, match="restrict_vocab must"):
        Space(vectors, restrict_vocab=0)
    with pytest.raises(ArgumentError, match="model must"):
        geometry([1, 2])


@pytest.mark.parametrize("method", ["add", "mul"])
def test_analogies(noisy: Vectors, questions: Questions, method: str) -> None:
    matrix = noisy.to_numpy()
    name = {"add": "3CosAdd", "mul": "3CosMul"}[method]
    some = Questions("some", {key: asked[::11] for key, asked in questions.sections.items()})
    found = analogy(noisy, some, methods=(method,))
    right = {"without": [], "with": []}
    kinds = []
    for section, asked in some.sections.items():
        for question in asked:
            a, b, c, d = (noisy.index(word) for word in question)
            right["without"].append(plain.answer(matrix, a, b, c, method=method, exclude=[a, b, c]) == d)
            right["with"].append(plain.answer(matrix, a, b, c, method=method, exclude=[]) == d)
            kinds.append(section)
    assert 0 < np.mean(right["without"]) < 1
    assert found[name].value == pytest.approx(np.mean(right["without"]))
    assert found[f"{name} with question words"].value == pytest.approx(np.mean(right["with"]))
    of = {
        kind: np.mean([r for r, k in zip(right["without"], kinds, strict=True) if k == kind])
        for kind in set(kinds)
    }
    assert found[f"{name} semantic"].value == pytest.approx(of["animals"])
    assert found[f"{name} syntactic"].value == pytest.approx(of["gram-fruits"])
    assert found.details["sections"]["animals"][name] == pytest.approx(of["animals"])
    with pytest.raises(KeyError, match=r"3CosAdd|3CosMul"):
        found["nothing"]


def test_other_spellings_answer_too() -> None:
    """ "KINGS" before "kings" is the same answer, and no question word in another spelling is one."""
    words = ["a", "b", "c", "C", "D", "d", "x"]
    rows = [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0.1, 0.6, 1], [0, 1, 1], [0.9, 0.9, 0.9], [-1, 0, 0]]
    vectors = Vectors(words, np.array(rows, np.float32))
    data = Questions("q", {"s": (("A", "B", "c", "d"),)})
    assert analogy(vectors, data).value == 1
    assert analogy(Space(vectors, case="exact"), Questions("q", {"s": (("a", "b", "c", "d"),)})).value == 0


def test_unknown_questions(vectors: Vectors) -> None:
    good = ("animal0", "animal0s", "animal1", "animal1s")
    data = Questions("q", {"s": (good, ("animal0", "animal0s", "x", "y")), "empty": ()})
    skipped, zero = analogy(vectors, data), analogy(Space(vectors, unknown="zero"), data)
    assert (skipped.value, zero.value) == (1, 0.5)
    assert skipped.coverage == zero.coverage == 0.5
    with pytest.raises(ArgumentError, match="none of 1 questions"):
        analogy(vectors, Questions("q", {"s": (("a", "b", "c", "d"),)}))
    with pytest.raises(ArgumentError, match="methods"):
        analogy(vectors, data, methods=("pair",))


def test_categorisation(vectors: Vectors, categories: Categories) -> None:
    assert categorisation(vectors, categories).value == 1
    labels = [label for _, label in categories.words]
    rows = vectors.rows([word for word, _ in categories.words])
    units = Space(vectors).unit(rows)
    for k in (2, 3, 7):
        clusters = k_means(units, k, n_starts=3, seed=1)
        assert set(clusters.tolist()) <= set(range(k))
        # Every point is with its nearest centre, which is what k-means ends in.
        centres = np.array([units[clusters == one].mean(axis=0) for one in range(k)])
        assert (((units[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1) == clusters).all()
    random = Vectors(list(vectors.keys), np.random.default_rng(4).standard_normal((72, 9)).astype(np.float32))
    found = categorisation(random, categories)
    clusters = k_means(Space(random).unit(rows), 3, n_starts=10, seed=1)
    assert found.value == pytest.approx(plain.purity(clusters.tolist(), labels))
    assert found.scores[0].low <= found.value <= found.scores[0].high
    with pytest.raises(ArgumentError, match="1 of 2 categories"):
        categorisation(vectors, Categories("c", (("animal1", "a"), ("nothing", "b"))))
    with pytest.raises(ArgumentError, match="two categories"):
        Categories("c", (("animal1", "a"), ("animal2", "a")))


def test_the_interval_of_purity_is_that_of_its_words() -> None:
    """Categories chosen anew for each resample would fit it: of noise they gave 0.20 to 0.25 for a purity of 0.15."""
    words = [f"w{i}" for i in range(400)]
    noise = Vectors(words, np.random.default_rng(1).standard_normal((400, 20)).astype(np.float32))
    data = Categories("c", tuple((word, str(i % 20)) for i, word in enumerate(words)))
    found = categorisation(noise, data, n_starts=1, n_bootstrap=200)
    of_words = Shares(np.arange(400) < found.value * 400).interval(n_bootstrap=200, seed=2)
    assert found.scores[0].low < found.value < found.scores[0].high
    assert found.scores[0].low == pytest.approx(of_words.low, abs=0.02)
    assert found.scores[0].high == pytest.approx(of_words.high, abs=0.02)


def test_one_hot_vectors_do_not_know_unknown_words_either() -> None:
    known = tuple((f"w{i}", "ab"[i % 2]) for i in range(8))
    data = Categories("c", (*known, *((f"x{i}", "ab"[i % 2]) for i in range(32))))
    one_hot = Vectors([word for word, _ in known], np.eye(8, dtype=np.float32))
    for unknown in ("skip", "zero"):
        found = categorisation(Space(one_hot, unknown=unknown), data)
        assert found.value == pytest.approx(found.scores[0].zero_line)
        assert found.scores[0].zero_line <= (1 if unknown == "skip" else 8 / 40)
    lexicon = Translations("d", (*((word, word) for word, _ in known), ("x", "y"), ("z", "y")))
    found = translation(Space(one_hot, unknown="zero"), one_hot, lexicon)
    assert found["cosine at 1"].zero_line == pytest.approx(1 / 8 * 8 / 10)
    assert found["cosine at 5"].zero_line == pytest.approx(5 / 8 * 8 / 10)


def test_equal_points_and_empty_clusters() -> None:
    assert set(k_means(np.ones((5, 2)), 3, n_starts=2, seed=0).tolist()) == {0}


def test_offsets(vectors: Vectors, questions: Questions) -> None:
    found = offsets(vectors, questions)
    section = found.details["sections"]["animals"]
    first = vectors[[f"animal{i}" for i in range(12)]]
    second = vectors[[f"animal{i}s" for i in range(12)]]
    assert section["n_pairs"] == 12
    assert section["consistency"] == pytest.approx(plain.mean_cosine_of_offsets(first, second), abs=1e-6)
    assert section["low"] < section["consistency"] < section["high"]
    assert section["consistency"] > section["shuffled"] + 0.1
    assert section["p"] == pytest.approx(1 / 201)
    assert found.value > 0.1
    noise = Vectors(list(vectors.keys), np.random.default_rng(1).standard_normal((72, 30)).astype(np.float32))
    blind = offsets(noise, questions)
    assert abs(blind.value) < 0.05
    assert blind["pairing consistency"].value == pytest.approx(0.5, abs=0.1)
    assert blind.details["sections"]["animals"]["p"] > 0.05
    with pytest.raises(ArgumentError, match="no section has 3"):
        offsets(vectors, Questions("q", {"s": (("a", "b", "c", "d"),)}))


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_deranged(n: int) -> None:
    for seed in range(50):
        order = deranged(n, np.random.default_rng(seed))
        assert sorted(order.tolist()) == list(range(n))
        assert (order != np.arange(n)).all()


def test_probability_higher() -> None:
    a, b = np.array([1.0, 2, 2, 5]), np.array([0.0, 2, 4])
    plainly = np.mean([(x > y) + (x == y) / 2 for x in a for y in b])
    assert probability_higher(a, b) == pytest.approx(plainly)


def test_associations(vectors: Vectors) -> None:
    def some(kind: str, begin: int, end: int) -> tuple[str, ...]:
        return tuple(f"{kind}{i}" for i in range(begin, end))

    true = Association(
        "true", some("animal", 0, 5), some("fruit", 0, 5), some("animal", 5, 9), some("fruit", 5, 9)
    )
    none = Association(
        "none", some("animal", 0, 5), some("animal", 5, 10), some("city", 0, 3), some("city", 3, 6)
    )
    lost = Association("lost", ("x", "y"), ("z", "w"), ("animal1",), ("animal2", "q"))
    found = associations(vectors, Associations("weat", (true, none, lost)))
    s = {
        side: np.array(
            [
                np.mean([plain.cosine(vectors[w], vectors[a]) for a in true.a])
                - np.mean([plain.cosine(vectors[w], vectors[b]) for b in true.b])
                for w in getattr(true, side)
            ]
        )
        for side in "xy"
    }
    effect = (s["x"].mean() - s["y"].mean()) / np.concatenate([s["x"], s["y"]]).std(ddof=1)
    assert found["true"].value == pytest.approx(effect, abs=1e-6)
    assert found["true"].low < effect
    assert found.details["true"]["p"] == pytest.approx(1 / 252)
    assert found.details["true"]["p_method"] == "exact"
    assert found.details["none"]["p"] > 0.01
    assert found["lost"].value is None
    assert found.details["lost"]["unknown"] == ["x", "y", "z", "w", "q"]
    assert found["none"].low < found["none"].value < found["none"].high
    with pytest.raises(ArgumentError, match="no test has two known"):
        associations(vectors, Associations("weat", (lost,)))


def test_tests_have_names_of_their_own() -> None:
    test = Association("same", ("a",), ("b",), ("c",), ("d",))
    with pytest.raises(ArgumentError, match="2 named 'same'"):
        Associations("weat", (test, Association("other", *[("a",)] * 4), test))


def test_sides_of_other_sizes_are_told() -> None:
    """Two words of X all at A, fifty of Y all at B: √(52 · 51 / 100), where sides of one size stay below 2."""
    words = [f"x{i}" for i in range(50)], [f"y{i}" for i in range(50)]
    rows = np.repeat(np.eye(2, dtype=np.float32), 50, axis=0)
    space = Vectors([*words[0], *words[1], "a", "b"], np.concatenate([rows, np.eye(2, dtype=np.float32)]))
    uneven = Association("uneven", (*words[0][:2], "unknown"), tuple(words[1]), ("a",), ("b",))
    even = Association("even", tuple(words[0]), tuple(words[1]), ("a",), ("b",))
    found = associations(space, Associations("weat", (even, uneven)), n_permutations=100, n_bootstrap=0)
    assert found["uneven"].value == pytest.approx(np.sqrt(52 * 51 / 100))
    assert 1.9 < found["even"].value < 2
    assert "uneven (2 and 50): effect sizes may pass 2" in found.notes[1]
    assert len(associations(space, Associations("weat", (even,)), n_permutations=100).notes) == 1


def test_the_two_ways_to_p_agree() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal(7) + 0.8, rng.standard_normal(7)
    exact, method = partition_p(x, y, n_permutations=10_000, seed=1)
    assert method == "exact"
    random, method = partition_p(x, y, n_permutations=3000, seed=1)
    assert method == "random"
    assert random == pytest.approx(exact, abs=0.03)


def test_translation(vectors: Vectors, noisy: Vectors) -> None:
    target = Vectors([f"t-{word}" for word in noisy], noisy.to_numpy())
    data = Translations("d", (*((word, f"t-{word}") for word in list(vectors)[:30]), ("x", "t-y")))
    found = translation(vectors, target, data)
    asked = vectors[list(vectors)[:30]]
    right = []
    for row, vector in enumerate(asked):
        cosines = [plain.cosine(vector, other) for other in noisy.to_numpy()]
        right.append(int(np.argmax(cosines)) == row)
    assert found["cosine at 1"].value == pytest.approx(np.mean(right))
    assert 0.1 < found["csls at 1"].value <= found["csls at 5"].value
    assert (found.n_known, found.n_items) == (30, 31)
    zero = translation(Space(vectors, unknown="zero"), target, data)
    assert zero["cosine at 1"].value == pytest.approx(np.sum(right) / 31)
    with pytest.raises(ArgumentError, match="one dim"):
        translation(vectors, Vectors(["x"], np.ones((1, 2), np.float32)), data)
    with pytest.raises(ArgumentError, match="none of 1 pairs"):
        translation(vectors, target, Translations("d", (("x", "y"),)))


def test_one_spelling_of_a_translation_is_a_candidate() -> None:
    source = Vectors(["chat", "Chat", "chien"], np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]], np.float32))
    rows = np.array([[0.9, 0.3, 0], [0, 1, 0], [1, 0, 0]], np.float32)
    target = Vectors(["cat", "dog", "Cat"], rows)
    data = Translations("d", (("chat", "cat"), ("chien", "dog")))
    for method in ("cosine", "csls"):
        found = translation(source, target, data, methods=(method,), n_bootstrap=0)
        assert found.value == 1
        assert found.scores[0].zero_line == 1 / 2
        assert found.details["n_target_words"] == 2
    exact = translation(Space(source, case="exact"), Space(target, case="exact"), data, methods=("cosine",))
    assert (exact.value, exact.details["n_target_words"]) == (0.5, 3)


def test_one_vector_a_word_says_same(vectors: Vectors) -> None:
    uses = tuple(("animal1", "an animal1", "animal1 s", 3, 10, 0, 7, i < 3) for i in range(4))
    found = words_in_context(vectors, WordInContext("wic", uses))
    assert found.value == 0.75 == found.scores[0].zero_line
    assert "whatever the model" in found.notes[0]
    strange = WordInContext("wic", tuple(("strange", *use[1:]) for use in uses))
    with pytest.raises(ArgumentError, match="the word in none of 4 items"):
        words_in_context(vectors, strange)
