"""YAML from whoever: plain values, names that are text, and no more of them than a file of settings has.

PyYAML shares what an alias repeats, and whoever walks over it then walks over all that it stands for: ten lines of ten aliases each are ten
thousand million values. Here a file is as large as it is when each alias is written out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml

from turret.core.errors import InputError
from turret.data import small_file

DEEPEST = 30
"""Values inside of values."""
MOST = 100_000
"""Values in a file, each alias written out."""
DIGITS = 40
"""Characters of a whole number. Python takes long to write one of thousands, and refuses to in the end."""


def compose(path: Path) -> yaml.Node | None:
    """The nodes of a file; None where it is empty.

    Raises:
        InputError: there is no such file, it is no YAML, or more than files of settings are; says where.
    """
    text = small_file.read(path)
    try:
        return _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InputError(f"this is not YAML: {error.problem or error.context}", path=path, line=mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise InputError(f"this is not YAML: {' '.join(str(error).split())}", path=path) from None


def value(node: yaml.Node, path: Path) -> Any:
    """The plain value of a node that `compose` gave.

    Raises:
        InputError: a name is there twice, a value looks like a number or a date and is none; with its line.
    """
    _each_key_once(node, path)
    try:
        return _Loader("").construct_object(node, deep=True)
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark or node.start_mark).line + 1
        raise InputError(f"this is not YAML: {error.problem}", path=path, line=line) from None


class _Loader(yaml.SafeLoader):
    """PyYAML's, which counts while it composes."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._sizes: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise _refused(f"tags such as {event.tag} are not read", event)
        self._depth += 1
        if self._depth > DEEPEST:
            raise _refused(f"values lie more than {DEEPEST} deep in each other", event)
        node = cast(yaml.Node, super().compose_node(parent, index))
        self._depth -= 1
        if isinstance(parent, yaml.MappingNode) and index is None and not isinstance(node, yaml.ScalarNode):
            raise _refused("a name must be plain text", event)
        if isinstance(node, yaml.ScalarNode) and not _is_text(node.value):
            raise _refused("half a character (a lone surrogate)", event)
        if isinstance(event, yaml.AliasEvent):
            if node not in self._sizes:
                raise _refused(f"*{event.anchor} holds itself", event)
        else:
            self._sizes[node] = 1 + sum(self._sizes[child] for child in _children(node))
        if self._sizes[node] > MOST:
            raise _refused(f"more than {MOST:,} values, each alias written out", event)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise _refused(f"it looks like a number or a date and is none ({error}); quotes make it text", node) from None

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if len(node.value) > DIGITS:
            raise _refused(f"a number of more than {DIGITS} digits", node)
        return int(super().construct_yaml_int(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def _refused(problem: str, place: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _each_key_once(node: yaml.Node, path: Path) -> None:
    """Refuses what YAML would read as the last of several."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise InputError(f"{key.value} is given twice", path=path, line=key.start_mark.line + 1)
            seen.add(key.value)
    for child in _children(node):
        _each_key_once(child, path)
