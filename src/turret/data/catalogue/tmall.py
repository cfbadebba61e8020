"""Tmall shopping logs of the IJCAI-15 competition on repeat buyers."""

from __future__ import annotations

from datetime import datetime, timezone

from turret.core.errors import InputError
from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables
from turret.data.config import Cleaning, DataConfig

FILE, LOG, USERS = "data_format1.zip", "user_log_format1.csv", "user_info_format1.csv"
YEAR = 2014
"""The log gives months and days alone; the 11 November that it leads up to is that of 2014."""
ACTIONS = {"0": "click", "1": "cart", "2": "buy", "3": "favourite"}


def tmall(originals: Originals, tables: Tables) -> None:
    """What people did, the items' category, seller and brand, and the people's age group and gender."""
    known: set[str] = set()
    days: dict[str, int] = {}
    columns = ("user_id", "item_id", "cat_id", "seller_id", "brand_id", "time_stamp", "action_type")
    with (
        tables.table("inter", "user_id:token item_id:token timestamp:float action:token") as act,
        tables.table("item", "item_id:token category:token seller:token brand:token") as describe,
    ):
        rows = originals.table(FILE, LOG, columns)
        for number, (user, item, category, seller, brand, day, action) in enumerate(rows, start=2):
            if action not in ACTIONS:
                raise InputError(f"{action!r} is no action", path=f"{FILE}:{LOG}", line=number, column="action_type")
            if day not in days:
                days[day] = _seconds(day, number)
            act(user, item, days[day], ACTIONS[action])
            if item not in known:
                known.add(item)
                describe(item, category, seller, brand)
    with tables.table("user", "user_id:token age_range:token gender:token") as row:
        for cells in originals.table(FILE, USERS, ("user_id", "age_range", "gender")):
            row(*cells)


def _seconds(day: str, line: int) -> int:
    """The day 0829, or 829, in seconds since 1970."""
    try:
        return int(datetime.strptime(f"{YEAR}{day:0>4}", "%Y%m%d").replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        raise InputError(f"{day!r} is no day", path=f"{FILE}:{LOG}", line=line, column="time_stamp") from None


ENTRIES = (
    Entry(
        name="tmall",
        title="Tmall, IJCAI-15 repeat buyers",
        page="https://tianchi.aliyun.com/dataset/42",
        licence="research use under Tianchi's terms, which have to be accepted with an account",
        size="424,170 users, 1,090,390 items, 54,925,330 actions",
        originals=(Original(FILE, 377_000_000),),
        recipe=tmall,
        by_hand="log in on the page and download data_format1.zip",
        defaults=DataConfig(cleaning=Cleaning(duplicates="first")),
    ),
)
