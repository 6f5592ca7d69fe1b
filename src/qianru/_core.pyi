from typing import Annotated

import numpy
from numpy.typing import NDArray


def available_isas() -> list[str]:
    """Instruction sets compiled in that this processor has, slowest first."""

def current_isa() -> str:
    """The instruction set in use."""

def set_isa(name: str) -> None:
    """
    Use another instruction set from available_isas(); for tests and benchmarks.
    """

UNICODE_VERSION: str = '14.0.0'

LINE_END: int = 4294967295

MAX_WORD_BYTES: int = 1000

MAX_HAN_RUN: int = 10000

def survey(text: bytes) -> tuple[int, int, list[tuple[int, int]]]:
    """
    Bytes that are not UTF-8: their number and the first one's offset or -1; and the spans of lines to bring into NFC.
    """

def safe_cut(text: bytes, any_separator: bool) -> int:
    """
    The last offset where a line may be cut in two without a word changing; 0 if none.
    """

class UserDict:
    """Words that must come out as they are."""

    def __init__(self, ignore_case: bool) -> None: ...

    def add(self, word: str) -> None:
        """Add one word, not empty, in NFC."""

class Encoder:
    """
    One worker's word table, and blocks of text turned into blocks of its ids.
    """

    def __init__(self, lowercase: bool, dict: UserDict | None = None) -> None: ...

    def scan(self, text: bytes, starts_in_line: bool = False, ends_in_line: bool = False) -> None: ...

    def scan_words(self, text: bytes) -> None:
        """
        Words that are split already: each ends with NUL, each line with a line feed.
        """

    def take_han(self, n_bytes: int) -> str:
        """
        The next Han runs to be cut, joined by line feeds; empty when there are none.
        """

    def put_words(self, words: list[str]) -> None:
        """
        What the dictionary made of take_han(), line feeds as words of their own.
        """

    def finish(self) -> IdBlock: ...

    def merge(self, other: Encoder) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]:
        """
        Take in the other's words and counts; this encoder's id for each of the other's.
        """

    def select(self, min_count: int, max_vocab: int) -> tuple[list[str], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]]:
        """
        Words by falling count: keys, counts, and the new id of each old one (0xFFFFFFFE: left out). max_vocab 0: all.
        """

    def words(self) -> list[str]:
        """All words in the order of their ids."""

class IdBlock:
    """The ids of one block of text."""

    @property
    def n_ids(self) -> int: ...

    @property
    def n_words(self) -> int: ...

    @property
    def n_lines(self) -> int: ...

    @property
    def n_long(self) -> int: ...

    @property
    def starts_in_line(self) -> bool: ...

    def ids(self) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]:
        """A view, valid as long as it is not remapped."""

    def remap(self, map: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None:
        """Replace each id in place and drop the words that are left out."""

def remap_ids(ids: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], map: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], starts_in_line: bool) -> int:
    """The same for ids in an array; how many are left, at its beginning."""

class CorpusHash:
    """The fingerprint of a corpus from its blocks in order."""

    def __init__(self) -> None: ...

    def append(self, block: IdBlock) -> None: ...

    def hex(self) -> str: ...
