"""A float32 matrix by rows of which most entries are zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qianru._core import sparse_times_dense, sparse_transpose
from qianru.arrays import Float32Array, UInt32Array, UInt64Array
from qianru.text.encoding import pool_of


@dataclass(frozen=True)
class SparseMatrix:
    """offsets: where each row begins, uint64 [n_rows + 1]. columns: rising in each row, uint32 [n]. values:
    float32 [n]. n_columns: how wide it is.
    """

    offsets: UInt64Array
    columns: UInt32Array
    values: Float32Array
    n_columns: int

    @property
    def n_rows(self) -> int:
        """How high it is."""
        return len(self.offsets) - 1

    @property
    def n_bytes(self) -> int:
        """Memory of the three arrays."""
        return self.offsets.nbytes + self.columns.nbytes + self.values.nbytes

    def transposed(self) -> SparseMatrix:
        """Columns as rows, a copy."""
        offsets, columns, values = sparse_transpose(self.offsets, self.columns, self.values, self.n_columns)
        return SparseMatrix(offsets, columns, values, self.n_rows)

    def times(self, dense: Float32Array, *, threads: int = 1) -> Float32Array:
        """The product with dense [n_columns, k]: float32 [n_rows, k]; the same bits at any number of threads."""
        factor = np.ascontiguousarray(dense, np.float32)
        out = np.empty((self.n_rows, factor.shape[1]), np.float32)
        steps = np.linspace(0, len(self.columns), 16 * threads + 1)
        cuts = np.unique([0, *np.searchsorted(self.offsets[1:-1], steps[1:-1]).tolist(), self.n_rows])

        def multiply(low: int, high: int) -> None:
            sparse_times_dense(self.offsets, self.columns, self.values, factor, out, low, high)

        with pool_of(threads) as pool:
            list(pool.map(multiply, cuts[:-1].tolist(), cuts[1:].tolist()))
        return out

    def to_numpy(self) -> Float32Array:
        """All of it, zeros too: float32 [n_rows, n_columns]."""
        dense = np.zeros((self.n_rows, self.n_columns), np.float32)
        dense[np.repeat(np.arange(self.n_rows), np.diff(self.offsets).astype(np.int64)), self.columns] = (
            self.values
        )
        return dense
