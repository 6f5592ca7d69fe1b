"""Training byte-level BPE, WordPiece and Unigram."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from qianru import _core
from qianru.errors import ArgumentError, CorpusError
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.text.encoding import default_threads
from qianru.tokens.pipelines import bert, byte_level, byte_level_text, special_token, text_normalizer
from qianru.tokens.sentencepiece_file import parse_sentencepiece
from qianru.tokens.sentencepiece_open import describe_sentencepiece
from qianru.tokens.settings import Trained, TrainSettings, read_text

_PROGRESS_SECONDS = 0.1
_MAX_LINE_BYTES = 1 << 20  # a longer line is left out by the sentencepiece trainer


def train_bpe(corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None) -> Trained:
    """Byte-level BPE (Sennrich et al. 2016; over bytes as GPT-2), with the merges of the `tokenizers` package."""
    counter = _core.WordCounter(pattern=settings.pattern)
    threads = default_threads() if settings.threads is None else settings.threads
    for text in read_text(corpus, progress):
        counter.count_lines(text.encode(), threads, keep_ends=True)  # a line's end is text too
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
    return made, len(names), ()


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
    words = _bert_words(corpus, lowercase, progress)
    counter = _core.WordCounter(pattern="none")
    counter.add(
        [word.encode() for word in words], np.fromiter(words.values(), dtype=np.uint64, count=len(words))
    )
    try:
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
    except ValueError as error:
        raise ArgumentError(
            f"vocab_size: {error}", hint="raise it, or lower coverage: the rarest characters become [UNK]"
        ) from None
    tokens = [token.decode() for token in _learned(trainer, settings.vocab_size, progress)]
    made = bert({token: i for i, token in enumerate(tokens)}, lowercase=lowercase)
    made["added_tokens"] = [special_token(name, i) for i, name in enumerate(names)]
    return made, len(tokens), ()


def _bert_words(corpus: Corpus, lowercase: bool, progress: ProgressCallback | None) -> Counter[str]:
    import tokenizers

    rules = tokenizers.Tokenizer.from_str(json.dumps(bert({"[UNK]": 0}, lowercase=lowercase)))
    words: Counter[str] = Counter()
    for text in read_text(corpus, progress):
        pieces = rules.pre_tokenizer.pre_tokenize_str(rules.normalizer.normalize_str(text))
        words.update(word for word, _ in pieces)
    if not words:  # what the normaliser leaves out is more than white space
        raise CorpusError(f"no text in {corpus!r}", hint="The inputs are empty.")
    return words


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
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_sentences(corpus, progress),
            model_writer=out,
            model_type="unigram",
            vocab_size=settings.vocab_size,
            character_coverage=settings.coverage,
            byte_fallback=settings.byte_fallback,
            control_symbols=[name for name in settings.special_tokens if name != "<unk>"],
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
    return made, len(model.pieces), ()


def _sentences(corpus: Corpus, progress: ProgressCallback | None) -> Iterator[str]:
    for text in read_text(corpus, progress):
        yield from filter(str.strip, text.split("\n"))


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
