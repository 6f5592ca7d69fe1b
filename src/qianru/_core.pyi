from collections.abc import Sequence
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

def measure_fma_peak(threads: int) -> float:
    """
    GFLOP/s of fused multiply-adds on registers with so many threads; takes half a second.
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

def word2vec_window_step(inputs: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], outputs: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], labels: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], *, rate: float, cbow: bool, input_scale: float) -> float:
    """
    One training step in place on inputs [C, dim] and outputs [N, dim]; returns the loss. For tests.
    """

def huffman_paths(counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> list[list[tuple[int, float]]]:
    """
    For each word the (inner node, sign) pairs from the root down. For tests.
    """

def draw_negatives(counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], power: float, key: int, n: int) -> list[int]:
    """n draws of an id from counts^power. For tests."""

def keep_probabilities(counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], sample: float) -> list[float]:
    """Probability of keeping a token of each word. For tests."""

class Word2vecTrainer:
    """word2vec over a stream of ids, one epoch at a time."""

    def __init__(self, ids: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], *, dim: int, window: int, negative: int, cbow: bool, mean_gradient: bool, sample: float, learning_rate: float, min_learning_rate: float, epochs: int, threads: int, seed: int, negative_power: float = 0.75, start_range: float = 0.5, shared_offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, shared_rows: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, n_shared: int = 0) -> None: ...

    def start_epoch(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        """True once the epoch has ended."""

    def stop(self) -> None: ...

    def release_outputs(self) -> None:
        """
        Ends training and frees the output vectors, so that a copy of the input vectors finds room.
        """

    @property
    def n_positions_done(self) -> int: ...

    @property
    def n_kept(self) -> int: ...

    @property
    def n_pairs(self) -> int: ...

    @property
    def loss(self) -> float: ...

    @property
    def diverged(self) -> bool: ...

    @property
    def n_inputs(self) -> int: ...

    @property
    def n_outputs(self) -> int: ...

    def skip_epochs(self, n: int) -> None:
        """Before the first epoch: as if n had been trained already."""

    def set_input_shares(self, shares: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None:
        """
        For each word the share of its update that its input vector takes: 0 keeps it as it is.
        """

    def read_vectors(self, out: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')]) -> None:
        """
        Copies the input rows, the words' and then the shared ones, to out [n_inputs, dim].
        """

    def write_vectors(self, rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """Copies rows [n_inputs, dim] to the input rows."""

    def read_outputs(self, out: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')]) -> None:
        """Copies the output vectors to out [n_outputs, dim]."""

    def write_outputs(self, rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """Copies rows [n_outputs, dim] to the output vectors."""

class PositionIndex:
    """Where each word stands in a part of an id stream."""

    def __init__(self, ids: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], begin: int, end: int, *, n_keys: int, threads: int) -> None: ...

    def starts(self) -> Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C')]:
        """How many words of smaller ids the part holds [n_keys + 1]."""

class RowCounter:
    """
    One thread's accumulator for rows of co-occurrence sums, in units of 2^-30.
    """

    def __init__(self, n_keys: int) -> None: ...

    def count(self, index: PositionIndex, ids: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], low: int, high: int, *, window: int, symmetric: bool, by_distance: bool) -> tuple[Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C')]]:
        """Rows low to high: lengths uint64, columns uint32, sums uint64."""

    def merge(self, parts: Sequence[tuple[Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)]]], n_rows: int) -> tuple[Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C')]]:
        """The sum of parts (lengths, columns, sums), in the same form."""

class GloveTrainer:
    """GloVe over a sparse matrix of counts, one epoch at a time."""

    def __init__(self, offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], *, symmetric: bool, dim: int, x_max: float, alpha: float, learning_rate: float, threads: int, seed: int) -> None: ...

    def start_epoch(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        """True once the epoch has ended."""

    def stop(self) -> None: ...

    @property
    def n_entries(self) -> int: ...

    @property
    def n_done(self) -> int: ...

    @property
    def loss(self) -> float: ...

    @property
    def diverged(self) -> bool: ...

    @property
    def epoch(self) -> int: ...

    @epoch.setter
    def epoch(self, arg: int, /) -> None: ...

    def read_state(self, out: Annotated[NDArray[numpy.float32], dict(shape=(None, None, None), order='C', device='cpu')], first: int = 0) -> None:
        """
        Copies the state of the words from `first` on: w, b, 1; G; w~, 1, b~; G~.
        """

    def write_state(self, state: Annotated[NDArray[numpy.float32], dict(shape=(None, None, None), order='C', device='cpu', writable=False)]) -> None: ...

def sparse_transpose(offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], n_columns: int) -> tuple[Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
    """The transposed matrix by rows."""

def sparse_mirror(offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> tuple[Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C')], Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C')]]:
    """The whole of a symmetric matrix given by its upper triangle."""

def sparse_times_dense(offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], dense: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], out: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], low: int, high: int) -> None:
    """Rows low to high of out [n, k] = matrix [n, m] times dense [m, k]."""

SUBWORD_SEED: int = 2166136261

ZERO_ROW: int = 4294967295

NO_ROW: int = 4294967294

def subword_hash(text: bytes, seed: int = 2166136261) -> int:
    """
    fastText's hash of the bytes, or of what `seed` is the hash of and the bytes.
    """

def subwords(word: bytes, *, min_n: int, max_n: int, n_buckets: int, seed: int = 2166136261) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]:
    """The buckets of the n-grams of `<word>` in UTF-8."""

def subword_lists(bytes: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], *, min_n: int, max_n: int, n_buckets: int, seed: int = 2166136261) -> tuple[Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]]:
    """The same for many words: offsets [n + 1] and buckets."""

def mean_rows(first: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)] | None, rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], lists: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], out: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')]) -> None:
    """
    out[i] = mean of first[i], if there is first, and of the rows of list i; ZERO_ROW is one of zeros, NO_ROW none.
    """

def fasttext_entries(data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], n: int) -> tuple[Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], int]:
    """
    Up to n entries of a fastText dictionary: bytes, offsets, counts, types, and how many bytes they took.
    """

def quantise(rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], sub_dim: int, seed: int, codes: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu')], centroids: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')]) -> None:
    """Product quantisation of rows [n, dim]: fills codes and centroids."""

class ClassifierData:
    """Labelled lines of text, counted and turned into rows."""

    def __init__(self) -> None: ...

    def add(self, text: bytes, label_prefix: bytes) -> None:
        """Read lines; tokens that begin with the prefix are labels."""

    def finish(self, *, min_count: int, min_count_label: int, more: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], more_offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], min_n: int, max_n: int, n_buckets: int, word_ngrams: int) -> None:
        """
        Keep the frequent words and labels, and new ones of `more`; give rows to words and buckets.
        """

    @property
    def n_lines(self) -> int: ...

    @property
    def n_tokens(self) -> int: ...

    def buckets(self) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]: ...

    def words(self) -> tuple[Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]]: ...

    def labels(self) -> tuple[Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]]: ...

    def line(self, line: int) -> tuple[list[int], list[int]]:
        """Rows and labels of one line. For tests."""

class ClassifierTrainer:
    """Trains a linear classifier, one epoch at a time."""

    def __init__(self, data: ClassifierData, *, dim: int, loss: str, learning_rate: float, epochs: int, threads: int, seed: int) -> None: ...

    def start_epoch(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        """True once the epoch has ended."""

    def stop(self) -> None: ...

    @property
    def n_lines_done(self) -> int: ...

    @property
    def n_examples(self) -> int: ...

    @property
    def loss(self) -> float: ...

    @property
    def diverged(self) -> bool: ...

    @property
    def n_inputs(self) -> int: ...

    def read_inputs(self, out: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')]) -> None: ...

    def read_outputs(self, out: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')]) -> None: ...

    def write_inputs(self, ids: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """Start these rows [n] from others [n, dim]."""

class ClassifierScorer:
    """The labels' scores of new lines."""

    def __init__(self, bytes: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], offsets: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], buckets: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, word_rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], ngram_rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], outputs: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], label_counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], *, loss: str, min_n: int, max_n: int, n_buckets: int, word_ngrams: int, pruned: bool) -> None: ...

    def score(self, text: bytes) -> tuple[Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]]:
        """
        For each line: log-probabilities (logits for ova) [n, n_labels], and how many rows it has.
        """

    def embed(self, text: bytes) -> tuple[Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]]:
        """For each line the mean of its rows [n, dim], and how many rows it has."""

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
        """Whether no key is empty and each is found at its row."""

    def close_spellings(self, word: bytes, limit: int, k: int) -> list[int]:
        """
        Rows of the k keys nearest in spelling, within limit edits, nearest first.
        """

    def murmur_hashes(self, out: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]) -> None:
        """Fill out [n_keys] with the hashes by which spaCy names the keys."""

    def unigram_scores(self, counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, scores: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')]) -> None:
        """
        Fill scores [n_keys] for a Unigram tokenizer whose pieces are the keys.
        """

class Word2vecRows:
    """Reads the rows of a word2vec file, fed in pieces, into a matrix."""

    def __init__(self, dim: int, *, format: str, errors: str) -> None: ...

    def feed(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], last: bool, matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')]) -> int:
        """
        Read whole rows into matrix, as many as it has room for; returns the bytes used up.
        """

    @property
    def n_read(self) -> int: ...

    @property
    def n_broken(self) -> int: ...

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

def word2vec_rows(index: KeyIndex, matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], begin: int, end: int, *, format: str) -> bytes:
    """Rows begin to end as a file has them."""

