"""Extension: words become tokens of the model itself, and text without them comes out as before."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru.errors import ArgumentError, CorpusError, FormatError, OutputError
from qianru.tokens import Surgery, Tokenizer, compare, extend, mine, read_tokenizer
from qianru.tokens.pipelines import byte_level_bytes
from qianru.tokens.surgery_bpe import BpeGrowth
from qianru.tokens.surgery_han import word_pattern
from qianru.tokens.surgery_pipeline import HAN, Pipeline

_spec = importlib.util.spec_from_file_location(
    "surgery_models", Path(__file__).with_name("surgery_models.py")
)
assert _spec is not None
assert _spec.loader is not None
surgery_models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(surgery_models)
KINDS = surgery_models.KINDS

WORDS = ["中国", "大学", "中国人民", "国人", "tokenization", "unplayable", "walker", "abba", "人民大学"]
# Text around the words: their own parts, each other's, letters of other scripts, marks, controls.
PIECES = [
    *WORDS,
    *"中国人民大学的一是",
    "token",
    "ization",
    "un",
    "play",
    "walk",
    " ",
    "  ",
    "the",
    "é",
    "İ",
    "ß",
]
PIECES += [
    "\u0301",
    "豈",
    "\U0002f800",
    "\U00020000",
    "ﷺ",
    "😀",
    "👩‍💻",
    "한",
    "ㄱ",
    "\0",
    "\n",
    "\t",
    "'s",
    ".",
    "-",
    "9",
]
TEXTS = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=14).map("".join))


def made(kind: str) -> tuple[Surgery, Pipeline, Pipeline]:
    surgery = extend(KINDS[kind](), WORDS)
    return surgery, Pipeline(surgery.before), Pipeline(surgery.after)


MADE = {kind: made(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=400, deadline=None)
@given(text=TEXTS)
def test_text_without_a_new_token_comes_out_as_before(kind: str, text: str) -> None:
    surgery, before, after = MADE[kind]
    (old,), (new,) = before.encode([text]), after.encode([text])
    if all(number < len(surgery.before) for number in new):
        assert new == old


@pytest.mark.parametrize("kind", KINDS)
def test_each_word_is_a_token_and_old_ids_stay(kind: str) -> None:
    surgery, before, after = MADE[kind]
    assert surgery.after.tokens[: len(surgery.before)] == surgery.before.tokens
    assert surgery.kept == (*range(len(surgery.before)), *[-1] * surgery.n_new)
    assert not surgery.skipped.get("cut")
    for word in WORDS:
        if word in surgery.skipped.get("known", ()):
            continue
        (ids,) = after.encode([word])
        new = [number for number in ids if number >= len(surgery.before)]
        assert len(new) == 1, (word, [surgery.after.tokens[number] for number in ids])
        assert [surgery.after.tokens[number] for number in ids if number not in new] in ([], ["▁"])
        (there,) = before.encode([word])
        assert set(surgery.parts[new[0]]) <= set(there)
    assert surgery.after.json["added_tokens"] == surgery.before.json["added_tokens"]
    assert surgery.notes == ()


def test_bpe_words_come_out_behind_a_space_too() -> None:
    surgery, _, after = MADE["bpe"]
    tokens = [surgery.after.tokens[number] for number in after.encode(["the walker walker"])[0]]
    assert tokens[-2:] == ["Ġwalker", "Ġwalker"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="abcd", min_size=1, max_size=8), min_size=1, max_size=8, unique=True), TEXTS)
def test_any_words_in_any_order(words: list[str], text: str) -> None:
    data = read_tokenizer(surgery_models.metaspace_bpe())
    try:
        surgery = extend(data, words)
    except ArgumentError:
        return
    after = Pipeline(surgery.after)
    for word in surgery.words:
        assert len(after.encode([word])[0]) == 1, word
    for line in ("".join(words), " ".join(words), text):
        new = after.encode([line])[0]
        if max(new, default=0) < len(data):
            assert new == Pipeline(data).encode([line])[0]


@given(st.text(alphabet="abcdethinr中国的", min_size=1, max_size=12))
def test_the_plain_merging_is_what_the_engine_does(text: str) -> None:
    data = read_tokenizer(surgery_models.metaspace_bpe())
    growth = BpeGrowth.of(data)
    plain = growth.run(growth.symbols("▁" + text, grow=False))
    assert plain == [data.tokens[number] for number in Pipeline(data).encode([text])[0]]


def test_an_old_token_is_never_made_by_a_new_merge() -> None:
    value = surgery_models.metaspace_bpe()
    vocab = value["model"]["vocab"]
    # In the vocabulary, but no merge reaches them.
    vocab["ab"], vocab["▁cd"] = len(vocab), len(vocab) + 1
    surgery = extend(value, ["abc", "cd", "中ab"])
    assert surgery.skipped == {"unreachable": ("cd",)}
    old = Pipeline(surgery.before).encode(["xab xab"])
    assert Pipeline(surgery.after).encode(["xab xab"]) == old
    assert {a + b for a, b in surgery.after.model["merges"][7:]}.isdisjoint(surgery.before.tokens)


def test_byte_level_merges_go_through_whole_characters() -> None:
    surgery = extend(surgery_models.bpe(), ["龘龘", "龘靐"])
    texts = [byte_level_bytes(token) for token in surgery.helpers]
    assert "龘".encode() in texts
    assert all(text is not None and len(text) <= 3 for text in texts)


def test_bert_sets_every_code_point_apart_as_before() -> None:
    surgery, before, after = MADE["wordpiece"]
    assert surgery.after.json["pre_tokenizer"]["pretokenizers"][0]["type"] == "Split"
    step = 4096
    for start in range(0, 0x30000, step):
        chars = [chr(code) for code in range(start, start + step) if not 0xD800 <= code < 0xE000]
        text = "x".join(chars)
        assert before.pretokens(text) == after.pretokens(text), hex(start)
        text = "书".join(chars)
        assert before.pretokens(text) == after.pretokens(text), hex(start)


def test_the_longest_word_from_the_left() -> None:
    _, _, after = MADE["wordpiece"]
    assert after.pretokens("我是中国人民大学的国人") == ["我", "是", "中国人民", "大学", "的", "国人"]
    assert after.pretokens("中国 人民大学中") == ["中国", "人民大学", "中"]


def test_words_are_let_through_again() -> None:
    first, _, _ = MADE["wordpiece"]
    second = extend(first.after, ["国人民", "是中", "学的"])
    assert len(second.after.json["pre_tokenizer"]["pretokenizers"]) == 2
    pretokens = Pipeline(second.after).pretokens("是中国人民大学的国人民")
    assert pretokens == ["是中", "国人民", "大学", "的", "国人民"]
    assert word_pattern(["中国"]).endswith(f"[{''.join(f'{chr(a)}-{chr(b)}' for a, b in HAN)}]")


def test_scores_follow_counts_and_never_fall_below_the_lowest() -> None:
    value = surgery_models.unigram()
    least = min(score for _, score in value["model"]["vocab"])
    surgery = extend(value, ["大学", "人民"], counts={"大学": 500, "人民": 1}, n_tokens=10_000)
    scores = dict(surgery.after.model["vocab"])
    assert scores["大学"] == pytest.approx(-2.995732)
    assert scores["人民"] == least
    assert scores["<mask>"] == least
    assert surgery.after.added["<mask>"] == surgery.before.added["<mask>"]
    assert surgery.after.tokens.index("大学") == surgery.before.added["<mask>"] + 1


def test_what_is_passed_over_is_told() -> None:
    surgery = extend(surgery_models.wordpiece(), ["中国", "cat", "中国", "foo-bar", "x" * 101, "人"])
    assert surgery.words == ("中国",)
    assert surgery.skipped == {
        "repeated": ("中国",),
        "cut": ("foo-bar",),
        "known": ("cat", "人"),
        "long": ("x" * 101,),
    }
    level = extend(surgery_models.word_level(), ["dog", "the"])
    assert level.after.tokens[-1] == "dog"
    assert level.parts == {4: ()}


def test_a_piece_missing_inside_words_is_noted() -> None:
    value = surgery_models.wordpiece()
    value["model"]["vocab"]["##é"[:2] + "ßx"] = len(value["model"]["vocab"])
    assert "ß" in extend(value, ["walker"]).notes[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "words holds no word"),
        ([""], "number 1 is ''"),
        (["a", "b c"], "number 2 is 'b c'"),
        (["x[MASK]"], "holds the special token '\\[MASK\\]'"),
        (["cat", "the"], "none of them becomes a token \\(2 known\\)"),
        ("words", "several words"),
        ([3], "number 1 is 3"),
    ],
)
def test_bad_words_are_refused(words: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        extend(surgery_models.wordpiece(), words)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(CorpusError, match="lone surrogate"):
        extend(surgery_models.wordpiece(), ["a\ud800"])


def broken(change: str) -> dict[str, Any]:
    value: dict[str, Any] = KINDS[
        "unigram" if change == "piece" else "bpe" if "merge" in change else "wordpiece"
    ]()
    model = value["model"]
    if change == "piece":
        model["vocab"].append(["e", -3.0])
    elif change == "merge":
        model["merges"].append(["q", "qqqq"])
    elif change == "merge twice":
        model["merges"].append(model["merges"][0])
    elif change == "hole":
        model["vocab"]["far"] = len(model["vocab"]) + 3
    elif change == "id":
        model["vocab"]["again"] = 7
    elif change == "unknown":
        model["unk_token"] = "[GONE]"
    elif change == "added":
        value["added_tokens"][0]["id"] = 9
    elif change == "type":
        model["type"] = "Magic"
    elif change == "negative":
        model["vocab"]["x"] = -1
    return value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("piece", "entry .*: 'e' stands already at 2"),
        ("merge", "'qqqq' is not in model.vocab"),
        ("merge twice", "stands there twice"),
        ("hole", "no token has the id .*, though there are ids up to"),
        ("id", "the id 7 belongs to '.*' and to 'again'"),
        ("unknown", r"model.unk_token is '\[GONE\]', which is not in model.vocab"),
        ("added", r"'\[PAD\]' has id 9, model.vocab gives it 0"),
        ("type", "model.type must be one of .*, got 'Magic'"),
        ("negative", "the id of 'x' must be from 0 up, got -1"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path, change: str, message: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(broken(change)), encoding="utf-8")
    with pytest.raises(FormatError, match=message) as caught:
        extend(path, ["walker"])
    assert str(path) in str(caught.value)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    text = json.dumps(surgery_models.wordpiece())
    for part in ("", text[: len(text) // 2], "[]", "{}", '{"model": 3}', text.replace('"cat"', '"the"', 1)):
        path.write_text(part, encoding="utf-8")
        with pytest.raises(FormatError, match=r"tokenizer\.json"):
            read_tokenizer(path)
    with pytest.raises(FormatError, match="cannot be read"):
        read_tokenizer(tmp_path / "none.json")


def test_dropped_merges_promise_nothing() -> None:
    value = surgery_models.bpe()
    value["model"]["dropout"] = 0.1
    with pytest.raises(ArgumentError, match=r"dropout 0\.1"):
        extend(value, ["walker"])


def test_mining_takes_what_saves_most() -> None:
    data = read_tokenizer(surgery_models.wordpiece())
    lines = ["我们 大学 大学 大学 人民 人民 the tokenize tokenize tokenize tokenize"] * 10
    mined = mine(data, lines, n_words=3)
    assert [(saving.word, saving.count, saving.saved) for saving in mined.savings] == [
        ("tokenize", 40, 40),
        ("人民", 20, 40),  # one of its characters is unknown
        ("大学", 30, 30),
    ]
    assert mine(data, lines, n_words=1, han=True).words == ["人民"]
    marked = mine(surgery_models.unigram(), ["我们 的 的 人 大学 大学"] * 10, n_words=5, han=True)
    assert "的" not in marked.words
    with pytest.raises(CorpusError, match="no word of the text"):
        mine(data, ["the cat"] * 20, n_words=5)
    with pytest.raises(ArgumentError, match="n_words"):
        mine(data, lines, n_words=0)


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_mined_words_save_what_was_promised(kind: str) -> None:
    text = list(surgery_models.sample_text())
    mined = mine(KINDS[kind](), text, n_words=60, min_count=3)
    surgery = extend(KINDS[kind](), mined.words)
    found = compare(surgery, text)
    assert found.n_unexpected == 0
    assert found.unexpected == ()
    assert found.n_tokens_after < found.n_tokens_before
    assert found.n_changed > 0
    assert found.examples[0].before != found.examples[0].after
    assert sum(count for _, count in found.most_used) > 0
    if kind == "wordpiece":
        assert found.n_unknown_after <= found.n_unknown_before


def test_saving(tmp_path: Path) -> None:
    surgery, _, _ = MADE["wordpiece"]
    surgery.save(tmp_path / "new.json")
    assert read_tokenizer(tmp_path / "new.json").tokens == surgery.after.tokens
    surgery.save(tmp_path / "folder")
    text = "我是中国人民大学的 walker tokenizations"
    ids = Tokenizer.load(tmp_path / "folder").encode_batch([text], add_special_tokens=False)[0].tolist()
    assert [ids] == Pipeline(surgery.after).encode([text])
    with pytest.raises(OutputError, match="exists already"):
        surgery.save(tmp_path / "new.json")
    with pytest.raises(OutputError):
        surgery.save(tmp_path / "none" / "new.json")


def test_others_files_are_opened(tmp_path: Path) -> None:
    vocab = tmp_path / "vocab.txt"
    vocab.write_text("\n".join(surgery_models.wordpiece()["model"]["vocab"]) + "\n", encoding="utf-8")
    surgery = extend(vocab, ["中国"])
    assert surgery.after.tokens[-1] == "中国"
    assert Pipeline(surgery.after).pretokens("在中国的") == ["在", "中国", "的"]
