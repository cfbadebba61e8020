"""States of parts, handed on by those that hold the parts."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from turret.core.contracts import Remembering


def state_of(part: object) -> dict[str, Tensor]:
    """What a part carries from step to step; empty where it carries nothing."""
    return part.state() if isinstance(part, Remembering) else {}


def hand_back(part: object, state: Mapping[str, Tensor]) -> None:
    """Gives a part what `state_of` took from it."""
    if isinstance(part, Remembering):
        part.restore(state)


def under(name: str | int, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state whose entries are called `name.entry`, so that several fit into one."""
    return {f"{name}.{entry}": value for entry, value in state.items()}


def within(name: str | int, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `under` put there."""
    return {entry.removeprefix(f"{name}."): value for entry, value in state.items() if entry.startswith(f"{name}.")}
