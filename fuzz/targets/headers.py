"""The first line of a text file: its cells, the types in them, and the roles that they have by their names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.data import text
from turret.data.config import Column, Source
from turret.data.schema import ROLES, ROLES_OF_TABLE, TYPES, fields_of, parse_header

TABLES = tuple(ROLES_OF_TABLE)
DELIMITERS = "\t,; |"


def once(data: bytes, folder: Path) -> None:
    """Of the two first bytes one chooses the table, the other how the line is written."""
    table, how = (*data[:2], 0, 0)[:2]
    line, _, said = data[2:].decode("utf-8", "replace").partition("\n")
    cells = text.cells(line, DELIMITERS[how % 5], quoted=bool(how & 64))
    header = parse_header(cells, typed=bool(how & 128), path=str(folder))
    columns = Source.model_construct(columns={name: Column(role=ROLES[how % len(ROLES)]) for name in said.split(",")}).columns
    fields, left_out = fields_of(TABLES[table % len(TABLES)], header, columns, path=str(folder))
    assert {field.name for field in fields} | {*left_out} == {*header}


def seeds() -> Iterator[bytes]:
    """Headers of every table."""
    for number, names in enumerate(("user_id:token\titem_id:token\ttimestamp:float", "user\titem", "user_id\tage", "item_id\tmovie_title")):
        yield bytes([number, 0]) + names.encode()
    yield b"\x00\x42" + b'"user","item","a ""b"" c"\nuser'
    yield b"\x04\x82" + b"head_id:token\trelation_id:token\ttail_id:token"


TARGET = Target("a line, by text.cells, schema.parse_header and fields_of", 50, once, seeds, (*TYPES, *ROLES, ":token", '""', "\t", ","))
