"""DuckDB, shut in: it reads the files that it is told to and no other, loads no extensions, and asks nobody on the network."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from turret.core.errors import InputError

_NOTHING_LOADED = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
_SPILL = 32
"""Bytes on the disk that a byte of text may come to. A cell of two bytes, its comma included, takes 16 in the engine."""


@dataclass(frozen=True)
class Engine:
    """How DuckDB is run.

    Attributes:
        scratch: a folder for what does not fit into memory.
        memory: what each table may hold in memory, such as "800MB".
        threads: None uses every core.
    """

    scratch: Path
    memory: str = "800MB"
    threads: int | None = None

    def reading(self, sizes: Mapping[Path, int]) -> duckdb.DuckDBPyConnection:
        """A database of its own, so that closing it gives all of its memory back. It can open these files and nothing else.

        Args:
            sizes: for each file, how many bytes of text it may come to; what the database puts into `scratch` is bounded by them.
        """
        config: dict[str, Any] = {**_NOTHING_LOADED, "memory_limit": self.memory, "temp_directory": str(self.scratch)}
        config["arrow_large_buffer_size"] = True  # offsets of texts have 64 bits
        if self.threads is not None:
            config["threads"] = self.threads
        connection = duckdb.connect(config=config)
        room = min(_SPILL * sum(sizes.values()), shutil.disk_usage(self.scratch).free * 9 // 10)
        connection.execute(f"SET max_temp_directory_size = '{room}B'")
        _confine(connection, sizes)
        return connection


def looking_at(path: Path) -> duckdb.DuckDBPyConnection:
    """A small database that can open one file, and leaves nothing on the disk."""
    connection = duckdb.connect(config={**_NOTHING_LOADED, "memory_limit": "800MB", "threads": 1})
    connection.execute("SET temp_directory = ''")
    _confine(connection, [path])
    return connection


def _confine(connection: duckdb.DuckDBPyConnection, files: Iterable[Path]) -> None:
    # The engine checks the pattern that names a file, and then the file.
    places = [literal(form) for path in files for form in (str(path.absolute()), _pattern(path))]
    connection.execute(f"SET allowed_paths = [{', '.join(places)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def place(path: Path) -> str:
    """A file in SQL: this one, whatever characters its name has. To the engine `a[1].csv` is a pattern, which `a1.csv` fits.

    Raises:
        InputError: the engine cannot be told of a file with such a name.
    """
    return literal(_pattern(path))


def _pattern(path: Path) -> str:
    # Of a path from the root no part can be taken for the user's home or for a protocol.
    text = str(path.absolute())
    pattern = glob.escape(text)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError("the file's name is not UTF-8", path=ascii(text), hint="Give it another name.") from None
    if os.sep != "\\" and "\\" in text and pattern != text:
        raise InputError("the path has both a backslash and one of * ? [", path=path, hint="Give the file another name.")
    return pattern


def quoted(name: str) -> str:
    """A name of a column in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
