"""fastText's files go both ways between qianru, gensim and the original program, with equal vectors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from qianru.static import Classifier
from qianru.vectors import SubwordRule, SubwordVectors, load

gensim = pytest.importorskip("gensim.models.fasttext")

DATA = Path(os.environ.get("QIANRU_DATA", "../shared/data")) / "models" / "fasttext"
WORDS = ["the", "where", "naïve", "北京", "𠮷野家", *(f"word{i}" for i in range(50))]
UNKNOWN = ["there", "北京大学", "wordy", "𠮷", "ñandú"]


@pytest.fixture(scope="module")
def model() -> SubwordVectors:
    rng = np.random.default_rng(11)
    return SubwordVectors(
        WORDS,
        rng.standard_normal((len(WORDS), 12)).astype(np.float32),
        rng.standard_normal((40, 12)).astype(np.float32),
        rule=SubwordRule(min_n=2, max_n=5, n_buckets=300),
        buckets=rng.permutation(300)[:40].astype(np.uint32),
        counts=list(range(len(WORDS), 0, -1)),
    )


def test_gensim_opens_ours(tmp_path: Path, model: SubwordVectors) -> None:
    model.export(tmp_path / "m.bin")
    opened = gensim.load_facebook_vectors(str(tmp_path / "m.bin"))
    assert opened.index_to_key == WORDS
    for word in WORDS + UNKNOWN:
        np.testing.assert_allclose(opened[word], model.lookup(word).vector, atol=1e-6)


def test_we_open_gensims(tmp_path: Path) -> None:
    lines = [[f"w{i % 17}", f"w{i % 5}", f"字{i % 7}"] for i in range(400)]
    theirs = gensim.FastText(lines, vector_size=8, min_count=1, bucket=200, epochs=1, workers=1)
    gensim.save_facebook_model(theirs, str(tmp_path / "m.bin"))
    ours = SubwordVectors.load(tmp_path / "m.bin")
    for word in [*theirs.wv.index_to_key, "w99", "汉字"]:
        np.testing.assert_allclose(ours.lookup(word).vector, theirs.wv[word], atol=1e-6)


def original():
    module = pytest.importorskip("fasttext", reason="needs the original: pip install fasttext-numpy2")
    module.FastText.eprint = lambda text: None
    return module


@pytest.mark.slow
def test_the_original_opens_ours(tmp_path: Path, model: SubwordVectors) -> None:
    model.export(tmp_path / "m.bin")
    opened = original().load_model(str(tmp_path / "m.bin"))
    assert opened.get_words() == WORDS
    for word in WORDS + UNKNOWN:
        np.testing.assert_array_equal(opened.get_word_vector(word), model.lookup(word).vector)


@pytest.mark.slow
def test_we_open_the_originals(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("\n".join(f"the cat {i % 9} sat 北京 大学{i % 4}" for i in range(500)))
    theirs = original().train_unsupervised(
        str(tmp_path / "text"), dim=10, bucket=500, minCount=1, epoch=1, thread=1, verbose=0
    )
    theirs.save_model(str(tmp_path / "m.bin"))
    ours = SubwordVectors.load(tmp_path / "m.bin")
    for word in [*theirs.get_words(), "cats", "北京大学", "x"]:
        np.testing.assert_array_equal(ours.lookup(word).vector, theirs.get_word_vector(word))
    for word in ["cat", "大学1", "sat"]:
        assert ours.rule.of(word).tolist() == [
            row - len(theirs.get_words()) for row in theirs.get_subwords(word)[1][1:]
        ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["crime-and-punishment.bin", "lee_fasttext_new.bin", "pang_lee_polarity_fasttext.bin", "lid.176.ftz"],
)
def test_real_files(name: str) -> None:
    if not DATA.is_dir():
        pytest.skip(f"no {DATA}")
    theirs = original().load_model(str(DATA / name))
    ours = load(DATA / name, errors="replace")
    words = [word for word in ours.keys if "\ufffd" not in word]
    assert len(words) > 0.99 * len(ours)
    for word in words:
        np.testing.assert_array_equal(ours[word], theirs.get_word_vector(word))


# What gensim refuses to open: it has no supervised models.
SUPERVISED = {"pang_lee_polarity_fasttext.bin"}


@pytest.mark.slow
def test_every_real_file_reads_as_in_gensim() -> None:
    if not DATA.is_dir():
        pytest.skip(f"no {DATA}")
    paths = sorted(path for path in DATA.glob("*.bin") if path.name not in SUPERVISED)
    assert len(paths) >= 5
    for path in paths:
        theirs = gensim.load_facebook_model(
            str(path), encoding="cp852" if "cp852" in path.name else "utf-8"
        ).wv
        ours = SubwordVectors.load(path, errors="replace")
        # gensim gives the end of line the n-grams that fastText says it has not.
        words = [word for word in ours.vectors.keys if "\ufffd" not in word and word != "</s>"]
        # cp852 is not UTF-8: most words of that file are readable only to those who know.
        assert len(words) > (0.5 if "cp852" in path.name else 0.95) * len(theirs.index_to_key)
        for word in words:
            np.testing.assert_allclose(ours[word], theirs[word], atol=1e-6, err_msg=f"{path.name}: {word}")
        if theirs.bucket:
            for word in UNKNOWN:
                answer = ours.lookup(word)
                assert answer.source in ("known", "subwords")
                np.testing.assert_allclose(answer.vector, theirs[word], atol=1e-6, err_msg=path.name)


SENTENCES = {
    "en": (
        "The library opens at nine and closes when the last reader goes home.",
        "We walked along the river until the rain stopped.",
        "Nobody could explain why the old clock had started again.",
    ),
    "zh": (
        "图书馆早上九点开门，晚上十点关门。",
        "雨停了以后，我们沿着河边慢慢走回家。",
        "谁也说不清那座旧钟为什么又走了起来。",
    ),
    "fr": (
        "La bibliothèque ouvre à neuf heures et ferme tard le soir.",
        "Nous avons marché le long de la rivière jusqu'à la fin de la pluie.",
        "Personne ne savait pourquoi la vieille horloge s'était remise en marche.",
    ),
    "de": (
        "Die Bibliothek öffnet um neun Uhr und schließt erst spät am Abend.",
        "Wir gingen am Fluss entlang, bis der Regen aufhörte.",
        "Niemand konnte erklären, warum die alte Uhr wieder lief.",
    ),
    "es": (
        "La biblioteca abre a las nueve y cierra cuando se va el último lector.",
        "Caminamos junto al río hasta que dejó de llover.",
    ),
    "ru": (
        "Библиотека открывается в девять часов и закрывается поздно вечером.",
        "Мы шли вдоль реки, пока не кончился дождь.",
    ),
    "ja": (
        "図書館は朝九時に開いて、夜十時に閉まります。",
        "雨がやむまで、私たちは川に沿って歩きました。",
    ),
    "ar": (
        "تفتح المكتبة أبوابها في الساعة التاسعة صباحا.",
        "مشينا على طول النهر حتى توقف المطر.",
    ),
}


@pytest.mark.slow
def test_languages_of_twenty_sentences() -> None:
    path = DATA / "lid.176.ftz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    model = Classifier.load(path)
    asked = [(text, language) for language, texts in SENTENCES.items() for text in texts]
    assert (len(asked), len(SENTENCES)) == (20, 8)
    found = model.predict([text for text, _ in asked])
    assert [best.label for (best,) in found] == [language for _, language in asked]
    assert model.evaluate(asked).accuracy == 1
