"""The corpus: inputs and how to read them, as lines, as words, or as the id stream that trainers take."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from qianru._core import LINE_END, UNICODE_VERSION, Encoder
from qianru.arrays import UInt32Array, UInt64Array
from qianru.errors import ArgumentError, CorpusError
from qianru.progress import ProgressCallback
from qianru.text.blocks import BlockReader
from qianru.text.encoding import CorpusEncoder, default_threads, pool_of, stream_blocks
from qianru.text.han import HanCutter, read_preferred
from qianru.text.reading import Tally, check_decoding
from qianru.text.segmenter import Segmenter, describe_segmenter, read_segmenter
from qianru.text.sources import IterableSource, find_sources
from qianru.text.splitting import clean_text, encode_block, make_user_dict
from qianru.text.user_words import describe_user_words, read_user_words

DEFAULT_MEMORY = 2 << 30


@dataclass(frozen=True)
class EncodedCorpus:
    """A corpus as ids.

    Attributes:
        keys: the words kept, by falling count, ties by their UTF-8 bytes; a word's id is its place here.
        counts: occurrences of each key, uint64 [n_keys].
        ids: the id stream in the order of the text, uint32 [n]; 0xFFFFFFFF ends each line that kept a word.
        n_tokens: ids that are words.
        n_raw_tokens: words read, kept or not.
        n_lines: lines read, empty ones too.
        n_bytes: bytes read, after decompression.
        n_invalid_bytes: bytes that were not valid in the encoding.
        fingerprint: hash of the words and line ends read, whatever the vocabulary, 32 hexadecimal digits.
        settings: how the text was read.
        n_long_words: words of more than 1,000 bytes, which are left out.
    """

    keys: list[str]
    counts: UInt64Array
    ids: UInt32Array
    n_tokens: int
    n_raw_tokens: int
    n_lines: int
    n_bytes: int
    n_invalid_bytes: int
    fingerprint: str
    settings: dict[str, object] = field(default_factory=dict)
    n_long_words: int = 0


class Corpus:
    """Text to be read, as often as wanted. docs/concepts/text.md says what happens to it.

    Args:
        inputs: files, folders, globs, "-" for standard input, plain or compressed (gzip, bzip2, xz, zstd);
            or one iterable of lines (str) or of lines of words (list of str, taken as they are).
        encoding: of files.
        errors: "replace" counts invalid bytes and takes them for separators, "strict" stops at the first.
        field: files hold JSON lines, and this field of each object is the text.
        lowercase: lower-case each word as `str.lower` does.
        user_dict: words that must come out whole wherever they stand: a list, or a file with one a line.
        prefer: Chinese words that the dictionary is to prefer, but where they stand across better words: a list, a
            dict with their frequencies, or a file with a word and perhaps a frequency a line.
        traditional: cut traditional Chinese as its simplified form is cut; the words stay as they are written.
            Needs OpenCC: pip install "qianru[opencc]".
        segmenter: cuts Chinese as the text that it was trained on is cut: what `train_segmenter` made, or the path
            where it is saved.

    Raises:
        ArgumentError: an argument breaks its rule.
        CorpusError: a path does not exist, may not be read, or holds no file.
        FormatError: the segmenter's file is damaged or none.
    """

    def __init__(
        self,
        *inputs: str | os.PathLike[str] | Iterable[str] | Iterable[list[str]],
        encoding: str = "utf-8",
        errors: str = "replace",
        field: str | None = None,
        lowercase: bool = False,
        user_dict: str | os.PathLike[str] | Iterable[str] | None = None,
        prefer: str | os.PathLike[str] | Mapping[str, int] | Iterable[str] | None = None,
        traditional: bool = False,
        segmenter: Segmenter | str | os.PathLike[str] | None = None,
    ) -> None:
        self._decoding = check_decoding(encoding, errors)
        self._field = field
        self._lowercase = bool(lowercase)
        words = read_user_words(user_dict)
        self._user_words = words
        self._user_dict = make_user_dict(words, lowercase=self._lowercase)
        preferred = read_preferred(prefer)
        trained = read_segmenter(segmenter)
        self._cut = HanCutter(preferred, traditional=bool(traditional), segmenter=trained)
        self._sources = find_sources(inputs)
        self._settings: dict[str, object] = {
            "encoding": self._decoding.encoding,
            "errors": errors,
            "field": field,
            "lowercase": self._lowercase,
            "user_dict": describe_user_words(user_dict, words),
            "prefer": describe_user_words(prefer, tuple(f"{word} {n}" for word, n in preferred.items())),
            "traditional": bool(traditional),
            "segmenter": describe_segmenter(segmenter, trained),
            "unicode": UNICODE_VERSION,
        }

    def __repr__(self) -> str:
        titles = [source.title for source in self._sources[:3]]
        more = len(self._sources) - len(titles)
        return f"Corpus({', '.join(titles)}{f' and {more} more' if more else ''})"

    @property
    def settings(self) -> dict[str, object]:
        """How the text is read; a new dict each time."""
        return dict(self._settings)

    @property
    def user_words(self) -> tuple[str, ...]:
        """The words that always come out whole, in NFC and sorted."""
        return self._user_words

    @property
    def han_cutter(self) -> HanCutter:
        """What cuts runs of Han characters."""
        return self._cut

    def _reader(self) -> BlockReader:
        has_dict = self._user_dict is not None
        return BlockReader(self._sources, self._decoding, self._field, has_dict, self._lowercase)

    def blocks(self) -> Iterator[tuple[bytes, float]]:
        """The lines in blocks of a megabyte or so, valid UTF-8 in NFC, each line with a line feed behind it; and
        with each block the share of the corpus that has been read, 0 while that is not known.

        Bytes that were not valid are U+FFFD. Lines of words come joined by spaces.
        """
        held = b""
        strict = self._decoding.errors == "strict"
        for block, position in self._reader().blocks(Tally()):
            n_stored = sum(source.n_stored_bytes() for source in self._sources)
            done = min(position / n_stored, 1.0) if n_stored else 0.0
            if block.kind == "words":
                yield block.data.replace(b"\0\n", b"\n").replace(b"\0", b" "), done
                continue
            data, n_invalid = clean_text(block, strict=strict, field=self._field)
            if n_invalid:
                data = data.decode("utf-8", "replace").encode()
            data = (held + data).replace(b"\r\n", b"\n")
            if not block.ends_in_line and not data.endswith(b"\n"):
                data = data.removesuffix(b"\r") + b"\n"
            whole = data.rfind(b"\n") + 1
            held = data[whole:]
            if whole:
                yield data[:whole], done

    def lines(self) -> Iterator[str]:
        """The lines, decoded and in NFC, without their ends. Lines of words come joined by spaces."""
        for data, _ in self.blocks():
            yield from data.decode().split("\n")[:-1]

    def words(self) -> Iterator[list[str]]:
        """The words of each line that has any."""
        line: list[str] = []
        strict = self._decoding.errors == "strict"
        for block in stream_blocks(self._reader()):
            encoder = Encoder(self._lowercase, self._user_dict)
            ids, _ = encode_block(encoder, block, self._cut, strict=strict, field=self._field)
            words = encoder.words()
            for i in ids.ids().tolist():
                if i != LINE_END:
                    line.append(words[i])
                elif line:
                    yield line
                    line = []

    def encode(
        self,
        *,
        min_count: int = 5,
        max_vocab: int | None = None,
        keep: Container[str] | None = None,
        threads: int | None = None,
        memory: int = DEFAULT_MEMORY,
        progress: ProgressCallback | None = None,
    ) -> EncodedCorpus:
        """Read everything once and give the vocabulary and the id stream.

        Args:
            min_count: words with fewer occurrences are left out.
            max_vocab: at most so many words, the most frequent ones.
            keep: words that are kept however rare they are; the two bounds above are for the others. They
                have their ids by falling count like all words.
            threads: workers, by default one for each processor of this process. The result is the same for
                any number.
            memory: bytes of ids (4 a word) above which they are kept in a mapped temporary file.
            progress: called a few times a second with stage "read".

        Raises:
            ArgumentError: an argument breaks its rule.
            CorpusError: there is no word, or none often enough, or the text cannot be read.
            OutputError: the temporary file cannot be written.
        """
        threads = _at_least("threads", default_threads() if threads is None else threads, 1)
        _at_least("min_count", min_count, 1)
        _at_least("max_vocab", 1 if max_vocab is None else max_vocab, 1)
        _at_least("memory", memory, 0)
        run = CorpusEncoder(
            self._reader(), self._user_dict, self._cut, threads=threads, memory=memory, progress=progress
        )
        with contextlib.closing(run), pool_of(threads) as pool:
            run.read(pool)
            vocabulary = run.select(min_count, max_vocab, keep)
            if not vocabulary.keys:
                raise self._nothing_kept(run, min_count)
            ids = run.ids(vocabulary, pool)
        totals = run.totals
        return EncodedCorpus(
            keys=vocabulary.keys,
            counts=vocabulary.counts,
            ids=ids,
            n_tokens=int(vocabulary.counts.sum()),
            n_raw_tokens=totals.n_words,
            n_lines=totals.n_lines,
            n_bytes=totals.tally.n_bytes,
            n_invalid_bytes=totals.tally.n_invalid_bytes,
            fingerprint=totals.hash.hex(),
            settings={**self._settings, "min_count": min_count, "max_vocab": max_vocab},
            n_long_words=totals.n_long_words,
        )

    def _nothing_kept(self, run: CorpusEncoder, min_count: int) -> CorpusError:
        n_bytes, n_invalid = run.totals.tally.n_bytes, run.totals.tally.n_invalid_bytes
        if run.totals.n_words == 0:
            hint = "The text holds no letter or digit."
            if n_bytes == 0 and isinstance(self._sources[0], IterableSource):
                hint = "The iterable gave nothing; each time it is opened it must start anew."
            elif n_bytes == 0:
                hint = "The inputs are empty."
            elif n_invalid * 10 > n_bytes:
                hint = f"{n_invalid} bytes are not valid {self._decoding.encoding}: name the right encoding."
            return CorpusError(
                f"no words in {n_bytes} bytes, {run.totals.n_lines} lines of {self!r}", hint=hint
            )
        best = run.select(1, 5)
        counts = ", ".join(f"{key} ({n})" for key, n in zip(best.keys, best.counts.tolist(), strict=True))
        return CorpusError(
            f"no word occurs min_count = {min_count} times: {run.totals.n_words} words read, "
            f"most often {counts}",
            hint="Lower min_count or give more text.",
        )


def split_words(
    text: str,
    *,
    user_dict: Iterable[str] | None = None,
    prefer: Mapping[str, int] | Iterable[str] | None = None,
    traditional: bool = False,
    segmenter: Segmenter | str | os.PathLike[str] | None = None,
    lowercase: bool = False,
) -> list[str]:
    """The words of one text, by the rules of Corpus.

    Raises:
        ArgumentError: text is no str, or a word of user_dict or prefer cannot be one.
        CorpusError: the text holds a lone surrogate, or the segmenter's file cannot be read.
        FormatError: the segmenter's file is damaged or none.
    """
    if not isinstance(text, str):
        raise ArgumentError(
            f"text must be a str, not {type(text).__name__}", hint="Corpus(lines).words() takes several."
        )
    corpus = Corpus(
        {text},  # not a list, which would be refused where a file has this name
        lowercase=lowercase,
        user_dict=user_dict,
        prefer=prefer,
        traditional=traditional,
        segmenter=segmenter,
    )
    return [word for line in corpus.words() for word in line]


def _at_least(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArgumentError(f"{name} must be a whole number, not {value!r}", hint=f"Give {least} or more.")
    number = int(value.__index__())
    if number < least:
        raise ArgumentError(f"{name} must be at least {least}, not {number}", hint=f"Give {least} or more.")
    return number
