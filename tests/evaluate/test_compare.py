"""Two models side by side, and the suite that runs what it can."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from qianru.errors import ArgumentError
from qianru.evaluate import (
    Categories,
    Questions,
    Space,
    Translations,
    Triples,
    WordPairs,
    analogy,
    categorisation,
    compare,
    compare_models,
    corrected,
    evaluate,
    geometry,
    odd_one_out,
    similarity,
)
from qianru.evaluate.compare import NOT_PAIRED
from qianru.vectors import Vectors
from qianru.vectors.align import align


def test_a_better_model_is_called_better(vectors: Vectors, noisy: Vectors, questions: Questions) -> None:
    blind = Vectors(list(vectors.keys), np.random.default_rng(1).standard_normal((72, 9)).astype(np.float32))
    good, bad = analogy(vectors, questions), analogy(blind, questions)
    found = compare(good, bad)
    assert found is not None
    assert found.verdict == "a is better"
    assert found.p < 0.01
    assert found.difference == pytest.approx(good.value - bad.value)
    assert found.low < found.difference < found.high
    assert found.n == len(questions)
    back = compare(bad, good)
    assert back is not None
    assert (back.verdict, back.difference) == ("b is better", -found.difference)
    assert "clusters" in found.method


def test_comparisons_of_one_table_are_corrected(
    vectors: Vectors, noisy: Vectors, pairs: WordPairs, triples: Triples
) -> None:
    alone = [compare(test(vectors, data), test(noisy, data)) for test, data in
             ((similarity, pairs), (odd_one_out, triples))]  # fmt: skip
    assert all(one is not None and one.p_holm == one.p for one in alone)
    made = [one for one in alone if one is not None]
    borderline = [replace(made[0], p=0.03), replace(made[1], p=0.04), replace(made[1], p=None)]
    found = corrected([replace(one, difference=0.1) for one in borderline])
    assert [one.p_holm for one in found] == pytest.approx([0.06, 0.06, None])
    assert {one.verdict for one in found} == {"no difference shown"}
    (single,) = corrected([replace(borderline[0], difference=-0.1)])
    assert (single.verdict, single.p_holm) == ("b is better", 0.03)


def test_a_target_that_it_was_not_aligned_to_is_refused(vectors: Vectors, noisy: Vectors) -> None:
    words = [(word, word) for word in vectors]
    data = [Translations("d", tuple(words))]
    both, others = align(vectors, noisy, words[:40]), align(noisy, vectors, words[:40])
    assert evaluate(both.source, data, target=both.target).results[0].value > 0.5
    # The target as it was before it was centred has another fingerprint, but is the model that was aligned to.
    assert evaluate(both.source, data, target=noisy).results
    for target in (others.target, vectors):
        with pytest.raises(ArgumentError, match="was aligned to the model with fingerprint"):
            evaluate(both.source, data, target=target)


def test_no_difference_is_said(vectors: Vectors, pairs: WordPairs, triples: Triples) -> None:
    other = vectors.with_matrix(vectors.to_numpy() * 2, {"step": "longer"})
    for test, data in ((similarity, pairs), (odd_one_out, triples)):
        found = compare(test(vectors, data), test(other, data))
        assert found is not None
        assert found.verdict == "no difference shown"
        assert found.p == 1
        assert found.difference == 0


def test_correlations_are_compared_over_common_pairs(
    vectors: Vectors, noisy: Vectors, pairs: WordPairs
) -> None:
    part = vectors.subset([word for word in vectors if not word.endswith("3")])
    a, b = similarity(part, pairs), similarity(noisy, pairs)
    found = compare(a, b)
    assert found is not None
    assert found.n == a.scores[0].n < b.scores[0].n
    assert found.a == pytest.approx(a.value)
    assert found.low <= found.difference <= found.high
    assert "ranks" in found.method


def test_mcnemar_where_items_are_independent(vectors: Vectors, categories: Categories) -> None:
    blind = Vectors(list(vectors.keys), np.random.default_rng(1).standard_normal((72, 9)).astype(np.float32))
    found = compare(categorisation(vectors, categories), categorisation(blind, categories))
    assert found is not None
    assert found.method == "McNemar's exact test"
    assert found.verdict == "a is better"


def test_what_cannot_be_compared(
    vectors: Vectors, noisy: Vectors, pairs: WordPairs, triples: Triples, questions: Questions
) -> None:
    one = similarity(vectors, pairs)
    with pytest.raises(ArgumentError, match="one test and dataset"):
        compare(one, odd_one_out(noisy, triples))
    with pytest.raises(ArgumentError, match="one test and dataset"):
        compare(one, similarity(noisy, WordPairs("w", pairs.pairs, pairs.scores[::-1])))
    with pytest.raises(ArgumentError, match="unknown differ"):
        compare(one, similarity(Space(noisy, unknown="zero"), pairs))
    assert compare(geometry(vectors), geometry(noisy)) is None
    ways = [analogy(vectors, questions, methods=("add",)), analogy(noisy, questions, methods=("mul",))]
    with pytest.raises(ArgumentError, match="got 3CosAdd of 264 items and 3CosMul of 264 items"):
        compare(*ways)
    apart = [
        WordPairs("w", pairs.pairs, pairs.scores),
        vectors.subset(["animal1", "animal2", "animal3"]),
        vectors.subset(["fruit1", "fruit2", "fruit3"]),
    ]
    known = WordPairs(
        "w",
        (("animal1", "animal2"), ("animal2", "animal3"), ("fruit1", "fruit2"), ("fruit2", "fruit3")),
        (1, 2, 3, 4),
    )
    found = compare(similarity(apart[1], known), similarity(apart[2], known))
    assert found is not None
    assert (found.n, found.verdict, found.p) == (0, "no difference shown", None)


def test_the_suite(
    vectors: Vectors,
    noisy: Vectors,
    pairs: WordPairs,
    questions: Questions,
    triples: Triples,
    categories: Categories,
) -> None:
    strange = WordPairs("strange", (("x", "y"), ("y", "z")), (1, 2))
    data = [pairs, questions, triples, categories, strange, Translations("d", (("animal1", "y"),))]
    report = evaluate(vectors, data)
    tests = [(one.test, one.dataset) for one in report.results]
    assert tests == [
        ("similarity", "alike"),
        ("analogy", "plurals"),
        ("offsets", "plurals"),
        ("odd one out", "kinds"),
        ("categorisation", "kinds"),
        ("odd one out", "kinds"),
        ("geometry", "the model itself"),
    ]
    assert [(one.test, one.dataset) for one in report.skipped] == [
        ("similarity", "strange"),
        ("translation", "d"),
    ]
    told = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    for one in told["results"]:
        assert {"coverage", "unknown", "case", "restrict_vocab", "seed", "model_fingerprint"} <= set(one)
        assert one["dataset_fingerprint"] or one["test"] == "geometry"
    assert report == evaluate(vectors, data)
    with pytest.raises(ArgumentError, match="no dataset can be used"):
        evaluate(vectors, [strange])
    one, two, comparisons, shared = compare_models(vectors, noisy, data)
    assert [c.test for c in comparisons] == [
        "similarity",
        "analogy",
        "odd one out",
        "categorisation",
        "odd one out",
    ]
    assert shared is not None
    for told in (one, two):
        assert [r.test for r in told.results if r.notes[-1:] == (NOT_PAIRED,)] == ["offsets", "geometry"]
    assert [r.scores for r in one.results] == [r.scores for r in report.results]
    assert {c.verdict for c in comparisons} <= {"a is better", "b is better", "no difference shown"}
    assert two.results[0].policies["model_fingerprint"] == noisy.fingerprint
    json.dumps([c.as_dict() for c in comparisons], allow_nan=False)
