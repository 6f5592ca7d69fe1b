"""BPE training against a plain twin and against the trainer of the `tokenizers` package."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from qianru import _core
from qianru.sample import sample_lines

_spec = importlib.util.spec_from_file_location("reference_bpe", Path(__file__).with_name("reference_bpe.py"))
assert _spec
assert _spec.loader
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

LINES = [text for language in ("en", "zh") for text in sample_lines(language, n_bytes=30_000, seed=4)]


def counted(texts: list[str], threads: int = 1, pattern: str = "gpt2") -> _core.WordCounter:
    counter = _core.WordCounter(pattern=pattern)
    counter.count_texts([text.encode() for text in texts], threads)
    return counter


def train(counter: _core.WordCounter, **options: object) -> tuple[list[bytes], list[list[int]]]:
    defaults = {"min_frequency": 2, "special_tokens": [], "initial_alphabet": [bytes(range(256))]}
    copy = _core.WordCounter(pattern="none")  # the trainer takes the words
    copy.add(*counter.words())
    trainer = _core.BpeTrainer(copy, **{**defaults, **options})
    assert copy.n_words == 0
    while not trainer.run(0.05):
        pass
    assert trainer.n_tokens == len(trainer.tokens())
    return trainer.tokens(), trainer.merges().tolist()


def train_with_tokenizers(texts: list[str], **options: object) -> tuple[list[bytes], list[list[int]]]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(initial_alphabet=alphabet, show_progress=False, **options)
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocab = model["vocab"]
    special = options.get("special_tokens", [])
    assert isinstance(special, list)
    tokens = [
        token.encode() if token in special else reference.to_bytes(token)
        for token in sorted(vocab, key=vocab.get)
    ]
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    return tokens, [[vocab[a], vocab[b]] for a, b in pairs]


def test_the_plain_twin_learns_the_same_merges() -> None:
    counter = counted(LINES[::20])
    words, counts = counter.words()
    tokens, merges = train(counter, vocab_size=340)
    expected = reference.train(dict(zip(words, counts.tolist(), strict=True)), 84, 2)
    assert [(tokens[a], tokens[b]) for a, b in merges] == expected


@pytest.mark.parametrize("vocab_size", [256, 257, 700, 100_000])
@pytest.mark.parametrize("min_frequency", [0, 2, 5])
def test_sentences_give_the_vocabulary_that_tokenizers_gives(vocab_size: int, min_frequency: int) -> None:
    options = {"vocab_size": vocab_size, "min_frequency": min_frequency}
    assert train(counted(LINES), **options) == train_with_tokenizers(LINES, **options)


@pytest.mark.parametrize("seed", range(60))
def test_repetitive_text_too(seed: int) -> None:
    """Few letters: tokens that come about in two ways, pairs that overlap themselves, ties, limits of length."""
    rng = random.Random(seed)
    letters = rng.choice(["ab", "abc", "aé中", "ab cd"])
    words = [
        "".join(rng.choices(letters, k=rng.randint(1, rng.choice([5, 12, 40]))))
        for _ in range(rng.randint(1, 60))
    ]
    text = " ".join(words)
    longest = rng.choice([0, 0, 3, 5, 9])
    special = rng.choice([[], ["<pad>", "a"]])
    options = {"vocab_size": rng.choice([270, 300, 400, 2000]), "min_frequency": rng.choice([0, 1, 2, 3])}
    limit = {"max_token_length": longest} if longest else {}
    expected = train_with_tokenizers([text], **options, special_tokens=special, **limit)
    for max_places in (0, 1, 20, 200):
        own = train(
            counted([text]),
            **options,
            special_tokens=[t.encode() for t in special],
            max_token_length=longest,
            max_places=max_places,
        )
        assert own == expected, max_places


@pytest.mark.parametrize("max_places", [1, 300, 10_000])
def test_lists_for_a_few_pairs_at_a_time_change_nothing(max_places: int) -> None:
    expected = train(counted(LINES), vocab_size=3000)
    assert train(counted(LINES), vocab_size=3000, max_places=max_places) == expected


def test_threads_and_order_change_nothing() -> None:
    one = train(counted(LINES), vocab_size=900)
    for threads in (2, 5):
        assert train(counted(LINES[::-1], threads), vocab_size=900) == one
    lines = [line.replace("\n", " ") for line in LINES]
    block = "\n".join(lines).encode()
    counter = _core.WordCounter(pattern="gpt2")
    counter.count_lines(block, 3)
    first, second = counter.words(), counted(lines).words()
    assert first[0] == second[0]
    assert first[1].tolist() == second[1].tolist()


def test_line_ends_count_when_asked_for() -> None:
    counter = _core.WordCounter(pattern="gpt2")
    counter.count_lines(b"a\n\nb\nc", 1, keep_ends=True)
    words, counts = counter.words()
    assert dict(zip(words, counts.tolist(), strict=True)) == {b"a": 1, b"b": 1, b"c": 1, b"\n": 3}


def test_a_prefix_marks_what_continues_a_word() -> None:
    """The training of WordPiece: the units and the whole words are those that the `tokenizers` package finds, which orders
    the pieces in between by chance."""
    texts = [line for line in LINES if line.isascii()]
    words: dict[str, int] = {}
    for text in texts:
        for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text):
            words[word] = words.get(word, 0) + 1
    counter = _core.WordCounter(pattern="none")
    counter.add([word.encode() for word in words], np.array(list(words.values()), np.uint64))
    options = {"special_tokens": [b"[UNK]"], "initial_alphabet": [], "byte_level": False, "prefix": b"##"}
    tokens, merges = train(counter, vocab_size=100_000, **options)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=100_000, min_frequency=2, special_tokens=["[UNK]"], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    own, other = {token.decode() for token in tokens}, set(tokenizer.get_vocab())
    assert {t for t in own if len(t.removeprefix("##")) == 1} == {
        t for t in other if len(t.removeprefix("##")) == 1
    }
    assert own & set(words) >= {word for word, count in words.items() if count > 1}
    assert other & set(words) >= {word for word, count in words.items() if count > 1}
    assert len(tokens) == len(set(tokens))
    for left, right in merges:
        assert tokens[left] + tokens[right].removeprefix(b"##") in tokens


def test_words_that_spell_the_prefix_do_no_harm() -> None:
    counter = _core.WordCounter(pattern="none")
    counter.add([b"##a", b"##", b"#", b"a#a#", b"###a"], np.array([9, 8, 7, 6, 5], np.uint64))
    for prefix in (b"#", b"##", b"a"):
        tokens, _ = train(counter, vocab_size=99, initial_alphabet=[], byte_level=False, prefix=prefix)
        assert len(tokens) == len(set(tokens))


def test_the_rarest_characters_can_drop_out() -> None:
    counter = _core.WordCounter(pattern="none")
    counter.add(["中国".encode(), "中华".encode(), "é".encode()], np.array([50, 49, 1], np.uint64))
    options = {"byte_level": False, "initial_alphabet": [], "vocab_size": 50}
    assert train(counter, **options)[0][:4] == ["é".encode(), "中".encode(), "华".encode(), "国".encode()]
    assert train(counter, **options, limit_alphabet=2)[0] == ["中".encode(), "国".encode(), "中国".encode()]
    assert train(counter, **options, coverage=0.99)[0][:3] == ["中".encode(), "华".encode(), "国".encode()]
    kept = train(counter, **{**options, "initial_alphabet": ["é".encode()]}, coverage=0.99)[0]
    assert kept[0] == "é".encode()


def test_counts_beyond_32_bits() -> None:
    counter = _core.WordCounter(pattern="none")
    counter.add([b"ab", b"bc"], np.array([5_000_000_000, 5_000_000_001], np.uint64))
    tokens, merges = train(counter, vocab_size=257)
    assert [(tokens[a], tokens[b]) for a, b in merges] == [(b"b", b"c")]


def test_what_cannot_be_gives_one_error() -> None:
    with pytest.raises(ValueError, match=r"vocab_size must be at least 256, .*; it is 255"):
        train(counted(LINES), vocab_size=255)
    assert train(counted([]), vocab_size=300) == (train(counted(["a"]), vocab_size=256)[0], [])
    with pytest.raises(ValueError, match="one length"):
        _core.WordCounter(pattern="none").add([b"a"], np.array([], np.uint64))


@pytest.mark.parametrize("max_places", [0, 1])
def test_text_is_never_joined_to_a_special_token(max_places: int) -> None:
    texts = ["abc"] * 5 + ["abcd abc", "xabc bcbc", "cab"]
    options = {"vocab_size": 400, "min_frequency": 1, "max_places": max_places}
    assert b"abc" in train(counted(texts), **options)[0]
    tokens, merges = train(counted(texts), special_tokens=[b"<s>", b"abc"], **options)
    assert tokens[:2] == [b"<s>", b"abc"]
    made = [tokens[left] + tokens[right] for left, right in merges]
    assert b"ab" in made
    assert b"cab" in made
    assert b"abc" not in made
    assert len(set(made)) == len(made)
