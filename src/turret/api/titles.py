"""What people call an item."""

from __future__ import annotations

from turret.data.prepared import Entities

TITLES = ("title", "movie_title", "name", "item_name", "artist_name")


def title_of(items: Entities, item: int) -> str | None:
    """An item's title, where the item table says one: its column of a usual name, else its first column of text."""
    name = next((name for name in TITLES if name in items.raw), next(iter(items.raw), None))
    return items.raw[name].token(item) or None if name is not None else None
