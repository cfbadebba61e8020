"""Last.fm listening counts with tags and friends, of the HetRec 2011 workshop (Cantador, Brusilovsky and Kuflik 2011)."""

from __future__ import annotations

from turret.data.catalogue.entry import Checksum, Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables, sequence

FILE = "hetrec2011-lastfm-2k.zip"


def lastfm(originals: Originals, tables: Tables) -> None:
    """Who listened to whom how often, the artists' names and tags, and who is whose friend."""
    with tables.table("inter", "user_id:token item_id:token weight:float") as row:
        for cells in originals.table(FILE, "user_artists.dat", ("userID", "artistID", "weight"), "\t"):
            row(*cells)
    with tables.table("net", "source_id:token target_id:token") as row:
        for cells in originals.table(FILE, "user_friends.dat", ("userID", "friendID"), "\t"):
            row(*cells)
    names = dict(originals.table(FILE, "tags.dat", ("tagID", "tagValue"), "\t", "latin-1"))
    tags: dict[str, dict[str, None]] = {}
    for artist, tag in originals.table(FILE, "user_taggedartists.dat", ("artistID", "tagID"), "\t"):
        tags.setdefault(artist, {})[names.get(tag, tag)] = None
    with tables.table("item", "item_id:token artist_name:token_seq tags:token_seq") as row:
        for artist, name in originals.table(FILE, "artists.dat", ("id", "name"), "\t"):
            row(artist, name, sequence(list(tags.get(artist, {}))))


ENTRIES = (
    Entry(
        name="lastfm",
        title="Last.fm, HetRec 2011",
        page="https://grouplens.org/datasets/hetrec-2011/",
        licence="non-commercial use, with acknowledgement of Last.fm and HetRec 2011",
        size="1,892 users, 17,632 artists, 92,834 listening counts, 25,434 directed friendships",
        originals=(
            Original(
                FILE,
                2_600_000,
                f"https://files.grouplens.org/datasets/hetrec2011/{FILE}",
                Checksum(
                    "sha256",
                    "6738f48195667ff03caaab4d32ca9a3133d8cc026b7c3cdaf6ce1010e913c59c",
                    "several independent projects, who agree; GroupLens gives none",
                ),
            ),
        ),
        recipe=lastfm,
    ),
)
