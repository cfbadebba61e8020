"""Names that mean something to somebody: it is that file that is read, and no other, and that column."""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb
import pytest
from fuzz.packing import gz, zst

from turret.api.dataset_file import located
from turret.core.errors import InputError
from turret.data import sessions
from turret.data.config import Source
from turret.data.layout import find
from turret.data.prepare import prepare
from turret.data.readers import Engine, FileTable, look_at

NAMES = [
    *(
        "ratings[1].csv",
        "a*.csv",
        "a?.csv",
        "[a-z].csv",
        "a[!b].csv",
        "it's.csv",
        'a"b.csv',
        "a\nb.csv",
        "-a.csv",
        "--files=x.csv",
        "a\\b.csv",
    ),
    *(
        "~.csv",
        "a b;c.csv",
        "a%20b.csv",
        "{a,b}.csv",
        "**",
        "$HOME.csv",
        "é.csv",
        "s3:a.csv",
        "a.csv'); DROP TABLE log; --.csv",
        "key=1.csv",
    ),
]


def table(path: Path, kind: str = "inter", **source: object) -> FileTable:
    return FileTable(Engine(path.parent, threads=1), kind, {"": [path]}, Source(**source))


def tokens(table: FileTable, name: str) -> list[str]:
    coded = table.tokens(name)
    return coded.vocabulary.tokens(coded.codes)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_that_very_file_is_read(tmp_path: Path, suffix: str) -> None:
    pack = {"": lambda raw: raw, ".gz": gz, ".zst": zst}[suffix]
    for number, name in enumerate([*NAMES, "ratings1.csv", "ab.csv", "b.csv", "a[b.csv", "key=2.csv"]):
        (tmp_path / (name + suffix)).write_bytes(pack(f"user,item\n{number},x\n".encode()))
    for number, name in enumerate(NAMES):
        read = table(tmp_path / (name + suffix), format="csv")
        assert tokens(read, "user") == [str(number)], name


def test_so_are_parquet_and_json(tmp_path: Path) -> None:
    for name in ("a[1]", "a1", "a*"):
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE log AS SELECT '{name}' AS user, 1 AS item")
            connection.execute(f"COPY log TO '{tmp_path / 'written.parquet'}'")
        (tmp_path / "written.parquet").rename(tmp_path / f"{name}.parquet")
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"user": name, "item": 1}))
    for suffix in (".parquet", ".jsonl"):
        for name in ("a[1]", "a*"):
            assert tokens(table(tmp_path / (name + suffix)), "user") == [name]


def test_folders_have_such_names_too(tmp_path: Path) -> None:
    """`user=9` is a column to an engine that looks for partitions."""
    for folder in ("user=9", "c0=9", "d[1]", "d*", "d1", "item=x/user=y"):
        place = tmp_path / folder
        place.mkdir(parents=True)
        (place / "log.csv").write_text(f"item,user\n{folder},1\n")
        (place / "log.jsonl").write_text(json.dumps({"item": folder, "user": 1}))
        with duckdb.connect() as connection:
            connection.execute(f"COPY (SELECT '{folder}' AS item, 1 AS user) TO '{place}/log.parquet'")
        for suffix in (".csv", ".jsonl", ".parquet"):
            read = table(place / f"log{suffix}")
            assert (tokens(read, "item"), tokens(read, "user")) == ([folder], ["1"]), suffix


def test_a_path_from_here_is_that_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    (tmp_path / "~" / "log.csv").write_text("user,item\n1,2\n")
    assert len(FileTable(Engine(tmp_path, threads=1), "inter", {"": [Path("~/log.csv")]}, Source())) == 1


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("user,item\n1,2\n")
    (tmp_path / "here.csv").symlink_to(tmp_path / "there.csv")
    assert len(table(tmp_path / "here.csv")) == 1


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv"))
    path.write_text("user,item\n1,2\n")
    with pytest.raises(InputError, match="name is not UTF-8"):
        table(path)


