"""Prepared datasets whose arrays do not fit together, with checksums that are right: compiled loops would follow them anywhere.

They are written by the library's own writer, as whoever means harm would do it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import turret as library
from turret.core.errors import InputError
from turret.core.files import CHECKSUM, checksum
from turret.core.interactions import Interactions, check_ids, check_offsets
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets, check
from turret.data.numbering import Edges, Hashing
from turret.data.prepared import Entities, Part, Prepared
from turret.data.scale import Scale
from turret.data.store import open_prepared, write
from turret.data.vocabulary import Vocabulary

from .conftest import Command

Change = Callable[[Prepared], Prepared]


@pytest.fixture(scope="module")
def good(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        return library.prepare(world, min_user_count=2)


def log(change: Callable[[Interactions], Interactions], part: str = "train") -> Change:
    """Changes the rows of a part."""

    def changed(prepared: Prepared) -> Prepared:
        old = prepared.parts[part]
        new = Part(change(old.interactions), old.features, old.labels)
        return replace(prepared, parts={**prepared.parts, part: new})

    return changed


def side(change: Callable[[Entities], Entities]) -> Change:
    """Changes the items."""
    return lambda prepared: replace(prepared, items=change(prepared.items))


def feature(name: str, **changes: Callable[[Any], Any]) -> Change:
    """Changes a feature of the items."""

    def changed(items: Entities) -> Entities:
        old = items.features[name]
        new = replace(old, **{field: change(getattr(old, field)) for field, change in changes.items()})
        return replace(items, features={**items.features, name: new})

    return side(changed)


def words(change: Callable[[Vocabulary], Vocabulary]) -> Change:
    return side(lambda items: replace(items, vocabulary=change(items.vocabulary)))


def graph(which: str, **changes: Callable[[Any], Any]) -> Change:
    def changed(prepared: Prepared) -> Prepared:
        old = getattr(prepared, which)
        new = replace(old, **{field: change(getattr(old, field)) for field, change in changes.items()})
        return replace(prepared, **{which: new})

    return changed


def put(value: float, at: int = 0) -> Callable[[Any], Any]:
    """A copy of an array with another value at a place."""

    def changed(values: Any) -> Any:
        copy = np.array(values)
        copy[at] = value
        return copy

    return changed


def shorter(values: Any) -> Any:
    return np.array(values[:-1])


def swapped(values: Any) -> Any:
    """A byte order that is not the machine's."""
    return values.astype(values.dtype.newbyteorder())


