"""Rees46: two months of a shop of many categories."""

from __future__ import annotations

import numpy as np

from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.scan import Delimited, scan
from turret.data.catalogue.sessions.events import in_sessions
from turret.data.catalogue.sessions.making import DEFAULTS, Names, Published, check_rows, write
from turret.data.catalogue.sessions.rules import rule_of_2023
from turret.data.catalogue.tables import Tables

FILES = ("2019-Oct.csv", "2019-Nov.csv")
FORM = Delimited({"event_time": "moment", "event_type": "text", "product_id": "number", "user_id": "number"})
HOUR, DAY = 3_600, 86_400
END = 1_575_158_400
"""The first moment of December 2019 (UTC)."""
PUBLISHED = Published({"2019-Oct.csv": 42_448_764, "2019-Nov.csv": 67_501_979}, predictions=57_385_330)


def rees46(originals: Originals, tables: Tables) -> None:
    """Views, cut into sessions by user: the sessions that the files name have pauses of days, and some have several users.

    Users and, within a second, items count in the order of their first event of any kind.
    """
    with scan([originals.path(file) for file in FILES], FORM, tables.folder) as table:
        check_rows(table, PUBLISHED, tables)
        view = table.equal("event_type", "view")
        tables.note(f"events that are no views: {np.count_nonzero(~view):,} dropped")
        user = table.codes("user_id", "first seen")[0][view]
        item, items = table.codes("product_id", "first seen")
        views, _ = in_sessions(user, item[view], table.numbers("event_time")[view] // 1000, HOUR)
    names = Names(np.arange(views.session.max(initial=-1) + 1), items)
    write(rule_of_2023(views, DAY, tables.note, END), names, tables, PUBLISHED)


ENTRIES = (
    Entry(
        name="rees46",
        title="Rees46, views in a shop of many categories, October and November 2019, by GRU4Rec's rule of 2023",
        page="https://www.kaggle.com/datasets/mkechinov/ecommerce-behavior-data-from-multi-category-store",
        licence="free to use with a mention and a link of its source, the page and REES46 Marketing Platform",
        size="made from 109,950,743 events",
        originals=(Original(FILES[0], 5_668_612_855), Original(FILES[1], 9_006_762_395)),
        recipe=rees46,
        by_hand="log in on the page, download 2019-Oct.csv and 2019-Nov.csv, and unpack them",
        defaults=DEFAULTS,
    ),
)
