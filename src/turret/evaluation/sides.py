"""The two sides of a retriever as vectors that an index holds and is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from turret.batches.history import Histories
from turret.core.context import Context, Encoded, Reads
from turret.core.contracts import InnerProduct, Retriever
from turret.core.errors import UnsupportedError
from turret.core.interactions import Ragged
from turret.core.seeds import numpy_generator
from turret.data.prepared import Prepared
from turret.evaluation.catalogue import device_of
from turret.index.contract import Floats
from turret.index.metric import Metric

METRIC: Metric = "inner_product"
"""What a scorer with two sides is, whatever it is called."""


def indexable(model: Any) -> tuple[Retriever, InnerProduct]:
    """`model` and its scorer.

    Raises:
        UnsupportedError: the two have no vectors that an index could hold.
    """
    if not isinstance(model, Retriever):
        raise UnsupportedError(
            f"{type(model).__name__} is no retriever: it has no vectors of queries and items that meet in a scorer, which an index searches"
        )
    if not isinstance(model.scorer, InnerProduct):
        raise UnsupportedError(
            f"the scorer {type(model.scorer).__name__} is no inner product of something of the query and something of the item, "
            "so no index can search by it"
        )
    return model, model.scorer


class Sides:
    """Both sides of a retriever as its scorer compares them, at one moment.

    Args:
        model: in evaluation mode.

    Attributes:
        reads: what the model reads of a request.
        device: where it lives.

    Raises:
        UnsupportedError: see `indexable`.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._scorer = indexable(model)
        self.reads: Reads = self._model.reads
        self.device = device_of(model)
        self._encoded: Encoded = self._model.encode()

    def items(self) -> Floats:
        """float32 [I, D']: what an index holds."""
        return _array(self._scorer.item_side(self._encoded.items.dense()))

    def queries(self, context: Context) -> Floats:
        """float32 [Q, D']: what an index is asked."""
        return _array(self._scorer.query_side(self._query(context)))

    def scores(self, context: Context, items: npt.NDArray[np.int32]) -> Floats:
        """float32 [Q, k] the model's own scores of the items [Q, k], which hold what is of the query alone too; minus infinity for -1."""
        query = self._query(context)
        named = torch.from_numpy(items.astype(np.int64)).to(query.device)
        scores = self._model.scorer.pairs(query, self._encoded.items[named.clamp(min=0)])
        return _array(scores.masked_fill(named < 0, -torch.inf))

    def _query(self, context: Context) -> Tensor:
        return self._model.query(context, self._encoded).vector


def sample(sides: Sides, prepared: Prepared, users: int, apart: int = 0) -> tuple[Floats, Ragged]:
    """What users of the training part ask, and what they must not be given since they had it: float32 [Q, D'] and [Q].

    Args:
        sides: of the model that is asked.
        prepared: its dataset.
        users: how many, in an order that is the same each time.
        apart: how many users at the beginning of that order to leave to another sample, where there are users enough.
    """
    train = prepared.train
    order = numpy_generator(0, "sample of users").permutation(train.n_users)
    chosen = np.sort(order[max(0, min(apart, train.n_users - users)) :][:users])
    context = Histories(train, sides.reads, prepared.n_users, prepared.n_items, sides.device).context(torch.from_numpy(chosen))
    seen = [train.by_user[int(user)] for user in chosen]
    return sides.queries(context), Ragged(np.cumsum([0, *(len(row) for row in seen)]), np.concatenate([train.item[:0], *seen]))


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().float().contiguous().cpu().numpy()
    return array
