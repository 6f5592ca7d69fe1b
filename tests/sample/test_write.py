"""The folder: what it holds, that its sums hold, and that nothing of the user's is overwritten."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from qianru.errors import ArgumentError, OutputError
from qianru.progress import Progress
from qianru.sample import (
    WORLD_VERSION,
    SampleLines,
    analogies,
    labels,
    senses,
    similarity,
    translations,
    write_sample,
)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folder_holds_what_the_manifest_says(tmp_path: Path) -> None:
    manifest = write_sample(tmp_path / "world", n_bytes=200_000, seed=4)
    files = tree(tmp_path / "world")
    assert set(files) == {file.path for file in manifest.files} | {"manifest.json"}
    for file in manifest.files:
        assert hashlib.sha256(files[file.path]).hexdigest() == file.sha256
        assert (len(files[file.path]), files[file.path].count(b"\n")) == (file.n_bytes, file.n_lines)
    stored = json.loads(files["manifest.json"])
    assert stored["generated"] is True
    assert (stored["seed"], stored["n_bytes"], stored["version"]) == (4, 200_000, WORLD_VERSION)
    text = sum(len(files[name]) for name in ("en.txt", "zh.txt", "mixed.txt", "aligned.en-zh.tsv"))
    assert 200_000 - 4 * 250 < text <= 200_000
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


def test_it_says_that_it_is_generated(tmp_path: Path) -> None:
    write_sample(tmp_path / "world", n_bytes=1_000, seed=11)
    notice = (tmp_path / "world" / "README.txt").read_text(encoding="utf-8")
    assert "This text is generated." in notice
    assert "says nothing about how good" in notice
    assert "由程序生成" in notice
    assert "seed: 11" in notice


def test_same_arguments_same_folder(tmp_path: Path) -> None:
    write_sample(tmp_path / "a", n_bytes=50_000)
    write_sample(tmp_path / "b", n_bytes=50_000)
    write_sample(tmp_path / "c", n_bytes=50_000, seed=2)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert tree(tmp_path / "a")["en.txt"] != tree(tmp_path / "c")["en.txt"]


def test_files_are_the_lines_in_memory(tmp_path: Path) -> None:
    write_sample(tmp_path / "world", n_bytes=20_000, languages=["zh"], seed=9)
    names = set(tree(tmp_path / "world"))
    assert "zh.txt" in names
    assert not names & {"en.txt", "mixed.txt", "aligned.en-zh.tsv"}
    text = (tmp_path / "world" / "zh.txt").read_text(encoding="utf-8")
    assert text.splitlines() == list(SampleLines("zh", n_bytes=20_000, seed=9))


def test_existing_output_is_refused_and_untouched(tmp_path: Path) -> None:
    target = tmp_path / "world"
    write_sample(target, n_bytes=2_000)
    before = tree(target)
    with pytest.raises(OutputError, match="exists") as caught:
        write_sample(target, n_bytes=3_000)
    assert "--force" in caught.value.hint
    assert tree(target) == before
    write_sample(target, n_bytes=3_000, force=True)
    assert json.loads((target / "manifest.json").read_text(encoding="utf-8"))["n_bytes"] == 3_000
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


def test_force_never_deletes_a_folder_that_is_not_a_sample(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for name in ("mine", "file"):
        with pytest.raises(OutputError, match="not a sample"):
            write_sample(tmp_path / name, n_bytes=2_000, force=True)
    assert (tmp_path / "mine" / "thesis.txt").exists()
    (tmp_path / "empty").mkdir()
    write_sample(tmp_path / "empty", n_bytes=2_000, force=True)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot write"):
        write_sample(tmp_path / "file" / "world", n_bytes=2_000)


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    def stop(report: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "world", n_bytes=2_000_000, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    reports: list[Progress] = []
    write_sample(tmp_path / "world", n_bytes=2_000_000, progress=reports.append)
    shares = [report.done for report in reports]
    assert shares == sorted(shares)
    assert 0.99 < shares[-1] <= 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"n_bytes": 10}, "n_bytes"),
        ({"seed": -3}, "seed"),
        ({"languages": ("en", "en-zh")}, "en-zh"),
        ({"languages": "en"}, "sequence"),
        ({"languages": ()}, "empty"),
    ],
)
def test_bad_arguments_stop_before_any_work(tmp_path: Path, arguments: dict[str, object], named: str) -> None:
    with pytest.raises(ArgumentError, match=named) as caught:
        write_sample(tmp_path / "world", **arguments)  # type: ignore[arg-type]
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_aligned_lines_are_parallel() -> None:
    pairs = [line.split("\t") for line in SampleLines("en-zh", n_bytes=400_000)]
    assert all(len(pair) == 2 for pair in pairs)
    known = {english: chinese for english, chinese in translations() if english[0].isupper()}
    n_seen = 0
    for english, chinese in pairs:
        for word in english.rstrip(".!").replace(",", "").split():
            if word in known and word not in ("Apple", "Windows"):
                n_seen += 1
                assert known[word] in chinese, (english, chinese)
    assert n_seen > 300


def test_analogies_hold_the_ones_everybody_asks_for() -> None:
    english, chinese = analogies("en"), analogies("zh")
    assert ("king", "queen") in english["gender"]
    assert ("man", "woman") in english["gender"]
    assert ("walk", "walked") in english["gram-past"]
    assert ("talk", "talked") in english["gram-past"]
    assert ("Paris", "France") in english["capital-country"]
    assert ("国王", "女王") in chinese["gender"]
    assert ("男人", "女人") in chinese["gender"]
    for sections in (english, chinese):
        for section, pairs in sections.items():
            assert len(pairs) >= 10, section
            for side in (0, 1):
                assert len({pair[side] for pair in pairs}) == len(pairs), section


def test_google_format(tmp_path: Path) -> None:
    write_sample(tmp_path / "world", n_bytes=1_000)
    for language in ("en", "zh"):
        lines = (
            (tmp_path / "world/truth" / f"analogies.{language}.txt").read_text(encoding="utf-8").splitlines()
        )
        assert lines[0] == ": gender"
        assert all(line.startswith(": ") or len(set(line.split(" "))) == 4 for line in lines)


def test_similarity_senses_and_labels() -> None:
    assert similarity("en")[0] == ("cat", "tiger", "car")
    assert similarity("zh")[0] == ("猫", "老虎", "汽车")
    for language in ("en", "zh"):
        assert all(len(set(triple)) == 3 for triple in similarity(language))
        found = senses(language)
        by_word: dict[str, set[str]] = {}
        for sentence, word, sense in found:
            assert word.lower() in sentence.lower()
            by_word.setdefault(word.lower(), set()).add(sense)
        assert all(len(meanings) == 2 for meanings in by_word.values()), by_word
        assert ("bank" if language == "en" else "行") in by_word
        assert ("apple" if language == "en" else "苹果") in by_word
        judged = labels(language)
        assert {label for _, label in judged} == {"positive", "negative"}
        assert len({sentence for sentence, _ in judged}) == len(judged) > 300


def test_translations_are_one_word_each() -> None:
    pairs = translations()
    assert len(pairs) == len(set(pairs)) > 900
    assert {("cat", "猫"), ("Paris", "巴黎"), ("queen", "女王"), ("bank", "银行"), ("bank", "河岸")} <= set(
        pairs
    )
