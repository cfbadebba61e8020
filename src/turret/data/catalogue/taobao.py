"""Ali Display Ad Click: advertisements shown on Taobao to users with profiles, and whether they clicked (Zhou et al. 2018)."""

from __future__ import annotations

from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables
from turret.data.config import DataConfig, Feature, Split

LOG, ADS, USERS = "raw_sample.csv", "ad_feature.csv", "user_profile.csv"
AD = ("cate_id", "campaign_id", "customer", "brand")
PROFILE = (
    *("cms_segid", "cms_group_id", "final_gender_code", "age_level"),
    *("pvalue_level", "shopping_level", "occupation", "new_user_class_level"),
)
UNKNOWN = "NULL"
DAY_7, DAY_8 = 1_494_518_400, 1_494_604_800
"""The first seconds of 12 and 13 May 2017 in China, where the eight days of the log begin at midnight."""


def taobao(originals: Originals, tables: Tables) -> None:
    """What was shown, the advertisements and the users' profiles.

    `nonclk` says what `clk` says, and is left out. The log of what users did elsewhere on Taobao (behavior_log) is not read: it names
    categories and brands but no advertisements. A user's history is what the user clicked before, in this log.
    """
    with tables.table("inter", "user_id:token item_id:token label:float timestamp:float pid:token") as row:
        for cells in originals.table(f"{LOG}.tar.gz", LOG, ("user", "adgroup_id", "clk", "time_stamp", "pid")):
            row(*cells)
    with tables.table("item", "item_id:token " + " ".join(f"{name}:token" for name in AD) + " price:float") as row:
        for cells in originals.table(f"{ADS}.tar.gz", ADS, ("adgroup_id", *AD, "price")):
            row(*("" if cell == UNKNOWN else cell for cell in cells))
    with tables.table("user", "user_id:token " + " ".join(f"{name}:token" for name in PROFILE)) as row:
        for cells in originals.table(f"{USERS}.tar.gz", USERS, ("userid", *PROFILE)):
            row(*cells)


ENTRIES = (
    Entry(
        name="taobao-ads",
        title="Ali Display Ad Click, advertisements on Taobao",
        page="https://tianchi.aliyun.com/dataset/56",
        licence="research use under Tianchi's terms, which have to be accepted with an account",
        size="26,557,961 impressions of eight days, 1.14 million users (1,061,768 with a profile), 846,811 advertisements",
        originals=(Original(f"{LOG}.tar.gz", 260_000_000), Original(f"{ADS}.tar.gz", 10_000_000), Original(f"{USERS}.tar.gz", 7_000_000)),
        recipe=taobao,
        by_hand="log in on the page and download raw_sample, ad_feature and user_profile",
        defaults=DataConfig(
            split=Split(split_mode="time", split_time=(DAY_7, DAY_8)),
            features={"*": Feature(min_count=10), "item.price": Feature(scale="log")},
        ),
    ),
)
