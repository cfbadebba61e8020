"""From tables to a prepared dataset: the parts of the log, then every feature, then the graphs beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from turret.core.errors import InputError
from turret.core.interactions import IntArray
from turret.data.beside import Social, Triples
from turret.data.columns import Column, Tokens, kept
from turret.data.config import DataConfig, Feature, KnowledgeGraph, SocialGraph
from turret.data.divide import Divided, Say, divide, features_of, roles_of
from turret.data.encode import Numbered, texts, told_of
from turret.data.features import ITEM, USER, Kind, settle
from turret.data.fit import Origin, fitted, part_of
from turret.data.knowledge import triples
from turret.data.prepared import TRAIN, Entities, Part, Prepared
from turret.data.report import Report
from turret.data.social import social
from turret.data.spool import Keep, in_memory
from turret.data.tables import Table


def assemble(name: str, tables: Mapping[str, Table], config: DataConfig, report: Report, say: Say, keep: Keep = in_memory) -> Prepared:
    """The prepared dataset of some tables.

    Args:
        name: of the dataset.
        tables: "inter", and those of "user", "item", "kg", "link" and "net" that there are.
        config: the settings.
        report: takes notes.
        say: is told what is going on.
        keep: where the columns of the log are kept, its own features once they are encoded.

    Raises:
        InputError: a table holds what it must not, a setting means nothing for the feature it is said of, or nothing is left of the log.
    """
    log = tables["inter"]
    roles = roles_of(log)
    sides = {role: tables[role] for role in roles if role in tables}
    settings = settle(config.features, _kinds(log, roles, sides))
    divided = divide(log, config, report, say, keep)
    say("encoding")
    told = {role: told_of(divided.numbered[role].vocabulary, table, role, report) for role, table in sides.items()}
    origins = _origins(log, divided, sides, told)
    known = {role: divided.numbered[role].trained for role in roles}
    lengths = {label: len(part.interactions) for label, part in divided.parts.items()}
    of_log: dict[str, Mapping[str, Column]] = {}
    of_sides: dict[str, Column] = {}
    for feature, column in fitted(origins, settings, known):
        say(f"encoded {feature}")
        if origins[feature].table is log:
            of_log[feature] = _by_part(column, lengths, keep)
        else:
            of_sides[feature] = column
    log.release()
    own = [field.name for field in features_of(log)]
    parts = {label: replace(part, features={name: of_log[name][label] for name in own}) for label, part in divided.parts.items()}
    users, items = (_entities(role, divided.numbered[role], sides.get(role), told.get(role), of_sides) for role in (USER, ITEM))
    for role in {USER, ITEM} & set(tables) - set(roles):
        report.add(f"{role} table", f"is not used, since the log has no {role} column")
    _report_rare(settings, parts, report)
    return Prepared(
        name=name,
        n_users=divided.numbered[USER].known,
        n_items=divided.numbered[ITEM].known,
        users=users,
        items=items,
        parts=parts,
        time_ordered=divided.time_ordered,
        triples=_triples(tables, divided.numbered[ITEM], config.knowledge, report),
        social=_social(tables, divided.numbered[USER], config.social, report),
        features=settings,
        statistics=_statistics(parts, divided.numbered[USER], divided.numbered[ITEM]),
        report=report,
    )


def _kinds(log: Table, roles: list[str], sides: Mapping[str, Table]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = dict.fromkeys(roles, "id")
    for role, table in sides.items():
        kinds |= {f"{role}.{field.name}": field.type for field in features_of(table)}
    return kinds | {field.name: field.type for field in features_of(log)}


def _origins(log: Table, divided: Divided, sides: Mapping[str, Table], told: Mapping[str, IntArray]) -> dict[str, Origin]:
    """Where the features come from, by name: those of users and items, then those of the log."""
    train = divided.parts[TRAIN].interactions
    origins: dict[str, Origin] = {}
    for role, table in sides.items():
        known = divided.numbered[role].known
        times = np.bincount(train.user if role == USER else train.item, minlength=known)
        origins |= {f"{role}.{field.name}": Origin(table, field, told[role], known, times) for field in features_of(table)}
    return origins | {field.name: Origin(log, field, divided.rows, len(train)) for field in features_of(log)}


def _by_part(column: Column, lengths: Mapping[str, int], keep: Keep) -> dict[str, Column]:
    """The rows of each part of a column of the log, kept."""
    parts: dict[str, Column] = {}
    start = 0
    for label, length in lengths.items():
        parts[label] = kept(part_of(column, start, start + length), keep)
        start += length
    return parts


def _entities(role: str, numbered: Numbered, table: Table | None, told: IntArray | None, columns: Mapping[str, Column]) -> Entities:
    if table is None or told is None:
        return Entities(numbered.vocabulary)
    return Entities(numbered.vocabulary, {field.name: columns[f"{role}.{field.name}"] for field in features_of(table)}, texts(table, told))


def _triples(tables: Mapping[str, Table], items: Numbered, asked: KnowledgeGraph, report: Report) -> Triples | None:
    if "kg" in tables:
        return triples(tables["kg"], tables.get("link"), items.trained, asked, report)
    _refuse_settings(asked, "kg")
    if "link" in tables:
        report.add("knowledge graph", "there is none (NAME.kg), so that the table of links is not used")
    return None


def _social(tables: Mapping[str, Table], users: Numbered, asked: SocialGraph, report: Report) -> Social | None:
    if "net" in tables:
        return social(tables["net"], users.trained, asked, report)
    _refuse_settings(asked, "net")
    return None


def _refuse_settings(asked: KnowledgeGraph | SocialGraph, table: str) -> None:
    """Settings of a graph that there is not."""
    for name in asked.model_dump(exclude_defaults=True):
        raise InputError(f"{name} is about the table NAME.{table}, and there is none beside the log")


def _report_rare(settings: Mapping[str, Feature], parts: Mapping[str, Part], report: Report) -> None:
    counted = {
        name: column for name, column in parts[TRAIN].features.items() if isinstance(column, Tokens) and settings[name].min_count > 1
    }
    if counted:
        least = sorted({settings[name].min_count for name in counted})
        values = sum(len(column.vocabulary) for column in counted.values())
        report.add(
            "features",
            f"{values:,} values of {len(counted)} columns are in {' or '.join(map(str, least))} or more training rows; others are unknown",
        )


def _statistics(parts: Mapping[str, Part], users: Numbered, items: Numbered) -> dict[str, float]:
    counts: dict[str, float] = {
        "users": len(users.vocabulary) if users.known else 0,
        "items": len(items.vocabulary) if items.known else 0,
        "users.train": users.known,
        "items.train": items.known,
        "rows": sum(len(part.interactions) for part in parts.values()),
    }
    counts |= {f"rows.{name}": len(part.interactions) for name, part in parts.items()}
    if users.known and items.known:
        counts["density.train"] = counts["rows.train"] / (users.known * items.known)
    times = [part.interactions.time for part in parts.values() if part.interactions.time is not None and len(part.interactions)]
    if times:
        counts |= {"time.first": float(min(time.min() for time in times)), "time.last": float(max(time.max() for time in times))}
    return counts
