"""Simulated datasets: made on first use, the same for everyone, with a known truth.

There are two demos because there are two kinds of log. `demo` holds what people chose and how they rated it: models of choice learn from
every row, rankers tell ratings of 4 and 5 from the others. `demo-clicks` holds what the same people were shown: rows without a click are no
choices, and a model of choice that read them as such would learn what was shown. `criteo-sample` is a log of neither people nor items: what
click-through rates are predicted from.
"""

from __future__ import annotations

from turret.data.catalogue import criteo
from turret.data.catalogue.entry import PLAIN, Entry, Recipe
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables
from turret.data.config import Cleaning, DataConfig
from turret.data.simulate import Advertising, LogKind, Note, Simulation, write

SEED = 2026
DEFAULTS: dict[LogKind, DataConfig] = {
    "ratings": DataConfig(cleaning=Cleaning(label_threshold=4.0)),
    "clicks": PLAIN,
    "criteo": criteo.shaped(min_count=2),
}
"""The settings that each kind of simulated log asks for."""


def _simulated(log: LogKind, settings: Simulation | Advertising) -> Recipe:
    def recipe(originals: Originals, tables: Tables) -> None:
        write(tables.folder, tables.name, Note(log=log, seed=SEED, settings=settings))

    return recipe


ENTRIES = (
    Entry(
        name="demo",
        title="Simulated ratings in the shape of MovieLens 100K, with a known truth",
        page="part of this package",
        licence="free",
        size="943 users, 1,682 items, about 100,000 ratings, features, a knowledge graph and friends",
        recipe=_simulated("ratings", Simulation()),
        defaults=DEFAULTS["ratings"],
    ),
    Entry(
        name="demo-clicks",
        title="Simulated impressions and clicks of the same people and items, with a known truth",
        page="part of this package",
        licence="free",
        size="943 users, 1,682 items, about 100,000 impressions, a quarter of them clicked",
        recipe=_simulated("clicks", Simulation()),
        defaults=DEFAULTS["clicks"],
    ),
    Entry(
        name="criteo-sample",
        title="Simulated clicks on advertisements in the shape of Criteo's challenge, with a known best result; no row of it is Criteo's",
        page="part of this package",
        licence="free",
        size="100,000 impressions, a quarter of them clicked, 13 numbers and 26 categories each",
        recipe=_simulated("criteo", Advertising()),
        defaults=DEFAULTS["criteo"],
    ),
)
