"""Training: sizes are kept to the letter, the same text gives the same bytes, and what is asked for is obeyed."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys

import numpy as np
import pytest

from qianru.errors import ArgumentError, CorpusError
from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.tokens.word_model import unigram_scores

TRAINED = ("bpe", "character", "word")


@pytest.mark.parametrize("kind", TRAINED)
@pytest.mark.parametrize("vocab_size", [300, 451])
def test_sizes_are_kept_to_the_letter(kind: str, vocab_size: int, lines: list[str]) -> None:
    made = Tokenizer.train(Corpus(lines), kind=kind, vocab_size=vocab_size)
    assert made.n_tokens == vocab_size
    assert all("as vocab_size has no room" in note for note in made.notes)


@pytest.mark.parametrize("byte_fallback", [False, True])
def test_a_large_alphabet_does_not_break_the_size(byte_fallback: bool) -> None:
    text = ["".join(chr(code) for code in range(0x4E00, 0x4E00 + 3000)) * 2, "一丁丂七"]
    made = Tokenizer.train(
        Corpus(text), kind="character", vocab_size=600, coverage=1, byte_fallback=byte_fallback
    )
    assert made.n_tokens == 600
    found = made.encode("一" + chr(0x4E00 + 2999))
    assert found.tokens == (["一", "<0xE5>", "<0xA6>", "<0xB7>"] if byte_fallback else ["一", "[UNK]"])


def test_coverage_leaves_rare_characters_out() -> None:
    corpus = Corpus(["a" * 90 + "b" * 8 + "cd"])
    assert [*Tokenizer.train(corpus, kind="character", vocab_size=99, min_count=1, coverage=0.95).vocab] == [
        "[UNK]",
        "a",
        "b",
    ]
    whole = Tokenizer.train(corpus, kind="character", vocab_size=99, min_count=1, coverage=1)
    assert [*whole.vocab] == ["[UNK]", "a", "b", "\n", "c", "d"]
    assert whole.notes == ("6 tokens, not 99: the text gives no more",)


@pytest.mark.parametrize("kind", TRAINED)
def test_training_twice_gives_the_same_bytes(kind: str, lines: list[str]) -> None:
    first, second = (
        Tokenizer.train(Corpus(lines), kind=kind, vocab_size=400, threads=threads) for threads in (1, 3)
    )
    assert json.dumps(first.description) == json.dumps(second.description)
    script = (
        "import sys, json; from qianru import Corpus, Tokenizer;"
        f"made = Tokenizer.train(Corpus(json.load(sys.stdin)), kind={kind!r}, vocab_size=400); print(made.fingerprint)"
    )
    for seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", script],
            input=json.dumps(lines),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert ran.stdout.strip() == first.fingerprint


def test_words_are_those_of_the_corpus(lines: list[str]) -> None:
    encoded = Corpus(lines).encode(min_count=2, max_vocab=397)
    made = Tokenizer.train(Corpus(lines), kind="word", vocab_size=400, special_tokens=["<s>", "[PAD]"])
    assert [*made.vocab] == [*encoded.keys, "[UNK]", "<s>", "[PAD]"]
    for word in encoded.keys:
        assert made.encode(word).tokens == [word]


def test_special_tokens_that_are_words_of_the_text_shift_nothing() -> None:
    text = ["老虎 mask 在 mask 森林 老虎 mask"] * 3
    corpus = Corpus(text)
    made = Tokenizer.train(corpus, kind="word", vocab_size=6, special_tokens=["mask", "在老虎"])
    assert [*made.vocab] == ["老虎", "在", "森林", "[UNK]", "mask", "在老虎"]
    assert made.notes == ()
    pieces = made.description["model"]["vocab"]  # type: ignore[index]
    scores = unigram_scores(["老虎", "在", "森林"], np.array([6, 3, 3], dtype=np.uint64))
    assert [score for _, score in pieces[:3]] == scores.tolist()
    assert made.encode("mask 老虎").tokens == ["[UNK]", "老虎"]
    with pytest.raises(CorpusError, match=r"no word in .* but special tokens"):
        Tokenizer.train(Corpus(["mask mask"]), kind="word", vocab_size=6, special_tokens=["mask"])


@pytest.mark.parametrize("kind", ["bpe", "character"])
def test_text_that_spells_a_special_token_stays_text(kind: str) -> None:
    text = ["<s>mask <s>mask <老虎>"] * 20
    special = ["<s>", "mask", "<老虎>"]
    made = Tokenizer.train(Corpus(text), kind=kind, vocab_size=300, special_tokens=special)
    found = made.encode("mask<s> <老虎>")
    assert not set(special) & set(found.tokens)
    assert made.decode(found.ids) == "mask<s> <老虎>"
    assert made.encode_batch(["mask<s> <老虎>"])[0].tolist() == found.ids.tolist()
    assert made.encode("mask", allow_special=True).tokens == ["mask"]


GREEK = "ΛΟΓΟΣ ὈΔΌΣ Σ ΣΑΣΣ λόγος σοφία ΑΣ:ΒΑΣ ΑΣ. ΑΣ'Β ΑΣ’ 1Σ A\u0301Σ\u0301 ΤΟΣ虎ΤΟΣ"


@pytest.mark.parametrize("more", ["", " 老虎 在 森林"])
def test_words_that_end_in_a_capital_sigma_are_found(more: str) -> None:
    """The words of a corpus have a final sigma; `tokenizers` knows none by itself."""
    corpus = Corpus([GREEK + more], lowercase=True)
    (words,) = corpus.words()
    assert {"λογος", "ὀδός", "σ", "σασς", "ας", "βας", "ασ'β", "τος"} <= set(words)
    made = Tokenizer.train(corpus, kind="word", vocab_size=100, min_count=1)
    for text in (GREEK + more, " ".join(words)):
        assert made.encode(text).tokens == words
        assert [made.token_of(i) for i in made.encode_batch([text])[0].tolist()] == words
    assert made.engine == ("core" if more else "tokenizers")


def test_words_of_a_user_dictionary_come_out_whole() -> None:
    text = ["京大 在 北京大学 C++ 石墨烯", "T恤 和 京大", "北京 大学"]
    corpus = Corpus(text, user_dict=["京大", "石墨烯", "T恤", "++"])
    made = Tokenizer.train(corpus, kind="word", vocab_size=100, min_count=1)
    assert made.encode("北京大学的石墨烯").tokens[:3] == ["北", "京大", "学"]
    assert "石墨烯" in made.encode("新石墨烯材料").tokens
    assert made.encode("a++b").tokens[1] == "++"
    assert any("T恤" in note for note in made.notes)


def test_lower_case_follows_the_corpus() -> None:
    corpus = Corpus(["The TIGER sleeps", "the tiger"], lowercase=True)
    for kind in TRAINED:
        made = Tokenizer.train(corpus, kind=kind, vocab_size=300, min_count=1)
        assert made.encode("TIGER").ids.tolist() == made.encode("tiger").ids.tolist()


def test_wrong_arguments(lines: list[str]) -> None:
    corpus = Corpus(lines)
    for message, arguments in {
        "kind must be one of bpe, wordpiece": {"kind": "bp"},
        "vocab_size must be a whole number of at least 1": {"vocab_size": 0},
        "vocab_size must be above 256": {"vocab_size": 256},
        "vocab_size must be above 257, the special": {"vocab_size": 257, "special_tokens": ["<s>"]},
        "min_count must be": {"min_count": True},
        "coverage must be above 0": {"coverage": 0},
        "special_tokens holds '<s>' twice": {"special_tokens": ["<s>", "<s>"]},
        r"special_tokens\[0\] is empty": {"special_tokens": [""]},
        r"special_tokens\[0\]: 'a' is a character": {"special_tokens": ["a"]},
        "special_tokens must be a list of texts, got str": {"special_tokens": "<s>"},
        "special_tokens must be a list of texts, got NoneType": {"special_tokens": None},
        r"special_tokens\[0\]: 'Ġt' is how byte-level BPE spells other text": {"special_tokens": ["Ġt"]},
        r"special_tokens\[1\]: 'æĪ' is how byte-level": {"special_tokens": ["<é>", "æĪ"]},
        r"special_tokens\[0\]: '<0xE5>' is the token of a byte": {
            "kind": "character",
            "byte_fallback": True,
            "special_tokens": ["<0xE5>"],
        },
        "coverage must be above 0 and at most 1, got '1'": {"coverage": "1"},
        r"special_tokens\[0\] holds a lone surrogate": {"special_tokens": ["\ud800"]},
        "byte_fallback is for unigram and character": {"byte_fallback": True},
        "pattern must be one of gpt2": {"pattern": "gpt"},
        "threads must be a whole number of at least 1, got 0": {"threads": 0},
        "memory must be a number of bytes of at least 1, got True": {"memory": True},
        "memory must be at least 50638848 bytes for 300 tokens, got 1000": {"memory": 1000},
    }.items():
        with pytest.raises(ArgumentError, match=message):
            Tokenizer.train(corpus, **{"kind": "bpe", "vocab_size": 300, **arguments})
    with pytest.raises(ArgumentError, match="corpus must be a Corpus, got list"):
        Tokenizer.train(lines, kind="bpe", vocab_size=300)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", TRAINED)
def test_an_empty_corpus_is_an_error(kind: str) -> None:
    for empty in ([], ["", ""]):
        with pytest.raises(CorpusError, match=r"no (text|words) in"):
            Tokenizer.train(Corpus(empty), kind=kind, vocab_size=300)


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_training_stays_within_memory_by_leaving_out_the_rarest(kind: str) -> None:
    """Words seen once are left out evenly, the same ones whatever the threads; frequent ones all count."""
    rng = random.Random(8)
    frequent = ["tiger", "lion", "otter", "老虎", "狮子"] * 3000
    rare = ["".join(rng.choices("bcdfghjkl", k=rng.randint(9, 30))) for _ in range(260_000)]
    lines = [" ".join(rng.choices(frequent, k=4) + rare[i : i + 8]) for i in range(0, len(rare), 8)]
    made = [
        Tokenizer.train(Corpus(lines), kind=kind, vocab_size=600, memory=51_000_000, threads=threads)
        for threads in (1, 3)
    ]
    assert made[0].fingerprint == made[1].fingerprint
    assert made[0].notes == made[1].notes
    found = re.match(r"(\d+) pieces of text seen (\d) times or less, (\d+) occurrences", made[0].notes[0])
    assert found
    assert 0 < int(found[1]) == int(found[3]) < 260_000
    assert found[2] == "1"
    assert {"tiger", "lion", "otter"} <= {token.strip("Ġ") for token in made[0].vocab}
    whole = Tokenizer.train(Corpus(lines), kind=kind, vocab_size=600)
    assert whole.notes == ()
    assert whole.fingerprint != made[0].fingerprint
