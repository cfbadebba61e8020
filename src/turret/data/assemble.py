"""From tables to a prepared dataset: load, clean, split, number, encode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from turret.core.interactions import IntArray, Interactions
from turret.data.clean import clean, core
from turret.data.config import DataConfig
from turret.data.encode import Numbered, column, entities, number, part_of, social, triples
from turret.data.load import load, user_of
from turret.data.log import Log, stable_order
from turret.data.prepared import TRAIN, Part, Prepared
from turret.data.report import Report
from turret.data.schema import Field
from turret.data.split import PARTS, is_time_ordered, split
from turret.data.tables import Table

Say = Callable[[str], None]


def assemble(name: str, tables: Mapping[str, Table], config: DataConfig, report: Report, say: Say) -> Prepared:
    """The prepared dataset of some tables.

    Args:
        name: of the dataset.
        tables: "inter", and those of "user", "item", "kg", "link" and "net" that there are.
        config: the settings.
        report: takes notes.
        say: is told what is going on.

    Raises:
        InputError: a table holds what it must not, or nothing is left of the log.
    """
    table = tables["inter"]
    say("ids")
    log, user_tokens, item_tokens = load(table, report)
    features = [field for field in table.fields if field.role == "feature" or (field.role == "session" and field != user_of(table))]
    if not features:
        table.release()
    say("cleaning")
    log = clean(log, config.cleaning, report)
    if config.cleaning.count_on == "log":
        log = core(log, config.cleaning, report)
    say("split")
    part = split(log, config.split, report, sessions=user_of(table).role == "session")
    if config.cleaning.count_on == "train":
        log, part = _core_of_train(log, part, config, report)
    ordered = is_time_ordered(log, part, config.split)
    say("encoding")
    users, items = (
        number(codes, part == PARTS.index(TRAIN), tokens) for codes, tokens in ((log.user, user_tokens), (log.item, item_tokens))
    )
    later = Log(users.ids, items.ids, log.row, log.time, log.rating, log.label, log.weight)
    rows_of_part = {label: _rows_of(later, part == index) for index, label in enumerate(PARTS)}
    parts = _parts(table, features, later, rows_of_part, users, items)
    table.release()
    _report_later_only(users, items, parts, report)
    links = tables.get("link")
    return Prepared(
        name=name,
        n_users=users.known,
        n_items=items.known,
        users=entities(users.vocabulary, users.known, tables.get("user"), "user", report),
        items=entities(items.vocabulary, items.known, tables.get("item"), "item", report),
        parts=parts,
        time_ordered=ordered,
        triples=triples(tables["kg"], links, items.vocabulary, report) if "kg" in tables else None,
        social=social(tables["net"], users.vocabulary, report) if "net" in tables else None,
        statistics=_statistics(parts, users, items),
        report=report,
    )


def _core_of_train(log: Log, part: IntArray, config: DataConfig, report: Report) -> tuple[Log, IntArray]:
    """Drops rows of the training part alone; rows of later parts stay, as they would in a world that does not wait for them."""
    in_train = part == PARTS.index(TRAIN)
    rows = np.flatnonzero(in_train)
    train = core(log.take(rows), config.cleaning, report)
    keep = ~in_train
    keep[rows[np.isin(log.row[rows], train.row)]] = True
    return log.take(keep), part[keep]


def _rows_of(log: Log, inside: IntArray) -> IntArray:
    """The rows of a part, sorted by user: those are in order already but for the users that only later parts have."""
    rows = np.flatnonzero(inside)
    user = log.user[rows]
    return rows if not np.any(user[1:] < user[:-1]) else rows[stable_order(user)]


def _parts(
    table: Table, features: Sequence[Field], log: Log, rows_of_part: Mapping[str, IntArray], users: Numbered, items: Numbered
) -> dict[str, Part]:
    # The training part comes first, so that what is fitted is fitted on the rows at the front.
    order = np.concatenate(list(rows_of_part.values()))
    fitted = len(rows_of_part[TRAIN])
    whole = {field.name: column(table, field, log.row[order], fitted) for field in features}
    parts: dict[str, Part] = {}
    start = 0
    for name, rows in rows_of_part.items():
        stop = start + len(rows)
        known = (users.known, items.known) if name == TRAIN else (len(users.vocabulary), len(items.vocabulary))
        taken = log.take(rows)
        interactions = Interactions(
            taken.user, taken.item, *known, time=taken.time, rating=taken.rating, label=taken.label, weight=taken.weight
        )
        parts[name] = Part(interactions, {feature: part_of(values, start, stop) for feature, values in whole.items()})
        start = stop
    return parts


def _report_later_only(users: Numbered, items: Numbered, parts: Mapping[str, Part], report: Report) -> None:
    for role, numbered in (("users", users), ("items", items)):
        more = len(numbered.vocabulary) - numbered.known
        if more:
            own = [getattr(part.interactions, role[:-1]) for name, part in parts.items() if name != TRAIN]
            rows = sum(int(np.count_nonzero(ids >= numbered.known)) for ids in own)
            rule = "they cannot be recommended and count as missed" if role == "items" else "only models that read histories can serve them"
            report.add(f"later {role}", f"{more:,} {role} in {rows:,} rows occur in no training row; {rule}")


def _statistics(parts: Mapping[str, Part], users: Numbered, items: Numbered) -> dict[str, float]:
    counts: dict[str, float] = {
        "users": len(users.vocabulary),
        "items": len(items.vocabulary),
        "users.train": users.known,
        "items.train": items.known,
        "rows": sum(len(part.interactions) for part in parts.values()),
    }
    counts |= {f"rows.{name}": len(part.interactions) for name, part in parts.items()}
    counts["density.train"] = counts["rows.train"] / (users.known * items.known)
    times = [part.interactions.time for part in parts.values() if part.interactions.time is not None and len(part.interactions)]
    if times:
        counts |= {"time.first": float(min(time.min() for time in times)), "time.last": float(max(time.max() for time in times))}
    return counts
