"""Random logs, the ways of splitting them, and what becomes of a log when its later parts are changed.

Every row carries a number of its own in the feature `mark`, by which it is found again wherever it went: in a part, in a batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import Phase, reject, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.data import Cleaning, DataConfig, Prepared, Split, from_arrays, from_parts
from turret.data.prepared import FOLD_IN, TEST, TRAIN, VALID

THOROUGHNESS = int(os.environ.get("TURRET_LEAKS", "1"))
"""How many times the usual number of random logs are tried: TURRET_LEAKS=20 python -m pytest tests/leaks."""
MOMENTS = 20
CUTS = (10.0, 15.0)
"""Of the split at points in time."""
PARTS = (TRAIN, FOLD_IN, VALID, TEST)
LATER = (FOLD_IN, VALID, TEST)
TASKS = ("click", "purchase")
FEATURES: dict[str, Any] = {
    "mark": {"scale": "none"},
    "rare": {"min_count": 2},
    "last": {"shared_with": "item"},
    "near": {"shared_with": "place"},
    "hashed": {"hash_size": 5},
    "bucket": {"buckets": 3},
    "square": {"buckets": "log_square"},
    "span": {"scale": "min_max"},
    "logged": {"scale": "log"},
    "user.city": {"min_count": 2},
    "item.year": {"buckets": 2},
    "item.kind": {"min_count": 2},
}


def tried(examples: int) -> Callable[[Any], Any]:
    """Settings of a property that tries so many random logs, or more where more is asked for."""
    # A failure is not shrunk: the log is one of a seed, and one of another seed and fewer rows tells no more.
    return settings(max_examples=examples * THOROUGHNESS, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


@dataclass(frozen=True)
class Way:
    """A way of splitting.

    Attributes:
        split: its settings.
        published: the log comes in parts.
        sessions: its users are sessions.
        free: of later rows, what may change beside their values without moving a row from one part to another: their users, or their times.
    """

    split: Split
    published: bool = False
    sessions: bool = False
    free: frozenset[str] = frozenset()

    @property
    def who(self) -> str:
        """The column that says whose a row is."""
        return "session" if self.sessions else "user"

    @property
    def in_time(self) -> bool:
        """Whether the later rows of a user are in the later parts."""
        return "time" in self.free and not self.published

    @property
    def of_strangers(self) -> bool:
        """Whether the users of the later parts are not those of the training part."""
        return self.sessions or self.split.split_mode == "user"


RANK, TIME, BOTH = frozenset[str](), frozenset(("time",)), frozenset(("user", "time"))


def _way(mode: str, free: frozenset[str] = RANK, **said: Any) -> Way:
    published = mode == "published"
    sessions = said.pop("sessions", False)
    return Way(Split.model_validate({"split_mode": mode, "split_ratio": (0.6, 0.2, 0.2), **said}), published, sessions, free)


WAYS: dict[str, Way] = {
    "user_entry, random": _way("user_entry"),
    "user_entry, in time": _way("user_entry", TIME, split_order="time"),
    "entry, random": _way("entry"),
    "entry, in time": _way("entry", BOTH, split_order="time"),
    "user, random": _way("user"),
    "user, fold-in first": _way("user", TIME, split_order="time"),
    "leave_one_out, random": _way("leave_one_out", split_order="random"),
    "leave_one_out, in time": _way("leave_one_out", TIME),
    "time, by shares": _way("time", BOTH),
    "time, at moments": _way("time", BOTH, split_time=CUTS),
    "count, random": _way("count", split_count=(5, 5)),
    "count, in time": _way("count", BOTH, split_order="time", split_count=(5, 5)),
    "published": _way("published", BOTH, published_valid_ratio=0.0),
    "published, valid drawn": _way("published", BOTH, published_valid_ratio=0.3, split_order="random"),
    "published, valid latest": _way("published", BOTH, published_valid_ratio=0.3),
    "published sessions": _way("published", BOTH, published_valid_ratio=0.3, sessions=True),
}
"""Every `split_mode`, in every order that it knows."""


Row = dict[str, Any]
"""A row of a log by column."""


@dataclass(frozen=True, repr=False)
class RandomLog:
    """A log in memory.

    Attributes:
        columns: by name; lists where a row has several values.
        part: the file that each row is published in.
        users, items: the tables beside it.
        cleaning: settings.
    """

    columns: Mapping[str, Any]
    part: np.ndarray
    users: Mapping[str, Any]
    items: Mapping[str, Any]
    cleaning: Cleaning = field(default_factory=Cleaning)

    def __len__(self) -> int:
        return len(self.part)

    def rows(self, kept: np.ndarray) -> dict[str, Any]:
        """The columns of some of the rows."""
        places = np.flatnonzero(kept)
        return {name: [values[at] for at in places] if isinstance(values, list) else values[kept] for name, values in self.columns.items()}

    def row(self, mark: float) -> Row:
        """One row by its number."""
        at = int(np.flatnonzero(self.columns["mark"] == mark)[0])
        return {name: values[at] for name, values in self.columns.items()}

    def prepared(self, way: Way) -> Prepared:
        """As models see it."""
        tables: dict[str, Any] = {"items": self.items} if way.sessions else {"items": self.items, "users": self.users}
        there = {*self.columns, *(f"{table[:-1]}.{name}" for table, columns in tables.items() for name in columns)}
        features = {name: said for name, said in FEATURES.items() if name in there}
        tables["config"] = DataConfig(split=way.split, cleaning=self.cleaning, features=features)
        if not way.published:
            columns = dict(self.columns)
            given = {name: columns.pop(name, None) for name in ("user", "item", "time", "rating", "weight")}
            labels = {task: columns.pop(task) for task in TASKS}
            return from_arrays(**given, label=labels, features=columns, **tables)
        parts = {name: self.rows(self.part == name) for name in (TRAIN, VALID, TEST)}
        if way.split.published_valid_ratio:
            parts[TRAIN] = self.rows(self.part != TEST)
            del parts[VALID]
        if way.sessions:
            parts = {name: {column: rows[column] for column in rows if column != "user"} for name, rows in parts.items()}
        return from_parts(**parts, labels=TASKS, **tables)

    def tried(self, way: Way) -> Prepared:
        """As models see it; a log that leaves nothing to train on is passed over."""
        try:
            return self.prepared(way)
        except InputError as error:
            assert any(words in str(error) for words in ("leaves no row to train on", "leaves none to train on", "nothing is left"))
            return reject()


def random_log(seed: int, rows: int = 40, users: int = 6, items: int = 9, *, rated: bool = True, weighted: bool = False) -> RandomLog:
    """A log whose times, items and users repeat."""
    draw = np.random.default_rng(seed)
    columns = {
        "user": _names("u", draw.integers(users, size=rows)),
        "session": _names("s", draw.integers(users + 2, size=rows)),
        "time": draw.integers(MOMENTS, size=rows).astype(float),
        "mark": np.arange(rows).astype(float),
        **_values(draw, rows, items),
    }
    if not rated:
        del columns["rating"]
    if not weighted:
        del columns["weight"]
    # A column of sets is known by its first row, so each part has one.
    part = np.array([TRAIN, VALID, TEST])[np.append([0, 1, 2], draw.choice(3, size=max(rows - 3, 0), p=[0.6, 0.15, 0.25]))[:rows]]
    of_users, of_items = (_side(draw, side, n) for side, n in (("user", users + 4), ("item", items + 4)))
    return RandomLog(columns, part, of_users, of_items)


def random_logs(rows: int = 45) -> st.SearchStrategy[RandomLog]:
    """Logs with and without ratings and weights: without ratings, only rows with a click are choices."""
    sizes = st.integers(12, rows), st.integers(1, 8), st.integers(2, 12)
    return st.builds(random_log, st.integers(0, 2**32), *sizes, rated=st.booleans(), weighted=st.booleans())


def _names(letter: str, numbers: np.ndarray) -> np.ndarray:
    return np.array([f"{letter}{number}" for number in numbers], dtype=object)


def _values(draw: np.random.Generator, rows: int, items: int, *, strange: bool = False) -> dict[str, Any]:
    """What a row says beside who and when; `strange` values occur nowhere else, and numbers are of another size."""
    letter, shift, longest = ("z", 1000.0, 5) if strange else ("", 0.0, 2)
    click = draw.integers(2, size=rows)

    def tokens(prefix: str, n: int) -> np.ndarray:
        # Strange rows also say what usual ones do, so that values cross from rare to frequent.
        return np.array([f"{letter if draw.random() < 0.7 else ''}{prefix}{draw.integers(n)}" for _ in range(rows)], dtype=object)

    def numbers() -> np.ndarray:
        return np.where(draw.random(rows) < 0.1, np.nan, draw.normal(size=rows) * 10 + shift)

    return {
        "item": tokens("i", items),
        "rating": (draw.integers(1, 6, size=rows) + shift).astype(float),
        "weight": (draw.integers(1, 4, size=rows) + shift).astype(float),
        "click": click,
        "purchase": click * draw.integers(2, size=rows),
        "place": tokens("p", 4),
        "near": tokens("p", 6),
        "rare": tokens("r", 8),
        "hashed": tokens("h", 8),
        "last": tokens("i", items),
        "tags": [list(tokens("t", 5)[: draw.integers(1, longest + 1)]) for _ in range(rows)],
        **{name: numbers() for name in ("bucket", "square", "span", "logged", "plain")},
        "vector": [(draw.normal(size=draw.integers(1, longest + 1)) + shift).tolist() for _ in range(rows)],
    }


def _side(draw: np.random.Generator, side: str, n: int, *, strange: bool = False) -> dict[str, Any]:
    """A table of users or items."""
    values = _values(draw, n, 3, strange=strange)
    own = {"city": "rare", "age": "plain", "likes": "tags"} if side == "user" else {"kind": "rare", "year": "bucket", "genre": "tags"}
    return {side: _names(side[0], np.arange(n)), **{name: values[behind] for name, behind in own.items()}, "sizes": values["vector"]}


def marks(prepared: Prepared, part: str, *, choices: bool = False) -> np.ndarray:
    """The numbers of the rows of a part, in its order; of all, or of those that are choices."""
    inside = prepared.parts.get(part)
    if inside is None:
        return np.empty(0)
    numbers = np.asarray(inside.features["mark"].values)  # type: ignore[union-attr]
    if not choices or inside.interactions.rating is not None:
        return numbers
    return numbers[np.asarray(inside.interactions.label) > 0]


def choices(log: RandomLog, prepared: Prepared, *parts: str) -> list[Row]:
    """The rows of some parts in which something was chosen: those with a rating, or where the log has none, with a click."""
    rows = [log.row(mark) for part in parts for mark in marks(prepared, part)]
    return [row for row in rows if "rating" in row or row["click"]]


def changed(log: RandomLog, prepared: Prepared, way: Way, parts: Collection[str], seed: int) -> RandomLog:
    """The log with other rows in some parts, which stay in them: other items, among them new ones, ratings, labels and features, and where
    the split allows it other users and times. In a published test file, rows are also left out and added.

    What the tables of users and items say of those that no other row names is changed too.
    """
    draw = np.random.default_rng(seed)
    there = np.isin(log.columns["mark"], np.concatenate([marks(prepared, part) for part in parts]))
    tested = np.isin(log.columns["mark"], marks(prepared, TEST))
    items = len(log.items["item"]) - 4
    other = _values(draw, len(log), items, strange=True)
    columns = {name: _where(there, other[name], values) if name in other else values for name, values in log.columns.items()}
    free = there & (log.part == TEST) if way.published and way.split.published_valid_ratio else there
    if "user" in way.free:
        who = _names("u", draw.integers(len(log.users["user"]), size=len(log)))
        columns |= {"user": _where(free, who, columns["user"])}
        if way.sessions:
            # Those whose first rows training takes are known to it, so strangers alone may come and go.
            columns |= {"session": _where(free, _names("zs", draw.integers(5, size=len(log))), columns["session"])}
    if "time" in way.free:
        columns |= {"time": np.where(tested & there, columns["time"] + 1000.0, columns["time"])}
    again = replace(log, columns=columns)
    if way.published:
        again = _with_other_rows(again, free & (log.part == TEST), draw)
    kept = {side: set(log.columns[side][~there]) for side in ("user", "item")}
    sides = [_strange(table, side, kept[side], draw) for side, table in (("user", log.users), ("item", log.items))]
    return replace(again, users=sides[0], items=sides[1])


def _where(there: np.ndarray, other: Any, values: Any) -> Any:
    if isinstance(values, list):
        return [new if inside else old for inside, new, old in zip(there, other, values, strict=True)]
    return np.where(there, other, values)


def _with_other_rows(log: RandomLog, there: np.ndarray, draw: np.random.Generator) -> RandomLog:
    """Leaves out some rows of a file, and has others twice, under new numbers."""
    gone = there & (draw.random(len(log)) < 0.3)
    gone[np.flatnonzero(there)[:1]] = False  # the file stays
    places = np.concatenate([np.flatnonzero(~gone), np.flatnonzero(there)[: draw.integers(6)]])
    columns = {name: [values[at] for at in places] if isinstance(values, list) else values[places] for name, values in log.columns.items()}
    numbers = columns["mark"].copy()
    numbers[np.count_nonzero(~gone) :] += 10_000
    return replace(log, columns={**columns, "mark": numbers}, part=log.part[places])


def _strange(table: Mapping[str, Any], side: str, kept: Collection[str], draw: np.random.Generator) -> dict[str, Any]:
    """A table that says something else of all but `kept`, and also of such as only changed rows name."""
    other = _side(draw, side, len(table[side]), strange=True)
    there = np.array([name not in kept for name in table[side]])
    told = {name: values if name == side else _where(there, other[name], values) for name, values in table.items()}
    new = _side(draw, side, 6, strange=True)
    new[side] = _names(f"z{side[0]}", np.arange(6))
    return {name: values + new[name] if isinstance(values, list) else np.concatenate([values, new[name]]) for name, values in told.items()}
