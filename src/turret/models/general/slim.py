"""SLIM: each item as a sparse, non-negative sum of the others.

    min over W of  1/2 |A - A W|_F^2  +  beta/2 |W|_F^2  +  lambda |W|_1   with  W >= 0,  diag(W) = 0,         s_u = a_u W

A column of W is an elastic net of its own. With feature selection (fsSLIM) an item is explained by the k items alone that are most like it.

X. Ning, G. Karypis. "SLIM: Sparse Linear Methods for Top-N Recommender Systems." ICDM 2011. Coordinate descent: J. Friedman, T. Hastie,
R. Tibshirani. "Regularization Paths for Generalized Linear Models via Coordinate Descent." Journal of Statistical Software 33(1), 2010.

Deviations: features are always selected, so that memory is bounded; where k is not below the number of the other items, that is SLIM
itself. A is binary: a pair that occurs several times counts once. Likeness is the cosine of two columns.

G = A^T A is held sparse, an entry for each two items that some user has both of, and W takes 8 bytes for each of I k places.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import csr_array
from torch import Tensor, nn

from turret.core.context import ALL, Context, Reads
from turret.core.contracts import Progress
from turret.core.interactions import FloatArray, IntArray, Interactions
from turret.data.prepared import Prepared
from turret.graphs.matrix import interaction_matrix
from turret.kernels.parallel import over_rows
from turret.nn.item_weights import ItemWeights
from turret.training.procedures import Solve


class Config(BaseModel):
    """SLIM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    regularization: float = Field(default=200.0, gt=0)
    """beta, in interactions: the larger, the smaller the weights and the more of them."""
    l1_regularization: float = Field(default=1.0, ge=0)
    """lambda, in interactions: the larger, the fewer weights."""
    neighbours: int = Field(default=500, ge=1)
    """k, the most similar items that an item may be explained by."""
    tolerance: float = Field(default=1e-4, gt=0)
    """A column of W is finished once no weight of it moves by more in a pass over all of them."""
    sweeps: int = Field(default=30, ge=1)
    """How often all unfinished columns are gone through, at most."""


class SLIM(nn.Module):
    """The sparse item-item weights W.

    Args:
        n_items: I.
        regularization, l1_regularization, tolerance, sweeps: as in `Config`.
        neighbours: k; no more than I - 1 are kept, which is all there are.
    """

    reads = Reads(history=ALL)
    change: Tensor
    finished: Tensor

    def __init__(
        self,
        n_items: int,
        regularization: float,
        l1_regularization: float,
        neighbours: int = 500,
        tolerance: float = 1e-4,
        sweeps: int = 30,
    ) -> None:
        super().__init__()
        self.regularization, self.l1_regularization = regularization, l1_regularization
        self.neighbours = max(1, min(neighbours, n_items - 1))
        self.tolerance, self.sweeps = tolerance, sweeps
        self.weights = ItemWeights(n_items, self.neighbours)
        self.register_buffer("change", torch.full((n_items,), torch.inf, dtype=torch.float64))
        self.register_buffer("finished", torch.zeros((), dtype=torch.int64))

    def solve(self, interactions: Interactions, generator: torch.Generator) -> Iterator[Progress]:
        """Goes on from the sweep that the buffers hold. Yields after each, with the number of columns that are not finished yet."""
        from turret.kernels import slim

        start = time.perf_counter()
        by_user = interaction_matrix(interactions)
        counts = np.bincount(by_user.indices, minlength=by_user.shape[1]).astype(np.float32)
        gram, (ids, nearness) = gram_matrix(by_user), nearest(by_user, counts, self.neighbours)
        weights, change = np.empty(nearness.shape, dtype=np.float32), self.change.cpu().numpy()
        terms = (self.l1_regularization, self.regularization, self.tolerance)

        def descend(first: int, last: int, before: csr_array) -> None:
            known = (before.indptr, before.indices, before.data)
            slim.sweep(first, last, *gram, counts, ids, nearness, *known, *terms, change, weights)

        while self._unfinished():
            over_rows(partial(descend, before=self.weights.matrix().tocsc()), len(change), least=1)
            self.weights.keep(ids, weights)
            self.change.copy_(torch.from_numpy(change))
            self.finished += 1
            unfinished = float((change >= self.tolerance).sum())
            yield Progress(int(self.finished), {"unfinished": unfinished}, time.perf_counter() - start)
            start = time.perf_counter()

    def _unfinished(self) -> bool:
        """Whether there is another sweep to make."""
        return bool(self.finished < self.sweeps and (self.change >= self.tolerance).any())

    def score_all(self, context: Context) -> Tensor:
        """a_u W: float32 [B, I]."""
        assert context.history is not None
        scores: Tensor = self.weights(context.history)
        return scores


def gram_matrix(by_user: csr_array) -> tuple[IntArray, IntArray, FloatArray]:
    """A^T A for the binary A [U, I] that has an entry wherever `by_user` has one, sparse by rows: offsets [I + 1], items and values [n]."""
    from turret.kernels import slim

    by_item = by_user.tocsc()
    sides = (by_user.indptr, by_user.indices, by_item.indptr, by_item.indices)
    size = np.empty(by_user.shape[1], dtype=np.int64)
    over_rows(lambda first, last: slim.gram_sizes(first, last, *sides, size), len(size))
    offsets = np.concatenate([[0], np.cumsum(size)])
    items, values = np.empty(offsets[-1], dtype=np.int32), np.empty(offsets[-1], dtype=np.float32)
    over_rows(lambda first, last: slim.gram_rows(first, last, *sides, offsets, items, values), len(size))
    return offsets, items, values


def nearest(by_user: csr_array, counts: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """The k items most like each, the nearest first, and their cosines, 0 where there are fewer: both [I, k]. `counts` [I] are users."""
    from turret.kernels import gram

    by_item = by_user.tocsc()
    sides = (by_user.indptr, by_user.indices, by_item.indptr, by_item.indices)
    ids = np.empty((len(counts), k), dtype=np.int32)
    cosines = np.empty(ids.shape, dtype=np.float32)
    once, lengths, shrinkage = np.ones(by_user.shape[0], dtype=np.float32), np.sqrt(counts), np.float32(0)
    over_rows(lambda first, last: gram.neighbours(first, last, *sides, once, lengths, False, shrinkage, ids, cosines), len(ids))
    return ids, cosines


def build(config: Config, prepared: Prepared) -> SLIM:
    """A SLIM for the items that training saw."""
    return SLIM(prepared.n_items, config.regularization, config.l1_regularization, config.neighbours, config.tolerance, config.sweeps)


def recipe(config: Config, prepared: Prepared) -> Solve:
    """Sweeps over the training part."""
    return Solve(prepared.train)
