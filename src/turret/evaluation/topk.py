"""Rows of scores turned into ranked lists, and into comparisons of single items with all others.

On the processor both are compiled loops that read the scores once, while they are still in the cache. On another device they are tensor
operations with the same outcome, ties included.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from turret.core.interactions import Ragged
from turret.kernels.parallel import over_rows

Array = npt.NDArray[Any]
CELLS = 1 << 24
"""Largest number of cells that a comparison on a device holds at a time."""


def top_k(scores: Tensor, k: int, excluded: Ragged) -> Array:
    """The k best items of each row, best first; of equal scores the lower id comes first.

    Args:
        scores: float32 [B, I]. NaN and minus infinity are no scores.
        k: length of the lists.
        excluded: for each row the items that it must not name, ascending.

    Returns:
        int32 [B, k]; -1 where a row has fewer than k items to name.
    """
    if scores.device.type != "cpu":
        return _top_k_on_device(scores, k, excluded)
    from turret.kernels.ranking import best  # numba loads when a model is evaluated, not when the library is

    items = np.empty((len(scores), k), dtype=np.int32)
    values = np.empty((len(scores), k), dtype=np.float32)
    rows = scores.contiguous().numpy()
    over_rows(lambda start, stop: best(start, stop, rows, excluded.offsets, excluded.values, items, values), len(rows))
    return items


def compare(scores: Tensor, asked: Ragged, excluded: Ragged) -> tuple[Array, Array, Array]:
    """How each item asked about stands against the other items of its row.

    Args:
        scores: float32 [B, I]. NaN and minus infinity are no scores.
        asked: for each row the items asked about, none of them excluded; m in all.
        excluded: for each row the items that do not count.

    Returns:
        int64 [m] how many items score higher, int64 [m] how many the same (itself included; 0 where it has no score), and int64 [B] how
        many items of the row have a score and count.
    """
    if scores.device.type != "cpu":
        return _compare_on_device(scores, asked, excluded)
    from turret.kernels import ranking

    above, level = np.empty((2, asked.offsets[-1] - asked.offsets[0]), dtype=np.int64)
    candidates = np.empty(len(scores), dtype=np.int64)
    rows = scores.contiguous().numpy()
    at, values = asked.offsets - asked.offsets[0], asked.values[asked.offsets[0] : asked.offsets[-1]]
    over_rows(
        lambda start, stop: ranking.compare(start, stop, rows, excluded.offsets, excluded.values, at, values, above, level, candidates),
        len(rows),
    )
    return above, level, candidates


def _without(scores: Tensor, excluded: Ragged) -> Tensor:
    """A copy of the scores in which what has no score, or is excluded, is minus infinity."""
    rows, items = _cells(excluded, scores.device)
    kept = scores.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    kept[rows, items] = -torch.inf
    return kept


def _cells(ragged: Ragged, device: torch.device) -> tuple[Tensor, Tensor]:
    rows = np.repeat(np.arange(len(ragged)), ragged.lengths)
    values = ragged.values[ragged.offsets[0] : ragged.offsets[-1]]
    return torch.as_tensor(rows, device=device), torch.as_tensor(values, dtype=torch.int64, device=device)


def _top_k_on_device(scores: Tensor, k: int, excluded: Ragged) -> Array:
    """Sorts by one whole number a cell, the score in its upper half and the id, counted down, in its lower: no two are equal."""
    kept = _without(scores, excluded)
    n_items = kept.shape[1]
    bits = (kept + 0.0).view(torch.int32)  # -0.0 + 0.0 is 0.0, so that both zeros get the same bits
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()
    keys = (ordered << 32) + torch.arange(n_items - 1, -1, -1, device=kept.device)
    items = keys.topk(min(k, n_items), dim=1).indices
    items = torch.where(kept.gather(1, items) > -torch.inf, items, -1)
    lists = np.full((len(scores), k), -1, dtype=np.int32)
    lists[:, : items.shape[1]] = items.cpu().numpy()
    return lists


def _compare_on_device(scores: Tensor, asked: Ragged, excluded: Ragged) -> tuple[Array, Array, Array]:
    kept = _without(scores, excluded)
    rows, items = _cells(asked, scores.device)
    own = kept[rows, items]
    higher, equal = torch.empty_like(rows), torch.empty_like(rows)
    for at in torch.split(torch.arange(len(rows), device=rows.device), max(1, CELLS // kept.shape[1])):
        against = kept[rows[at]]
        higher[at] = (against > own[at, None]).sum(dim=1)
        equal[at] = (against == own[at, None]).sum(dim=1)
    scored = own > -torch.inf
    candidates = (kept > -torch.inf).sum(dim=1)
    return (higher * scored).cpu().numpy(), (equal * scored).cpu().numpy(), candidates.cpu().numpy()
