"""The edges of a graph, in an order from which a propagation over all of them, or over some, is made without sorting anything again."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from turret.core.interactions import IntArray
from turret.graphs.propagation import Csr, Propagation


class Edges(nn.Module):
    """E edges from R rows to C columns: those of a square graph (R = C, an undirected edge there once in each direction), or the user-item
    block of a bipartite one, whose other block is the transpose.

    Edges are sorted once, by row and by column. A propagation over some of them keeps both orders: what is dropped is masked, and the
    offsets are counted anew. They are buffers: they move with the model, but are not saved with it, since whoever builds it again has them.

    Args:
        rows, columns: int [E] what each edge joins, no edge twice (`distinct`).
        shape: R, C.

    Attributes:
        rows, columns: int64 [E], by row and, within a row, by column.
        by_column: int64 [E] the places of the edges in the order of their columns and, within a column, of their rows.
    """

    rows: Tensor
    columns: Tensor
    by_column: Tensor

    def __init__(self, rows: IntArray, columns: IntArray, shape: tuple[int, int]) -> None:
        super().__init__()
        if max(len(rows), *shape) > np.iinfo(np.int32).max:
            raise ValueError(f"a graph of shape {shape} with {len(rows)} edges needs more than 32-bit indices")
        order = np.lexsort((columns, rows))
        for name, part in (("rows", rows[order]), ("columns", columns[order])):
            self.register_buffer(name, torch.from_numpy(part.astype(np.int64)), persistent=False)
        self.register_buffer("by_column", torch.from_numpy(np.argsort(columns[order], kind="stable")), persistent=False)
        self.shape = shape

    def __len__(self) -> int:
        return len(self.rows)

    def weighted(self, values: Tensor, kept: Tensor | None = None) -> Propagation:
        """The matrix with these entries.

        Args:
            values: float [E], in the order of `rows`.
            kept: bool [E], False where an edge is left out; None keeps all.
        """
        by_row = torch.arange(len(self), device=self.rows.device) if kept is None else kept.nonzero().squeeze(1)
        by_column = self.by_column if kept is None else self.by_column.masked_select(kept.index_select(0, self.by_column))
        return Propagation(
            _compressed(by_row, self.rows, self.columns, values, self.shape[0]),
            _compressed(by_column, self.columns, self.rows, values, self.shape[1]),
        )

    def symmetric(self, kept: Tensor | None = None) -> Propagation:
        """D^-1/2 A D^-1/2: 1 / sqrt(degree of row * degree of column) at each edge.

        Of the user-item block these are the blocks of the square matrix: to propagate over the whole graph is to give users `S(items)` and
        items `S.transposed(users)`. Degrees are those of the edges that are kept; a node without any has zeros.

        Args:
            kept: bool [E], False where an edge is left out; None keeps all.
        """
        row, column = self.degrees(kept)
        return self.weighted(
            (row.index_select(0, self.rows) * column.index_select(0, self.columns)).clamp(min=1).sqrt().reciprocal().float(), kept
        )

    def random_walk(self, kept: Tensor | None = None) -> Propagation:
        """D^-1 A: 1 / degree of row at each edge, the mean over the neighbours. A row without any has zeros.

        Args:
            kept: bool [E], False where an edge is left out; None keeps all.
        """
        row, _ = self.degrees(kept)
        return self.weighted(row.index_select(0, self.rows).clamp(min=1).reciprocal().float(), kept)

    def degrees(self, kept: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """float64 [R] and [C], how many of the edges that are kept each node has."""
        rows, columns = (self.rows, self.columns) if kept is None else (self.rows.masked_select(kept), self.columns.masked_select(kept))
        return rows.bincount(minlength=self.shape[0]).double(), columns.bincount(minlength=self.shape[1]).double()


def _compressed(places: Tensor, rows: Tensor, columns: Tensor, values: Tensor, n_rows: int) -> Csr:
    """The entries at `places`, which are in the order of their rows, compressed."""
    offsets = torch.zeros(n_rows + 1, dtype=torch.int32, device=rows.device)
    offsets[1:] = rows.index_select(0, places).bincount(minlength=n_rows).cumsum(dim=0)
    return offsets, columns.index_select(0, places).int(), values.index_select(0, places)


def distinct(rows: IntArray, columns: IntArray, n_columns: int) -> tuple[IntArray, IntArray]:
    """int64 [E] each, pairs (row, column) once, by row and then by column.

    Args:
        rows, columns: int [n] the pairs, any of them several times.
        n_columns: how many columns there are.
    """
    pairs = np.unique(rows.astype(np.int64) * n_columns + columns)
    return pairs // n_columns, pairs % n_columns


def both_ways(heads: IntArray, tails: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """int64 [E] each, the edges of an undirected graph on n nodes: every pair once in each direction."""
    return distinct(np.concatenate([heads, tails]), np.concatenate([tails, heads]), n)


def with_loops(rows: IntArray, columns: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """int64 [E] each, the edges of a graph on n nodes and one from each node to itself: those of A + I."""
    nodes = np.arange(n)
    return distinct(np.concatenate([rows, nodes]), np.concatenate([columns, nodes]), n)
