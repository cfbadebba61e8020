"""Avazu's challenge: clicks on advertisements in mobile sites and apps, over ten days."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache

from turret.core.errors import InputError
from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables
from turret.data.config import DataConfig, Feature, Split

FILE = "train.gz"
TOKENS = (
    *("C1", "banner_pos", "site_id", "site_domain", "site_category", "app_id", "app_domain", "app_category"),
    *("device_id", "device_ip", "device_model", "device_type", "device_conn_type"),
    *(f"C{number}" for number in range(14, 22)),
)


def avazu(originals: Originals, tables: Tables) -> None:
    """The labelled rows without their own ids. The hour becomes the time, the hour of the day, the day of the week, and whether that is a
    weekend.

    No column names who was shown what: in most rows `device_id` is the one that stands for all unknown devices, so it is a feature like the
    others.
    """
    names = ("hour", "weekday", "weekend", *TOKENS)
    with tables.table("inter", "label:float timestamp:float " + " ".join(f"{name}:token" for name in names)) as row:
        for number, (click, hour, *tokens) in enumerate(originals.table(FILE, None, ("click", "hour", *TOKENS)), start=2):
            try:
                when = _moment(hour)
            except ValueError:
                raise InputError(f"{hour!r} is no hour", path=originals.path(FILE), line=number, column="hour") from None
            row(click, *when, *tokens)


@lru_cache(maxsize=1 << 10)
def _moment(hour: str) -> tuple[int, int, int, int]:
    """The hour 14102100 (YYMMDDHH, in UTC) in seconds since 1970, its hour of the day, its weekday from Monday = 0, and 1 on weekends."""
    when = datetime.strptime(hour, "%y%m%d%H").replace(tzinfo=timezone.utc)
    return int(when.timestamp()), when.hour, when.weekday(), int(when.weekday() >= 5)


ENTRIES = (
    Entry(
        name="avazu",
        title="Avazu click-through rate prediction challenge",
        page="https://www.kaggle.com/c/avazu-ctr-prediction",
        licence="the rules of the competition, which have to be accepted with a Kaggle account",
        size="40,428,967 impressions of ten days, 24 categories each",
        originals=(Original(FILE, 1_040_000_000),),
        recipe=avazu,
        by_hand="accept the competition's rules and download train.gz",
        defaults=DataConfig(
            split=Split(split_mode="entry", split_ratio=(0.8, 0.1, 0.1)),
            features={"*": Feature(min_count=2)},
        ),
    ),
)
