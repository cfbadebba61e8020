"""Logs in text files and JSON lines, read by the engine; what it reads is compared with what Python's csv finds in the same file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from fuzz.packing import gz, zst
from fuzz.target import Target, WrongError
from turret.data.config import Source
from turret.data.readers import Engine, FileTable

SUFFIXES = (".csv", ".tsv", ".inter", ".jsonl")
PACKED = ("", "", ".gz", ".zst")
HEADS = {".csv": b"user,item\n", ".tsv": b"user\titem\n", ".inter": b"user:token\titem:token\n", ".jsonl": b""}
"""Lines that half of the inputs begin with, lest the others be refused for the first of theirs."""


def once(data: bytes, folder: Path) -> None:
    """The first byte chooses how the file is written, the second what is said of it."""
    how, said = (*data[:2], 0, 0)[:2]
    suffix, packed = SUFFIXES[how & 3], PACKED[how >> 2 & 3]
    content = (HEADS[suffix] if said & 4 else b"") + data[2:]
    path = folder / f"log{suffix}{packed}"
    path.write_bytes({"": lambda raw: raw, ".gz": gz, ".zst": zst}[packed](content))
    columns = {"tags": "token_seq", "more": "float_seq", "x": "float"} if said & 1 else {}
    delimiter = ";" if said & 2 else None
    table = FileTable(Engine(folder, "200MB", 1), "inter", {"": [path]}, Source(columns=columns, delimiter=delimiter))
    read_all(table)
    if suffix != ".jsonl":
        compare(table, content, delimiter or ("," if suffix == ".csv" else "\t"), quoted=suffix == ".csv")
    table.release()


def read_all(table: FileTable) -> None:
    """Asks for every column, in the way of its type."""
    for field in table.fields:
        if field.role == "title":
            table.texts(field.name)
        elif field.type == "token":
            codes = table.tokens(field.name)
            codes.vocabulary.tokens(codes.codes[codes.codes >= 0])
        elif field.type == "float":
            table.numbers(field.name)
        else:
            table.lists(field.name)


def compare(table: FileTable, content: bytes, delimiter: str, *, quoted: bool) -> None:
    """Says where the tokens that were read are not those in the file."""
    text = content.decode(errors="replace")  # columns that nothing is known of may hold anything
    if quoted and re.search(r'[^\S\r\n]"|"[^\S\r\n]', text):
        return  # the engine takes blanks around quotes away, Python does not
    rows = rows_of(text, delimiter, quoted=quoted)
    names = [cell.strip().rpartition(":")[0] or cell.strip() for cell in rows[0]]
    for field in table.fields:
        if field.type == "token" and field.name in names:
            coded = table.tokens(field.name)
            read = [coded.vocabulary.token(int(code)) if code >= 0 else "" for code in coded.codes]
            there = [row[names.index(field.name)] for row in rows[1:]]
            if read != there:
                raise WrongError(f"{field.name}: read {read!r} where the file has {there!r}")


def rows_of(text: str, delimiter: str, *, quoted: bool) -> list[list[str]]:
    """The rows that are not blank."""
    text = text.removeprefix("\ufeff")
    if quoted:
        return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    return [line.removesuffix("\r").split(delimiter) for line in text.split("\n") if line.removesuffix("\r")]


def seeds() -> Iterator[bytes]:
    """Logs in each form."""
    csv_ = b'user,item,rating,time,tags,more\n1,a,3.5,2020-01-01T00:00:00Z,x y,1 2\n"2","b ""c"" d",4,2020-01-02T00:00:00Z,,\n'
    tsv = b'user\titem\tx\n1\ta b\t3\n2\t"c\t4\n'
    inter = b"user_id:token\titem_id:token\ttimestamp:float\ttags:token_seq\n1\t2\t3\ta b\n4\t5\t6\t\n"
    json_ = b'{"user": 1, "item": "a", "rating": 3.5, "tags": ["x", "y"], "more": [1, 2]}\n{"user": 2, "item": "b", "tags": "x y"}\n'
    for number, content in enumerate((csv_, tsv, inter, json_)):
        for packed in (0, 2, 3):
            yield bytes([number | packed << 2, 1]) + content
    for number, content in enumerate((b'1,2\n"a,b",c\n', b'1\t"2\n3\t4\n', b"a\tb\n")):
        yield bytes([number, 4]) + content


TOKENS = (
    '"',
    '""',
    "\r\n",
    "\n\n",
    "\t",
    ",",
    ";",
    "\0",
    "1e999",
    "nan",
    "inf",
    "9" * 25,
    "2020-01-01",
    ":float",
    ":token_seq",
    "é",
    "null",
)
TARGET = Target("a file of text or JSON lines, by FileTable", 0.15, once, seeds, TOKENS)
