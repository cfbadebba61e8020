"""Rows of scores turned into ranked lists, and into comparisons of single items with all others.

On the processor both are compiled loops that read the scores once, while they are still in the cache. On another device they are tensor
operations with the same outcome, ties included.
"""

from __future__ import annotations

from collections.abc import Iterable
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
LOWER = 0x7FFFFFFF
NOTHING = -(1 << 63)


def top_k(blocks: Iterable[Tensor], k: int, excluded: Ragged) -> Array:
    """The k best items of each row, best first; of equal scores the lower id comes first.

    Args:
        blocks: float [B, W] each, the scores of all items side by side, in the order of their ids. NaN and minus infinity are no scores.
        k: length of the lists.
        excluded: for each of the B rows the items that it must not name, ascending.

    Returns:
        int32 [B, k]; -1 where a row has fewer than k items to name.
    """
    items = np.full((len(excluded), k), -1, dtype=np.int32)
    values = np.full((len(excluded), k), -np.inf, dtype=np.float32)
    keys, base = torch.empty(0), 0
    for scores in blocks:
        if scores.device.type == "cpu":
            _enter(scores, base, excluded, items, values)
        else:
            keys = _best_keys(scores, base, excluded, k, keys)
        base += scores.shape[1]
        del scores  # so that the next block can have its place, which is in the cache
    return _items_of(keys, items) if len(keys) else items


def _enter(scores: Tensor, base: int, excluded: Ragged, items: Array, values: Array) -> None:
    """Enters a block into the lists so far."""
    from turret.kernels.ranking import best  # numba loads when a model is evaluated, not when the library is

    rows = scores.float().contiguous().numpy()
    over_rows(lambda start, stop: best(start, stop, base, rows, excluded.offsets, excluded.values, items, values), len(rows), least=64)


def compare(scores: Tensor, asked: Ragged, excluded: Ragged) -> tuple[Array, Array, Array]:
    """How each item asked about stands against the other items of its row.

    Args:
        scores: float [B, I]. NaN and minus infinity are no scores.
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
    rows = scores.float().contiguous().numpy()
    at, values = asked.offsets - asked.offsets[0], asked.values[asked.offsets[0] : asked.offsets[-1]]
    over_rows(
        lambda start, stop: ranking.compare(start, stop, rows, excluded.offsets, excluded.values, at, values, above, level, candidates),
        len(rows),
    )
    return above, level, candidates


def _without(scores: Tensor, base: int, excluded: Ragged) -> Tensor:
    """A copy of the scores of items from `base` on, in which what has no score or is excluded is minus infinity."""
    rows, items = _cells(excluded, scores.device)
    kept = scores.float().nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    here = (items >= base) & (items < base + scores.shape[1])
    kept[rows[here], items[here] - base] = -torch.inf
    return kept


def _cells(ragged: Ragged, device: torch.device) -> tuple[Tensor, Tensor]:
    rows = np.repeat(np.arange(len(ragged)), ragged.lengths)
    values = ragged.values[ragged.offsets[0] : ragged.offsets[-1]]
    return torch.as_tensor(rows, device=device), torch.as_tensor(values, dtype=torch.int64, device=device)


def _best_keys(scores: Tensor, base: int, excluded: Ragged, k: int, others: Tensor) -> Tensor:
    """The k largest keys int64 [B, k] of a block and of `others`. A key has the score in its upper half and the id, counted down, in its
    lower, so that no two are equal and ties are never left to chance."""
    kept = _without(scores, base, excluded)
    bits = (kept + 0.0).view(torch.int32)  # -0.0 + 0.0 is 0.0, so that both zeros get the same bits
    ordered = torch.where(bits < 0, bits ^ LOWER, bits).long()
    keys = (ordered << 32) + (LOWER - base - torch.arange(kept.shape[1], device=kept.device))
    keys = keys.where(kept > -torch.inf, NOTHING)
    keys = keys if not len(others) else torch.cat([others, keys], dim=1)
    return keys.topk(min(k, keys.shape[1]), dim=1).values


def _items_of(keys: Tensor, items: Array) -> Array:
    """The ids behind keys, in lists that are -1 throughout."""
    items[:, : keys.shape[1]] = (LOWER - (keys & LOWER)).where(keys > NOTHING, -1).cpu().numpy()
    return items


def _compare_on_device(scores: Tensor, asked: Ragged, excluded: Ragged) -> tuple[Array, Array, Array]:
    kept = _without(scores, 0, excluded)
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
