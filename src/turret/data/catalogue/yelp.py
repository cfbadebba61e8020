"""Reviews of the Yelp Open Dataset."""

from __future__ import annotations

from datetime import datetime, timezone

from turret.core.errors import InputError
from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables, sequence
from turret.data.config import Cleaning, DataConfig

FILE = "yelp_dataset.tar"


def yelp(originals: Originals, tables: Tables) -> None:
    """Reviews, businesses and friends.

    The averages and counts that Yelp gives of users and businesses are left out: they were taken over all reviews, those of any test part
    included.
    """
    with tables.table("inter", "user_id:token item_id:token rating:float timestamp:float") as row:
        for review in originals.objects(FILE, "yelp_academic_dataset_review.json"):
            user, item, stars, date = (originals.needed(review, key, FILE) for key in ("user_id", "business_id", "stars", "date"))
            row(user, item, stars, _seconds(date))
    with tables.table("item", "item_id:token item_name:token_seq city:token state:token categories:token_seq") as row:
        for business in originals.objects(FILE, "yelp_academic_dataset_business.json"):
            categories = sequence((business.get("categories") or "").split(","))
            place = (business.get("name") or "", business.get("city") or "", business.get("state") or "")
            row(originals.needed(business, "business_id", FILE), *place, categories)
    with tables.table("net", "source_id:token target_id:token") as row:
        for user in originals.objects(FILE, "yelp_academic_dataset_user.json"):
            friends = user.get("friends") or "None"
            for friend in friends.split(",") if friends != "None" else ():
                row(originals.needed(user, "user_id", FILE), friend.strip())


def _seconds(date: str) -> int:
    """2018-07-07 22:09:11, taken as UTC, in seconds since 1970."""
    try:
        return int(datetime.fromisoformat(date).replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        raise InputError(f"{date!r} is no time", path=FILE, column="date") from None


ENTRIES = (
    Entry(
        name="yelp",
        title="Yelp Open Dataset",
        page="https://business.yelp.com/data/resources/open-dataset/",
        licence="academic use under Yelp's dataset terms, which have to be accepted; no redistribution",
        size="1,987,897 users, 150,346 businesses, 6,990,280 reviews (the edition of 2022)",
        originals=(Original(FILE, 4_400_000_000),),
        recipe=yelp,
        by_hand="accept the terms on the page, download the JSON files and take yelp_dataset.tar out of the zip",
        defaults=DataConfig(cleaning=Cleaning(label_threshold=4.0, min_user_count=10, min_item_count=10)),
    ),
)
