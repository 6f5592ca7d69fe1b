"""`Tokenizer`: text to tokens and ids, with their places in the text, and back."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from qianru._core import LINE_END
from qianru.arrays import Int64Array, UInt32Array
from qianru.errors import ArgumentError, UnknownWordError
from qianru.output import new_folder
from qianru.progress import ProgressCallback
from qianru.text import DEFAULT_MEMORY, Corpus
from qianru.tokens.core_engine import CoreEngine, core_engine, told_as_format_error
from qianru.tokens.description import (
    Description,
    added_tokens,
    check_description,
    model_kind,
    model_vocab,
    parse_json,
    tokens_by_id,
    unknown_id,
)
from qianru.tokens.encoding import (
    Encoding,
    TokenBatch,
    byte_starts,
    checked_ids,
    checked_text,
    checked_texts,
    checked_threads,
    checked_whole,
    truncated,
)
from qianru.tokens.engine import (
    Engine,
    EngineName,
    PackageEngine,
    around_ids,
    check_added_ids,
    encode_exactly,
    encode_one,
    offsets_of,
    open_package,
    put_around,
    without_special,
)
from qianru.tokens.opening import Opened, open_tokenizer, to_text
from qianru.tokens.pipelines import roles_of
from qianru.tokens.settings import TrainSettings, checked_special
from qianru.tokens.stream import write_stream
from qianru.tokens.train import train_description

if TYPE_CHECKING:
    import tokenizers

_FILES = ("tokenizer.json", "tokenizer_config.json")


class Tokenizer:
    """A vocabulary and the rules by which text becomes its tokens: a tokenizer.json, whatever file it came from.

    Args:
        description: a tokenizer.json as parsed; it is not changed.

    Attributes:
        engine: who encodes batches and files, "core" or "tokenizers" (the package); the ids are the same.
        notes: what was assumed or could not be carried over when the file was opened.

    Raises:
        FormatError: the description contradicts itself.
    """

    def __init__(self, description: Mapping[str, object]) -> None:
        copy = cast(Description, parse_json(json.dumps(description).encode(), "the description"))
        check_description(copy, "the description")
        self._set(Opened(copy, Path("the description")))

    def _set(self, opened: Opened) -> None:
        path = str(opened.source)
        self._text = to_text(opened.description, path) if opened.text is None else opened.text
        self._path = path
        self._package = open_package(self._text, path, special_in_text=False)
        check_added_ids(self._package, opened.description, path)
        added = added_tokens(opened.description)
        model = cast(dict[str, object], opened.description["model"])
        self._kind = model_kind(model)
        vocab = model_vocab(model, path)
        self._tokens = tokens_by_id(vocab, added)
        self._special = {
            str(entry["content"]): cast(int, entry["id"]) for entry in added if entry.get("special")
        }
        self._unknown = unknown_id(model, vocab)
        self._is_byte_level = '"ByteLevel"' in json.dumps(opened.description.get("pre_tokenizer"))
        self._around = around_ids(opened.description, path)
        self._roles = {**roles_of(self._special), **opened.roles}
        self.notes = opened.notes
        # Unigram models have their special tokens among the pieces, where text would find them.
        plain = without_special(opened.description)
        self._encoding_package = self._package
        if plain is not opened.description:
            self._encoding_package = open_package(to_text(plain, path), path, special_in_text=False)
        self._exact: CoreEngine | None = None
        if opened.sentencepiece is not None:
            self._exact = CoreEngine(opened.sentencepiece.encoder(), self._package)
        self._engine: Engine = (
            self._exact or core_engine(plain, self._encoding_package) or PackageEngine(self._encoding_package)
        )

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, lowercase: bool | None = None, pattern: str | None = None
    ) -> Tokenizer:
        """Open a folder or file; what it is, is seen from its content (docs/concepts/tokens.md).

        lowercase: of a BERT vocab.txt, where nothing beside it says so. pattern: by which the text is cut before
        byte-level BPE ("gpt2", "cl100k", "o200k", "qwen2"), where the files do not say it.

        Raises FormatError, naming file and entry, where a file is cut short or contradicts itself.
        """
        made = cls.__new__(cls)
        made._set(open_tokenizer(Path(path), lowercase=lowercase, pattern=pattern))
        return made

    @classmethod
    def train(
        cls,
        corpus: Corpus,
        *,
        kind: str,
        vocab_size: int,
        min_count: int = 2,
        special_tokens: Sequence[str] = (),
        coverage: float = 0.9995,
        byte_fallback: bool | None = None,
        pattern: str = "cl100k",
        threads: int | None = None,
        memory: int = DEFAULT_MEMORY,
        progress: ProgressCallback | None = None,
    ) -> Tokenizer:
        """Train a tokenizer on text. The same text gives the same bytes, whatever the number of threads.

        Text of a Corpus(lowercase=True) is lower-cased, and so is what the tokenizer encodes.

        Args:
            kind: "bpe" (byte-level), "wordpiece", "unigram", "character" or "word" (words as `Corpus` cuts them).
            vocab_size: tokens altogether, special ones included; there are fewer only if the text gives no more.
            min_count: of what occurs less often no token is made.
            special_tokens: they get the first ids, with "word" the last ones; where they stand in text they are text,
                unless asked for.
            coverage: the share of the text's characters that get tokens, the most frequent first; for
                "wordpiece", "unigram" and "character".
            byte_fallback: what has no token becomes tokens of its bytes (256 of the vocabulary), not [UNK]; for
                "unigram" and "character", by default for "unigram".
            pattern: how text is cut before byte-level BPE: "gpt2", "cl100k", "o200k" or "qwen2".
            memory: bytes that training takes at most, beside the interpreter. "bpe" and "wordpiece" leave out the
                rarest pieces of text above it, and `notes` says how many; "word" uses a temporary file. sentencepiece,
                which trains "unigram", takes what it needs.

        Raises:
            ArgumentError: an argument breaks its rule.
            CorpusError: the text gives no token.
        """
        _check_corpus(corpus)
        settings = TrainSettings(
            kind=kind,
            vocab_size=vocab_size,
            min_count=min_count,
            special_tokens=tuple(checked_special(special_tokens)),
            coverage=coverage,
            byte_fallback=kind == "unigram" if byte_fallback is None else byte_fallback,
            pattern=pattern,
            threads=threads,
            memory=memory,
        )
        description, notes = train_description(corpus, settings, progress)
        check_description(description, "the trained tokenizer")
        made = cls.__new__(cls)
        made._set(Opened(description, Path("the trained tokenizer"), notes=notes))
        return made

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the folder `path`: tokenizer.json, and a tokenizer_config.json by which transformers opens it.

        It is written beside its place and renamed. force: replace such a folder. Raises OutputError.
        """
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            **self._roles,
            "clean_up_tokenization_spaces": False,
        }
        with new_folder(Path(path), force=force, may_replace=_why_not_replace) as folder:
            (folder / "tokenizer.json").write_text(self._text, encoding="utf-8", newline="")
            (folder / "tokenizer_config.json").write_text(
                json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
            )

    def encode(
        self,
        text: str,
        *,
        add_special_tokens: bool = True,
        allow_special: bool = False,
        byte_offsets: bool = False,
        max_tokens: int | None = None,
    ) -> Encoding:
        """The tokens of one text.

        add_special_tokens: put around it what the tokenizer's post-processor says, as [CLS] and [SEP].
        allow_special: special tokens that stand in the text are found; else they are text like any other.
        byte_offsets: offsets count bytes of the UTF-8, not characters. max_tokens: leave out what is more, before
        the tokens behind the text; `n_truncated` says how many.

        Raises ArgumentError, also for half of a surrogate pair in the text.
        """
        checked_text(text)
        around = self._around if add_special_tokens else ([], [])
        if self._exact is not None and not allow_special:
            made = encode_exactly(self._exact, text, self._tokens, around)
        else:
            made = encode_one(self._one_package(allow_special), text, self._tokens, add_special_tokens)
        if byte_offsets:
            made = replace(made, offsets=byte_starts(text)[made.offsets])
        if max_tokens is None:
            return made
        return truncated(made, max_tokens, *map(len, around))

    def encode_batch(
        self,
        texts: Sequence[str],
        *,
        add_special_tokens: bool = True,
        allow_special: bool = False,
        threads: int | None = None,
    ) -> TokenBatch:
        """The ids of many texts in one array. Options as for `encode`. Raises ArgumentError, naming the text."""
        engine = PackageEngine(self._one_package(True)) if allow_special and self._special else self._engine
        batch = engine.encode_batch(texts, checked_threads(threads))
        return put_around(batch, *self._around) if add_special_tokens else batch

    def encode_offsets(self, texts: Sequence[str]) -> tuple[TokenBatch, Int64Array]:
        """The ids of many texts, and where each token begins and ends in its text, in characters: int64 [total, 2].

        Nothing is put around the texts. Raises ArgumentError.
        """
        checked = checked_texts(texts)
        if self._exact is None:
            return offsets_of(self._encoding_package, checked)
        found = [encode_exactly(self._exact, text, self._tokens, ([], [])) for text in checked]
        splits = np.cumsum([0, *map(len, found)], dtype=np.int64)
        ids = np.concatenate([np.empty(0, np.uint32), *(one.ids for one in found)])
        return TokenBatch(ids, splits), np.concatenate(
            [np.empty((0, 2), np.int64), *(one.offsets for one in found)]
        )

    def encode_files(
        self,
        corpus: Corpus,
        output: str | os.PathLike[str],
        *,
        line_end: int | None = LINE_END,
        threads: int | None = None,
        force: bool = False,
        progress: ProgressCallback | None = None,
    ) -> UInt32Array:
        """Write the ids of a corpus to a .npy file, uint32 [n], one line of it after the other; returns it mapped.

        line_end: follows each line that has tokens, by default 0xFFFFFFFF as in `EncodedCorpus.ids`; None: nothing
        does. No tokens are put around the lines.

        Raises ArgumentError if line_end is a token's id, CorpusError for text that cannot be read, OutputError.
        """
        _check_corpus(corpus)
        if line_end is not None and not self.n_tokens <= checked_whole(line_end, "line_end") <= LINE_END:
            raise ArgumentError(
                f"line_end must be no token's id and below 2^32, got {line_end}", hint="leave it out"
            )
        return write_stream(
            Path(output),
            corpus,
            lambda block: self._engine.encode_lines(block, 1, line_end),
            threads=checked_threads(threads),
            force=force,
            progress=progress,
        )

    def decode(self, ids: Iterable[int] | UInt32Array, *, skip_special: bool = True) -> str:
        """The text of ids, as the tokenizer's decoder puts it together.

        Raises ArgumentError for an unknown id, FormatError where the decoder cannot.
        """
        array = checked_ids(ids, self.n_tokens)
        with told_as_format_error("the decoder cannot decode these ids", "mend decoder in tokenizer.json"):
            return str(self._package.decode(array.tolist(), skip_special_tokens=skip_special))

    @property
    def vocab(self) -> dict[str, int]:
        """All tokens with their ids, added ones too, in the order of the ids; a new dict each time."""
        return {token: token_id for token_id, token in enumerate(self._tokens)}

    def id_of(self, token: str) -> int:
        """The id of a token as it stands in the vocabulary. Raises UnknownWordError."""
        found = self._package.token_to_id(checked_text(token, "token"))
        if found is None:
            raise UnknownWordError(token)
        return int(found)

    def token_of(self, token_id: int) -> str:
        """The token of an id. Raises ArgumentError."""
        if not 0 <= checked_whole(token_id, "token_id") < self.n_tokens:
            raise ArgumentError(f"token_id must be from 0 to {self.n_tokens - 1}, got {token_id}")
        return self._tokens[token_id]

    def __contains__(self, token: object) -> bool:
        # A lone surrogate stands in no token, and the package cannot look for one.
        if not isinstance(token, str) or any("\ud800" <= char <= "\udfff" for char in token):
            return False
        return self._package.token_to_id(token) is not None

    def __len__(self) -> int:
        return self.n_tokens

    @property
    def n_tokens(self) -> int:
        """Tokens altogether; their ids are 0 … n_tokens - 1."""
        return len(self._tokens)

    @property
    def kind(self) -> str:
        """The type of the model: "BPE", "WordPiece", "Unigram" or "WordLevel"."""
        return self._kind

    @property
    def is_byte_level(self) -> bool:
        """Whether the tokens are spelled in bytes, each byte a character of its own (GPT-2)."""
        return self._is_byte_level

    @property
    def unknown_id(self) -> int | None:
        """The id for what has no token; None if there is nothing such."""
        return self._unknown

    @property
    def special_tokens(self) -> dict[str, int]:
        """Tokens that are no text, with their ids."""
        return dict(self._special)

    @property
    def engine(self) -> EngineName:
        """Who encodes batches and files."""
        return self._engine.name

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over the description in canonical form: the identity of the tokenizer."""
        description = self.description
        model = cast(dict[str, object], description["model"])
        if "merges" in model:  # written as pairs, or as one string with a space in between
            pairs = cast(list[str | list[str]], model["merges"])
            model["merges"] = [pair if isinstance(pair, str) else " ".join(pair) for pair in pairs]
        text = json.dumps(description, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(b"qianru tokenizer 1\n" + text.encode()).hexdigest()

    @property
    def description(self) -> Description:
        """The tokenizer.json, parsed anew each time."""
        return cast(Description, json.loads(self._text))

    def __repr__(self) -> str:
        return f"Tokenizer({self.kind}, n_tokens={self.n_tokens}, engine={self.engine!r})"

    def _one_package(self, special_in_text: bool) -> tokenizers.Tokenizer:
        return self._special_package if special_in_text and self._special else self._encoding_package

    @cached_property
    def _special_package(self) -> tokenizers.Tokenizer:
        return open_package(self._text, self._path, special_in_text=True)


def _why_not_replace(folder: Path) -> str:
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in _FILES)
    return f"it holds other files: {', '.join(others[:3])}" if others else ""


def _check_corpus(corpus: object) -> None:
    if not isinstance(corpus, Corpus):
        raise ArgumentError(
            f"corpus must be a Corpus, got {type(corpus).__name__}",
            hint="write Corpus(path) or Corpus(lines)",
        )
