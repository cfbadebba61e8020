"""Tables in memory, and folders of a log with graphs beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from turret.core.errors import InputError
from turret.core.interactions import FloatArray
from turret.data.schema import TYPE_OF_ROLE, Field, Role
from turret.data.tables import Coded, Lists
from turret.data.vocabulary import Vocabulary

HEADERS = {
    "inter": "user_id:token\titem_id:token",
    "train.inter": "user_id:token\titem_id:token",
    "test.inter": "user_id:token\titem_id:token",
    "kg": "head_id:token\trelation_id:token\ttail_id:token",
    "link": "item_id:token\tentity_id:token",
    "net": "source_id:token\ttarget_id:token",
}


def write(place: Path, **tables: Sequence[str]) -> Path:
    """A folder of atomic files: rows with spaces between their cells, by suffix (`train_inter` is .train.inter)."""
    place.mkdir()
    for name, rows in tables.items():
        suffix = name.replace("_", ".")
        header = HEADERS[suffix] + ("\tweight:float" if suffix == "net" and rows and rows[0].count(" ") == 2 else "")
        (place / f"{place.name}.{suffix}").write_text("\n".join([header, *(row.replace(" ", "\t") for row in rows)]) + "\n")
    return place


class MemoryTable:
    """A table whose columns have the roles that they are named by; see `turret.data.tables.Table`."""

    def __init__(self, columns: Mapping[Role, Sequence[Any]]) -> None:
        self._columns = columns
        self.fields: Sequence[Field] = [Field(role, TYPE_OF_ROLE[role], role) for role in columns]
        self.parts: Mapping[str, int] = {}
        self.left_out: Sequence[str] = ()

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def tokens(self, name: str, at_least: int = 1) -> Coded:
        assert at_least == 1
        values = list(self._columns[name])  # type: ignore[index]
        distinct = sorted(set(values), key=lambda token: (len(token.encode()), token.encode()))
        return Coded(np.array([distinct.index(value) for value in values], dtype=np.int32), Vocabulary.of(distinct))

    def numbers(self, name: str) -> FloatArray:
        return np.array(self._columns[name], dtype=np.float64)  # type: ignore[index]

    def lists(self, name: str) -> Lists:
        raise NotImplementedError

    def texts(self, name: str) -> list[str]:
        return list(self._columns[name])  # type: ignore[index]

    def release(self) -> None:
        pass

    def refuse(self, message: str, *, row: int | None = None, column: str | None = None, hint: str | None = None) -> NoReturn:
        raise InputError(message, line=row, column=column, hint=hint)