def scan(matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], inverse_norms: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], queries: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], *, cos_mul: bool, triples: Annotated[NDArray[numpy.uint32], dict(shape=(None, None), order='C', device='cpu', writable=False)] | None, among: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, exclude: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], rows: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu')], scores: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], threads: int = 0) -> None:
    """
    Fill rows and scores [n_results, k] with the best rows of matrix for each query, or for the queries a, b, c that each of triples names: by 3CosMul, or by cosine to b - to a + to c.
    """

def inverse_norms(matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], out: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], threads: int = 0) -> None:
    """Fill out [n_rows] with 1 / length of each row, 0 for a zero row."""

def first_row_not_finite(matrix: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], threads: int = 0) -> int:
    """The first row that holds a NaN or an infinity, or -1."""

class WordCounter:
    """How often each piece of text stands in a corpus."""

    def __init__(self, *, pattern: str, digits: str = 'together', add_prefix_space: bool = False) -> None: ...

    def count_texts(self, texts: list[bytes], threads: int) -> None:
        """Count the pieces of UTF-8 texts."""

    def count_lines(self, block: bytes, threads: int, keep_ends: bool = False) -> None:
        """
        The same for one text a line, with its 
         or without.
        """

    def add(self, words: list[bytes], counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None:
        """Words that are cut already, with their counts u64 [n]."""

    def words(self) -> tuple[list[bytes], Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]]:
        """All words in the order of their bytes, and their counts u64 [n]."""

    def keep_within(self, training_bytes: int) -> None:
        """
        Leave out the rarest words if training would take more bytes; to be called after each block.
        """

    @property
    def dropped(self) -> tuple[int, int, int]:
        """Words left out, their occurrences, and the highest count among them."""

    @property
    def n_words(self) -> int: ...

