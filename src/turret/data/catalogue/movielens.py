"""MovieLens: ratings of films, by GroupLens (Harper and Konstan 2015)."""

from __future__ import annotations

import re

from turret.data.catalogue.entry import Checksum, Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables, sequence
from turret.data.config import Cleaning, DataConfig

LICENCE = "research use with acknowledgement; no redistribution and no commercial use without permission of GroupLens"
LIKED = DataConfig(cleaning=Cleaning(label_threshold=4.0))
"""Models of choice read every rating as one; rankers learn to tell 4 and 5 from the rest."""

INTER = "user_id:token item_id:token rating:float timestamp:float"
ITEM = "item_id:token movie_title:token_seq release_year:token class:token_seq"
NO_GENRE = ("unknown", "(no genres listed)")
GENRES_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Film-Noir"),
    *("Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
TITLE = re.compile(r"(?P<title>.*?)\s*\((?P<year>\d{4})\)\s*")


def _split_title(text: str) -> tuple[str, str]:
    """A title and its year, empty where there is none."""
    found = TITLE.fullmatch(text)
    return (found["title"], found["year"]) if found else (text, "")


def _genres(names: list[str]) -> str:
    return sequence([name for name in names if name not in NO_GENRE])


def ml_100k(originals: Originals, tables: Tables) -> None:
    """u.data, u.user and u.item."""
    file = "ml-100k.zip"
    with tables.table("inter", INTER) as row:
        for cells in originals.rows(file, "u.data", "\t", 4):
            row(*cells)
    with tables.table("user", "user_id:token age:float gender:token occupation:token zip_code:token") as row:
        for cells in originals.rows(file, "u.user", "|", 5):
            row(*cells)
    with tables.table("item", ITEM) as row:
        for cells in originals.rows(file, "u.item", "|", 5 + len(GENRES_100K), "latin-1"):
            title, year = _split_title(cells[1])
            row(cells[0], title, year, _genres([name for name, flag in zip(GENRES_100K, cells[5:], strict=True) if flag == "1"]))


def ml_1m(originals: Originals, tables: Tables) -> None:
    """ratings.dat, users.dat and movies.dat."""
    _double_colons(originals, tables, "ml-1m.zip", "latin-1")
    with tables.table("user", "user_id:token age:token gender:token occupation:token zip_code:token") as row:
        for user, gender, age, occupation, zip_code in originals.rows("ml-1m.zip", "users.dat", "::", 5):
            row(user, age, gender, occupation, zip_code)


def ml_10m(originals: Originals, tables: Tables) -> None:
    """ratings.dat and movies.dat."""
    _double_colons(originals, tables, "ml-10m.zip", "utf-8")


def _double_colons(originals: Originals, tables: Tables, file: str, encoding: str) -> None:
    with tables.table("inter", INTER) as row:
        for cells in originals.rows(file, "ratings.dat", "::", 4):
            row(*cells)
    with tables.table("item", ITEM) as row:
        for item, title, genres in originals.rows(file, "movies.dat", "::", 3, encoding):
            row(item, *_split_title(title), _genres(genres.split("|")))


def ml_20m(originals: Originals, tables: Tables) -> None:
    """ratings.csv and movies.csv."""
    with tables.table("inter", INTER) as row:
        for cells in originals.table("ml-20m.zip", "ratings.csv", ("userId", "movieId", "rating", "timestamp")):
            row(*cells)
    with tables.table("item", ITEM) as row:
        for item, title, genres in originals.table("ml-20m.zip", "movies.csv", ("movieId", "title", "genres")):
            row(item, *_split_title(title), _genres(genres.split("|")))


def _zip(name: str, size: int, md5: str) -> tuple[Original, ...]:
    url = f"https://files.grouplens.org/datasets/movielens/{name}.zip"
    return (Original(f"{name}.zip", size, url, Checksum("md5", md5, "GroupLens, beside the file")),)


ENTRIES = (
    Entry(
        name="ml-100k",
        title="MovieLens 100K",
        page="https://grouplens.org/datasets/movielens/100k/",
        licence=LICENCE,
        size="943 users, 1,682 items, 100,000 ratings",
        originals=_zip("ml-100k", 4_924_029, "0e33842e24a9c977be4e0107933c0723"),
        recipe=ml_100k,
        defaults=LIKED,
    ),
    Entry(
        name="ml-1m",
        title="MovieLens 1M",
        page="https://grouplens.org/datasets/movielens/1m/",
        licence=LICENCE,
        size="6,040 users, 3,706 rated items, 1,000,209 ratings",
        originals=_zip("ml-1m", 5_920_000, "c4d9eecfca2ab87c1945afe126590906"),
        recipe=ml_1m,
        defaults=LIKED,
    ),
    Entry(
        name="ml-10m",
        title="MovieLens 10M",
        page="https://grouplens.org/datasets/movielens/10m/",
        licence=LICENCE,
        size="69,878 users, 10,677 rated items, 10,000,054 ratings",
        originals=_zip("ml-10m", 65_566_137, "ce571fd55effeba0271552578f2648bd"),
        recipe=ml_10m,
        defaults=LIKED,
    ),
    Entry(
        name="ml-20m",
        title="MovieLens 20M",
        page="https://grouplens.org/datasets/movielens/20m/",
        licence=LICENCE,
        size="138,493 users, 26,744 rated items, 20,000,263 ratings",
        originals=_zip("ml-20m", 198_702_078, "cd245b17a1ae2cc31bb14903e1204af3"),
        recipe=ml_20m,
        defaults=LIKED,
    ),
)
