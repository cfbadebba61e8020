"""Gowalla check-ins (Cho, Myers and Leskovec 2011)."""

from __future__ import annotations

from datetime import datetime

from turret.core.errors import InputError
from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables
from turret.data.config import Cleaning, DataConfig

CHECKINS, EDGES = "loc-gowalla_totalCheckins.txt.gz", "loc-gowalla_edges.txt.gz"


def gowalla(originals: Originals, tables: Tables) -> None:
    """Check-ins with the places' coordinates, and friendships."""
    known: set[str] = set()
    with (
        tables.table("inter", "user_id:token item_id:token timestamp:float") as visit,
        tables.table("item", "item_id:token latitude:float longitude:float") as place,
    ):
        for number, (user, time, latitude, longitude, location) in enumerate(originals.rows(CHECKINS, None, "\t", 5), start=1):
            visit(user, location, _seconds(time, number))
            if location not in known:
                known.add(location)
                place(location, latitude, longitude)
    with tables.table("net", "source_id:token target_id:token") as row:
        for source, target in originals.rows(EDGES, None, "\t", 2):
            row(source, target)


def _seconds(time: str, line: int) -> int:
    """2010-10-19T23:55:27Z in seconds since 1970."""
    try:
        return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())
    except ValueError:
        raise InputError(f"{time!r} is no time", path=CHECKINS, line=line, column=2) from None


ENTRIES = (
    Entry(
        name="gowalla",
        title="Gowalla check-ins",
        page="https://snap.stanford.edu/data/loc-gowalla.html",
        licence="for research, with citation of Cho, Myers and Leskovec 2011; no explicit licence",
        size="107,092 users with check-ins, 1,280,969 places, 6,442,892 check-ins, 950,327 friendships",
        originals=(
            Original(CHECKINS, 105_000_000, f"https://snap.stanford.edu/data/{CHECKINS}"),
            Original(EDGES, 6_400_000, f"https://snap.stanford.edu/data/{EDGES}"),
        ),
        recipe=gowalla,
        defaults=DataConfig(cleaning=Cleaning(duplicates="first", min_user_count=10, min_item_count=10)),
    ),
)
