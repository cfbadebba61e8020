"""From clicks to the files of a dataset of sessions, held against what is published of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from turret.data.catalogue.found import RSC15
from turret.data.catalogue.scan import Scan
from turret.data.catalogue.sessions.events import Counts
from turret.data.catalogue.sessions.rules import Parts
from turret.data.catalogue.tables import Tables
from turret.data.config import DataConfig

DEFAULTS = DataConfig(source=RSC15)
"""Settings are chosen by train_valid; `--files train=train_full.tsv,test=test.tsv --published_valid_ratio 0` is for the final figures."""
NEAR = 1e-3
"""How far, in proportion, a number of predictions may be from one that was reckoned from times, of runs that end with a batch left over."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is published of a dataset. What is made is held against it; where they differ, that is said, and no more.

    Attributes:
        rows: of the original files, by name, by their publishers.
        parts: what the papers and the authors' script report of the parts, by name.
        predictions: about how many events of train_full follow another of their session, which is how many an epoch predicts: the authors'
            times of an epoch, multiplied by their speeds.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, Counts] = field(default_factory=dict)
    predictions: int | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What sessions and items are called in the files.

    Attributes:
        session, item: the name of each number.
    """

    session: npt.NDArray[Any]
    item: npt.NDArray[Any]


def check_rows(scanned: Scan, published: Published, tables: Tables) -> None:
    """Says whether the original files have the rows that they should have."""
    for file, rows in scanned.rows.items():
        known = published.rows.get(file)
        tables.note(f"{file}: {rows:,} rows" + ("" if known is None else _verdict(rows == known, f"{known:,}")))


def write(parts: Parts, names: Names, tables: Tables, published: Published) -> None:
    """Writes the parts, and says how much is in each and how much should be."""
    for name, events in parts.items():
        tables.columns(f"{name}.tsv", "SessionId ItemId Time", names.session[events.session], names.item[events.item], events.time)
        counts, known = events.counts, published.parts.get(name)
        tables.note(f"{name}: {counts}" + ("" if known is None else _verdict(counts == known, str(known))))
    if published.predictions is not None:
        counts, known_about = parts.train_full.counts, published.predictions
        found = counts.events - counts.sessions
        near = abs(found - known_about) <= NEAR * known_about
        tables.note(f"train_full: {found:,} events follow another in their session" + _verdict(near, f"about {known_about:,}"))


def _verdict(same: bool, published: str) -> str:
    if same:
        return f" (as published: {published})"
    return f" - WARNING: {published} are published. Are the original files whole, and of the same version?"
