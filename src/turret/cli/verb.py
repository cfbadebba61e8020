"""What a command of the command line is: its words, its options and its help."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turret.api.options import Option, Section, Settings, flatten
from turret.cli.arguments import SHORT, parse
from turret.cli.screen import line, screen


class Output(BaseModel):
    """How the result is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    mode: Literal["light", "detail"] = "light"
    """How much is shown."""
    json_file: Path | None = Field(default=None, alias="json")
    """File that gets the final result as one JSON object. With -, it goes to the standard output and all else to the standard error."""

    @property
    def console(self) -> Console:
        """Where people read."""
        return screen(stderr=str(self.json_file) == "-")

    @property
    def detail(self) -> bool:
        """Whether everything is shown."""
        return self.mode == "detail"

    def say(self, text: str) -> None:
        """What is being done, where everything is shown."""
        if self.detail:
            line(self.console, text)


OUTPUT = Section("Output", Output)


@dataclass(frozen=True)
class Verb:
    """One command.

    Attributes:
        usage: the line that shows its form.
        prose: what it does.
        sections: the typed configs that its options fill.
        positional: the options that words without a name fill, in order.
    """

    usage: str
    prose: str
    sections: tuple[Section[Any], ...]
    positional: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Option]:
        """By flat name."""
        return flatten(self.sections)

    def settings(self, words: Sequence[str]) -> Settings:
        """What `words` set; prints the help and leaves where they ask for it."""
        if "--help" in words or "-h" in words:
            self.help()
            raise SystemExit(0)
        return parse(words, self.options, self.positional)

    def help(self) -> None:
        """Prints usage and options."""
        print(f"Usage: turret {self.usage}\n\n{self.prose}")
        print_options(self.options.values())


def print_options(options: Iterable[Option]) -> None:
    """Prints options under their headings, each with its prose, what it may be, and its default."""
    console = screen()
    shorts = {name: short for short, name in SHORT.items()}
    listed = list(options)
    width = max(len(_label(option, shorts)) for option in listed)
    for title, group in groupby(listed, key=lambda option: option.title):
        console.print(f"\n{title}", style="bold", markup=False)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2), pad_edge=False)
        table.add_column(no_wrap=True, min_width=width)
        table.add_column(ratio=1)
        for option in group:
            table.add_row(Text(_label(option, shorts)), _explained(option))
        console.print(table)


def _label(option: Option, shorts: Mapping[str, str]) -> str:
    return f"-{shorts[option.name]}, --{option.name}" if option.name in shorts else f"--{option.name}"


def _explained(option: Option) -> Text:
    facts = option.allowed if option.required else f"{option.allowed}; default {option.default}"
    return Text.assemble(f"{option.prose} " if option.prose else "", (f"[{facts}]", "dim"))
