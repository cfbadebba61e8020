"""What the engine finds in a file, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from turret.core.errors import InputError
from turret.data import text
from turret.data.engine import literal, place
from turret.data.files import File
from turret.data.schema import Field

_IS_RECORD = "json_type(json) = 'OBJECT' AND len(json_keys(json)) = len(list_distinct(json_keys(json)))"
_BUFFER = 8_000_000
"""Bytes of text that the engine reads at once; a thread holds several. Its own choice, 32 MB, is no faster."""
_NO_RECORD = "error('no object, or a name is in it twice')"


class Relation:
    """The rows of a file, column by column.

    Columns are known by their places, so no name, whatever characters it has, comes into a question.

    Args:
        connection: the engine.
        file: the file.
        fields: the columns that are wanted.

    Attributes:
        fields: the columns that are wanted.
        sql: the rows.
        file: the file.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: File, fields: Sequence[Field]) -> None:
        self.file, self.fields = file, fields
        self._place = {name: f"c{index}" for index, name in enumerate(file.header)}
        kinds = _parquet_types(connection, file.path) if file.format == "parquet" else _text_types(file, fields)
        self._kinds = dict(zip(file.header, kinds, strict=True))
        self.sql = self._sql()

    def column(self, field: Field) -> tuple[str, str]:
        """A field's column and its type, as they are in the file."""
        return self._place[field.name], self._kinds[field.name]

    def stored(self, field: Field) -> str:
        """The expression that makes a field's value of what is in the file."""
        column, kind = self.column(field)
        if field.type in ("token_seq", "float_seq") and field.role != "title":
            return _as_list(column, kind, stored_type(field), literal(self.file.source.seq_separator))
        if field.type == "float" and field.role != "title":
            return _as_number(column, kind)
        return f"nullif({_as_text(column, kind)}, '')"

    def _sql(self) -> str:
        file, where = self.file, place(self.file.path)
        if file.format == "parquet":
            return f"read_parquet({where}, hive_partitioning = false) AS t({', '.join(self._place.values())})"
        packed = {".gz": ", compression = 'gzip'", ".zst": ", compression = 'zstd'"}  # the engine does not see it in `a?.csv.gz`
        how = f"hive_partitioning = false{packed.get(file.path.suffix.lower(), '')}"
        if file.format == "json":
            objects = f"read_json_objects({where}, format = 'newline_delimited', maximum_object_size = {text.LONGEST_LINE}, {how})"
            record = f"SELECT CASE WHEN {_IS_RECORD} THEN json ELSE {_NO_RECORD} END AS record FROM {objects}"
            values = (f"json_extract(record, {literal(_pointer(field.name))}) AS {self._place[field.name]}" for field in self.fields)
            return f"(SELECT {', '.join(values)} FROM ({record}))"
        columns = ", ".join(f"'{self._place[name]}': '{kind}'" for name, kind in self._kinds.items())
        quote = "'\"'" if file.format == "csv" else "''"
        return (
            f"read_csv({where}, columns = {{{columns}}}, auto_detect = false, header = {str(file.source.header).lower()}, "
            f"delim = {literal(file.delimiter)}, quote = {quote}, escape = {quote}, max_line_size = {text.LONGEST_LINE}, "
            f"buffer_size = {_BUFFER}, {how})"
        )


def _pointer(name: str) -> str:
    """Where a value stands in a JSON object (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def stored_type(field: Field) -> str:
    """The type that the engine keeps a field's values as."""
    if field.role == "title":
        return "VARCHAR"
    return {"token": "VARCHAR", "float": "DOUBLE", "token_seq": "VARCHAR[]", "float_seq": "DOUBLE[]"}[field.type]


def _text_types(file: File, fields: Sequence[Field]) -> list[str]:
    """The type that the engine reads each column of a text file as."""
    if file.format == "json":
        return ["JSON"] * len(file.header)
    numeric = {field.name for field in fields if field.type == "float"}
    return [("TIMESTAMP" if name in file.dated else "DOUBLE") if name in numeric else "VARCHAR" for name in file.header]


def _parquet_types(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    scan = f"read_parquet({place(path)}, hive_partitioning = false)"
    return [row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()]


def _as_list(column: str, kind: str, stored: str, separator: str) -> str:
    if kind.endswith("[]"):
        return f"CAST({column} AS {stored})"
    written = f"json_extract_string({column}, '$')" if kind == "JSON" else column
    split = f"CAST(string_split(trim({written}), {separator}) AS {stored})"
    return f"CASE WHEN json_type({column}) = 'ARRAY' THEN CAST({column} AS {stored}) ELSE {split} END" if kind == "JSON" else split


def _as_text(column: str, kind: str) -> str:
    if kind == "JSON":
        return f"json_extract_string({column}, '$')"
    text = f"CAST({column} AS VARCHAR)"
    # Whole numbers that were stored as floating ones, as pandas does where one is missing, are whole numbers again.
    return f"regexp_replace({text}, '\\.0$', '')" if kind in ("DOUBLE", "FLOAT") else text


def _as_number(column: str, kind: str) -> str:
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"epoch({column})"
    if kind in ("JSON", "VARCHAR"):
        written = f"nullif({_as_text(column, kind)}, '')"
        return f"coalesce(TRY_CAST({written} AS DOUBLE), epoch(TRY_CAST({written} AS TIMESTAMP)))"
    return f"CAST({column} AS DOUBLE)"


def refuse_what_will_not_convert(connection: duckdb.DuckDBPyConnection, relation: Relation) -> None:
    """Text files name the line of a value that is no number themselves; others are asked first.

    Raises:
        InputError: a value is none, with its line.
    """
    for field in relation.fields:
        column, kind = relation.column(field)
        if field.type != "float" or kind not in ("JSON", "VARCHAR") or field.role == "title":
            continue
        written = _as_text(column, kind)
        bad = f"nullif({written}, '') IS NOT NULL AND {_as_number(column, kind)} IS NULL"
        rows = f"SELECT row_number() OVER () - 1 AS place, {bad} AS bad, {written} AS value FROM {relation.sql}"
        found = connection.execute(f"SELECT place, value FROM ({rows}) WHERE bad ORDER BY place LIMIT 1").fetchone()
        if found is not None:
            message = f"'{text.shortened(found[1])}' is not a number"
            raise InputError(message, path=relation.file.path, line=relation.file.line_of(int(found[0])), column=field.name)
