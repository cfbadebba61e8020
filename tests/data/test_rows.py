"""New rows against those that were prepared: the same values have the same ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from turret.core.errors import InputError
from turret.data import DataConfig, Prepared, Source, Split, prepare
from turret.data.columns import NumberSets, Tokens, TokenSets
from turret.data.rows import read_rows

HEADER = "who,what,y,when,city,hashed,age,price,tags,vector"
SOURCE = Source(
    columns="who=user,what=item,y=label,when=time,city=token,hashed=token,age=float,price=float,tags=token_seq,vector=float_seq",
)
FEATURES = "city.min_count=2,hashed.hash_size=11,age.buckets=4,price.scale=log"


def lines(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [
        f"u{rng.integers(9)},i{rng.integers(9)},{rng.integers(2)},{row},c{rng.integers(5) if row % 7 else ''},h{row % 40},"
        f"{rng.integers(80) if row % 5 else ''},{rng.integers(100) / 8},{' '.join('ab'[: row % 3])},{row} {row / 2}"
        for row in range(n)
    ]


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    path = tmp_path / "log.csv"
    path.write_text("\n".join([HEADER, *lines(60)]) + "\n")
    config = DataConfig(source=SOURCE, split=Split(split_mode="entry", split_order="time"), features=FEATURES)
    return prepare(path, config, tmp_path / "cache")


def new_file(folder: Path, rows: list[str], header: str = HEADER) -> Path:
    path = folder / "new.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_rows_of_the_log_are_encoded_as_they_were(prepared: Prepared, tmp_path: Path) -> None:
    test = prepared.parts["test"]
    assert test.interactions.time is not None
    rows = [lines(60)[int(when)] for when in test.interactions.time]
    with read_rows(new_file(tmp_path, rows), prepared, SOURCE) as new:
        assert list(new.part.features) == list(test.features)
        for name, column in test.features.items():
            other = new.part.features[name]
            assert type(other) is type(column)
            for field in ("ids", "values", "offsets"):
                if hasattr(column, field):
                    assert np.array_equal(getattr(other, field), getattr(column, field), equal_nan=True), name
        for field in ("user", "item", "time", "label"):
            assert np.array_equal(getattr(new.part.interactions, field), getattr(test.interactions, field)), field


def test_rows_keep_their_order_and_strangers_are_counted(prepared: Prepared, tmp_path: Path) -> None:
    rows = [
        "u3,i1,,9,c1,h1,20,1,a zz,1",
        "stranger,i2,1,1,Paris,never,,1,,",
        ",never,1,5,,,200,1,a b,1 2 3",
    ]
    with read_rows(new_file(tmp_path, rows), prepared, SOURCE) as new:
        users, items = prepared.users.vocabulary, prepared.items.vocabulary
        assert new.part.interactions.user.tolist() == [users.id("u3"), -1, -1]
        assert new.part.interactions.item.tolist() == [items.id("i1"), items.id("i2"), -1]
        city, hashed, age, tags, vector = (new.part.features[name] for name in ("city", "hashed", "age", "tags", "vector"))
        assert isinstance(city, Tokens) and isinstance(hashed, Tokens) and isinstance(age, Tokens)
        assert city.ids.tolist() == [city.vocabulary.id("c1") + 1, 0, 0]  # type: ignore[union-attr]
        assert hashed.ids[1] > 0 == hashed.ids[2] and age.ids.tolist()[1:] == [0, 4]
        assert isinstance(tags, TokenSets) and tags.offsets.tolist() == [0, 2, 2, 4] and tags.ids.tolist() == [1, 0, 1, 2]
        assert isinstance(vector, NumberSets) and vector.offsets.tolist() == [0, 1, 1, 4]
        counts = {
            "user": (1, 1),
            "item": (0, 1),
            "city": (1, 1),
            "hashed": (1, 0),
            "age": (1, 0),
            "price": (0, 0),
            "tags": (1, 1),
            "vector": (1, 0),
        }
        assert {name: (new.missing[name], new.unseen[name]) for name in counts} == counts
        assert not new.part.labels and "y is missing in 1 rows" in str(new.report)


def test_other_columns_are_ignored_and_labels_may_lack(prepared: Prepared, tmp_path: Path) -> None:
    rows = [f"no number,{','.join(line.split(',')[:2] + line.split(',')[4:])}" for line in lines(5)]
    header = "more:float,who,what,city,hashed,age,price,tags,vector"
    with read_rows(new_file(tmp_path, rows, header), prepared, SOURCE) as new:
        assert len(new.part.interactions) == 5 and not new.part.labels and new.part.interactions.time is None


@pytest.mark.parametrize(
    ("header", "words", "hint"),
    [
        (HEADER.replace("city", "citty"), "no column city", "did you mean citty?"),
        (HEADER.replace("what", "thing"), "no item column", None),
        (HEADER.replace("vector", "else"), "no column vector", "the columns are"),
    ],
)
def test_a_column_that_is_missing_is_named(prepared: Prepared, tmp_path: Path, header: str, words: str, hint: str | None) -> None:
    with pytest.raises(InputError, match=words) as caught, read_rows(new_file(tmp_path, lines(3), header), prepared, SOURCE):
        pass
    assert hint is None or str(caught.value.hint).startswith(hint)


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [("u1,i1,1,1,c,h,many,1,,", "age", "'many' is not a number"), ("u1,i1,1,1,c,h,1,inf,,", "price", "infinite")],
)
def test_wrong_values_are_named_by_line(prepared: Prepared, tmp_path: Path, row: str, column: str, words: str) -> None:
    path = new_file(tmp_path, [*lines(4), row])
    with pytest.raises(InputError, match=words) as caught, read_rows(path, prepared, SOURCE):
        pass
    assert (caught.value.line, caught.value.column) == (6, column)


def test_without_a_header_labels_may_lack_too(tmp_path: Path) -> None:
    source = Source(format="tsv", header=False, columns="y=label,I=float:feature,C=token:feature")
    log = tmp_path / "log.tsv"
    log.write_text("".join(f"{row % 2}\t{row}\t{row % 3}\n" for row in range(30)))
    prepared = prepare(log, DataConfig(source=source), tmp_path / "cache")
    found: list[Any] = []
    for name, text in (("with", "1\t5\t2\n0\t\t9\n"), ("without", "5\t2\n\t9\n")):
        path = tmp_path / name
        path.write_text(text)
        with read_rows(path, prepared, source) as new:
            numbers, tokens = new.part.features["I"], new.part.features["C"]
            found.append((numbers.values.tolist()[0], tokens.ids.tolist(), list(new.part.labels)))  # type: ignore[union-attr]
    assert found == [(5, [3, 0], ["y"]), (5, [3, 0], [])]
    (tmp_path / "wrong").write_text("1\n")
    with pytest.raises(InputError, match="1 columns, and 3 names"), read_rows(tmp_path / "wrong", prepared, source):
        pass
