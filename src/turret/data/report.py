"""What each step of preparing did to the log: nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """What one step did.

    Attributes:
        step: its name.
        note: what it did, in words.
        rows, users, items: how many of them it dropped.
    """

    step: str
    note: str
    rows: int = 0
    users: int = 0
    items: int = 0

    def __str__(self) -> str:
        lost = [f"{count:,} {name}" for count, name in ((self.rows, "rows"), (self.users, "users"), (self.items, "items")) if count]
        return f"{self.step}: {self.note}" + (f" (dropped {', '.join(lost)})" if lost else "")


class Report:
    """The steps in order; `print(report)` shows one a line."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._entries = list(entries)

    def add(self, step: str, note: str, *, rows: int = 0, users: int = 0, items: int = 0) -> None:
        """Notes what a step did."""
        self._entries.append(Entry(step, note, rows, users, items))

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __str__(self) -> str:
        return "\n".join(str(entry) for entry in self._entries)

    def to_json(self) -> list[dict[str, Any]]:
        """As plain values."""
        return [asdict(entry) for entry in self._entries]

    @classmethod
    def from_json(cls, values: Sequence[dict[str, Any]]) -> Report:
        """What `to_json` gave."""
        return cls([Entry(**value) for value in values])
