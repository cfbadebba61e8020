"""From the table beside a log, .net, to the links between its users."""

from __future__ import annotations

import numpy as np

from turret.core.interactions import FloatArray
from turret.data.beside import Social, first_of_each
from turret.data.config import SocialGraph
from turret.data.load import ids, narrow
from turret.data.report import Report
from turret.data.tables import Table, field_of
from turret.data.vocabulary import Vocabulary

STEP = "social graph"
"""What the report calls this."""


def social(table: Table, users: Vocabulary, config: SocialGraph, report: Report) -> Social:
    """The social graph of a dataset.

    Args:
        table: of links.
        users: those that training saw, by id.
        config: the settings.
        report: takes notes.

    Raises:
        InputError: an id is missing, or a weight is missing, infinite or not above 0.
    """
    source, target = (
        users.ids(coded.vocabulary)[coded.codes].astype(np.int32)
        for role in ("source", "target")
        if (field := field_of(table, role))
        for coded in [ids(table, field)]
    )
    weight = _weights(table)
    report.add(STEP, f"{len(table):,} links")
    known = (source >= 0) & (target >= 0)
    apart = known & (source != target)
    rows = np.flatnonzero(apart)
    # In a graph without directions a link and its opposite are one.
    one, other = (np.minimum(source, target), np.maximum(source, target)) if config.undirected_links else (source, target)
    once = rows[first_of_each(one[rows], other[rows])]
    lost = (
        (np.count_nonzero(~known), "of users that training does not know"),
        (np.count_nonzero(known & ~apart), "of a user with itself"),
        (len(rows) - len(once), "that are there already"),
    )
    for count, which in lost:
        if count:
            report.add(STEP, f"{count:,} links {which} are left out")
    found = Social(source[once], target[once], None if weight is None else weight[once])
    found = found.both_ways() if config.undirected_links else found
    linked = np.count_nonzero(np.bincount(found.source, minlength=len(users)) + np.bincount(found.target, minlength=len(users)))
    both = ", each in both directions" if config.undirected_links else ""
    report.add(STEP, f"{len(found):,} links between {linked:,} of {len(users):,} users are kept{both}")
    return found


def _weights(table: Table) -> FloatArray | None:
    """float32 [n] the weight of each link, or None where they have none."""
    field = field_of(table, "weight")
    if field is None:
        return None
    weight = narrow(table, field)
    if np.any(weight <= 0):
        row = int(np.argmax(weight <= 0))
        table.refuse(f"the weight {weight[row]:g} is not above 0", row=row, column=field.name)
    return weight
