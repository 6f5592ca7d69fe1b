"""Test sets in files: every format, how kinds are told, and what damaged files lead to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qianru.errors import ArgumentError, FormatError, QianruError
from qianru.evaluate import (
    Associations,
    Categories,
    Questions,
    Translations,
    Triples,
    WordInContext,
    WordPairs,
    find_datasets,
    packaged_datasets,
    read_dataset,
)
from qianru.evaluate import lines as module
from qianru.sample import write_sample

WIC = "word\tsentence1\tsentence2\tstart1\tstart2\tend1\tend2\tlabel\n"
SAMPLES = {
    "similarity": "# words and score\nword1\tword2\tmean\ncat\tdog\t7.5\nice cream\tcar\t1\textra\n\n猫 狗 8\r\n",
    "analogy": ": capitals\nAthens Greece Oslo Norway\n: gram1\ngood better bad worse\n",
    "triples": "cat dog car\n猫\t狗\t汽车\n",
    "categories": "cat animal\napple\tfruit\n",
    "dictionary": "cat 猫\nNew York\t纽约\n",
    "associations": ": one\nX: aster, tulip\nY ant flea\nA love\nB hate\n: two\nX a b\nY c d\nA e\nB f\n",
    "sentences": "a cat sat\ta dog sat\t2.5\n一个女孩\t一个男孩\t4\n",
    "context": WIC + "bank\tthe bank\tbank it\t4\t0\t8\t4\tF\n",
}


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_every_format(tmp_path: Path) -> None:
    found = {
        kind: read_dataset(write(tmp_path, f"{kind}.txt", text), kind=kind) for kind, text in SAMPLES.items()
    }
    assert found["similarity"] == WordPairs(
        "similarity", (("cat", "dog"), ("ice cream", "car"), ("猫", "狗")), (7.5, 1, 8)
    )
    assert found["analogy"] == Questions(
        "analogy",
        {
            "capitals": (("Athens", "Greece", "Oslo", "Norway"),),
            "gram1": (("good", "better", "bad", "worse"),),
        },
    )
    assert found["triples"] == Triples("triples", (("cat", "dog", "car"), ("猫", "狗", "汽车")))
    assert found["categories"] == Categories("categories", (("cat", "animal"), ("apple", "fruit")))
    assert found["dictionary"] == Translations("dictionary", (("cat", "猫"), ("New York", "纽约")))
    assert isinstance(found["associations"], Associations)
    assert [test.x for test in found["associations"].tests] == [("aster", "tulip"), ("a", "b")]
    assert found["context"] == WordInContext("context", (("bank", "the bank", "bank it", 4, 8, 0, 4, False),))
    assert found["context"].sentences() == [("the bank", "bank it")]
    assert found["similarity"].sentences() == []
    assert {kind: len(data) for kind, data in found.items()}["analogy"] == 2
    assert len({data.fingerprint for data in found.values()}) == len(SAMPLES)


def test_the_fingerprint_is_of_the_items(tmp_path: Path) -> None:
    one = read_dataset(write(tmp_path, "a.txt", "a\tb\t1\nc\td\t2\n"))
    two = read_dataset(write(tmp_path, "b.txt", "\ufeff# x\r\na b 1.0\r\n\r\nc d 2"))
    other = read_dataset(write(tmp_path, "c.txt", "a\tb\t1\nc\td\t3\n"))
    assert one.fingerprint == two.fingerprint != other.fingerprint


def test_mcl_wic(tmp_path: Path) -> None:
    item = {"id": "x.0", "lemma": "行", "pos": "NOUN", "sentence1": "银行在此", "sentence2": "一行字"}
    places = {"start1": "1", "end1": "2", "start2": "1", "end2": "2"}
    path = write(tmp_path, "wic/dev.data", json.dumps([item | places]))
    write(tmp_path, "wic/dev.gold", json.dumps([{"id": "x.0", "tag": "T"}]))
    assert find_datasets(tmp_path)[0] == [
        WordInContext("dev", (("行", "银行在此", "一行字", 1, 2, 1, 2, True),))
    ]
    for text in ("[", "{}", "[1]", "[{}]", "[" * 100_000, json.dumps([item | places | {"end1": "9"}])):
        path.write_text(text)
        if text != "{}":
            with pytest.raises(FormatError, match="MCL-WiC"):
                read_dataset(path)


@pytest.mark.parametrize("kind", ["similarity", "analogy", "triples", "associations"])
def test_kinds_told_by_content(tmp_path: Path, kind: str) -> None:
    assert read_dataset(write(tmp_path, "set.txt", SAMPLES[kind])).kind == kind


@pytest.mark.parametrize("kind", list(SAMPLES))
def test_kinds_told_by_names(tmp_path: Path, kind: str) -> None:
    word = {"similarity": "wordsim", "sentences": "sentence-pairs"}.get(kind, kind)
    assert read_dataset(write(tmp_path, f"en/{word}/set.txt", SAMPLES[kind])).kind == kind
    assert read_dataset(write(tmp_path, f"x/my.{word}.tsv", SAMPLES[kind])).kind == kind


def test_sentences_are_no_words(tmp_path: Path) -> None:
    """Pairs of sentences with a score, labelled texts and texts alone are not taken for tests of words."""
    write(tmp_path, "people.txt", "一个男人在跳舞。\t一个人在跳舞。\t4\n狗在跑。\t猫在跑。\t1\n")
    write(
        tmp_path, "people2.tsv", "A man is dancing\tA boy is dancing\t4\nThe dog runs\tThe cat runs off\t1\n"
    )
    write(tmp_path, "labels.tsv", "good film\tpositive\nbad film\tnegative\n")
    write(tmp_path, "empty.txt", "")
    write(tmp_path, "binary.txt", bytes(range(256)))
    write(tmp_path, "good.txt", SAMPLES["similarity"])
    found, passed = find_datasets(tmp_path)
    assert [data.name for data in found] == ["good"]
    assert set(passed) == {"people.txt", "people2.tsv", "labels.tsv", "empty.txt", "binary.txt"}


def test_finding(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no such folder"):
        find_datasets(tmp_path / "nothing")
    with pytest.raises(ArgumentError, match="no test set in"):
        find_datasets(tmp_path)
    write(tmp_path, "b/wordsim/two.txt", SAMPLES["similarity"])
    one = write(tmp_path, "a/one.txt", SAMPLES["analogy"])
    write(tmp_path, "a/.hidden.txt", "x")
    write(tmp_path, "a/picture.png", "x")
    assert [data.name for data in find_datasets(tmp_path)[0]] == ["one", "two"]
    assert [data.name for data in find_datasets(one)[0]] == ["one"]
    for part in ("train", "test"):
        write(tmp_path, f"mole/{part}.data.txt", f"1\ta mole dug in {part}\n1\tthe mole spied in {part}\n")
        write(tmp_path, f"mole/{part}.gold.txt", "0\n1\n")
    write(tmp_path, "mole/classes_map.txt", '{"0": "animal", "1": "spy"}')
    write(tmp_path, "mole/notes.txt", "something else\n")
    write(tmp_path, "b/wordsim/README.txt", "pairs of words\n")
    found, passed = find_datasets(tmp_path)
    assert [data.name for data in found] == ["one", "two", "mole"]
    assert passed == ["b/wordsim/README.txt", "mole/notes.txt"]
    write(tmp_path, "b/wordsim/three.txt", "broken\n")
    with pytest.raises(FormatError, match=r"three\.txt, byte 0: line 1"):
        find_datasets(tmp_path)


def test_the_sample_world_is_found(tmp_path: Path) -> None:
    write_sample(tmp_path / "world", n_bytes=20_000)
    kinds = {data.name: data.kind for data in find_datasets(tmp_path / "world")[0]}
    assert kinds == {
        "similarity.en": "triples",
        "similarity.zh": "triples",
        "analogies.en": "analogy",
        "analogies.zh": "analogy",
        "translations": "dictionary",
    }


def test_packaged() -> None:
    pytest.importorskip("gensim")
    found = {data.name: data for data in packaged_datasets()}
    assert {name: len(data) for name, data in found.items()} == {
        "WordSim-353": 353,
        "SimLex-999": 999,
        "questions-words": 19_544,
    }


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("similarity", "a\tb\t1\nc\td\tx\n", "byte 6: line 2"),
        ("similarity", "a\tb\t1\nc\t\t2\n", "line 2"),
        ("similarity", "a\tb\t1\nc\td\tnan\n", "line 2"),
        ("similarity", "a\tb\tnan\nc\td\t1\ne\tf\t2\n", "line 1"),
        ("sentences", "a b\tc\tinf\nc d\td\t1\ne\tf\t2\n", "line 1"),
        ("similarity", "a\tb\t1\n", "at least two pairs"),
        ("similarity", "", "at least two pairs"),
        ("similarity", "a b 1\nc d 1\n", "undefined"),
        ("analogy", ": x\na b c\n", "byte 4: line 2"),
        ("analogy", ": x\n", "no question"),
        ("triples", "a b\n", "line 1"),
        ("triples", "# only\n", "no triple"),
        ("categories", "a b c\n", "line 1"),
        ("categories", "a b\nc b\n", "two categories"),
        ("dictionary", "a\n", "line 1"),
        ("associations", "X a\nY b\nA c\n", "are needed, got A X Y"),
        ("associations", "X a\nX b\n", "each once"),
        ("associations", "Q a\n", "were expected"),
        ("associations", ",\n", "were expected"),
        ("associations", "", "no test"),
        ("context", "word\n", "header with the columns sentence1"),
        ("context", WIC + "bank\tx\n", "columns were expected, got 2"),
        ("context", WIC + "bank\tbank\tbank\t0\t0\t5\t4\tT\n", "outside its sentence"),
        ("context", WIC + "bank\tbank\tbank\tx\t0\t4\t4\tT\n", "line 2"),
        ("context", WIC + "bank\tbank\tbank\t0\t0\t4\t4\tmaybe\n", "label must be"),
        ("context", WIC, "no item"),
    ],
)
def test_damaged_files(tmp_path: Path, kind: str, text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_dataset(write(tmp_path, "x.txt", text), kind=kind)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="byte 8: not valid UTF-8"):
        read_dataset(write(tmp_path, "x.txt", b"a\tb\t1\ncd\xffe\tf\t2\n"), kind="similarity")
    with pytest.raises(FormatError, match=r"cannot be read: No such file"):
        read_dataset(tmp_path / "missing.txt", kind="similarity")
    with pytest.raises(FormatError, match="cannot be told"):
        read_dataset(write(tmp_path, "y.txt", "a b\n"))
    with pytest.raises(ArgumentError, match="kind must be one of"):
        read_dataset(tmp_path / "x.txt", kind="quiz")


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1 << 10)
    with pytest.raises(FormatError, match="larger than"):
        read_dataset(write(tmp_path, "x.txt", b"a b 1\n" * 1000), kind="similarity")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_cut_and_flipped_files(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    """A damaged file gives a dataset or a QianruError, nothing else; read as any kind."""
    content = bytearray(SAMPLES[kind].encode())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path = write(tmp_path, "x.txt", bytes(content[: data.draw(st.integers(0, len(content)))]))
    for as_kind in (kind, data.draw(st.sampled_from(sorted(SAMPLES))), None):
        try:
            found = read_dataset(path, kind=as_kind)
        except QianruError:
            continue
        assert found.fingerprint
        assert len(found) > 0