FAR = (1 << 31) - 1
HOSTILE: dict[str, Change] = {
    "an item that there is not": log(lambda old: replace(old, item=put(old.n_items)(old.item))),
    "an item far away": log(lambda old: replace(old, item=put(FAR, -1)(old.item))),
    "an item before the first": log(lambda old: replace(old, item=put(-1)(old.item))),
    "a user that there is not": log(lambda old: replace(old, user=put(old.n_users, -1)(old.user))),
    "a user before the first": log(lambda old: replace(old, user=put(-FAR)(old.user))),
    "an item that no part knows": log(lambda old: replace(old, item=put(old.n_items, -1)(old.item)), "test"),
    "fewer users than rows": log(lambda old: replace(old, user=shorter(old.user))),
    "fewer times than rows": log(lambda old: replace(old, time=shorter(old.time))),
    "fewer ratings than rows": log(lambda old: replace(old, rating=shorter(old.rating))),
    "ids that are fractions": log(lambda old: replace(old, item=np.array(old.item, dtype=np.float32))),
    "ids in two columns": log(lambda old: replace(old, item=np.stack([old.item, old.item], axis=1))),
    "ids of another machine": log(lambda old: replace(old, item=swapped(old.item))),
    "times that are whole numbers": log(lambda old: replace(old, time=np.array(old.time, dtype=np.int64))),
    "more items than there are": log(lambda old: replace(old, n_items=old.n_items + 1)),
    "fewer items than there are": log(lambda old: replace(old, n_items=1, item=np.zeros_like(old.item))),
    "more items seen than named": lambda prepared: replace(prepared, n_items=len(prepared.items.vocabulary) + 1),
    "a negative number of users": lambda prepared: replace(prepared, n_users=-1),
    "a number of users that is none": lambda prepared: replace(prepared, n_users="many"),  # type: ignore[arg-type]
    "tokens that end before they begin": words(
        lambda old: Vocabulary(old.data, put(old.offsets[3], 2)(old.offsets[::-1].copy()), old.order)
    ),
    "tokens behind the last": words(lambda old: Vocabulary(old.data, put(FAR, -1)(old.offsets), old.order)),
    "tokens before the first": words(lambda old: Vocabulary(old.data, put(-8)(old.offsets), old.order)),
    "offsets in between that lead away": words(lambda old: Vocabulary(old.data, put(1 << 40, 5)(old.offsets), old.order)),
    "an order that leads away": words(lambda old: Vocabulary(old.data, old.offsets, put(len(old))(old.order))),
    "an order with an id twice": words(lambda old: Vocabulary(old.data, old.offsets, put(old.order[1])(old.order))),
    "an order of other length": words(lambda old: Vocabulary(old.data, old.offsets, shorter(old.order))),
    "tokens that are no text": words(lambda old: Vocabulary(put(0xFF)(old.data), old.offsets, old.order)),
    "tokens that are numbers": words(lambda old: Vocabulary(np.array(old.data, dtype=np.int64), old.offsets, old.order)),
    "no offsets": words(lambda old: Vocabulary(old.data[:0], old.offsets[:0], old.order[:0])),
    "a category that there is not": feature("release_year", ids=put(FAR)),
    "a category before the first": feature("release_year", ids=put(-1)),
    "categories of fewer rows": feature("release_year", ids=shorter),
    "a tag that there is not": feature("genres", ids=put(FAR)),
    "tags of fewer rows": feature("genres", offsets=shorter),
    "tags that decrease": feature("genres", offsets=put(FAR, 1)),
    "tags before the first": feature("genres", offsets=put(-4)),
    "fewer titles than items": side(lambda items: replace(items, raw={"title": Vocabulary.of(["one"])})),
    "a head that there is not": graph("triples", head=put(FAR)),
    "a tail before the first": graph("triples", tail=put(-1)),
    "a relation that there is not": graph("triples", relation=put(99)),
    "fewer tails than heads": graph("triples", tail=shorter),
    "an entity's token that there is not": graph("triples", others=lambda old: old.take(np.arange(len(old) - 1))),
    "entities of other items": graph("triples", n_items=lambda old: old + 1),
    "no number of items": graph("triples", n_items=str),
    "a relation without its inverse": graph("triples", inverse=lambda _: True),
    "an inverse that is neither there nor not": graph("triples", inverse=lambda _: 1),
    "a friend that there is not": graph("social", target=put(FAR)),
    "a friend before the first": graph("social", source=put(-1)),
    "fewer friends than befriended": graph("social", source=shorter),
}


def test_what_is_prepared_fits_together(good: Prepared) -> None:
    good.check()


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_arrays_that_do_not_fit_are_refused(good: Prepared, change: Change) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        change(good).check()


def test_files_whose_arrays_do_not_fit_are_refused(good: Prepared, tmp_path: Path) -> None:
    taken = []
    for number, (name, change) in enumerate(list(HOSTILE.items())[::6]):
        folder = tmp_path / str(number)
        write(change(good), folder)
        try:
            open_prepared(folder)
        except InputError as error:
            assert str(folder) in str(error)
            continue
        taken.append(name)
    assert taken == []


def test_what_was_written_can_be_read(good: Prepared, tmp_path: Path) -> None:
    write(good, tmp_path / "dataset")
    open_prepared(tmp_path / "dataset").check()


def test_a_run_does_not_take_a_dataset_with_hostile_arrays(run: Path, turret: Command) -> None:
    manifest = json.loads((run / "run.json").read_text())
    prepared = open_prepared(manifest["dataset"]["path"])
    rows = prepared.parts["test"].interactions
    parts = {**prepared.parts, "test": replace(prepared.parts["test"], interactions=replace(rows, item=put(FAR)(rows.item)))}
    write(replace(prepared, parts=parts), run.parent / "prepared")
    manifest.pop(CHECKSUM)
    manifest["dataset"]["path"] = str(run.parent / "prepared")
    (run / "run.json").write_text(json.dumps({**manifest, CHECKSUM: checksum(manifest)}))
    for words in (["evaluate", run], ["recommend", run, "--user", "u1"]):
        found = turret(*words)
        assert (found.code, "item: 2147483647 is outside" in found.err, "is prepared again" in found.err) == (0, True, True)


