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

def slots_for(n_keys: int) -> int:
    """The slots that the table of this many keys has."""

def fill_table(bytes: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], table: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]) -> list[int]:
    """
    Fill the table [slots_for(n_keys)]; returns the rows left out because a lower row has the same key.
    """

class KeyIndex:
    """From key to row, over arrays that may be mapped."""

    def __init__(self, bytes: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], table: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    def find(self, key: bytes) -> int:
        """The row of the key's UTF-8 bytes, or -1."""

    def is_sound(self) -> bool:
        """Whether every key is UTF-8, not empty, and found at its row."""

    def close_spellings(self, word: bytes, limit: int, k: int) -> list[int]:
        """
        Rows of the k keys nearest in spelling, within limit edits, nearest first.
        """

    def unigram_scores(self, counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, scores: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')]) -> None:
        """
        Fill scores [n_keys] for a Unigram tokenizer whose pieces are the keys.
        """

class Word2vecRows:
    """Reads the rows of a word2vec file, fed in pieces, into a matrix."""

    def __init__(self, matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], *, binary: bool, replace: bool) -> None: ...

    def feed(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], last: bool) -> int:
        """Read whole rows; returns the bytes used up."""

    @property
    def n_read(self) -> int: ...

    @property
    def n_replaced(self) -> int: ...

    @property
    def max_row_bytes(self) -> int: ...

    @property
    def error(self) -> str: ...

    @property
    def error_offset(self) -> int: ...

    @property
    def error_fields(self) -> int: ...

    def key_bytes(self) -> bytes: ...

    def key_offsets(self) -> bytes: ...

def word2vec_rows(index: KeyIndex, matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], begin: int, end: int, *, binary: bool) -> bytes:
    """Rows begin to end as a word2vec file has them."""

def scan(matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], inverse_norms: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], queries: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], *, cos_mul: bool, among: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, exclude: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], rows: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu')], scores: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], threads: int = 0) -> None:
    """
    Fill rows and scores [n_results, k] with the best rows of matrix for each query (or for each three, with cos_mul).
    """

def inverse_norms(matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], out: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], threads: int = 0) -> None:
    """Fill out [n_rows] with 1 / length of each row, 0 for a zero row."""

def first_row_not_finite(matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], threads: int = 0) -> int:
    """The first row that holds a NaN or an infinity, or -1."""