class BpeTrainer:
    """Byte pair encoding learned from counted words."""

    def __init__(self, words: WordCounter, *, vocab_size: int, min_frequency: int, byte_level: bool = True, special_tokens: list[bytes], initial_alphabet: list[bytes], limit_alphabet: int | None = None, coverage: float = 1.0, prefix: bytes = ..., max_token_length: int = 0, max_places: int = 0) -> None:
        """
        byte_level: units are bytes, else code points. special_tokens: the first ids. initial_alphabet: units kept whether they occur or not. limit_alphabet, coverage: leave out the rarest. prefix: before all units of a word but the first. max_token_length: new tokens have fewer units; 0: any number. max_places: about so many u32 in lists at a time; 0: a number that suits. The words are taken: the counter is empty afterwards.
        """

    def run(self, seconds: float) -> bool:
        """Work for about so many seconds; True once the vocabulary is complete."""

    @property
    def n_tokens(self) -> int: ...

    @property
    def left_out(self) -> tuple[int, int]:
        """
        Code points without a token because vocab_size has no room for them, and how often they occur.
        """

    def tokens(self) -> list[bytes]:
        """The tokens by id: bytes, or UTF-8."""

    def merges(self) -> Annotated[NDArray[numpy.uint32], dict(shape=(None, 2), order='C', device='cpu')]:
        """Pairs of ids u32 [n, 2] in the order of their ranks."""

def knows_pattern(regex: str) -> bool:
    """
    Whether a pre-tokeniser's regular expression is one that the core cuts by.
    """

def pretokenize(text: bytes, *, pattern: str, digits: str = 'together') -> list[bytes]:
    """
    The pieces of UTF-8 text that byte-level BPE merges within. pattern: none, gpt2, cl100k, qwen2, o200k, or its regex.
    """

