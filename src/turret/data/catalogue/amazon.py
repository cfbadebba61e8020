"""Amazon reviews of 2014, where every user and item has at least five (McAuley et al. 2015, He and McAuley 2016)."""

from __future__ import annotations

from functools import partial
from typing import Any

from turret.data.catalogue.entry import Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables, sequence
from turret.data.config import DataConfig, Split

FILES = "https://snap.stanford.edu/data/amazon/productGraph/categoryFiles"


def amazon(category: str, originals: Originals, tables: Tables) -> None:
    """Reviews, and what is known of the reviewed items where the file about items is there too."""
    reviews, products = f"reviews_{category}_5.json.gz", f"meta_{category}.json.gz"
    items: set[str] = set()
    with tables.table("inter", "user_id:token item_id:token rating:float timestamp:float") as row:
        for review in originals.objects(reviews):
            user, item, rating, time = (
                originals.needed(review, key, reviews) for key in ("reviewerID", "asin", "overall", "unixReviewTime")
            )
            items.add(item)
            row(user, item, rating, time)
    if products not in originals:
        return
    with tables.table("item", "item_id:token title:token_seq brand:token price:float categories:token_seq") as row:
        # this file holds Python literals, and every product of the category
        for product in originals.objects(products, python=True):
            if product.get("asin") in items:
                row(product["asin"], product.get("title", ""), product.get("brand", ""), product.get("price", ""), _categories(product))


def _categories(product: dict[str, Any]) -> str:
    """The different categories of all paths through the shop, without the one that all share."""
    names = [name for path in product.get("categories", []) for name in path[1:]]
    return sequence(list(dict.fromkeys(names)))


def _entry(name: str, category: str, size: str, reviews: int, products: int) -> Entry:
    return Entry(
        name=name,
        title=f"Amazon reviews 2014, {category}, 5-core",
        page="https://cseweb.ucsd.edu/~jmcauley/datasets/amazon/links.html",
        licence="for research, with citation of the papers that the page names; no explicit licence",
        size=size,
        originals=(
            Original(f"reviews_{category}_5.json.gz", reviews, f"{FILES}/reviews_{category}_5.json.gz"),
            Original(f"meta_{category}.json.gz", products, f"{FILES}/meta_{category}.json.gz", needed=False),
        ),
        recipe=partial(amazon, category),
        defaults=DataConfig(split=Split(split_mode="leave_one_out")),
    )


ENTRIES = (
    _entry("amazon-beauty", "Beauty", "22,363 users, 12,101 items, 198,502 reviews", 45_000_000, 105_000_000),
    _entry("amazon-books", "Books", "603,668 users, 367,982 items, 8,898,041 reviews", 3_200_000_000, 800_000_000),
    _entry("amazon-electronics", "Electronics", "192,403 users, 63,001 items, 1,689,188 reviews", 500_000_000, 190_000_000),
)
