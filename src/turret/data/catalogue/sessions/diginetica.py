"""Diginetica: views after searches in a shop, of the CIKM Cup 2016, track 2."""

from __future__ import annotations

from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.scan import Delimited, scan
from turret.data.catalogue.sessions.events import Events, first_times, in_order
from turret.data.catalogue.sessions.making import DEFAULTS, Names, Published, check_rows, write
from turret.data.catalogue.sessions.rules import rule_of_2023
from turret.data.catalogue.tables import Tables

FILE = "train-item-views.csv"
FORM = Delimited({"sessionId": "number", "itemId": "number", "timeframe": "number", "eventdate": "moment"}, delimiter=";")
WEEK = 7 * 86_400_000
PUBLISHED = Published({FILE: 1_235_380}, predictions=655_830)


def diginetica(originals: Originals, tables: Tables) -> None:
    """Views. Their times are not given: they are reckoned from a session's first day and the milliseconds since its first search."""
    with scan([originals.path(FILE)], FORM, tables.folder) as table:
        check_rows(table, PUBLISHED, tables)
        session, sessions = table.codes("sessionId", "value")
        item, items = table.codes("itemId", "value")
        time = first_times(Events(session, item, table.numbers("eventdate"))) + table.numbers("timeframe")
    views = Events(session, item, time).take(in_order(session, time, item))
    write(rule_of_2023(views, WEEK, tables.note), Names(sessions, items), tables, PUBLISHED)


ENTRIES = (
    Entry(
        name="diginetica",
        title="Diginetica, CIKM Cup 2016, views after searches, by GRU4Rec's rule of 2023",
        page="https://competitions.codalab.org/competitions/11161",
        licence="research use under the terms of the CIKM Cup 2016",
        size="made from 1,235,380 views in 310,324 sessions of 122,993 items",
        originals=(Original(FILE, 40_000_000),),
        recipe=diginetica,
        by_hand="download the archive that the page leads to (Data, train-item-views) and unpack train-item-views.csv from it",
        defaults=DEFAULTS,
    ),
)
