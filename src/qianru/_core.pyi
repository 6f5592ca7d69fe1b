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

    def __init__(self, ids: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], *, dim: int, window: int, negative: int, cbow: bool, mean_gradient: bool, sample: float, learning_rate: float, min_learning_rate: float, epochs: int, threads: int, seed: int) -> None: ...

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

    def read_vectors(self, out: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')]) -> None:
        """Copies the input vectors to out [n_keys, dim]."""

    def write_vectors(self, rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """Copies rows [n_keys, dim] to the input vectors."""