VALUES = Vocabulary.of(["a", "b"])
TWO = np.array([0, 1, 2], dtype=np.int64)


@pytest.mark.parametrize(
    "column",
    [
        Tokens(np.array([1, 3], dtype=np.int32), VALUES),
        Tokens(np.array([1, 9], dtype=np.int32), Hashing(8)),
        Tokens(np.array([1, 1], dtype=np.int32), Hashing(0)),
        Tokens(np.array([1, 1], dtype=np.int32), Hashing(1 << 40)),
        Tokens(np.array([1, 3], dtype=np.int32), Edges(np.array([1.0], dtype=np.float32))),
        Tokens(np.array([1, 2], dtype=np.int32), Edges(np.array([2.0, 1.0], dtype=np.float32))),
        Tokens(np.array([1, 2], dtype=np.int32), Edges(np.array([np.nan, 1.0], dtype=np.float32))),
        Tokens(np.array([1, 2], dtype=np.int32), Edges(np.array([[1.0], [2.0]], dtype=np.float32))),
        Numbers(np.zeros((2, 2), dtype=np.float32)),
        Numbers(np.zeros(3, dtype=np.float32)),
        Numbers(np.zeros(2, dtype=np.float32), Scale("standard", 0.0, 0.0)),
        Numbers(np.zeros(2, dtype=np.float32), Scale("standard", np.nan, 1.0)),
        Numbers(np.zeros(2, dtype=np.float32), Scale("__import__('os')", 0.0, 1.0)),  # type: ignore[arg-type]
        NumberSets(TWO, np.zeros(1, dtype=np.float32)),
        NumberSets(TWO[::-1], np.zeros(2, dtype=np.float32)),
        TokenSets(TWO, np.array([1, 3], dtype=np.int32), VALUES),
        TokenSets(TWO + 1, np.array([1, 2], dtype=np.int32), VALUES),
        TokenSets(TWO.astype(np.float64), np.array([1, 2], dtype=np.int32), VALUES),
        TokenSets(TWO[:2], np.array([1, 2], dtype=np.int32), VALUES),
    ],
)
def test_columns_that_do_not_fit_are_refused(column: Column) -> None:
    with pytest.raises(ValueError, match="price"):
        check("price", column, 2)


def test_parts_have_the_same_features(good: Prepared) -> None:
    def with_feature(part: Part, size: int) -> Part:
        ids = np.ones(len(part.interactions), dtype=np.int32)
        return replace(part, features={"hour": Tokens(ids, Hashing(size))})

    parts = {name: with_feature(part, 24) for name, part in good.parts.items()}
    replace(good, parts=parts).check()
    with pytest.raises(ValueError, match="features of valid are not those of train"):
        replace(good, parts={**parts, "valid": with_feature(parts["valid"], 48)}).check()
    with pytest.raises(ValueError, match="features of valid are not those of train"):
        replace(good, parts={**parts, "valid": replace(parts["valid"], features={})}).check()


@pytest.mark.parametrize("at", [0, 262_143, 262_144, 999_999])
def test_every_id_is_looked_at(at: int) -> None:
    ids = np.zeros(1_000_000, dtype=np.int32)
    check_ids("item", ids, 1)
    ids[at] = 1
    with pytest.raises(ValueError, match=r"item: 1 is outside 0\.\.0"):
        check_ids("item", ids, 1)


def test_nothing_fits_into_nothing() -> None:
    check_ids("item", np.empty(0, dtype=np.int32), 0)
    check_offsets("rows", np.zeros(1, dtype=np.int64), 0, 0)
    with pytest.raises(ValueError, match="do not divide"):
        check_offsets("rows", np.empty(0, dtype=np.int64), -1, 0)


def test_rows_that_go_back_are_refused() -> None:
    check_offsets("rows", np.array([0, 1, 1, 2], dtype=np.int64), 3, 2)
    with pytest.raises(ValueError, match="do not divide"):
        check_offsets("rows", np.array([0, 2, 1, 2], dtype=np.int64), 3, 2)
