"""Coveo: clicks in a shop, released with Requena et al. 2020, "Shopper intent prediction from clickstream e-commerce data"."""

from __future__ import annotations

import numpy as np

from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.scan import Delimited, scan
from turret.data.catalogue.sessions.events import in_sessions
from turret.data.catalogue.sessions.making import DEFAULTS, Names, Published, check_rows, write
from turret.data.catalogue.sessions.rules import rule_of_2023
from turret.data.catalogue.tables import Tables

FILE = "release_10_23_2020.csv"
FORM = Delimited({"session_id_hash": "text", "product_action": "text", "product_skus_hash": "text", "server_timestamp_epoch_ms": "number"})
HOUR, DAY = 3_600_000, 86_400_000
NAMELESS = "missing"
PUBLISHED = Published({FILE: 5_433_611}, predictions=1_245_440)


def coveo(originals: Originals, tables: Tables) -> None:
    """Views of details. The file's sessions are kept, and cut where nothing of any kind happened for an hour.

    Sessions and, within a millisecond, items count in the order of their first event. Views that name no item are views of one item more.
    """
    with scan([originals.path(FILE)], FORM, tables.folder) as table:
        check_rows(table, PUBLISHED, tables)
        item, items = table.codes("product_skus_hash", "first seen")
        session, _ = table.codes("session_id_hash", "first seen")
        events, rows = in_sessions(session, item, table.numbers("server_timestamp_epoch_ms"), HOUR)
        detail = table.equal("product_action", "detail")[rows]
    tables.note(f"events that are no views of details: {np.count_nonzero(~detail):,} dropped")
    views = events.take(detail)
    nameless = np.count_nonzero(items[views.item] == "")
    if nameless:
        tables.note(f"views that name no item: {nameless:,}, which count as views of one item, {NAMELESS!r}")
    items[items == ""] = NAMELESS
    names = Names(np.arange(events.session.max(initial=-1) + 1), items)
    write(rule_of_2023(views, DAY, tables.note), names, tables, PUBLISHED)


ENTRIES = (
    Entry(
        name="coveo",
        title="Coveo, views of details in a shop, by GRU4Rec's rule of 2023",
        page="https://github.com/coveooss/shopper-intent-prediction-nature-2020",
        licence="research and education, on terms that have to be agreed to in a form",
        size="made from 5,433,611 events",
        originals=(Original(FILE, 1_200_000_000),),
        recipe=coveo,
        by_hand="fill in the form that the page leads to, download the archive and unpack release_10_23_2020.csv from it",
        defaults=DEFAULTS,
    ),
)
