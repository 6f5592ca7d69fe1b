"""Pruning and merging: what is kept comes out as before, what is added is the other vocabulary's."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru.errors import ArgumentError, CorpusError
from qianru.tokens import Surgery, extend, merge, prune, read_tokenizer
from qianru.tokens.surgery_pipeline import Pipeline
from qianru.tokens.surgery_prune import met_pieces

_spec = importlib.util.spec_from_file_location(
    "surgery_models", Path(__file__).with_name("surgery_models.py")
)
assert _spec is not None
assert _spec.loader is not None
surgery_models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(surgery_models)
KINDS = surgery_models.KINDS
TEXT = ["the walker is tokenizing", "中国人在大学", "a théâtre zzz", "qxqxq 龘"]


def texts(data_tokens: tuple[str, ...], ids: list[int]) -> list[str]:
    return [data_tokens[number] for number in ids]


PRUNED = {kind: prune(KINDS[kind](), corpus=TEXT) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_corpus_comes_out_as_before(kind: str) -> None:
    surgery = PRUNED[kind]
    assert surgery.n_gone > 0
    assert len(surgery.after) == len(surgery.before) - surgery.n_gone
    before, after = Pipeline(surgery.before).encode(TEXT), Pipeline(surgery.after).encode(TEXT)
    assert [texts(surgery.before.tokens, ids) for ids in before] == [
        texts(surgery.after.tokens, ids) for ids in after
    ]
    assert [surgery.before.tokens[old] for old in surgery.kept] == list(surgery.after.tokens)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=300, deadline=None)
@given(
    text=st.one_of(
        st.text(max_size=20),
        st.lists(st.sampled_from([*" ".join(TEXT), "the", "ing"]), max_size=20).map("".join),
    )
)
def test_text_that_needs_kept_tokens_alone_comes_out_as_before(kind: str, text: str) -> None:
    surgery = PRUNED[kind]
    (old,) = Pipeline(surgery.before).encode([text])
    unknown = surgery.before.unknown_id
    if set(old) <= set(surgery.kept) and not (surgery.before.kind == "WordPiece" and unknown in old):
        (new,) = Pipeline(surgery.after).encode([text])
        assert texts(surgery.after.tokens, new) == texts(surgery.before.tokens, old)


def test_pieces_met_on_the_way_to_an_unknown_word_stay() -> None:
    data = read_tokenizer(surgery_models.wordpiece())
    assert {data.tokens[number] for number in met_pieces(data, "playerß")} == {"play", "##er"}
    assert met_pieces(data, "x" * 101) == set()


def test_scripts_and_lists() -> None:
    value = surgery_models.wordpiece()
    han = prune(value, scripts=["han"])
    assert "中" in han.after.tokens
    assert "the" not in han.after.tokens
    assert "7" in han.after.tokens
    assert {"[PAD]", "[UNK]", "[MASK]"} <= set(han.after.tokens)
    latin = prune(surgery_models.bpe(), scripts=["latin"])
    assert len([token for token in latin.after.tokens if len(token) == 1]) == 256
    listed = prune(value, tokens=["cat", "##s"], keep_ids=[7])
    assert set(listed.after.tokens) - set(listed.after.added) == {"cat", "##s", value_token(value, 7)}
    both = prune(value, corpus=["the cat 中"], scripts=["latin"])
    assert set(both.after.tokens) - set(both.after.added) == {"the", "cat"}
    assert "e" not in prune(value, corpus=["cat cat e"], min_count=2).after.tokens


def value_token(value: dict, number: int) -> str:
    return next(token for token, one in value["model"]["vocab"].items() if one == number)


def test_ids_around_the_model_follow() -> None:
    value = surgery_models.wordpiece()
    vocab = value["model"]["vocab"]
    # Special tokens behind others, so that they move.
    for name, number in (("[CLS]", vocab["the"]), ("the", vocab["[CLS]"])):
        vocab[name] = number
    for entry in value["added_tokens"]:
        entry["id"] = vocab[entry["content"]]
    value["post_processor"]["special_tokens"]["[CLS]"]["ids"] = [vocab["[CLS]"]]
    small = prune(value, tokens=["cat"]).after
    assert small.added["[CLS]"] == small.tokens.index("[CLS]")
    assert small.json["post_processor"]["special_tokens"]["[CLS]"]["ids"] == [small.added["[CLS]"]]


def test_pruned_chinese_words_are_cut_again() -> None:
    grown = extend(surgery_models.wordpiece(), ["中国", "大学"]).after
    small = prune(grown, corpus=["在中国的大 学", "一"])
    assert "大学" not in small.after.tokens
    assert Pipeline(small.after).pretokens("中国大学") == ["中国", "大", "学"]


def test_bad_rules_are_refused() -> None:
    value = surgery_models.wordpiece()
    with pytest.raises(ArgumentError, match="at least one rule"):
        prune(value)
    with pytest.raises(ArgumentError, match="'klingon' is none of them"):
        prune(value, scripts=["klingon"])
    with pytest.raises(ArgumentError, match="'zebra' is not in the vocabulary"):
        prune(value, tokens=["zebra"])
    with pytest.raises(ArgumentError, match="no token is left"):
        prune(value, tokens=["[PAD]"])
    with pytest.raises(ArgumentError, match="min_count"):
        prune(value, corpus=TEXT, min_count=0)
    with pytest.raises(ArgumentError, match="no token with the id 9999"):
        prune(value, tokens=["cat"], keep_ids=[9999])
    with pytest.raises(CorpusError, match="no token"):
        prune(value, corpus=[""])


def chinese(kind: str) -> dict:
    """A vocabulary of the same kind with Chinese words."""
    return extend(KINDS[kind](), ["中国", "大学", "大学生", "人民", "经济"]).after.json


MERGED = {kind: merge(prune(KINDS[kind](), corpus=TEXT[:1]).after, chinese(kind)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=200, deadline=None)
@given(text=st.one_of(st.text(max_size=20), st.text(alphabet="中国大学生人民the walker", max_size=20)))
def test_text_without_the_others_tokens_comes_out_as_before(kind: str, text: str) -> None:
    surgery: Surgery = MERGED[kind]
    (new,) = Pipeline(surgery.after).encode([text])
    if all(number < len(surgery.before) for number in new):
        assert [new] == Pipeline(surgery.before).encode([text])


@pytest.mark.parametrize("kind", KINDS)
def test_the_others_words_are_tokens(kind: str) -> None:
    surgery: Surgery = MERGED[kind]
    after = Pipeline(surgery.after)
    for word in ("大学", "经济", "大学生"):
        new = [number for number in after.encode([word])[0] if surgery.after.tokens[number] != "▁"]
        assert len(new) == 1, word
    assert surgery.after.tokens[: len(surgery.before)] == surgery.before.tokens


def test_two_kinds_join_by_words() -> None:
    surgery = merge(surgery_models.bpe(), chinese("wordpiece"))
    ids = Pipeline(surgery.after).encode(["大学生"])[0]
    assert len(ids) == 1
    assert not any(token.startswith("##") for token in surgery.after.tokens[len(surgery.before) :])
    assert "[CLS]" not in surgery.after.tokens


def test_nothing_new_is_refused() -> None:
    for kind in KINDS:
        with pytest.raises(ArgumentError, match="no token that the first lacks"):
            merge(KINDS[kind](), KINDS[kind]())
