"""Damaged Parquet files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from fuzz.target import Target
from fuzz.targets.tables import read_all
from turret.data.config import Source
from turret.data.readers import Engine, FileTable

LOGS = (
    "SELECT unnest(['u1', 'u2', 'u1']) AS user, unnest([1, 2, 3]) AS item, unnest([3.5, 4, NULL])::DOUBLE AS rating",
    "SELECT range AS user, range % 3 AS item, [range::VARCHAR, 'x'] AS tags, TIMESTAMP '2020-01-01' AS time FROM range(40)",
)


def once(data: bytes, folder: Path) -> None:
    """The whole input is the file."""
    path = folder / "log.parquet"
    path.write_bytes(data)
    source = Source(columns={"tags": "token_seq"})
    read_all(FileTable(Engine(folder, "200MB", 1), "inter", {"": [path]}, source))


def seeds() -> Iterator[bytes]:
    """Logs with each way to pack pages."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        for log in LOGS:
            for packing in ("uncompressed", "snappy", "zstd", "gzip"):
                path = Path(folder) / "log.parquet"
                connection.execute(f"COPY ({log}) TO '{path}' (COMPRESSION {packing})")
                yield path.read_bytes()


TARGET = Target("a Parquet file, by FileTable", 0.15, once, seeds, ("PAR1", "schema", "user", "item"))
