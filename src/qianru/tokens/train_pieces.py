"""Training byte-level BPE, WordPiece and Unigram."""

from __future__ import annotations

import io
import json
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from qianru import _core
from qianru.arrays import Int64Array
from qianru.errors import ArgumentError, CorpusError
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.tokens.characters import N_CODES, add_characters
from qianru.tokens.encoding import checked_threads
from qianru.tokens.pipelines import bert, byte_level, byte_level_text, special_token, text_normalizer
from qianru.tokens.sentencepiece_file import parse_sentencepiece
from qianru.tokens.sentencepiece_open import describe_sentencepiece
from qianru.tokens.settings import Trained, TrainSettings, left_out, read_text

if TYPE_CHECKING:
    import tokenizers

_PROGRESS_SECONDS = 0.1
_LEAST_COVERAGE = 0.98  # that sentencepiece takes
_MAX_LINE_BYTES = 1 << 20  # a longer line is left out of the training of Unigram


def train_bpe(corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None) -> Trained:
    """Byte-level BPE (Sennrich et al. 2016; over bytes as GPT-2), with the merges of the `tokenizers` package."""
    counter = _core.WordCounter(pattern=settings.pattern)
    threads = checked_threads(settings.threads)
    for text in read_text(corpus, progress):
        counter.count_lines(text.encode(), threads, keep_ends=True)  # a line's end is text too
        counter.keep_within(settings.memory_for_words)
    special = settings.special_tokens
    trainer = _core.BpeTrainer(
        counter,
        vocab_size=settings.vocab_size,
        min_frequency=settings.min_count,
        special_tokens=[token.encode() for token in special],
        initial_alphabet=[bytes(range(256))],
    )
    tokens = _learned(trainer, settings.vocab_size, progress)
    names = [*special, *map(byte_level_text, tokens[len(special) :])]
    made = byte_level(
        {name: token_id for token_id, name in enumerate(names)},
        [f"{names[left]} {names[right]}" for left, right in trainer.merges().tolist()],
        settings.pattern,
        special=[(token, token_id) for token_id, token in enumerate(special)],
        normalizer=text_normalizer(lowercase=corpus.settings["lowercase"] is True),
    )
    return made, len(names), _dropped(counter, settings)


def _dropped(counter: _core.WordCounter, settings: TrainSettings) -> tuple[str, ...]:
    """A note on the pieces of text left out for memory."""
    n_words, occurrences, highest = counter.dropped
    if not n_words:
        return ()
    return (
        f"{n_words} pieces of text seen {highest} times or less, {occurrences} occurrences in all, were left out to "
        f"stay within memory = {settings.memory} bytes: raise memory to train on all of the text",
    )


def _learned(trainer: _core.BpeTrainer, vocab_size: int, progress: ProgressCallback | None) -> list[bytes]:
    while not trainer.run(_PROGRESS_SECONDS):
        if progress is not None:
            progress(Progress("train", trainer.n_tokens / vocab_size, 0.0, "tokens"))
    return trainer.tokens()


def train_wordpiece(corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None) -> Trained:
    """BERT's vocabulary, learned by byte pair encoding over its words, with "##" before what continues a word."""
    lowercase = corpus.settings["lowercase"] is True
    special = settings.special_tokens
    names = special if "[UNK]" in special else ("[UNK]", *special)
    rules = _bert_rules(lowercase)
    for name in special:
        # The longest token that fits is taken from a word, so that one of the special tokens would be.
        if _cut_by(rules, rest := name.removeprefix("##")) == [rest]:
            raise ArgumentError(
                f"special_tokens: {name!r} can be part of a word, and would be found in text",
                hint="write [CLS], <s> or the like, with a character at which BERT cuts words",
            )
    counter = _core.WordCounter(pattern="none")
    for text in read_text(corpus, progress):
        words = Counter(_cut_by(rules, text))
        counts = np.fromiter(words.values(), dtype=np.uint64, count=len(words))
        counter.add([word.encode() for word in words], counts)
        counter.keep_within(settings.memory_for_words)
    if not counter.n_words:  # what the normaliser leaves out is more than white space
        raise CorpusError(f"no text in {corpus!r}", hint="The inputs are empty.")
    trainer = _core.BpeTrainer(
        counter,
        vocab_size=settings.vocab_size,
        min_frequency=settings.min_count,
        byte_level=False,
        special_tokens=[name.encode() for name in names],
        initial_alphabet=[],
        coverage=settings.coverage,
        prefix=b"##",
    )
    tokens = [token.decode() for token in _learned(trainer, settings.vocab_size, progress)]
    made = bert({token: i for i, token in enumerate(tokens)}, lowercase=lowercase)
    made["added_tokens"] = [special_token(name, i) for i, name in enumerate(names)]
    notes = left_out(trainer.left_out[0], "characters", trainer.left_out[1], "[UNK]")
    return made, len(tokens), (*notes, *_dropped(counter, settings))


