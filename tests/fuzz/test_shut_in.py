"""The engine reads what it is told to read: no other file, nothing from the network, and no extension because of an input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from turret.data.engine import Engine, looking_at

ALLOWED = "SELECT * FROM read_csv('{here}/a.csv')"
FORBIDDEN = {
    "another file": "SELECT * FROM read_csv('{here}/b.csv')",
    "a pattern": "SELECT * FROM read_csv('{here}/*.csv')",
    "a file by its name": "SELECT * FROM '{here}/b.csv'",
    "text": "SELECT * FROM read_text('/etc/hostname')",
    "the network": "SELECT * FROM read_csv('https://example.com/a.csv')",
    "a database": "ATTACH '{here}/c.db'",
    "writing": "COPY (SELECT 1) TO '{here}/d.csv'",
    "installing": "INSTALL httpfs",
    "loading": "LOAD httpfs",
    "letting out": "SET enable_external_access = true",
    "letting load": "SET autoload_known_extensions = true",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_everything_else_is_refused(tmp_path: Path, what: str) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n")
    scratch = tmp_path / "scratch"  # whose files are the engine's own
    scratch.mkdir()
    for opened in (Engine(scratch).reading({tmp_path / "a.csv": 8}), looking_at(tmp_path / "a.csv")):
        with opened as connection:
            assert connection.execute(ALLOWED.format(here=tmp_path)).fetchall() == [(1, 2)]
            with pytest.raises(duckdb.Error):
                connection.execute(FORBIDDEN[what].format(here=tmp_path)).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv", "scratch"]


def test_what_does_not_fit_into_memory_goes_to_the_scratch_folder(tmp_path: Path) -> None:
    with Engine(tmp_path, "60MB", 1).reading({tmp_path / "a": 100_000_000}) as connection:
        connection.execute("CREATE TABLE log AS SELECT md5(range::VARCHAR) AS x FROM range(3_000_000)")
        assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) > 10_000_000


def test_and_no_more_of_it_than_it_may(tmp_path: Path) -> None:
    with Engine(tmp_path, "60MB", 1).reading({tmp_path / "a": 10_000}) as connection, pytest.raises(duckdb.OutOfMemoryException):
        connection.execute("CREATE TABLE log AS SELECT md5(range::VARCHAR) AS x FROM range(3_000_000)")


def test_every_format_is_read_in_a_home_that_is_empty(tmp_path: Path) -> None:
    script = """
import json, sys
from pathlib import Path
import duckdb
from fuzz.packing import gz, zst
from turret.data.config import Source
from turret.data.readers import Engine, FileTable
here = Path(sys.argv[1])
csv, lines = b"user,item\\n1,2\\n", json.dumps({"user": 1, "item": 2}).encode()
for suffix, pack in (("", bytes), (".gz", gz), (".zst", zst)):
    (here / f"a.csv{suffix}").write_bytes(pack(csv))
    (here / f"a.jsonl{suffix}").write_bytes(pack(lines))
duckdb.connect().execute(f"COPY (SELECT 1 AS user, 2 AS item) TO '{here}/a.parquet' (COMPRESSION zstd)")
for path in sorted(here.glob("a.*")):
    assert len(FileTable(Engine(here, threads=1), "inter", {"": [path]}, Source())) == 1, path
"""
    home = tmp_path / "home"
    home.mkdir()
    root = Path(__file__).resolve().parents[2]
    environment = {"HOME": str(home), "PYTHONPATH": f"{root}:{root / 'src'}", "PATH": ""}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment)
    assert not list(home.rglob("*"))
