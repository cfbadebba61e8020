"""RetailRocket: four and a half months of a shop."""

from __future__ import annotations

import numpy as np

from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.scan import Delimited, scan
from turret.data.catalogue.sessions.events import in_sessions
from turret.data.catalogue.sessions.making import DEFAULTS, Names, Published, check_rows, write
from turret.data.catalogue.sessions.rules import rule_of_2023
from turret.data.catalogue.tables import Tables

FILE = "events.csv"
FORM = Delimited({"timestamp": "number", "visitorid": "number", "event": "text", "itemid": "number"})
HOUR, WEEK = 3_600_000, 7 * 86_400_000
END = 1_442_545_200_000
"""18 September 2015, 3 o'clock (UTC), in milliseconds: moments after the last event."""
PUBLISHED = Published({FILE: 2_756_101}, predictions=554_580)


def retailrocket(originals: Originals, tables: Tables) -> None:
    """Views, in sessions that events of every kind keep going."""
    with scan([originals.path(FILE)], FORM, tables.folder) as table:
        check_rows(table, PUBLISHED, tables)
        item, items = table.codes("itemid", "value")
        visitor, _ = table.codes("visitorid", "value")
        events, rows = in_sessions(visitor, item, table.numbers("timestamp"), HOUR)
        view = table.equal("event", "view")[rows]
    tables.note(f"events that are no views: {np.count_nonzero(~view):,} dropped")
    names = Names(np.arange(events.session.max(initial=-1) + 1), items)
    write(rule_of_2023(events.take(view), WEEK, tables.note, END), names, tables, PUBLISHED)


ENTRIES = (
    Entry(
        name="retailrocket",
        title="RetailRocket, views in a shop, by GRU4Rec's rule of 2023",
        page="https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset",
        licence="CC BY-NC-SA 4.0",
        size="made from 2,756,101 events of 1,407,580 visitors",
        originals=(Original(FILE, 94_237_913),),
        recipe=retailrocket,
        by_hand="log in on the page and unpack events.csv from the archive",
        defaults=DEFAULTS,
    ),
)
