"""Files of every form read back as they were written, and broken ones named by file, line and column."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.data.config import Source
from turret.data.layout import find
from turret.data.readers import Engine, FileTable
from turret.data.tables import Coded

WILD = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r\x00"), min_size=1, max_size=8)
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1, max_size=8)


def table(path: Path, kind: str = "inter", **source: object) -> FileTable:
    return FileTable(Engine(path.parent, threads=1), kind, {"": [path]}, Source(**source))


def values(table: FileTable, name: str) -> list[str | None]:
    coded = table.tokens(name)
    return [coded.vocabulary.token(int(code)) if code >= 0 else None for code in coded.codes]


@WILD
@given(
    rows=st.lists(st.tuples(PLAIN, PLAIN, st.floats(0, 1e12)), min_size=1, max_size=40),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_atomic_files_keep_every_character(tmp_path: Path, rows: list[tuple[str, str, float]], end: str, last: bool) -> None:
    path = tmp_path / "log.inter"
    lines = ["user_id:token\titem_id:token\ttimestamp:float", *(f"{user}\t{item}\t{time!r}" for user, item, time in rows)]
    path.write_bytes((end.join(lines) + (end if last else "")).encode())
    read = table(path)
    assert values(read, "user_id") == [row[0] for row in rows]
    assert values(read, "item_id") == [row[1] for row in rows]
    assert read.numbers("timestamp").tolist() == [row[2] for row in rows]


@WILD
@given(rows=st.lists(st.tuples(ANY, ANY), min_size=1, max_size=40))
def test_csv_keeps_quotes_commas_and_line_ends(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    path = tmp_path / "log.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("user", "item"), *rows])
    read = table(path)
    assert list(zip(values(read, "user"), values(read, "item"), strict=True)) == rows


@WILD
@given(rows=st.lists(st.tuples(ANY, ANY, st.lists(PLAIN, max_size=3)), min_size=1, max_size=40))
def test_json_lines_keep_texts_and_lists(tmp_path: Path, rows: list[tuple[str, str, list[str]]]) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(json.dumps({"user": user, "item": item, "tags": tags}) for user, item, tags in rows), encoding="utf-8")
    read = table(path, columns={"tags": "token_seq"})
    assert list(zip(values(read, "user"), values(read, "item"), strict=True)) == [row[:2] for row in rows]
    lists = read.lists("tags")
    assert isinstance(lists.values, Coded)
    got = [
        lists.values.vocabulary.tokens(lists.values.codes[start:stop])
        for start, stop in zip(lists.offsets, lists.offsets[1:], strict=False)
    ]
    assert got == [row[2] for row in rows]


def test_every_container_holds_the_same(tmp_path: Path) -> None:
    rows = [("u1", "i1", 3.0, ["a", "b"]), ("u2", "i 2", 4.5, []), ("u1", "i3", 5.0, ["b"])]
    text = "user_id:token\titem_id:token\trating:float\ttags:token_seq\n" + "".join(
        f"{u}\t{i}\t{r}\t{' '.join(t)}\n" for u, i, r, t in rows
    )
    (tmp_path / "a.inter").write_text(text)
    (tmp_path / "b.inter.gz").write_bytes(gzip.compress(text.encode()))
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE log (user_id VARCHAR, item_id VARCHAR, rating DOUBLE, tags VARCHAR[])")
        connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows)
        connection.execute(f"COPY log TO '{tmp_path / 'c.parquet'}'")
        connection.execute(f"COPY log TO '{tmp_path / 'd.jsonl'}'")
        flat = "SELECT user_id, item_id, rating, array_to_string(tags, ' ') AS tags FROM log"
        connection.execute(f"COPY ({flat}) TO '{tmp_path / 'e.csv.gz'}' (FORMAT csv)")
        connection.execute(f"COPY ({flat}) TO '{tmp_path / 'f.tsv.zst'}' (FORMAT csv, DELIMITER '\t', QUOTE '', COMPRESSION zstd)")
    for name in ("a.inter", "b.inter.gz", "c.parquet", "d.jsonl", "e.csv.gz", "f.tsv.zst"):
        read = table(tmp_path / name, columns={"tags": "token_seq"})
        lists = read.lists("tags")
        assert isinstance(lists.values, Coded)
        assert values(read, "item_id") == ["i1", "i 2", "i3"], name
        assert read.numbers("rating").tolist() == [3, 4.5, 5], name
        assert lists.offsets.tolist() == [0, 2, 2, 3] and lists.values.codes.tolist() == [0, 1, 1], name


def test_titles_with_quotes_are_plain_text_in_atomic_files(tmp_path: Path) -> None:
    path = tmp_path / "m.item"
    path.write_text('item_id:token\tmovie_title:token_seq\n1\t"Great" Escape, The\n2\t"\n3\tM*A*S*H\n4\t\n')
    assert table(path, "item").texts("movie_title") == ['"Great" Escape, The', '"', "M*A*S*H", ""]


def test_dates_and_whole_numbers_become_seconds_and_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("uid,asin,time\n7,B1,2014-04-07T10:51:09.277Z\n8,B2,1970-01-01T00:00:10Z\n")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 7::BIGINT AS uid, 'B1' AS asin, TIMESTAMP '2014-04-07 10:51:09.277' AS time) TO '{tmp_path / 'b.parquet'}'"
        )
    assert table(tmp_path / "a.csv").numbers("time").tolist() == [1396867869.277, 10.0]
    assert table(tmp_path / "b.parquet").numbers("time").tolist() == [1396867869.277]
    assert values(table(tmp_path / "b.parquet"), "uid") == ["7"]


def test_whole_numbers_stored_as_floating_ones_are_whole_again(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT unnest([196.0, 2.5, 1e20])::DOUBLE AS user, 1.0::FLOAT AS item) TO '{tmp_path / 'a.parquet'}'")
    read = table(tmp_path / "a.parquet")
    assert values(read, "user") == ["196", "2.5", "1e+20"] and values(read, "item") == ["1", "1", "1"]


def test_columns_are_named_where_headers_do_not(tmp_path: Path) -> None:
    (tmp_path / "a.inter").write_text("u\ti\tr\n1\t2\t3\n")
    (tmp_path / "b.csv").write_text("1,2,3\n4,5,6\n")
    said = table(tmp_path / "a.inter", columns="u=user,i=item,r=float:rating")
    bare = table(tmp_path / "b.csv", columns={"who": "user", "what": "item", "more": "token"}, header=False)
    assert [(field.name, field.type, field.role) for field in said.fields] == [
        ("u", "token", "user"),
        ("i", "token", "item"),
        ("r", "float", "rating"),
    ]
    assert values(bare, "what") == ["2", "5"] and values(bare, "more") == ["3", "6"]


def test_columns_that_nothing_is_known_of_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,mood\n1,2,glad\n")
    assert table(tmp_path / "a.csv").left_out == ["mood"]
    assert table(tmp_path / "a.csv", columns={"mood": "token"}).left_out == []


HEADER = b"user_id:token\titem_id:token\trating:float\n"
BROKEN = {
    "empty": (b"", None, None, "the file is empty"),
    "header alone": (HEADER, None, None, "no rows"),
    "short row": (HEADER + b"1\t2\t3\n1\t2\n", 3, None, "2 columns where 3 are expected"),
    "long row": (HEADER + b"1\t2\t3\n\n1\t2\t3\t4\n", 4, None, "4 columns where 3 are expected"),
    "wrong type": (HEADER + b"1\t2\t3\n1\t2\tfive\n", 3, "rating", "'five' is not a number"),
    "not UTF-8": (HEADER + b"1\tcaf\xe9\t3\n", 2, None, "not UTF-8: byte 0xe9 at position 6"),
    "mixed line ends": (HEADER.replace(b"\n", b"\r\n") + b"1\t2\t3\r\n1\t2\t3\n", 3, None, "ends in LF, those before in CR LF"),
    "stray carriage return": (HEADER + b"1\t2\rx\t3\n", 2, None, "a carriage return inside"),
    "twice a column": (b"user_id:token\titem_id:token\tuser_id:token\n1\t2\t3\n", 1, 3, "'user_id' is there twice"),
    "two users": (b"user_id:token\titem_id:token\tuid:token\n1\t2\t3\n", 1, "uid", "both look like the user"),
    "no item": (b"user_id:token\trating:float\n1\t2\n", 1, None, "no item column among user_id, rating"),
    "unknown type": (b"user_id:token\titem_id:tokn\n1\t2\n", 1, "item_id", "unknown type 'tokn'"),
    "user a number": (b"user_id:float\titem_id:token\n1\t2\n", 1, None, "no user column"),
    "no name": (b"user_id:token\t:token\n1\t2\n", 1, 2, "has no name"),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", BROKEN)
def test_broken_text_is_named_by_line_and_column(tmp_path: Path, name: str, compressed: bool) -> None:
    content, line, column, words = BROKEN[name]
    path = tmp_path / ("log.inter.gz" if compressed else "log.inter")
    path.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(InputError, match=words) as caught:
        table(path)
    assert (caught.value.path is not None and Path(caught.value.path).name, caught.value.line, caught.value.column) == (
        path.name,
        line,
        column,
    )


def test_broken_zst_is_named_by_line(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        lines = "SELECT unnest(['user_id:token\titem_id:token\trating:float', '1\t2\t3', '1\t2\tx']) AS line"
        connection.execute(
            f"COPY ({lines}) TO '{tmp_path / 'a.inter.zst'}' (FORMAT csv, HEADER false, QUOTE '', DELIMITER '\x01', COMPRESSION zstd)"
        )
    with pytest.raises(InputError, match="'x' is not a number") as caught:
        table(tmp_path / "a.inter.zst")
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ('user,item\n"a\nb",c\n"d",e,f\n', 4, "3 columns where 2 are expected"),
        ("user,item,rating\na,b,1\nc,d,e\n", 3, "'e' is not a number"),
    ],
)
def test_broken_csv_is_named_by_line(tmp_path: Path, content: str, line: int, words: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        table(tmp_path / "a.csv")
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ('{"user": 1, "item": 2}\n{"user": 1, "item"\n', 2, "not JSON"),
        ('{"user": 1, "item": 2}\n\n[1, 2]\n', 3, "an object"),
        ('{"user": 1, "item": 2, "rating": 3}\n{"user": 1, "item": 2, "rating": "x"}\n', 2, "'x' is not a number"),
        ('{"user": 1}\n', 1, "no item column"),
    ],
)
def test_broken_json_is_named_by_line(tmp_path: Path, content: str, line: int, words: str) -> None:
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        table(tmp_path / "a.jsonl")
    assert caught.value.line == line


def test_broken_containers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    (tmp_path / "b.inter.gz").write_bytes(gzip.compress(HEADER + b"1\t2\t3\n" * 9999)[:60])
    for name in ("a.parquet", "b.inter.gz"):
        with pytest.raises(InputError, match="read") as caught:
            table(tmp_path / name)
        assert Path(str(caught.value.path)).name == name


def test_a_wrong_type_in_parquet_is_named_by_row(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 'u' AS user, 'i' AS item, unnest(['1', '2', 'x']) AS rating) TO '{tmp_path / 'a.parquet'}'")
    with pytest.raises(InputError, match="'x' is not a number") as caught:
        table(tmp_path / "a.parquet")
    assert (caught.value.line, caught.value.column) == (3, "rating")


def test_refusals_name_the_file_and_line_of_a_row(tmp_path: Path) -> None:
    for name, rows in (("1.csv", "a,b\n\nc,d\n"), ("2.csv", 'e,"f\ng"\nh,i\n')):
        (tmp_path / name).write_text("user,item\n" + rows)
    read = FileTable(Engine(tmp_path, threads=1), "inter", {"": [tmp_path / "1.csv", tmp_path / "2.csv"]}, Source())
    for row, name, line in ((0, "1.csv", 2), (1, "1.csv", 4), (2, "2.csv", 3), (3, "2.csv", 4)):
        with pytest.raises(InputError) as caught:
            read.refuse("bad", row=row)
        assert (Path(str(caught.value.path)).name, caught.value.line) == (name, line)


def test_files_of_one_table_need_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("user,item,rating\n1,2,3\n")
    (tmp_path / "2.csv").write_text("item,user\n1,2\n")
    with pytest.raises(InputError, match=r"no column rating as 1\.csv has it"):
        FileTable(Engine(tmp_path, threads=1), "inter", {"": [tmp_path / "1.csv", tmp_path / "2.csv"]}, Source())


def test_many_rows_stay_in_order(tmp_path: Path) -> None:
    n = 300_000
    buffer = io.StringIO("user\titem\ttime\n" + "".join(f"u{index * 7919 % 1000}\t{index}\t{index}\n" for index in range(n)))
    path = tmp_path / "log.tsv"
    path.write_text(buffer.getvalue())
    read = FileTable(Engine(tmp_path, threads=2), "inter", {"": [path]}, Source())
    items = read.tokens("item")
    assert np.array_equal(items.codes, np.arange(n)) and np.array_equal(read.numbers("time"), np.arange(n))
    users = read.tokens("user")
    assert users.vocabulary.tokens(users.codes[-3:]) == [f"u{index * 7919 % 1000}" for index in range(n - 3, n)]


def test_layouts(tmp_path: Path) -> None:
    for name in ("d.train.inter", "d.test.inter.gz", "d.item.csv", "d.kg", "README.md", "notes.txt"):
        (tmp_path / name).write_text("x")
    assert {name: [path.name for path in paths] for name, paths in find(tmp_path, Source()).tables.items()} == {
        "train": ["d.train.inter"],
        "test": ["d.test.inter.gz"],
        "item": ["d.item.csv"],
        "kg": ["d.kg"],
    }
    said = find(tmp_path, Source(files="inter=d.*.inter*,item=d.item.csv"))
    assert [path.name for path in said.tables["inter"]] == ["d.test.inter.gz", "d.train.inter"]
    with pytest.raises(InputError, match="no such file"):
        find(tmp_path, Source(files={"inter": "other.csv"}))
    with pytest.raises(InputError, match="no such file or folder"):
        find(tmp_path / "nothing", Source())


def test_a_folder_of_one_log_or_of_several(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("x")
    assert [path.name for path in find(tmp_path, Source()).tables["inter"]] == ["one.csv"]
    (tmp_path / "two.csv").write_text("x")
    with pytest.raises(InputError, match=r"which of these is the log\? one\.csv, two\.csv"):
        find(tmp_path, Source())


def test_a_yaml_beside_the_files_names_columns_and_settings_outweigh_it(tmp_path: Path) -> None:
    (tmp_path / "log.inter").write_text("a\tb\n1\t2\n")
    (tmp_path / "dataset.yaml").write_text("columns: {a: user, b: item}\n")
    source = find(tmp_path, Source()).source
    assert (source.columns["a"].role, source.columns["b"].role) == ("user", "item")
    assert find(tmp_path, Source(columns={"a": "item", "b": "user"})).source.columns["a"].role == "item"
    (tmp_path / "dataset.yaml").write_text("colums: {}\n")
    with pytest.raises(InputError) as caught:
        find(tmp_path, Source())
    assert Path(str(caught.value.path)).name == "dataset.yaml"
    assert caught.value.message == "colums: is not known here"
    assert "columns" in str(caught.value.hint)
