"""The page as a whole: what is on it, that nothing on it can be taken for markup, and that it needs nothing else."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError, OutputError
from qianru.evaluate import (
    Categories,
    Dataset,
    Questions,
    RecordedSense,
    RecordedSenses,
    RecordedUse,
    Space,
    Translations,
    Triples,
    WordPairs,
    compare,
    corrected,
    evaluate,
    similarity,
    write_report,
)
from qianru.evaluate import report as report_module
from qianru.evaluate.report_facts import default_words
from qianru.evaluate.report_subject import Measured
from qianru.progress import Progress
from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.tokens.report import report_tokens
from qianru.vectors import Vectors
from qianru.vectors.align import align

SPEC = importlib.util.spec_from_file_location("parts", Path(__file__).with_name("test_report_parts.py"))
parts = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(parts)

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</svg></table><h1>",
    "&lt;b&gt;",
    "' onload='x",
    "]]><!--",
    "a\u202eb",
    "$title",
    "{name}",
    "猫",
    "\x00\x1b[2J",
    "𓀀é",
    "javascript:alert(1)",
]


@pytest.fixture
def datasets(
    pairs: WordPairs, questions: Questions, triples: Triples, categories: Categories
) -> list[Dataset]:
    strange = WordPairs("strange", (("x", "y"), ("y", "z")), (1, 2))
    return [pairs, questions, triples, categories, strange]


def made(folder: Path, models: dict[str, Vectors], **options: object) -> tuple[str, dict[str, object]]:
    path = folder / "report.html"
    told = write_report(models, path, n_bootstrap=100, force=True, **options)
    return path.read_text(encoding="utf-8"), told


def checked(page: str) -> parts.Reader:
    """The page read: closed in order, with nothing that runs or loads, and with what a screen reader needs."""
    read = parts.Reader(page)
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for name, attributes in read.tags:
        assert name not in ("script", "img", "iframe", "object", "embed", "base", "form", "foreignobject"), (
            name
        )
        for key, value in attributes.items():
            assert not key.startswith("on"), (name, key)
            assert key not in ("src", "srcset", "xlink:href", "style", "action"), (name, key)
            if key == "href":
                assert value == "data:," or value[1:] in ids, value
            if key == "aria-labelledby":
                assert value in ids, value
            if key == "marker-end":
                assert value[5:-1] in ids, value
        if name == "svg" and not ({"at", "key"} & set((attributes.get("class") or "").split())):
            drawn = attributes.get("role") == "img" and "aria-labelledby" in attributes
            assert drawn or attributes.get("aria-hidden") == "true"
        if name == "th":
            assert attributes["scope"] in ("row", "col")
    assert "://" not in page
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", page.lower())
    assert page.count("<caption>") == page.count("<table")
    return read


def test_one_model_with_everything(tmp_path: Path, vectors: Vectors, datasets: list[Dataset]) -> None:
    known = vectors.with_matrix(vectors.to_numpy(), {"step": "nothing"})
    (tmp_path / "t.txt").write_text("animal1 fruit1 and x\n", encoding="utf-8")
    known.save(tmp_path / "model")
    tokens = {"m": report_tokens(Tokenizer.load(tmp_path / "model"), {"t": Corpus(tmp_path / "t.txt")})}
    first = RecordedSense(0.6, ("money",), (RecordedUse("the bank paid", 4, 8),))
    senses = [RecordedSenses("bank", 5, 0.3, (first, RecordedSense(0.4, (), ())), "f" * 64)]
    page, told = made(
        tmp_path,
        {"m": known},
        datasets=datasets,
        words=["animal1", "animal1s", "animl1"],
        tokens=tokens,
        senses=senses,
        places={"m": tmp_path / "model"},
    )
    read = checked(page)
    text = " ".join(read.text)
    for key in (
        "glance",
        "how",
        "tests",
        "coverage",
        "neighbours",
        "map",
        "analogies",
        "senses",
        "fertility",
        "speed",
    ):
        assert f'<section id="{key}"' in page, key
    assert '<section id="compared"' not in page
    report = evaluate(known, datasets, n_bootstrap=100)
    assert told["models"] == [{"name": "m", **report.as_dict()}]
    for result in report.results:
        for score in result.scores:
            if score.value is not None:
                assert f"{score.value:.3f}".replace("-", "−") in text, (result.test, score)
    for one in report.skipped:
        assert one.reason in text
    assert "not in the vocabulary" in text
    assert "<mark>bank</mark>" in page
    assert "by another model than those of this page" in text
    nearest = known.similar("animal1", k=1)[0]
    assert f"{nearest.score:.3f}" in text
    assert json.dumps(told, allow_nan=False)


def test_several_models_side_by_side(
    tmp_path: Path, vectors: Vectors, noisy: Vectors, datasets: list[Dataset], pairs: WordPairs
) -> None:
    blind = Vectors(list(vectors.keys), np.random.default_rng(5).standard_normal((72, 9)).astype(np.float32))
    models = {"good": vectors, "noisy": noisy, "blind": blind}
    page, told = made(tmp_path, models, datasets=datasets)
    checked(page)
    single = [
        compare(one, two, n_bootstrap=100)
        for other in (noisy, blind)
        for one, two in zip(
            evaluate(vectors, datasets, n_bootstrap=100).results,
            evaluate(other, datasets, n_bootstrap=100).results,
            strict=True,
        )
    ]
    expected = corrected([one for one in single if one is not None])
    assert [one["p_holm"] for one in told["comparisons"]] == [one.p_holm for one in expected]
    assert [one["verdict"] for one in told["comparisons"]] == [one.verdict for one in expected]
    assert {one["b"] for one in told["comparisons"]} == {"noisy", "blind"}
    assert "good is better" in page
    assert "no difference shown" in page
    assert [one["b"] for one in told["stability"]] == ["noisy", "blind"]
    first, second = (similarity(one, pairs, n_bootstrap=100).value for one in (vectors, blind))
    assert {f"{first:.3f}", f"{second:.3f}".replace("-", "−")} <= set(re.findall(r"−?\d\.\d{3}", page))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_word_is_taken_for_markup(tmp_path: Path, language: str) -> None:
    words = [*HOSTILE, *(f"<i>{n}" for n in range(30))]
    matrix = np.random.default_rng(1).standard_normal((len(words), 6)).astype(np.float32)
    provenance = {
        "kind": HOSTILE[0],
        HOSTILE[1]: HOSTILE[2],
        "corpus": {"fingerprint": HOSTILE[0], "n_bytes": "<b>"},
        "loss_per_epoch": [2.0, 1.5],
        "settings": {"epochs": HOSTILE[1], "seed": [HOSTILE[0]]},
        "steps": [{"step": HOSTILE[5]}],
    }
    hostile = Vectors(words, matrix, provenance=provenance)
    data: list[Dataset] = [
        WordPairs(HOSTILE[0], tuple((words[n], words[n + 1]) for n in range(8)), tuple(range(8))),
        Questions(
            HOSTILE[1],
            {HOSTILE[2]: tuple((words[n], words[n + 1], words[n + 2], words[n + 3]) for n in range(9))},
        ),
        Categories(HOSTILE[3], tuple((one, HOSTILE[n % 2]) for n, one in enumerate(words))),
        WordPairs(HOSTILE[2], (("no", "such"), ("word", "here")), (1, 2)),
    ]
    sense = RecordedSense(1, tuple(HOSTILE), tuple(RecordedUse(one, 0, 2) for one in HOSTILE))
    names = {HOSTILE[0]: hostile, HOSTILE[4]: hostile.normalise()}
    page, _ = made(
        tmp_path,
        names,
        datasets=data,
        words=[*words, "<b>unknown"],
        senses=[RecordedSenses(HOSTILE[1], 1, 0.1, (sense,), HOSTILE[2])],
        language=language,
    )
    read = checked(page)
    text = "".join(read.text)
    for one in HOSTILE:
        assert parts.clean(one) in text, one
    title = text[: text.index(":root")]
    assert parts.clean(HOSTILE[0]) in title
    assert re.findall(r"<html lang=\"([\w-]+)\"", page) == [{"en": "en", "zh": "zh-Hans"}[language]]
    checked_input = [a["id"] for name, a in read.tags if name == "input" and "checked" in a]
    assert checked_input == [f"show-{language}"]
    # Without categories the chosen words are mapped.
    page, _ = made(tmp_path, names, datasets=data[:2], words=words)
    checked(page)


def test_nothing_known_of_its_making_and_tiny_models(tmp_path: Path) -> None:
    page, told = made(tmp_path, {"m": Vectors(["a", "b"], np.eye(2, dtype=np.float32))}, datasets=())
    checked(page)
    assert "not recorded" in page
    assert "No test set was given" in page
    assert told["models"][0]["results"] == []
    # All vectors alike, or zero: no direction, nothing to divide by.
    for matrix in (np.ones((30, 4), np.float32), np.zeros((30, 4), np.float32)):
        words = [f"w{n}" for n in range(30)]
        data = [Categories("c", tuple((one, "xy"[n % 2]) for n, one in enumerate(words)))]
        checked(made(tmp_path, {"m": Vectors(words, matrix)}, datasets=data, words=["w1"])[0])


def test_the_packaged_sets_are_used_where_they_can_be(tmp_path: Path) -> None:
    pytest.importorskip("gensim")
    rng = np.random.default_rng(1)
    english = ["love", "sex", "tiger", "cat", "old", "new", "smart", "intelligent", "Athens", "Greece"]
    models = {
        "en": Vectors(english, rng.standard_normal((10, 5)).astype(np.float32)),
        "zh": Vectors(
            ["猫", "狗"] + [f"词{n}" for n in range(20)], rng.standard_normal((22, 5)).astype(np.float32)
        ),
    }
    page, told = made(tmp_path, models)
    checked(page)
    tests = [[one["test"] for one in model["results"]] for model in told["models"]]
    assert "similarity" in tests[0]
    assert tests[1] == ["geometry"]
    with pytest.raises(ArgumentError, match="model zh: no dataset can be used"):
        made(tmp_path, models, datasets=[WordPairs("w", (("love", "sex"), ("tiger", "cat")), (1, 2))])


def test_default_words_are_known_to_all(vectors: Vectors) -> None:
    part = vectors.subset([word for word in vectors if not word.endswith("s")])
    found = default_words([Space(vectors), Space(part)])
    assert found == []  # digits are in all of them
    words = [f"w{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(600)]
    known = Vectors(words, np.eye(600, 4, dtype=np.float32))
    found = default_words([Space(known), Space(known.subset(words[50:]))])
    assert len(set(found)) == 8
    rows = [known.index(word) for word in found]
    assert rows == sorted(rows)
    assert rows[0] >= 50


def test_the_same_again_but_for_times(
    tmp_path: Path, vectors: Vectors, datasets: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        report_module, "measure_space", lambda space, place: Measured(None, 1, None, 1.0, 2.0)
    )
    one, two = (made(tmp_path, {"m": vectors}, datasets=datasets)[0] for _ in range(2))
    assert one == two


def test_progress_and_interruption(tmp_path: Path, vectors: Vectors, pairs: WordPairs) -> None:
    told: list[Progress] = []
    made(tmp_path, {"m": vectors}, datasets=[pairs], progress=told.append)
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert (told[0].done, told[-1].done, told[0].stage) == (0, 1, "report")

    def stop(report: Progress) -> None:
        if report.done > 0:
            raise KeyboardInterrupt

    before = (tmp_path / "report.html").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, {"m": vectors}, datasets=[pairs], progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_bytes() == before


def test_what_cannot_be_done(tmp_path: Path, vectors: Vectors, noisy: Vectors) -> None:
    path = tmp_path / "r.html"
    strange = WordPairs("strange", (("x", "y"), ("y", "z")), (1, 2))
    nine = {str(n): vectors for n in range(9)}
    for models, options, message in (
        ({}, {}, "models must be 1 to 8, got 0"),
        (nine, {}, "models must be 1 to 8, got 9"),
        ({"m": vectors}, {"language": "fr"}, "language must be one of en, zh"),
        ({"m": vectors}, {"k": 0}, "k must be a whole number from 1 to 100"),
        ({"m": vectors}, {"k": True}, "k must be"),
        ({"m": vectors}, {"map": "umap"}, "map must be one of"),
        ({"m": vectors}, {"places": {"n": "x"}}, "places names 'n'"),
        ({"m": vectors}, {"n_bootstrap": 7}, "n_bootstrap must be"),
        ({"m": vectors}, {"datasets": [strange]}, "no dataset can be used"),
        ({"m": vectors, "n": Space(noisy, unknown="zero")}, {}, "unknown of 'n' differ"),
        ({"m": 3}, {}, "model must be Vectors or a Space, or an Encoder"),
    ):
        with pytest.raises(ArgumentError, match=message):
            write_report(models, path, **options)
        assert list(tmp_path.iterdir()) == [], message
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        write_report({"m": vectors}, path)
    assert path.read_text() == "mine"
    with pytest.raises(OutputError):
        write_report({"m": vectors}, tmp_path / "nowhere" / "r.html")


def test_a_target_of_another_space_is_refused(tmp_path: Path, vectors: Vectors, noisy: Vectors) -> None:
    words = [(word, word) for word in vectors]
    both = align(vectors, noisy, words[:40])
    data = [Translations("d", tuple(words))]
    page, _ = made(tmp_path, {"m": both.source}, datasets=data, target=both.target)
    assert "CSLS at 1" in page
    with pytest.raises(ArgumentError, match="was aligned to"):
        made(tmp_path, {"m": both.source}, datasets=data, target=vectors)
