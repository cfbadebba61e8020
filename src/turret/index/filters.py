"""Who may be named: ids as places among the items of an index."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError
from turret.core.interactions import IntArray, Ragged

LARGEST = 2**31 - 1
"""Ids are int32."""


def places(ids: IntArray, wanted: IntArray) -> IntArray:
    """int64 [n] where each of `wanted` [n] stands among the ascending `ids`; -1 where it does not."""
    if not len(ids):
        return np.full(len(wanted), -1, dtype=np.int64)
    if ids[-1] == len(ids) - 1:  # then they are 0, 1, 2, ...
        return np.where((wanted >= 0) & (wanted < len(ids)), wanted, -1).astype(np.int64)
    at = np.searchsorted(ids, wanted)
    at[at == len(ids)] = 0
    return np.where(ids[at] == wanted, at, -1).astype(np.int64)


def barred(excluded: Ragged | None, ids: IntArray, queries: int) -> Ragged:
    """For each query the places, ascending and each once, of what it must not name.

    Args:
        excluded: ids for each query, in any order; None: no query has any.
        ids: ascending, of the items that are searched.
        queries: Q.

    Raises:
        InputError: `excluded` has another number of rows.
    """
    if excluded is None:
        return nothing(queries)
    if len(excluded) != queries:
        raise InputError(f"exclusions for {len(excluded)} queries do not go with {queries} queries")
    at = places(ids, excluded.values[excluded.offsets[0] : excluded.offsets[-1]])
    row = np.repeat(np.arange(queries), excluded.lengths)
    keys = np.unique(row[at >= 0] * max(1, len(ids)) + at[at >= 0])
    row, at = np.divmod(keys, max(1, len(ids)))
    return Ragged(np.searchsorted(row, np.arange(queries + 1)), at)


def nothing(queries: int) -> Ragged:
    """No places for each of the queries."""
    return Ragged(np.zeros(queries + 1, dtype=np.int64), np.empty(0, dtype=np.int64))


def fresh(ids: IntArray, held: IntArray) -> npt.NDArray[np.int32]:
    """int32 [n] the ids that are to be taken up.

    Raises:
        InputError: one is no id, is given twice, or is held already.
    """
    given = np.asarray(ids)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise InputError(f"ids are whole numbers [n], not {given.dtype} {list(given.shape)}")
    if len(given) and (int(given.min()) < 0 or int(given.max()) > LARGEST):
        raise InputError(f"ids lie between 0 and {LARGEST}")
    if len(np.unique(given)) != len(given):
        raise InputError("an id is given twice")
    known = given[places(held, given) >= 0]
    if len(known):
        raise InputError(f"the index holds item {known[0]} already", hint="Remove it first.")
    return given.astype(np.int32)


def held(ids: IntArray, all_ids: IntArray) -> IntArray:
    """int64 [n] the places of ids that are to be dropped.

    Raises:
        InputError: the index does not hold one.
    """
    at = places(all_ids, np.unique(np.asarray(ids, dtype=np.int64)))
    if (at < 0).any():
        raise InputError(f"the index does not hold item {np.unique(ids)[np.argmin(at)]}")
    return at
