"""YAML files that mirror the typed configs: each key is known, and each value remembers its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from turret.api.options import Option, Route, Setting, UnknownOptionError, nearest, shown
from turret.core.errors import InputError
from turret.data import bounded_yaml


def read(path: Path) -> yaml.MappingNode | None:
    """The top level of a YAML file; None where it is empty.

    Raises:
        InputError: there is no such file, it is no YAML or more of it than settings are, or its top level is not a mapping.
    """
    node = bounded_yaml.compose(path)
    if node is not None and not isinstance(node, yaml.MappingNode):
        raise InputError("the top level must be `name: value` lines", path=path, line=node.start_mark.line + 1)
    return node


def scalar(node: yaml.MappingNode | None, key: str) -> str | None:
    """The text of one key of the top level, looked at before the other keys can be known."""
    for name, value in node.value if node is not None else []:
        if name.value == key and isinstance(value, yaml.ScalarNode):
            return str(value.value)
    return None


def settings(node: yaml.MappingNode | None, path: Path, options: Iterable[Option]) -> dict[Route, Setting]:
    """What the file sets.

    Args:
        node: what `read` gave.
        path: the file, for errors.
        options: those that the file may set.

    Raises:
        InputError: an unknown or repeated key, with its line and the nearest name.
    """
    found: dict[Route, Setting] = {}
    if node is not None:
        _walk(node, (), path, {option.route: option for option in options}, found)
    return found


def _walk(node: yaml.MappingNode, route: Route, path: Path, options: Mapping[Route, Option], found: dict[Route, Setting]) -> None:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = str(key_node.value).replace("-", "_")
        name = shown(key)
        here = (*route, key)
        if key in seen:
            raise InputError(f"{name} is given twice", path=path, line=line)
        seen.add(key)
        if here in options:
            found[here] = Setting(bounded_yaml.value(value_node, path), key, path, line)
        elif any(known[: len(here)] == here for known in options):
            if isinstance(value_node, yaml.MappingNode):
                _walk(value_node, here, path, options, found)
            elif value_node.value != "":
                raise InputError(f"{name} must hold `name: value` lines", path=path, line=line)
        else:
            raise UnknownOptionError(key, f"{name} is not known here", path=path, line=line, hint=_where_instead(key, route, options))


def _where_instead(key: str, route: Route, options: Mapping[Route, Option]) -> str:
    elsewhere = [known for known, option in options.items() if option.name == key]
    if elsewhere:
        section = ".".join(elsewhere[0][:-1])
        return f"{key} belongs under {section}:" if section else f"{key} belongs to the top level"
    siblings = {known[len(route)] for known in options if known[: len(route)] == route and len(known) > len(route)}
    return nearest(key, siblings) or nearest(key, (option.name for option in options.values()))
