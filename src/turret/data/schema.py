"""What the columns of a table are: a type, which says how a value is written, and a role, which says what it means."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from turret.core.errors import InputError

if TYPE_CHECKING:
    from turret.data.config import Column

Type = Literal["token", "token_seq", "float", "float_seq"]
Role = Literal[
    "user",
    "item",
    "session",
    "time",
    "rating",
    "label",
    "weight",
    "feature",
    "title",
    "head",
    "relation",
    "tail",
    "entity",
    "source",
    "target",
]
TYPES: tuple[Type, ...] = get_args(Type)
ROLES: tuple[Role, ...] = get_args(Role)

TYPE_OF_ROLE: dict[Role, Type] = {
    **dict.fromkeys(("user", "item", "session", "head", "relation", "tail", "entity", "source", "target"), "token"),
    **dict.fromkeys(("time", "rating", "label", "weight"), "float"),
}

_USUAL: dict[Role, str] = {
    "user": "user userid uid reviewerid visitorid",
    "item": "item itemid iid movieid asin productid videoid artistid bookid businessid",
    "session": "session sessionid",
    "time": "time timestamp datetime unixreviewtime",
    "rating": "rating overall stars",
    "label": "label click isclick",
    "weight": "weight",
    "head": "head headid",
    "relation": "relation relationid",
    "tail": "tail tailid",
    "entity": "entity entityid",
    "source": "source sourceid sourceuser",
    "target": "target targetid targetuser",
}
_ROLE_OF_NAME: dict[str, Role] = {name: role for role, names in _USUAL.items() for name in names.split()}

ROLES_OF_TABLE: dict[str, tuple[Role, ...]] = {
    "inter": ("user", "item", "session", "time", "rating", "label", "weight", "feature"),
    "rows": ("user", "item", "session", "time", "label", "feature"),
    "user": ("user", "feature", "title"),
    "item": ("item", "feature", "title"),
    "kg": ("head", "relation", "tail"),
    "link": ("item", "entity"),
    "net": ("source", "target", "weight"),
    "sessions": ("session", "item", "time"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table.

    Attributes:
        name: as in the file.
        type: how a value is written.
        role: what it means.
    """

    name: str
    type: Type
    role: Role


def parse_header(names: Sequence[str], *, typed: bool, path: str) -> dict[str, Type | None]:
    """Column names with the types that a header of the form `name:type` gives them, None where it gives none.

    Args:
        names: the header's cells.
        typed: whether what follows a colon must be a type.
        path: for errors.
    """
    columns: dict[str, Type | None] = {}
    for number, cell in enumerate(names, start=1):
        name, colon, word = cell.strip().rpartition(":")
        if not colon or (word not in TYPES and not typed):
            name, kind = cell.strip(), None
        elif word in TYPES:
            kind = TYPES[TYPES.index(word)]
        else:
            near = difflib.get_close_matches(word, TYPES, 1)
            hint = f"did you mean {near[0]}?" if near else f"a type is one of {', '.join(TYPES)}"
            raise InputError(f"unknown type '{word}'", path=path, line=1, column=name or number, hint=hint)
        if not name:
            raise InputError("a column has no name", path=path, line=1, column=number)
        if name in columns:
            raise InputError(f"the column '{name}' is there twice", path=path, line=1, column=number)
        columns[name] = kind
    return columns


def fields_of(table: str, header: Mapping[str, Type | None], said: Mapping[str, Column], *, path: str) -> tuple[list[Field], list[str]]:
    """The fields of a table, and the names of the columns that nothing is known of, which are left out.

    What `said` says of a column counts most, then the type in the header, then what the name usually means. A role that `said` gives to one
    column is no longer guessed for another. Labels come in the order in which `said` names them, then in that of the file.

    Raises:
        InputError: two columns have one role, a role needs another type, or a role is missing.
    """
    allowed = ROLES_OF_TABLE[table]
    given = {role for name, column in said.items() if name in header and (role := column.role) is not None}
    fields: list[Field] = []
    unknown: list[str] = []
    for name, kind in header.items():
        column = said.get(name)
        said_type, said_role = (column.type, column.role) if column else (None, None)
        if said_role is not None and said_role not in allowed:
            said_role = "feature" if "feature" in allowed else None
        declared = said_type or kind
        role = said_role or _usual_role(table, name, declared, taken=given)
        if role is None and (column is not None or declared is not None) and "feature" in allowed:
            role = "feature"
        if role is None:
            unknown.append(name)
            continue
        needed = TYPE_OF_ROLE.get(role)
        if needed is not None and declared not in (None, needed):
            raise InputError(f"the {role} column must be of type {needed}, not {declared}", path=path, line=1, column=name)
        fields.append(Field(name, needed or declared or "token", role))
    _check_roles(table, fields, list(header), path)
    order = {name: place for place, name in enumerate(said)}
    labels = iter(sorted((field for field in fields if field.role == "label"), key=lambda field: order.get(field.name, len(order))))
    return [next(labels) if field.role == "label" else field for field in fields], unknown


def _usual_role(table: str, name: str, kind: Type | None, taken: set[Role]) -> Role | None:
    plain = name.lower().replace("_", "").replace("-", "").replace(" ", "")
    role = _ROLE_OF_NAME.get(plain)
    if role is not None and role not in taken and role in ROLES_OF_TABLE[table] and kind in (None, TYPE_OF_ROLE[role]):
        return role
    if "title" in ROLES_OF_TABLE[table] and plain.endswith(("title", "name")) and kind in (None, "token", "token_seq"):
        return "title"
    return None


def _check_roles(table: str, fields: Sequence[Field], names: Sequence[str], path: str) -> None:
    for role in ROLES:
        named = [field.name for field in fields if field.role == role]
        if len(named) > 1 and role not in ("feature", "title", "label"):
            raise InputError(
                f"the columns {' and '.join(named)} both look like the {role}",
                path=path,
                line=1,
                column=named[1],
                hint=f"say which: --columns {named[0]}={role}",
            )
    roles = {field.role for field in fields}
    if table == "inter" and "user" not in roles and "session" in roles:
        roles.add("user")
    if table == "inter" and "label" in roles:  # Impressions may be of nobody, or of nothing, in particular.
        roles |= {"user", "item"}
    missing = [role for role in ROLES_OF_TABLE[table] if role in _REQUIRED[table] and role not in roles]
    if missing:
        columns = ", ".join(names)
        raise InputError(f"no {missing[0]} column among {columns}", path=path, line=1, hint=f"say which it is: --columns NAME={missing[0]}")


_REQUIRED: dict[str, tuple[Role, ...]] = {
    "inter": ("user", "item"),
    "rows": (),
    "user": ("user",),
    "item": ("item",),
    "kg": ("head", "relation", "tail"),
    "link": ("item", "entity"),
    "net": ("source", "target"),
    "sessions": ("session", "item", "time"),
}
