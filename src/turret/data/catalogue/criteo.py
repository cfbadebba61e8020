"""Criteo's display advertising challenge: clicks on advertisements, with features that nobody has named."""

from __future__ import annotations

from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables
from turret.data.config import DataConfig, Split

FILE = "dac.tar.gz"
NUMBERS, TOKENS = 13, 26


def criteo(originals: Originals, tables: Tables) -> None:
    """The labelled rows of train.txt.

    They name neither users nor items, so all belong to one user and one item called `all`. They lie in the order of time, without times;
    the number of the row stands for its time.
    """
    names = [f"I{number}:float" for number in range(1, NUMBERS + 1)] + [f"C{number}:token" for number in range(1, TOKENS + 1)]
    with tables.table("inter", " ".join(["user_id:token item_id:token label:float timestamp:float", *names])) as row:
        for number, (label, *features) in enumerate(originals.rows(FILE, "train.txt", "\t", 1 + NUMBERS + TOKENS)):
            row("all", "all", label, number, *features)


ENTRIES = (
    Entry(
        name="criteo",
        title="Criteo display advertising challenge",
        page="https://www.kaggle.com/c/criteo-display-ad-challenge",
        licence="Criteo's terms for the challenge data, which have to be accepted",
        size="45,840,617 impressions, 13 numbers and 26 categories each",
        originals=(Original(FILE, 4_600_000_000),),
        recipe=criteo,
        by_hand="accept Criteo's terms, download the archive that holds train.txt and name it dac.tar.gz",
        defaults=DataConfig(split=Split(split_mode="entry")),
    ),
)