def test_a_name_that_the_engine_cannot_be_told_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a\\[b.csv"
    path.write_text("user,item\n1,2\n")
    with pytest.raises(InputError, match=r"a backslash and one of \* \? \["):
        table(path)


def test_a_pattern_in_the_settings_is_one(tmp_path: Path) -> None:
    for name in ("log-1.csv", "log-[2].csv"):
        (tmp_path / name).write_text("user,item\n1,2\n")
    assert [path.name for path in find(tmp_path, Source(files={"inter": "log-*.csv"})).files] == ["log-1.csv", "log-[2].csv"]
    assert [path.name for path in find(tmp_path, Source(files={"inter": "log-[2].csv"})).files] == ["log-[2].csv"]


@pytest.mark.parametrize("pattern", ["", "/", "**x", "../", "a" * 5000, "a\0b", "/etc/*"])
def test_a_pattern_that_is_none_is_refused(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "log.csv").write_text("user,item\n1,2\n")
    with pytest.raises(InputError, match="no such file"):
        find(tmp_path, Source(files={"inter": pattern}))


@pytest.mark.parametrize("name", ["a" * 300, "x/" + "a" * 5000, "a\\0b"])
def test_a_name_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    described = tmp_path / "a.yaml"
    described.write_text(f'path: "{name}"\n')
    with pytest.raises(InputError):
        located(described)
    (tmp_path / "log.csv").write_text("user,item,p\n1,2,3\n")
    described.write_text(f'path: log.csv\nfeatures: {{p: {{pretrained: "{name}"}}}}\n')
    assert located(described).path == tmp_path / "log.csv"
    with pytest.raises(InputError, match="no such file or folder"):
        find(Path(name.replace("\\0", "\0")), Source())


@pytest.mark.parametrize("name", ["log.csv", "log.tsv.gz", "log.jsonl.zst", "log.parquet", "a" * 300 + ".csv"])
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        look_at(tmp_path / name, Source())
    with pytest.raises(InputError):
        table(tmp_path / name)


def test_what_is_neither_a_file_nor_a_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.csv")
    with pytest.raises(InputError, match="no such file or folder"):
        find(tmp_path / "log.csv", Source())


COLUMNS = [
    'a"b',
    "a'b",
    "a[0]",
    "a]",
    "{x}",
    "a,b",
    "select",
    "c0",
    "c1",
    "",
    "A",
    "a",
    "'); DROP TABLE log; --",
    "/",
    "~1",
    "a\\b",
    "é",
    "a.b",
    "*",
]


def test_columns_have_any_names(tmp_path: Path) -> None:
    row = {"user": "u", "item": "i", **{name: f"value {number}" for number, name in enumerate(COLUMNS)}}
    named = {name: "token" for name in COLUMNS if name}
    (tmp_path / "log.jsonl").write_text(json.dumps(row))
    with (tmp_path / "log.tsv").open("w") as file:
        columns = [name for name in row if name]
        file.write("\t".join(columns) + "\n" + "\t".join(row[name] for name in columns) + "\n")
    for name in ("log.jsonl", "log.tsv"):
        read = table(tmp_path / name, columns=named)
        for column in named:
            assert tokens(read, column) == [row[column]], (name, column)


def test_columns_of_parquet_have_any_names(tmp_path: Path) -> None:
    names = [name for name in COLUMNS if name and name != "A"]
    quoted = ", ".join("'{}' AS \"{}\"".format(name.replace("'", "''"), name.replace('"', '""')) for name in ["user", "item", *names])
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {quoted}) TO '{tmp_path / 'log.parquet'}'")
    read = table(tmp_path / "log.parquet", columns=dict.fromkeys(names, "token"))
    for name in names:
        assert tokens(read, name) == [name]


def test_a_table_of_one_column_of_json(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"user": 7}\n{"user": "b"}\n')
    assert tokens(table(tmp_path / "a.jsonl", "user"), "user") == ["7", "b"]


def test_names_of_files_reach_the_end(tmp_path: Path) -> None:
    rows = "".join(f"{row % 4},{row % 5},{row}\n" for row in range(40))
    (tmp_path / "it's[1].csv").write_text("user,item,time\n" + rows)
    prepared = prepare(tmp_path / "it's[1].csv", cache_dir=tmp_path / "cache", threads=1)
    assert sum(len(part.interactions) for part in prepared.parts.values()) == 40
    (tmp_path / "s[1].tsv").write_text("SessionId\tItemId\tTime\n1\ta\t1\n1\tb\t2\n")
    assert len(sessions.read(tmp_path / "s[1].tsv")) == 2
    assert list(look_at(tmp_path / "s[1].tsv", Source()).header) == ["SessionId", "ItemId", "Time"]
