"""Logs of sessions: items numbered as they appear, rows sorted stably, nothing filtered, and bad files named by line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.data.sessions import Columns, NoColumnError, Rows, read
from turret.data.vocabulary import Vocabulary

Row = tuple[Any, Any, Any]
WILD = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADER = "SessionId\tItemId\tTime"


def written(path: Path, rows: list[Row], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *("\t".join(map(str, row)) for row in rows)]) + "\n")
    return path


def told(rows: Rows) -> list[Row]:
    """The sorted log in the tokens of the file."""
    log = rows.log
    assert log.time is not None
    assert (log.n_users, log.n_items) == (len(rows.sessions), len(rows.items))
    return list(zip(rows.sessions.tokens(log.user), rows.items.tokens(log.item), log.time.tolist(), strict=True))


@WILD
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.sampled_from(["b", "a", "10", "9", "é", '"', "a b"]), st.integers(0, 5) | st.floats(0, 2e9)),
        min_size=1,
        max_size=40,
    )
)
def test_the_log_is_that_of_a_stable_sort(tmp_path: Path, table: list[tuple[int, str, float]]) -> None:
    rows = read(written(tmp_path / "log.tsv", [(s, i, repr(t)) for s, i, t in table]))
    assert list(rows.items) == list(dict.fromkeys(item for _, item, _ in table))
    assert list(rows.sessions) == [str(s) for s in sorted({s for s, _, _ in table})]
    expected = sorted(table, key=lambda row: (row[0], row[2]))
    assert told(rows) == [(str(s), i, float(t)) for s, i, t in expected]
    sessions = [s for s, _, _ in table]
    in_order = sorted(sessions) == sessions
    assert rows.unsorted == (None if table == expected else "Time" if in_order else "SessionId")


@pytest.mark.real_data
def test_the_authors_code_numbers_and_sorts_alike(tmp_path: Path, golden: Callable[..., dict[str, np.ndarray]]) -> None:
    recorded = golden("iterator")
    columns = (recorded[f"file_{name}"].tolist() for name in ("session", "item", "time"))
    rows = read(written(tmp_path / "toy.tsv", list(zip(*columns, strict=True))))
    assert list(rows.items) == [str(item) for item in recorded["item_ids_in_index_order"].tolist()]
    assert rows.log.item.tolist() == recorded["data_items"].tolist()
    assert rows.log.by_user.offsets.tolist() == recorded["offset_sessions"].tolist()


def test_session_ids_are_ordered_as_numbers_where_all_are(tmp_path: Path) -> None:
    numbers = [("10", "a", 1), ("9", "b", 1), ("-5", "c", 1), ("007", "d", 2), ("7", "e", 1), ("8.5", "f", 1)]
    assert [item for _, item, _ in told(read(written(tmp_path / "numbers.tsv", numbers)))] == ["c", "e", "d", "f", "b", "a"]
    assert list(read(tmp_path / "numbers.tsv").sessions) == ["-5", "7", "8.5", "9", "10"]
    huge = [("9007199254740993", "a", 1), ("9007199254740992", "b", 1), ("-1", "c", 1)]
    assert [item for _, item, _ in told(read(written(tmp_path / "huge.tsv", huge)))] == ["c", "b", "a"]
    words = [("10", "a", 1), ("9", "b", 1), ("x1", "c", 1), ("w1", "d", 1)]
    assert [item for _, item, _ in told(read(written(tmp_path / "words.tsv", words)))] == ["b", "a", "d", "c"]


def test_other_columns_are_not_read_and_names_can_be_said(tmp_path: Path) -> None:
    header = "rating\tTime\tItemId\titem_id\tSessionId\tuser_id\tlabel:float"
    path = written(tmp_path / "log.tsv", [("good", 2, "a", "x", 1, "u", "?"), ("bad", 1, "b", "y", 1, "v", "?")], header)
    assert told(read(path)) == [("1", "b", 1.0), ("1", "a", 2.0)]
    named = Columns(session="user_id", item="item_id", time="SessionId")
    assert told(read(path, named)) == [("u", "x", 1.0), ("v", "y", 1.0)]


def test_other_formats_go_by_their_names(tmp_path: Path) -> None:
    table = [("2", "b", 5.0), ("1", "a", 3.0), ("1", "b", 1.0)]
    (tmp_path / "log.csv").write_text("SessionId,ItemId,Time\n" + "".join(f"{s},{i},{t}\n" for s, i, t in table))
    (tmp_path / "log.tsv.gz").write_bytes(gzip.compress(written(tmp_path / "log.dat", table).read_bytes()))
    rows = ", ".join(f"({s}, '{i}', make_timestamp({int(t)} * 1000000))" for s, i, t in table)
    duckdb.sql(f"SELECT * FROM (VALUES {rows}) AS t(SessionId, ItemId, Time)").write_parquet(str(tmp_path / "log.parquet"))
    found = {path.name: told(read(path)) for path in sorted(tmp_path.iterdir())}
    assert set(found) == {"log.csv", "log.dat", "log.parquet", "log.tsv.gz"}
    assert all(each == [("1", "b", 1.0), ("1", "a", 3.0), ("2", "b", 5.0)] for each in found.values())


def test_rows_of_unknown_items_are_left_out_and_can_be_counted(tmp_path: Path) -> None:
    rows = read(written(tmp_path / "log.tsv", [(2, "x", 0), (2, "b", 1), (1, "a", 2), (3, "x", 0)]))
    known = rows.among(Vocabulary.of(["c", "a", "b"]))
    assert (len(rows), len(known)) == (4, 2)
    assert told(known) == [("1", "a", 2.0), ("2", "b", 1.0)]
    assert known.item.tolist() == [2, 1]
    assert len(rows.among(Vocabulary.of(["z"]))) == 0


@pytest.mark.parametrize(
    ("name", "text", "line", "parts"),
    [
        ("log.tsv", "", None, ["the file is empty"]),
        ("log.tsv", f"{HEADER}\n", None, ["no rows"]),
        ("log.tsv", f"{HEADER}\n1\ta\t1\n1\tb\tsoon\n", 3, ["'soon' is not a number", "column Time"]),
        ("log.tsv", f"{HEADER}\n1\ta\t1\n1\tb\t\n", 3, ["the time is missing"]),
        ("log.tsv", f"{HEADER}\n1\ta\t1\n\tb\t1\n", 3, ["the session id is missing"]),
        ("log.tsv", f"{HEADER}\n1\t\t1\n", 2, ["the item id is missing"]),
        ("log.tsv", f"{HEADER}\n1\ta\n", 2, ["2 columns where 3 are expected"]),
        ("log.tsv", f"{HEADER}\n1\ta\t-1\n", 2, ["negative"]),
        ("log.tsv", "SessionId,ItemId,Time\n1,a,1\n", 1, ["no column 'SessionId' for the session"]),
        ("log.csv", f"{HEADER}\n1\ta\t1\n", 1, ["no column 'SessionId' for the session"]),
        ("log.pickle", "", None, ["pickles are not read", "to_csv('log.tsv'"]),
        ("log.pkl", f"{HEADER}\n1\ta\t1\n", None, ["pickles are not read"]),
    ],
)
def test_bad_logs_are_refused(tmp_path: Path, name: str, text: str, line: int | None, parts: list[str]) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        read(tmp_path / name)
    assert (caught.value.path is not None, caught.value.line) == (True, line)
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)


def test_missing_files_and_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "absent.tsv")
    path = written(tmp_path / "log.tsv", [(1, "a", 1)])
    with pytest.raises(NoColumnError) as caught:
        read(path, Columns(time="When"))
    assert (caught.value.role, caught.value.name) == ("time", "When")
    with pytest.raises(InputError, match="three columns"):
        read(path, Columns(session="ItemId"))
