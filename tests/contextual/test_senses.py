"""Senses: uses are found where they stand, clusters are those of the vectors, silhouettes those of a plain twin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianru.cli.app import run
from qianru.contextual import load_encoder
from qianru.contextual.senses import _typical, find_senses, find_uses, for_senses
from qianru.errors import ArgumentError, CorpusError
from qianru.sample import sample_lines
from qianru.vectors import Encoded, StaticEncoder, Vectors
from qianru.vectors.clusters import k_means, mean_silhouette, merged, silhouettes

FRUIT = "she ate a ripe apple number {} from the tree"
FIRM = "the company Apple sold phone {} in its store"


class ByNeighbour:
    """An encoder that knows two senses: by a word of the sentence, with a little noise."""

    dim = 4
    fingerprint = "by hand"

    def encode(self, texts: Sequence[str], *, progress: object = None) -> Encoded:
        raise NotImplementedError

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[tuple[int, int]], *, progress: object = None
    ) -> Encoded:
        rng = np.random.default_rng(len(texts))
        for text, (start, end) in zip(texts, spans, strict=True):
            assert text[start:end].lower() in ("apple", "苹果")
        middle = np.array([[1, 0, 1, 0] if "company" in text else [0, 1, 1, 0] for text in texts])
        vectors = (middle + 0.1 * rng.standard_normal(middle.shape)).astype(np.float32)
        ones = np.ones(len(texts), dtype=np.int64)
        return Encoded(vectors, ones, ones * 0)


def texts() -> list[str]:
    return [FRUIT.format(i) for i in range(20)] + [FIRM.format(i) for i in range(30)]


def test_two_senses_are_found_with_what_is_typical_of_them() -> None:
    found = find_senses(ByNeighbour(), "apple", texts())
    assert found.n_found == len(found.uses) == 50
    assert len(found.senses) == 2
    assert [sense.share for sense in found.senses] == [0.6, 0.4]
    firm, fruit = found.senses
    assert {word for word, _ in firm.typical} >= {"company", "phone", "store"}
    assert {word for word, _ in fruit.typical} >= {"ripe", "ate", "tree"}
    assert all("company" in use.text for use in firm.examples)
    assert len(fruit.examples) == 3
    assert found.silhouette == found.tried[2] == max(found.tried.values()) > found.by_chance > 0
    assert set(found.tried) <= {2, 3, 4, 5, 6}
    assert sorted([*firm.members, *fruit.members]) == list(range(50))
    assert not found.notes
    assert len(find_senses(ByNeighbour(), "apple", texts(), n_senses=3).senses) == 3
    one = find_senses(ByNeighbour(), "apple", texts(), n_senses=1)
    assert [(sense.share, sense.typical) for sense in one.senses] == [(1.0, ())]
    assert "one sense was asked for" in one.notes[0]


def test_one_cloud_is_said_to_be_one() -> None:
    class Cloud(ByNeighbour):
        def encode_spans(self, texts, spans, *, progress=None):
            made = np.random.default_rng(1).standard_normal((len(texts), 50)).astype(np.float32)
            return Encoded(made, np.ones(len(texts), np.int64), np.zeros(len(texts), np.int64))

    found = find_senses(Cloud(), "apple", texts())
    assert "perhaps one sense only" in found.notes[0]
    assert found.silhouette < 1.5 * found.by_chance

    class Same(ByNeighbour):
        def encode_spans(self, texts, spans, *, progress=None):
            return Encoded(np.ones((len(texts), 3), np.float32), *[np.ones(len(texts), np.int64)] * 2)

    with pytest.raises(CorpusError, match="same vector"):
        find_senses(Same(), "apple", texts())


class Bank(ByNeighbour):
    """One sense in 25 uses is a river's; the other's uses lie along three broad topics that run into one another."""

    def encode_spans(self, texts, spans, *, progress=None):
        rng = np.random.default_rng(5)
        vectors = rng.standard_normal((len(texts), 40))
        topics = 2.5 * rng.standard_normal((3, 40))
        for i, text in enumerate(texts):
            vectors[i] += 6.0 * np.eye(40)[0] if "river" in text else rng.dirichlet(np.ones(3)) @ topics
            vectors[i] += 20  # what all have in common
        ones = np.ones(len(texts), dtype=np.int64)
        return Encoded(vectors.astype(np.float32), ones, ones * 0)


def test_a_rare_sense_is_set_apart() -> None:
    uses = [f"the bank number {i} lends" if i % 25 else f"the bank of river {i}" for i in range(500)]
    found = find_senses(Bank(), "bank", uses)
    rare = next(sense for sense in found.senses if "river" in sense.examples[0].text)
    assert {found.uses[i].text for i in rare.members} == {use for use in uses if "river" in use}
    assert rare.share == 0.04
    assert {word for word, _ in rare.typical[:2]} == {"river", "of"}
    assert found.silhouette > found.by_chance
    # What k-means takes apart by itself, for the number with the largest silhouette, is the frequent sense.
    points = found.vectors.astype(np.float64)
    points -= points.mean(axis=0)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    halves = k_means(points, 2, n_starts=4, seed=1)
    assert np.bincount(halves).min() > 100


def test_clusters_are_merged_as_in_a_loop() -> None:
    rng = np.random.default_rng(2)
    points, fine = rng.standard_normal((60, 3)), rng.integers(0, 8, 60)
    fine[:3] = 9
    for least in (1, 6):
        found = merged(points, fine, least=least)
        groups = [np.flatnonzero(fine == name).tolist() for name in sorted(set(fine.tolist()))]
        while True:
            made = found[len(groups)]
            assert sorted(np.flatnonzero(made == k).tolist() for k in set(made.tolist())) == sorted(groups)
            if len(groups) == 1:
                break
            small = [group for group in groups if len(group) < least]
            pairs = [
                (float(((points[a].mean(axis=0) - points[b].mean(axis=0)) ** 2).sum()), a, b)
                for i, a in enumerate(groups)
                for b in groups[i + 1 :]
                if not small or a in small or b in small
            ]
            _, a, b = min(pairs)
            groups = [group for group in groups if group not in (a, b)] + [sorted(a + b)]
    values = silhouettes(points, fine)
    means = [values[fine == name].mean() for name in set(fine.tolist())]
    assert mean_silhouette(values, fine) == pytest.approx(np.mean(means))


def test_uses_that_do_not_differ_are_fewer_senses_than_asked_for() -> None:
    class TwoVectors(ByNeighbour):
        def encode_spans(self, texts, spans, *, progress=None):
            made = np.array([[1, 0] if "company" in text else [0, 1] for text in texts], dtype=np.float32)
            return Encoded(made, np.ones(len(texts), np.int64), np.zeros(len(texts), np.int64))

    found = find_senses(TwoVectors(), "apple", texts(), n_senses=4)
    assert [sense.share for sense in found.senses] == [0.6, 0.4]
    assert found.notes == ("2 senses instead of 4: no more uses differ",)


def test_uses_are_whole_words_in_their_sentences() -> None:
    text = "Pineapples rot. An Apple, (apple) snapple! apple_pie apple2 the apple"
    uses, n_found = find_uses("apple", [text, text], n_uses=100)
    assert n_found == len(uses) == 3
    assert [use.text for use in uses] == ["An Apple, (apple) snapple!"] * 2 + ["apple_pie apple2 the apple"]
    assert [use.text[use.start : use.end] for use in uses] == ["Apple", "apple", "apple"]
    chinese = ["我在银行工作。这一行很难！他行走。", "行"]
    places, n_places = find_uses("行", chinese, n_uses=100)
    assert n_places == 4
    assert {use.text for use in places} == {"我在银行工作。", "这一行很难！", "他行走。", "行"}
    # A full stop inside of a word or a number ends no sentence; one before a space does.
    for word, text, expected in (
        ("NET", "I use ASP.NET daily. Other.", "I use ASP.NET daily."),
        ("5", "It costs 3.5 euros", "It costs 3.5 euros"),
        ("NET", "I use it. NET is new", "NET is new"),
    ):
        assert [use.text for use in find_uses(word, [text], n_uses=9)[0]] == [expected]
    whole, _ = find_uses("银行", chinese, n_uses=100, whole_words=True)
    assert [use.text for use in whole] == ["我在银行工作。"]
    assert len(find_uses("行", chinese, n_uses=100, whole_words=True)[0]) < 4


@given(
    st.lists(st.text("苹果 apple.。!\n", max_size=50), max_size=10),
    st.sampled_from(["apple", "苹果", "果", "a.p"]),
)
def test_a_use_is_where_the_word_stands(given_texts: list[str], word: str) -> None:
    uses, n_found = find_uses(word, given_texts, n_uses=5)
    assert len(uses) == min(5, n_found)
    for use in uses:
        assert use.text[use.start : use.end].lower() == word.lower()
        assert any(use.text in text for text in given_texts)
        assert use.text == use.text.strip()


def test_uses_are_drawn_evenly() -> None:
    first = [
        int(use.text.split()[1])
        for seed in range(40)
        for use in find_uses("apple", (f"apple {i}" for i in range(200)), n_uses=10, seed=seed)[0]
    ]
    assert len(first) == 400
    assert abs(np.mean(first) - 99.5) < 12


def test_silhouettes_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(3)
    points = rng.standard_normal((25, 4))
    clusters = np.array([0] * 12 + [1] * 8 + [2] * 4 + [7])
    expected = []
    for i, point in enumerate(points):
        distances = ((points - point) ** 2).sum(axis=1)
        same = [j for j in range(25) if clusters[j] == clusters[i] and j != i]
        if not same:
            expected.append(0.0)
            continue
        a = distances[same].mean()
        b = min(distances[clusters == other].mean() for other in set(clusters) - {clusters[i]})
        expected.append((b - a) / max(a, b))
    np.testing.assert_allclose(silhouettes(points, clusters), expected, atol=1e-9)
    assert not silhouettes(points, np.zeros(25, np.int64)).any()


def test_uses_without_other_words_have_none_typical() -> None:
    assert _typical([set()] * 5 + [{"a"}, {"b"}] * 3, np.array([True] * 5 + [False] * 6), 5) == []
    assert _typical([{"money"}] * 11, np.array([True] * 5 + [False] * 6), 5) == []


@pytest.mark.filterwarnings("error")
def test_a_word_that_a_static_model_lacks_is_said_to_have_no_vector() -> None:
    static = StaticEncoder.from_vectors(Vectors(["bank", "river"], np.eye(2, dtype=np.float32)))
    with pytest.raises(CorpusError, match="has the same vector, or none"):
        find_senses(static, "apple", texts())


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(CorpusError, match="stands in 3 different sentences"):
        find_senses(ByNeighbour(), "apple", texts()[:3])
    wrong = {"n_uses": 3, "max_senses": 1, "n_senses": 0, "n_examples": -1, "n_typical": -1, "seed": -1}
    for name, value in wrong.items():
        with pytest.raises(ArgumentError, match=f"^{name} must be at least .*, got {value}$"):
            find_senses(ByNeighbour(), "apple", texts(), **{name: value})
    with pytest.raises(ArgumentError):
        find_senses(ByNeighbour(), " ", texts())


@pytest.mark.parametrize("kind", ["bert", "gpt"])
def test_chinese_words_by_any_tokenizer(
    train, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """WordPiece cuts words into characters; byte-level BPE cuts inside of them and joins them to their neighbours."""
    model = train(kind, steps=1).path
    corpus = tmp_path / "text.txt"
    before = [line[:4] for line in sample_lines("zh", n_bytes=20_000)]
    lines = [
        f"{before[i]}吃了苹果，很甜。\n{before[i]}苹果公司发布了手机。\n{before[i]}银行很大，一行人{i}走过。"
        for i in range(24)
    ]
    corpus.write_text("\n".join(lines), encoding="utf-8")
    for word, n_found in (("苹果", 48), ("银行", 24), ("行", 48)):
        assert run(["senses", str(model), word, str(corpus), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (
            n_found / 2 < told["n_uses"] == told["n_found"] <= n_found
        )  # sentences that are equal count once
        assert sum(sense["share"] for sense in told["senses"]) == pytest.approx(1)
        for sense in told["senses"]:
            for use in sense["examples"]:
                assert use["text"][use["start"] : use["end"]] == word


def test_for_senses_several_layers_are_taken(make, train) -> None:
    encoder = load_encoder(make())
    assert for_senses(encoder).settings["layers"] == {"1": 1 / 3, "2": 1 / 3, "3": 1 / 3}
    by_hand = ByNeighbour()
    assert for_senses(by_hand) is by_hand
    assert for_senses(encoder).fingerprint != encoder.fingerprint
    assert for_senses(encoder).weights_fingerprint == encoder.weights_fingerprint
    assert (
        find_senses(for_senses(encoder), "apple", texts()).weights_fingerprint == encoder.weights_fingerprint
    )


def test_on_the_command_line(make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, corpus = make(), tmp_path / "text.txt"
    corpus.write_text("\n".join(texts()), encoding="utf-8")
    arguments = ["senses", str(folder), "apple", str(corpus), "--senses", "2"]
    assert run([*arguments, "--examples", "1"]) == 0
    ran = capsys.readouterr()
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert [row[0] for row in rows] == ["1", "2", "1", "2"]
    assert "[apple]" in rows[2][2] + rows[3][2] or "[Apple]" in rows[2][2]
    assert "50 uses found, 50 looked at" in ran.err
    assert run([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum(sense["share"] for sense in told["senses"]) == pytest.approx(1)
    assert run(["senses", str(folder), "zebra", str(corpus)]) == 2
    assert "zebra" in capsys.readouterr().err
