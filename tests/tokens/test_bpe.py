"""Byte-level BPE against a plain twin and against the `tokenizers` package."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from qianru import _core
from qianru.sample import sample_lines

_spec = importlib.util.spec_from_file_location("reference_bpe", Path(__file__).with_name("reference_bpe.py"))
assert _spec
assert _spec.loader
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

DATA = Path(os.environ.get("QIANRU_DATA", "../shared/data"))
CHARS = "aeéΣ中国人民北京あ가ᄀ\u0301\u200d😀👩’'st019 \n\u3000\x00.,/!"
TEXTS = st.text(st.one_of(st.sampled_from(CHARS), st.characters(exclude_categories=["Cs"])), max_size=60)
LINES = [text for language in ("en", "zh") for text in sample_lines(language, n_bytes=30_000, seed=3)]


def trained(**options: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(**{"add_prefix_space": False, **options})
    trainer = trainers.BpeTrainer(
        vocab_size=1200, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return tokenizer


def parts(tokenizer: Tokenizer) -> tuple[dict[bytes, int], list[tuple[bytes, bytes]]]:
    model = json.loads(tokenizer.to_str())["model"]
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    ids = {reference.to_bytes(token): i for token, i in model["vocab"].items()}
    return ids, [(reference.to_bytes(a), reference.to_bytes(b)) for a, b in pairs]


def encoder_of(
    ids: dict[bytes, int], merges: list[tuple[bytes, bytes]], **options: object
) -> _core.BpeEncoder:
    pairs = np.array([[ids[a], ids[b]] for a, b in merges], np.uint32).reshape(-1, 2)
    numbers = np.array(list(ids.values()), np.uint32)
    return _core.BpeEncoder(list(ids), numbers, pairs, **{"pattern": "gpt2", **options})


TOKENIZER = trained()
IDS, MERGES = parts(TOKENIZER)
ENCODER = encoder_of(IDS, MERGES)


def assert_same(encoder: _core.BpeEncoder, tokenizer: Tokenizer, texts: list[str], threads: int = 2) -> None:
    ids, splits = encoder.encode_batch([text.encode() for text in texts], threads)
    for i, encoding in enumerate(tokenizer.encode_batch(texts)):
        assert ids[splits[i] : splits[i + 1]].tolist() == encoding.ids, texts[i]


def test_sentences_come_to_the_same_ids_as_in_tokenizers() -> None:
    for _ in range(2):  # the second time from the caches
        assert_same(ENCODER, TOKENIZER, [*LINES, "", " ", "a" * 1000, "".join(LINES)])


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_comes_to_the_same_ids(text: str) -> None:
    assert_same(ENCODER, TOKENIZER, [text, text * 3], 1)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_one_piece_without_a_pattern_equals_the_plain_twin(text: str) -> None:
    whole = encoder_of(IDS, MERGES, pattern="none")
    ranks = {pair: rank for rank, pair in enumerate(MERGES)}
    for piece in (text, text * 4):
        expected = reference.encode(piece.encode(), IDS, ranks)
        assert whole.encode(piece.encode())[0].tolist() == expected


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_cuts_and_heaps_change_no_id_of_any_vocabulary(data: st.DataObject) -> None:
    """Vocabularies of random merges, whose tokens begin and end anywhere in a character."""
    alphabet = "中丠あéa"
    words = data.draw(st.lists(st.text(alphabet, min_size=1, max_size=8), min_size=1, max_size=6))
    tokens = [bytes([byte]) for byte in range(256)]
    merges: list[tuple[bytes, bytes]] = []
    for word in words:
        joined = [word.encode()[i : i + 1] for i in range(len(word.encode()))]
        for _ in range(data.draw(st.integers(0, 8))):
            if len(joined) < 2:
                break
            i = data.draw(st.integers(0, len(joined) - 2))
            if (joined[i], joined[i + 1]) not in merges:
                merges.append((joined[i], joined[i + 1]))
            joined[i : i + 2] = [joined[i] + joined[i + 1]]
    ids = {token: i for i, token in enumerate(dict.fromkeys([*tokens, *(a + b for a, b in merges)]))}
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    encoder = encoder_of(ids, merges, pattern="none")
    text = data.draw(st.text(alphabet, max_size=40))
    for piece in (text, "".join(words) + text * 2):
        assert encoder.encode(piece.encode())[0].tolist() == reference.encode(piece.encode(), ids, ranks)


@pytest.mark.parametrize("prefix", [True, False])
@pytest.mark.parametrize("digits", ["together", "runs", "each"])
def test_prefix_spaces_and_cuts_at_numbers(prefix: bool, digits: str) -> None:
    tokenizer = Tokenizer.from_str(TOKENIZER.to_str())
    level = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    cut = pre_tokenizers.Digits(individual_digits=digits == "each")
    tokenizer.pre_tokenizer = level if digits == "together" else pre_tokenizers.Sequence([cut, level])
    encoder = encoder_of(IDS, MERGES, add_prefix_space=prefix, digits=digits)
    assert_same(encoder, tokenizer, ["in 2024, 12中3", "", " ", "7", " 7 ", "a1b", "１２ ٣", *LINES[:50]])
    for text in ("in 2024, 12中3", "a1b", "中国 5"):
        ids, starts, ends = encoder.encode(text.encode())
        data = text.encode()
        assert ends[-1] == len(data)
        assert all(starts[1:] == ends[:-1])
        by_id = {i: token for token, i in IDS.items()}
        for i, start, end in zip(ids.tolist(), starts, ends, strict=True):
            assert data[start:end] in (by_id[i], by_id[i].removeprefix(b" "))


def test_a_whole_piece_that_is_a_token_can_go_before_its_merges() -> None:
    model = json.loads(TOKENIZER.to_str())
    model["model"]["ignore_merges"] = True
    token = "中国ab"
    stand_in = "".join(reference.STAND_INS[byte] for byte in token.encode())
    model["model"]["vocab"][stand_in] = 1200
    encoder = encoder_of({**IDS, token.encode(): 1200}, MERGES, ignore_merges=True)
    texts = [token, token + "c", f"x {token}", f"{token} {token}c", *LINES[:100]]
    assert_same(encoder, Tokenizer.from_str(json.dumps(model)), texts * 2)
    assert encoder.encode(token.encode())[0].tolist() == [1200]


def test_ranks_in_place_of_merges() -> None:
    """In a trained vocabulary ids rise with ranks, so they can stand for the merges; each token is one piece."""
    ids = dict(sorted(IDS.items(), key=lambda item: item[1]))
    encoder = _core.BpeEncoder(list(ids), np.arange(len(ids), dtype=np.uint32), None, pattern="gpt2")
    assert_same(encoder, TOKENIZER, LINES)


def test_lines_of_a_block_and_threads() -> None:
    texts = [line.replace("\n", " ") for line in LINES]
    block = "\n".join(texts).encode()
    expected = [i for encoding in TOKENIZER.encode_batch(texts) for i in (*encoding.ids, 7)]
    for threads in (1, 2, 5):
        assert ENCODER.encode_lines(block, threads, 7).tolist() == expected
        assert ENCODER.encode_lines(block + b"\n", threads, 7).tolist() == expected
    assert ENCODER.encode_lines(block * 40, 3).tolist() == ENCODER.encode_lines(block * 40, 1).tolist()
    assert ENCODER.encode_lines(b"\n\n", 1, 7).tolist() == []  # nothing ends where nothing was
    assert len(ENCODER.encode_lines(b"", 2)) == 0


def test_time_grows_with_the_text_and_not_with_its_square() -> None:
    for text in (b"a" * 1_000_000, b"the" * 300_000, "中国".encode() * 7_000, "的".encode() * 14_000):
        started = time.perf_counter()
        whole = ENCODER.encode(text)[0]
        assert time.perf_counter() - started < 10
        assert 0 < len(whole) <= len(text)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_bytes_that_are_not_utf8_do_no_harm(data: bytes) -> None:
    by_id = {i: token for token, i in IDS.items()}
    ids = ENCODER.encode(data)[0].tolist()
    assert b"".join(by_id[i] for i in ids) == data


BASE = [bytes([byte]) for byte in range(256)]


@pytest.mark.parametrize(
    ("tokens", "ids", "merges", "message"),
    [
        ([*BASE, b"ab", b"ab"], None, [], "'ab' is there twice, with the ids 256 and 257"),
        (BASE, [*range(255), 3], [], "the id 3 has two tokens"),
        (BASE[:255], None, [], "the byte 255 is no token"),
        (BASE, None, [[97, 98]], "joins 'a' and 'b', but 'ab' is no token"),
        (BASE, None, [[97, 300]], "merge 0 names the id 300"),
        ([*BASE, b""], None, [], "the token of id 256 is empty"),
        ([*BASE, b"ab"], [*range(256), 0xFFFFFFFF], [], "'ab' has the id 4294967295; ids end at 16777215"),
        ([*BASE, b"\xff\xe4\xb8\xad\n"], [*range(256), 0xFFFFFFFF], [], r"'\\xFF中\\x0A'"),
        ([*BASE, b"x" * 5000], None, None, "5000 bytes; where ranks stand for merges"),
        (BASE, [1, 2], [], "of one length"),
    ],
)
def test_contradictions_give_one_error(
    tokens: list[bytes], ids: list[int] | None, merges: list[list[int]] | None, message: str
) -> None:
    numbers = np.array(range(len(tokens)) if ids is None else ids, np.uint32)
    pairs = None if merges is None else np.array(merges, np.uint32).reshape(-1, 2)
    with pytest.raises(ValueError, match=message):
        _core.BpeEncoder(tokens, numbers, pairs, pattern="gpt2")


def test_holes_between_ids_do_no_harm() -> None:
    ids = {token: 3 * i + 5 for token, i in IDS.items()}
    encoder = encoder_of(ids, MERGES)
    for text in LINES[:50]:
        assert ((encoder.encode(text.encode())[0] - 5) // 3).tolist() == TOKENIZER.encode(text).ids


def tatoeba() -> list[str]:
    path = DATA / "eval" / "bi" / "tatoeba" / "en-zh-22k.tsv"
    if not path.exists():
        pytest.skip(f"needs {path}; set QIANRU_DATA")
    return path.read_text(encoding="utf-8").split("\n")


@pytest.mark.slow
def test_gpt2_on_every_sentence_and_token() -> None:
    texts = tatoeba()
    path = DATA / "models" / "tokenizers" / "gpt2" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    ids, merges = parts(tokenizer)
    special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    tokens = [token.decode("utf-8", "replace") for token, i in ids.items() if i not in special]
    assert_same(encoder_of(ids, merges), tokenizer, texts + tokens)


@pytest.mark.slow
def test_cl100k_on_every_sentence_and_token() -> None:
    texts = tatoeba()
    lines = (DATA / "models" / "tokenizers" / "cl100k_base.tiktoken").read_bytes().splitlines()
    ranks = {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in lines}
    options = {"pattern": "cl100k", "ignore_merges": True}
    encoder = _core.BpeEncoder(list(ranks), np.array(list(ranks.values()), np.uint32), None, **options)
    for token, rank in ranks.items():
        if b"\n" not in token and len(_core.pretokenize(token, pattern="cl100k")) == 1:
            assert encoder.encode(token)[0].tolist() == [rank]
    tiktoken = pytest.importorskip("tiktoken", reason="needs tiktoken")
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    original = tiktoken.Encoding("cl100k", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    found, splits = encoder.encode_batch([text.encode() for text in texts], 2)
    for i, text in enumerate(texts):
        assert found[splits[i] : splits[i + 1]].tolist() == original.encode(text)
