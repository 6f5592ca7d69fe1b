"""Training WordPiece and Unigram, the same bytes each time."""

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
from qianru.tokens.description import Description
from qianru.tokens.pipelines import bert, special_token, text_normalizer
from qianru.tokens.sentencepiece_file import parse_sentencepiece
from qianru.tokens.sentencepiece_open import describe_sentencepiece

_PROGRESS_SECONDS = 0.1
_MAX_LINE_BYTES = 1 << 20  # a longer line is left out by the sentencepiece trainer


def train_wordpiece(
    corpus: Corpus,
    *,
    vocab_size: int,
    min_count: int,
    special_tokens: tuple[str, ...],
    coverage: float,
    progress: ProgressCallback | None,
) -> tuple[Description, int]:
    """BERT's vocabulary, learned by byte pair encoding over its words, with "##" before what continues a word."""
    lowercase = corpus.settings["lowercase"] is True
    names = special_tokens if "[UNK]" in special_tokens else ("[UNK]", *special_tokens)
    words = _bert_words(corpus, lowercase, progress)
    counter = _core.WordCounter(pattern="none")
    counter.add(
        [word.encode() for word in words], np.fromiter(words.values(), dtype=np.uint64, count=len(words))
    )
    try:
        trainer = _core.BpeTrainer(
            counter,
            vocab_size=vocab_size,
            min_frequency=min_count,
            byte_level=False,
            special_tokens=[name.encode() for name in names],
            initial_alphabet=[],
            coverage=coverage,
            prefix=b"##",
        )
    except ValueError as error:
        raise ArgumentError(
            f"vocab_size: {error}", hint="raise it, or lower coverage: the rarest characters become [UNK]"
        ) from None
    while not trainer.run(_PROGRESS_SECONDS):
        if progress is not None:
            progress(Progress("train", trainer.n_tokens / vocab_size, 0.0, "tokens"))
    tokens = [token.decode() for token in trainer.tokens()]
    made = bert({token: i for i, token in enumerate(tokens)}, lowercase=lowercase)
    made["added_tokens"] = [special_token(name, i) for i, name in enumerate(names)]
    return made, len(tokens)


def _bert_words(corpus: Corpus, lowercase: bool, progress: ProgressCallback | None) -> Counter[str]:
    import tokenizers

    rules = tokenizers.Tokenizer.from_str(json.dumps(bert({"[UNK]": 0}, lowercase=lowercase)))
    words: Counter[str] = Counter()
    for block, done in corpus.blocks():
        text = rules.normalizer.normalize_str(block.decode())
        words.update(word for word, _ in rules.pre_tokenizer.pre_tokenize_str(text))
        if progress is not None:
            progress(Progress("read", done, 0.0, "B"))
    if not words:
        raise CorpusError(f"no text in {corpus!r}", hint="The inputs are empty.")
    return words


def train_unigram(
    corpus: Corpus,
    *,
    vocab_size: int,
    special_tokens: tuple[str, ...],
    coverage: float,
    byte_fallback: bool,
    progress: ProgressCallback | None,
) -> tuple[Description, int]:
    """Unigram by the sentencepiece package (Kudo 2018, arXiv:1804.10959), whose trainer repeats exactly."""
    try:
        import sentencepiece
    except ImportError:
        raise ArgumentError(
            "kind 'unigram' is trained by sentencepiece, which is not installed",
            hint='pip install "qianru[sentencepiece]"',
        ) from None
    lowercase = corpus.settings["lowercase"] is True
    out = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_sentences(corpus, lowercase, progress),
            model_writer=out,
            model_type="unigram",
            vocab_size=vocab_size,
            character_coverage=coverage,
            byte_fallback=byte_fallback,
            control_symbols=[name for name in special_tokens if name != "<unk>"],
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
    made["normalizer"] = text_normalizer(lowercase=lowercase)
    return made, len(model.pieces)


def _sentences(corpus: Corpus, lowercase: bool, progress: ProgressCallback | None) -> Iterator[str]:
    for block, done in corpus.blocks():
        text = block.decode()
        yield from filter(str.strip, (text.lower() if lowercase else text).split("\n"))
        if progress is not None:
            progress(Progress("read", done, 0.0, "B"))


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
