"""Reads the library's source as what it may do: full names of all that it imports, calls and speaks of, however they are abbreviated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class File:
    """One file of the source.

    Attributes:
        name: below src.
        text: its content.
    """

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @cached_property
    def known_as(self) -> dict[str, str]:
        """The full names of what the file imports, by the names that it gives them."""
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname:
                        names[alias.asname] = alias.name
                    else:
                        names[alias.name.split(".")[0]] = alias.name.split(".")[0]
            elif isinstance(node, ast.ImportFrom):
                names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        return names

    @cached_property
    def imports(self) -> set[str]:
        """The full names of modules that the file imports, and of what it imports from them."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        return found

    def full(self, node: ast.expr) -> str:
        """`np.load` as numpy.load, `eval` as eval, and `.eval` for what belongs to something computed."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        start = self.known_as.get(node.id, node.id) if isinstance(node, ast.Name) else ""
        return ".".join([start, *reversed(parts)])

    def mentions(self) -> Iterator[tuple[int, str]]:
        """Every name that is read, called or not, with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
                yield node.lineno, self.full(node)

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield self.full(node.func), node

    def texts(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value


FILES = [File(str(path.relative_to(SOURCE)), path.read_text(encoding="utf-8")) for path in sorted((SOURCE / "turret").rglob("*.py"))]


def keyword(call: ast.Call, name: str) -> object:
    """The constant that a call gives for a keyword; the node where it is no constant, None where it is not given."""
    value = next((word.value for word in call.keywords if word.arg == name), None)
    return value.value if isinstance(value, ast.Constant) else value
