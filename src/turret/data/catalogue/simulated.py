"""The demo datasets: simulated on first use, the same for everyone, with a known truth.

There are two because there are two kinds of log. `demo` holds what people chose and how they rated it: models of choice learn from every
row, rankers tell ratings of 4 and 5 from the others. `demo-clicks` holds what the same people were shown: rows without a click are no
choices, and a model of choice that read them as such would learn what was shown.
"""

from __future__ import annotations

from typing import Literal

from turret.data.catalogue.entry import Entry
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables
from turret.data.config import Cleaning, DataConfig
from turret.data.simulate import Note, Simulation, write

SEED = 2026
RATED = DataConfig(cleaning=Cleaning(label_threshold=4.0))


def _demo(log: Literal["ratings", "clicks"], originals: Originals, tables: Tables) -> None:
    write(tables.folder, tables.name, Note(log=log, seed=SEED, settings=Simulation()))


def ratings(originals: Originals, tables: Tables) -> None:
    """A log of choices and ratings."""
    _demo("ratings", originals, tables)


def clicks(originals: Originals, tables: Tables) -> None:
    """A log of impressions and clicks."""
    _demo("clicks", originals, tables)


ENTRIES = (
    Entry(
        name="demo",
        title="Simulated ratings in the shape of MovieLens 100K, with a known truth",
        page="part of this package",
        licence="free",
        size="943 users, 1,682 items, about 100,000 ratings, features, a knowledge graph and friends",
        recipe=ratings,
        defaults=RATED,
    ),
    Entry(
        name="demo-clicks",
        title="Simulated impressions and clicks of the same people and items, with a known truth",
        page="part of this package",
        licence="free",
        size="943 users, 1,682 items, about 100,000 impressions, a quarter of them clicked",
        recipe=clicks,
    ),
)
