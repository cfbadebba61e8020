"""From a table to the parts of a log: load, clean, split, number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from turret.core.interactions import IntArray, Interactions
from turret.data.blocks import positions, taken
from turret.data.clean import clean, core
from turret.data.config import DataConfig
from turret.data.encode import Numbered, number
from turret.data.features import ITEM, USER
from turret.data.load import load, user_of
from turret.data.log import Log, Mask, stable_order
from turret.data.prepared import TRAIN, Part
from turret.data.report import Report
from turret.data.schema import Field
from turret.data.split import PARTS, is_time_ordered, split
from turret.data.spool import Keep, in_memory
from turret.data.tables import Table, field_of

Say = Callable[[str], None]


@dataclass(frozen=True)
class Divided:
    """A log in parts, its users and items numbered.

    Attributes:
        numbered: by "user" and "item".
        parts: without features.
        rows: int [n] the rows of the table behind those of the parts, end to end, train first; none where the table has no features.
        time_ordered: as of `Prepared`.
    """

    numbered: Mapping[str, Numbered]
    parts: Mapping[str, Part]
    rows: IntArray
    time_ordered: bool


def roles_of(table: Table) -> list[str]:
    """Of "user" and "item", those that a log has."""
    return [role for role, field in ((USER, user_of(table)), (ITEM, field_of(table, ITEM))) if field is not None]


def features_of(table: Table) -> list[Field]:
    """The columns of a table that are features; sessions are one where there are users too."""
    return [field for field in table.fields if field.role == "feature" or (field.role == "session" and field != user_of(table))]


def divide(table: Table, config: DataConfig, report: Report, say: Say, keep: Keep = in_memory) -> Divided:
    """The log of a table, its columns where `keep` puts them. A table without features is released as soon as it is read."""
    say("ids")
    roles, user = roles_of(table), user_of(table)
    log, user_tokens, item_tokens = load(table, report, keep)
    if not features_of(table):
        table.release()
    say("cleaning")
    log = clean(log, config.cleaning, report, {USER, ITEM} - set(roles))
    if config.cleaning.count_on == "log":
        log = core(log, config.cleaning, report)
    say("split")
    part = split(log, config.split, report, users=USER in roles, sessions=user is not None and user.role == "session")
    if config.cleaning.count_on == "train":
        log, part = _core_of_train(log, part, config, report)
    ordered = is_time_ordered(log, part, config.split)
    trained = part == PARTS.index(TRAIN)
    users, items = number(log.user, trained, user_tokens), number(log.item, trained, item_tokens)
    log = replace(log, user=keep(taken(users.of_codes, log.user)), item=keep(taken(items.of_codes, log.item)))
    logs = {label: log.take(_rows_of(log, part == index)) for index, label in enumerate(PARTS)}
    parts = {label: _part(rows, users, items, train=label == TRAIN) for label, rows in logs.items()}
    numbered = {USER: users, ITEM: items}
    _report_later_only({role: numbered[role] for role in roles}, parts, report)
    behind = np.concatenate([rows.row for rows in logs.values()]) if features_of(table) else log.row[:0]
    return Divided(numbered, parts, behind, ordered)


def _part(rows: Log, users: Numbered, items: Numbered, *, train: bool) -> Part:
    # Where there are no users, nobody is known, and all rows are of one.
    n_users, n_items = (max(numbered.known, 1) if train else len(numbered.vocabulary) for numbered in (users, items))
    interactions = Interactions(
        rows.user, rows.item, n_users, n_items, time=rows.time, rating=rows.rating, label=rows.label, weight=rows.weight
    )
    return Part(interactions, labels=rows.labels)


def _core_of_train(log: Log, part: IntArray, config: DataConfig, report: Report) -> tuple[Log, IntArray]:
    """Drops rows of the training part alone; rows of later parts stay, as they would in a world that does not wait for them."""
    in_train = part == PARTS.index(TRAIN)
    rows = positions(in_train)
    train = core(log.take(rows), config.cleaning, report)
    keep = ~in_train
    keep[rows[np.isin(log.row[rows], train.row)]] = True
    return log.take(keep), part[keep]


def _rows_of(log: Log, inside: Mask) -> IntArray:
    """The rows of a part, sorted by user: those are in order already but for the users that only later parts have."""
    rows = positions(inside)
    user = taken(log.user, rows)
    return rows if not np.any(user[1:] < user[:-1]) else taken(rows, stable_order(user))


def _report_later_only(numbered_of: Mapping[str, Numbered], parts: Mapping[str, Part], report: Report) -> None:
    for role, numbered in numbered_of.items():
        more = len(numbered.vocabulary) - numbered.known
        if more:
            own = [getattr(part.interactions, role) for name, part in parts.items() if name != TRAIN]
            rows = sum(int(np.count_nonzero(ids >= numbered.known)) for ids in own)
            rule = "they cannot be recommended and count as missed" if role == ITEM else "only models that read histories can serve them"
            report.add(f"later {role}s", f"{more:,} {role}s in {rows:,} rows occur in no training row; {rule}")
