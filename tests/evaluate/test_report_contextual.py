"""Contextual models on the page: facts and curves from their folder, the tests that they can do, and what is said to be missing."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError, FormatError
from qianru.evaluate import (
    RecordedSense,
    RecordedSenses,
    SentencePairs,
    WordInContext,
    WordPairs,
    compare,
    evaluate_encoder,
    sentence_similarity,
    write_report,
)
from qianru.sample import sample_lines
from qianru.static import train_fasttext
from qianru.text import Corpus
from qianru.vectors import Encoded, StaticEncoder, SubwordVectors, Vectors
from qianru.vectors.other_folders import is_contextual_folder, read_encoder_folder
from qianru.vectors.safetensors_file import write_header

SPEC = importlib.util.spec_from_file_location("page", Path(__file__).with_name("test_report.py"))
page_tests = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(page_tests)
checked = page_tests.checked

PAIRS = SentencePairs(
    "sts",
    tuple((f"the animal{n} near fruit1", f"fruit{n % 3} and animal1") for n in range(8)),
    (5.0, 4.0, 3.0, 2.0, 1.0, 2.5, 0.5, 0.1),
)
USES = WordInContext(
    "uses", tuple(("cat", f"a cat sat {n}", f"my cat ran {n}", 2, 5, 3, 6, n % 2 == 0) for n in range(12))
)
WORDS = WordPairs("words", (("animal1", "animal2"), ("animal1", "fruit2"), ("city1", "fruit3")), (3, 1, 2))


class Letters:
    """A vector of how often each letter occurs, with a little noise for each text."""

    dim = 26

    def __init__(self, name: str = "letters") -> None:
        self.fingerprint = hashlib.sha256(name.encode()).hexdigest()
        self.settings = {"pooling": "mean", "max_tokens": 77}

    def encode(self, texts: Sequence[str], *, progress: object = None) -> Encoded:
        counts = [[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts]
        rng = np.random.default_rng(int(self.fingerprint[:8], 16))
        made = np.array(counts, np.float32).reshape(-1, 26) + rng.random((len(texts), 26), np.float32)
        n_tokens = np.array([len(text.split()) for text in texts], dtype=np.int64)
        return Encoded(made, n_tokens, n_tokens * 0)

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[tuple[int, int]], *, progress: object = None
    ) -> Encoded:
        return self.encode([text[:end] for text, (_, end) in zip(texts, spans, strict=True)])


HELD_OUT = [
    {
        "step": n,
        "tokens": 100 * n,
        "loss": 9.0 / n,
        "train_loss": 9.5 / n,
        "perplexity": 8.0,
        "accuracy": 0.25,
    }
    for n in (1, 2, 3)
]


def folder_of(path: Path, *, ours: bool = True, provenance: dict[str, object] | None = None) -> Path:
    """A folder of BERT as `train_bert` writes it, or without qianru.json: as others do."""
    path.mkdir()
    tensors = {"a": np.ones((5, 3), "<f4"), "seen": np.arange(3, dtype="<u8")}
    with (path / "model.safetensors").open("wb") as out:
        write_header(out, {name: (one.dtype, one.shape) for name, one in tensors.items()}, {})
        for one in tensors.values():
            out.write(one.tobytes())
    config = {"model_type": "bert", "num_hidden_layers": 7, "num_attention_heads": 11, "vocab_size": 4321}
    (path / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 66}), encoding="utf-8")
    told = {
        "format": "qianru model folder",
        "format_version": 1,
        "kind": "bert",
        "n_tokens": 1234,
        "dim": 26,
        "fingerprint": "abc",
        "provenance": provenance
        or {
            "model": "bert",
            "batch_size": 32,
            "length": 64,
            "steps": 3,
            "steps_done": 3,
            "epochs": 2.5,
            "seed": 17,
            "processes": 1,
            "corpus": {"fingerprint": "feed" * 16, "n_tokens": 987654},
            "held_out": HELD_OUT,
        },
    }
    if ours:
        (path / "qianru.json").write_text(json.dumps(told), encoding="utf-8")
    return path


def made(folder: Path, models: dict[str, object], **options: object) -> tuple[str, str, dict[str, object]]:
    """The page, its text in one line, and what was returned."""
    path = folder / "report.html"
    told = write_report(models, path, n_bootstrap=100, force=True, **options)
    page = path.read_text(encoding="utf-8")
    return page, " ".join(" ".join(checked(page).text).split()), told


def test_a_contextual_model_alone(tmp_path: Path) -> None:
    encoder = Letters()
    sense = RecordedSense(1.0, ("money",), ())
    page, text, told = made(
        tmp_path,
        {"mine": encoder},
        datasets=[WORDS, PAIRS, USES],
        words=["bank", "苹果"],
        senses=[RecordedSenses("bank", 12, 0.2, (sense,), encoder.fingerprint)],
        places={"mine": folder_of(tmp_path / "mine")},
        texts=["one text", "and another"],
    )
    for fact in (
        "1,234",
        "7",
        "11",
        "77",
        "15",
        "987,654",
        "2.5",
        "3 of 3",
        "32 sequences of 64",
        "17",
        "feedfeed",
    ):
        assert re.search(rf"<td>(?:<\w+[^>]*>)*{re.escape(fact)}", page), fact
    assert "config.num_attention_heads" in text
    assert "encoder.pooling" in text
    assert "held_out" not in text
    # The last look, in numbers.
    assert all(shown in text for shown in ("3.000 3.167 8.0 25.0%", "The last look at what was held out"))
    assert page.count('class="line g0 dashed"') == 2
    assert page.count('class="line g0"') == 2
    expected = evaluate_encoder(Letters(), [PAIRS, USES], n_bootstrap=100)
    assert told["models"] == [{"name": "mine", **expected.as_dict()}]
    for result in expected.results:
        for score in result.scores:
            assert f"{score.value:.3f}".replace("-", "−") in text
            assert f"{score.low:.3f}".replace("-", "−") in text
    for key in ("glance", "how", "tests", "coverage", "senses", "speed", "settings", "missing", "policies"):
        assert f'<section id="{key}"' in page, key
    for key in ("neighbours", "map", "analogies", "compared", "fertility"):
        assert f'<section id="{key}"' not in page, key
    assert "by mine" in text
    # The same model opened with other layers told these.
    encoder.weights_fingerprint = "w" * 64
    other = RecordedSenses("bank", 12, 0.2, (sense,), "f" * 64, "w" * 64, 0.3, ("perhaps one sense only",))
    page_of_other, text_of_other, _ = made(
        tmp_path, {"mine": encoder}, datasets=[PAIRS], words=["bank"], senses=[other]
    )
    assert "by mine" in text_of_other
    assert "by another model" not in text_of_other
    assert "0.300 in a cloud without groups" in text_of_other
    assert "perhaps one sense only" in text_of_other
    lacking = page_of_other[page_of_other.index('<section id="missing"') :]
    assert "<bdi>bank</bdi>" not in lacking
    assert "2 texts at once" in text
    lacking = page[page.index('<section id="missing"') : page.index('<section id="policies"')]
    assert "a contextual model gives a word a vector only where it stands in a text" in lacking
    assert "<bdi>苹果</bdi>" in lacking
    assert "<bdi>bank</bdi>" not in lacking
    assert "no text was given to count tokens on" in lacking
    assert "Tests on texts take them as they are" in text
    assert "Case of the tests’ words" not in text
    assert "As one-hot matrix" not in text


def test_side_by_side_with_a_static_model(tmp_path: Path, vectors: Vectors) -> None:
    one = Letters()
    uses = WordInContext(
        "uses", tuple(("animal1", f"animal1 {n}", "animal1", 0, 7, 0, 7, n > 5) for n in range(12))
    )
    page, text, told = made(
        tmp_path, {"letters": one, "words": vectors}, datasets=[WORDS, PAIRS, uses], words=["animal1"]
    )
    tests = [[result["test"] for result in model["results"]] for model in told["models"]]
    assert tests[0] == ["sentence similarity", "words in context"]
    assert tests[1] == ["similarity", "sentence similarity", "words in context", "geometry"]
    mine = sentence_similarity(Letters(), PAIRS, n_bootstrap=100)
    yours = sentence_similarity(StaticEncoder.from_vectors(vectors), PAIRS, n_bootstrap=100)
    expected = compare(mine, yours, n_bootstrap=100)
    (found,) = [entry for entry in told["comparisons"] if entry["test"] == "sentence similarity"]
    assert (found["value_a"], found["value_b"], found["p"]) == (expected.a, expected.b, expected.p)
    assert told["stability"] == []
    assert {entry["test"] for entry in told["comparisons"]} == {"sentence similarity"}
    assert "Words in context are not compared" in text
    for key in ("neighbours", "map", "compared", "missing"):
        assert f'<section id="{key}"' in page, key
    # Marks and colours are those of the model's column.
    assert page.count("<tbody>") == page.count("</tbody>")
    assert "texts/s" in text
    assert "words/s" in text
    assert "No losses are recorded in: letters, words." in text
    assert "where it lies was not told" in text


def test_curves_stand_together_only_where_they_measure_the_same(tmp_path: Path) -> None:
    told: dict[str, object] = {"model": "bert", "corpus": {"fingerprint": "x"}, "mask_share": 0.15}
    places = {
        "a": folder_of(tmp_path / "a", provenance={**told, "held_out": HELD_OUT}),
        "b": folder_of(tmp_path / "b", provenance={**told, "held_out": HELD_OUT[:2]}),
        "c": folder_of(tmp_path / "c", provenance={**told, "mask_share": 0.3, "held_out": HELD_OUT}),
        "d": folder_of(tmp_path / "d", provenance={**told, "held_out": [{"step": 1}]}),
    }
    page, text, _ = made(tmp_path, {name: Letters(name) for name in places}, datasets=(), places=places)
    charts = re.findall(r"<figure>.*?</figure>", page)
    assert [sorted(set(re.findall(r'class="line (g\d)"', one))) for one in charts] == [["g0", "g1"], ["g2"]]
    assert "No losses are recorded in: d." in text
    assert "compare them within one chart only" in text


def test_a_folder_of_transformers_and_one_that_says_nothing(tmp_path: Path) -> None:
    theirs = folder_of(tmp_path / "theirs", ours=False)
    page, text, told = made(
        tmp_path, {"theirs": Letters("a"), "bare": Letters("b")}, datasets=[WORDS], places={"theirs": theirs}
    )
    assert re.search(r"<td>4,321</td>", page)
    assert "not recorded" in text
    assert told["models"][0]["results"] == []
    assert "no test set that suits it was given" in text
    assert "theirs, bare" in text


def test_no_name_in_a_folder_is_taken_for_markup(tmp_path: Path) -> None:
    hostile = page_tests.HOSTILE
    provenance = {
        "model": hostile[0],
        "batch_size": hostile[1],
        "length": [hostile[0]],
        "steps": {"<i>": 1},
        "steps_done": hostile[2],
        "epochs": hostile[0],
        "corpus": {"fingerprint": hostile[0], "n_tokens": hostile[1]},
        "held_out": HELD_OUT,
        hostile[3]: {hostile[4]: hostile[5]},
    }
    place = folder_of(tmp_path / "m", provenance=provenance)
    (place / "config.json").write_text(json.dumps({"n_layer": hostile[0], "n_head": {}, "vocab_size": []}))
    encoder = Letters()
    encoder.settings = {hostile[0]: hostile[1]}
    for language in ("en", "zh"):
        made(
            tmp_path, {hostile[0]: encoder}, datasets=[PAIRS], places={hostile[0]: place}, language=language,
            words=hostile, texts=hostile,
        )  # fmt: skip


def test_words_of_n_grams_are_answered_by_them(tmp_path: Path) -> None:
    model = train_fasttext(
        Corpus(list(sample_lines("en", n_bytes=60_000))), dim=8, epochs=1, threads=1, min_count=5
    )
    assert isinstance(model, SubwordVectors)
    model.save(tmp_path / "model")
    unseen = SentencePairs(
        "unseen", tuple((f"tigerish{n}", "tigers" if n % 2 else "kingly") for n in range(6)), tuple(range(6))
    )
    assert not any(word in model.vectors for pair in unseen.pairs for word in (pair[0], "kingly"))
    expected = sentence_similarity(StaticEncoder.load(tmp_path / "model"), unseen, n_bootstrap=100)
    assert expected.n_known == 6
    near = model.similar("tigerish1", 3)
    for models, places in (
        ({"m": Vectors.load(tmp_path / "model")}, {"m": tmp_path / "model"}),
        ({"m": model}, {}),
    ):
        _, text, told = made(
            tmp_path, models, datasets=[unseen], words=["tigerish1", "tiger"], k=3, places=places
        )
        result = told["models"][0]["results"][0]
        assert result["scores"] == [one.as_dict() for one in expected.scores]
        assert result["n_known"] == 6
        assert "by its n-grams" in text
        assert "not in the vocabulary" not in text
        shown = " ".join(f"{one.word} {one.score:.3f}" for one in near)
        assert shown in text.replace("−", "-")


def test_which_folders_are_contextual(tmp_path: Path, vectors: Vectors) -> None:
    vectors.save(tmp_path / "static")
    ours, theirs = folder_of(tmp_path / "ours"), folder_of(tmp_path / "theirs", ours=False)
    (tmp_path / "elmo").mkdir()
    (tmp_path / "elmo" / "options.json").write_text("{}")
    for path, expected in (
        (ours, True), (theirs, True), (tmp_path / "elmo", True), (tmp_path / "static", False), (tmp_path, False),
        (tmp_path / "missing", False), (ours / "config.json", False),
    ):  # fmt: skip
        assert is_contextual_folder(path) is expected, path
    found = read_encoder_folder(ours)
    assert (found.kind, found.n_parameters, found.facts["config"]["num_hidden_layers"]) == ("bert", 15, 7)
    found = read_encoder_folder(theirs)
    assert (found.kind, found.n_parameters, list(found.facts)) == ("bert", 15, ["config"])
    assert read_encoder_folder(tmp_path) is None
    # The module of sentence-transformers may lie in a folder of its own, but never outside.
    (tmp_path / "st").mkdir()
    theirs.rename(tmp_path / "st" / "0_Transformer")
    for place, fits in (("0_Transformer", True), ("../ours", False), (7, False), (str(ours), False)):
        (tmp_path / "st" / "modules.json").write_text(json.dumps([{"path": place, "type": "x.Transformer"}]))
        if fits:
            assert read_encoder_folder(tmp_path / "st").n_parameters == 15
            assert is_contextual_folder(tmp_path / "st")
        else:
            with pytest.raises(FormatError, match="no place in the folder"):
                read_encoder_folder(tmp_path / "st")


def test_damaged_folders_are_one_error_before_the_page_is_written(tmp_path: Path) -> None:
    place = folder_of(tmp_path / "m")
    for name in ("qianru.json", "config.json", "model.safetensors"):
        data = (place / name).read_bytes()
        for cut in (0, 7, len(data) - 3):
            (place / name).write_bytes(data[:cut])
            with pytest.raises(FormatError):
                write_report({"m": Letters()}, tmp_path / "r.html", datasets=(), places={"m": place})
            assert not (tmp_path / "r.html").exists()
        rng = np.random.default_rng(1)
        for at in rng.integers(0, len(data), 80).tolist():
            flipped = bytearray(data)
            flipped[at] ^= 1 << int(rng.integers(8))
            (place / name).write_bytes(bytes(flipped))
            with contextlib.suppress(FormatError):
                read_encoder_folder(place)
        (place / name).write_bytes(data)
    huge = f'{{"a":{{"dtype":"F32","shape":[1{"0" * 400}],"data_offsets":[0,4]}}}}'.encode()
    (place / "model.safetensors").write_bytes(len(huge).to_bytes(8, "little") + huge + bytes(4))
    with pytest.raises(FormatError, match="no room for shape"):
        read_encoder_folder(place)


def test_nothing_that_can_be_tested_is_an_error(tmp_path: Path) -> None:
    empty = SentencePairs("e", (("", " "), (" ", "")), (1.0, 2.0))
    with pytest.raises(ArgumentError, match="model m: no dataset can be used"):
        write_report({"m": Letters()}, tmp_path / "r.html", datasets=[empty])