def _bert_rules(lowercase: bool) -> tokenizers.Tokenizer:
    import tokenizers

    return tokenizers.Tokenizer.from_str(json.dumps(bert({"[UNK]": 0}, lowercase=lowercase)))


def _cut_by(rules: tokenizers.Tokenizer, text: str) -> list[str]:
    """The words of a text, as BERT normalises and cuts it."""
    return [word for word, _ in rules.pre_tokenizer.pre_tokenize_str(rules.normalizer.normalize_str(text))]


def train_unigram(corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None) -> Trained:
    """Unigram by the sentencepiece package (Kudo 2018, arXiv:1804.10959), whose trainer repeats exactly."""
    try:
        import sentencepiece
    except ImportError:
        raise ArgumentError(
            "kind 'unigram' is trained by sentencepiece, which is not installed",
            hint='pip install "qianru[sentencepiece]"',
        ) from None
    out = io.BytesIO()
    sentences, counts = _sentences(corpus, progress)
    control = [name for name in settings.special_tokens if name != "<unk>"]
    room = settings.vocab_size - 1 - len(control) - 256 * settings.byte_fallback
    rare, notes = _rare(counts, room, settings)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_drained(sentences, rare),
            model_writer=out,
            model_type="unigram",
            vocab_size=settings.vocab_size,
            character_coverage=1.0 if rare else settings.coverage,
            byte_fallback=settings.byte_fallback,
            control_symbols=control,
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            max_sentence_length=_MAX_LINE_BYTES,
            num_threads=1,  # sums in another order give other scores
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        raise _what_is_wrong(str(error), corpus) from None
    model = parse_sentencepiece(out.getvalue(), path="the trained model")
    made = describe_sentencepiece(model, "the trained model")[0]
    made["normalizer"] = text_normalizer(lowercase=corpus.settings["lowercase"] is True)
    return made, len(model.pieces), notes


def _sentences(corpus: Corpus, progress: ProgressCallback | None) -> tuple[deque[str], Int64Array]:
    """The text in blocks, and how often sentencepiece will count each code point in it: int64 [0x110000]."""
    texts: deque[str] = deque()
    counts = np.zeros(N_CODES, dtype=np.int64)
    for text in read_text(corpus, progress):
        lines = [line for line in text.split("\n") if _is_read(line)]
        texts.append("\n".join(lines))
        add_characters(counts, texts[-1])
        counts[ord("\u2581")] += len(lines)  # one before each line
    counts[ord("\u2581")] += counts[ord(" ")]
    counts[[0, ord("\n"), ord(" ")]] = 0
    return texts, counts


def _is_read(line: str) -> bool:
    """Whether the sentencepiece trainer reads a line: it leaves out long ones, and those with its mark U+2585."""
    return bool(line.strip()) and "\u2585" not in line and len(line.encode()) <= _MAX_LINE_BYTES


def _drained(texts: deque[str], rare: Mapping[int, str]) -> Iterator[str]:
    """The lines with rare characters replaced; each block is given back when it has been read."""
    while texts:
        text = texts.popleft()
        yield from filter(None, (text.translate(rare) if rare else text).split("\n"))


def _rare(counts: Int64Array, room: int, settings: TrainSettings) -> tuple[dict[int, str], tuple[str, ...]]:
    """The characters beyond coverage, or beyond `room` characters, each with a NUL for it; and a note on the latter.

    sentencepiece counts no NUL and lets none into a piece, as it does with what its own coverage leaves out; but that
    may not be below 0.98, and knows no number.
    """
    codes = np.flatnonzero(counts)
    codes = codes[np.lexsort((codes, -counts[codes]))]
    before = np.cumsum(counts[codes]) - counts[codes]
    n_wanted = int((before < settings.coverage * counts.sum()).sum())
    if n_wanted <= room and settings.coverage >= _LEAST_COVERAGE:
        return {}, ()
    over = codes[room:n_wanted]
    note = left_out(
        len(over), "characters", int(counts[over].sum()), "bytes" if settings.byte_fallback else "<unk>"
    )
    return dict.fromkeys(codes[min(room, n_wanted) :].tolist(), "\0"), note


def _what_is_wrong(message: str, corpus: Corpus) -> ArgumentError | CorpusError:
    if "sentences_.empty" in message or "!sentences" in message:
        return CorpusError(f"no text in {corpus!r}", hint="The inputs are empty.")
    if found := re.search(r"value <= (\d+)", message):
        return ArgumentError(
            f"vocab_size is more than this text gives: at most {found[1]}", hint="lower it, or give more text"
        )
    return ArgumentError(
        f"sentencepiece cannot train on this: {message.strip()[-160:]}",
        hint="raise vocab_size, or lower coverage: each character kept needs a token",
    )