class BpeEncoder:
    """Byte-level BPE."""

    def __init__(self, tokens: list[bytes], ids: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], merges: Annotated[NDArray[numpy.uint32], dict(shape=(None, 2), order='C', device='cpu', writable=False)] | None, *, pattern: str, digits: str = 'together', add_prefix_space: bool = False, ignore_merges: bool = False) -> None:
        """
        tokens: bytes, with ids u32 [n]; merges: pairs of ids u32 [m, 2] in the order of their ranks, or None: the rank of a token is its id.
        """

    @property
    def n_tokens(self) -> int: ...

    def encode(self, text: bytes) -> tuple[Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]]:
        """
        ids u32 [n], and where in the text each token starts and ends, u32 [n], in bytes.
        """

    def encode_batch(self, texts: list[bytes], threads: int) -> tuple[Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu')]]:
        """
        ids u32 [total]; text i has those from splits[i] up to splits[i + 1], splits i64 [n + 1].
        """

    def encode_lines(self, block: bytes, threads: int, line_end: int | None = None) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]:
        """
        ids u32 of the lines of a block, one text a line without its \\n; line_end after each line if it is given.
        """

class WordPieceEncoder:
    """BERT's normaliser, pre-tokenizer and WordPiece in one."""

    def __init__(self, tokens: list[bytes], ids: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], *, unknown: str = '[UNK]', prefix: str = '##', max_chars: int = 100, clean_text: bool = True, separate_han: bool = True, strip_accents: bool | None = None, lowercase: bool = True) -> None:
        """
        strip_accents None: as lowercase. Words of more than max_chars characters are unknown.
        """

    def encode(self, text: bytes) -> tuple[Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]]:
        """
        ids u32 [n], and where in the text each token starts and ends, u32 [n], in bytes.
        """

    def encode_batch(self, texts: list[bytes], threads: int) -> tuple[Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu')]]:
        """
        ids u32 [total]; text i has those from splits[i] up to splits[i + 1], splits i64 [n + 1].
        """

    def encode_lines(self, block: bytes, threads: int, line_end: int | None = None) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]:
        """
        ids u32 of the lines of a block, one text a line without its \\n; line_end after each line if it is given.
        """

class UnigramEncoder:
    """The Unigram model of a tokenizer.json with its pre-tokenizers."""

    def __init__(self, pieces: list[bytes], scores: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], *, unknown: int | None, byte_fallback: bool = False, words: str = 'none', metaspace: str = '', prepend: str = 'always', metaspace_split: bool = True) -> None:
        """
        words: what cuts the text first: none, whitespace, or the patterns of word vectors, runs or characters; metaspace: what stands for a space, empty for none.
        """

    def encode(self, text: bytes) -> tuple[Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]]:
        """
        ids u32 [n], and where in the text each token starts and ends, u32 [n], in bytes.
        """

    def encode_batch(self, texts: list[bytes], threads: int) -> tuple[Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu')]]:
        """
        ids u32 [total]; text i has those from splits[i] up to splits[i + 1], splits i64 [n + 1].
        """

    def encode_lines(self, block: bytes, threads: int, line_end: int | None = None) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]:
        """
        ids u32 of the lines of a block, one text a line without its \\n; line_end after each line if it is given.
        """

class SentencePieceEncoder:
    """The model of a SentencePiece file, its ids exactly."""

    def __init__(self, pieces: list[bytes], scores: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], types: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], *, bpe: bool, byte_fallback: bool, charsmap: bytes, add_dummy_prefix: bool = True, remove_extra_whitespaces: bool = True, escape_whitespaces: bool = True, whitespace_as_suffix: bool = False) -> None:
        """
        types: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte, as in the file.
        """

    def normalize(self, text: bytes) -> bytes:
        """The text that is cut into pieces."""

    def encode(self, text: bytes) -> tuple[Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]]:
        """
        ids u32 [n], and where in the text each token starts and ends, u32 [n], in bytes.
        """

    def encode_batch(self, texts: list[bytes], threads: int) -> tuple[Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu')]]:
        """
        ids u32 [total]; text i has those from splits[i] up to splits[i + 1], splits i64 [n + 1].
        """

    def encode_lines(self, block: bytes, threads: int, line_end: int | None = None) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]:
        """
        ids u32 of the lines of a block, one text a line without its \\n; line_end after each line if it is given.
        """

def char_properties(code: int) -> int:
    """What normalize.h knows about a code point, as bits; for tests."""
