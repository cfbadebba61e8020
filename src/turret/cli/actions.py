"""Commands of a command: `turret data prepare`. Imports nothing heavy, since it is there to list them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

from turret.core.errors import InputError

Action = Callable[[Sequence[str]], None]
"""Runs a command with its words."""


def dispatch(verb: str, actions: Mapping[str, tuple[str, Action]], words: Sequence[str]) -> None:
    """Runs the command that the first of `words` names; without one lists them.

    Args:
        verb: what they are commands of.
        actions: what each does, in prose and in code, by name.
        words: after the verb.

    Raises:
        InputError: there is no such command; says which comes nearest.
    """
    if not words or words[0] in ("-h", "--help", "help"):
        lines = [f"  {name:<11}{prose}" for name, (prose, _) in actions.items()]
        print("\n".join([f"Usage: turret {verb} COMMAND ...", "", *lines, "", f"turret {verb} COMMAND --help tells more."]))
    elif words[0] in actions:
        actions[words[0]][1](words[1:])
    else:
        near = difflib.get_close_matches(words[0], actions, n=1)
        hint = f"did you mean {near[0]}?" if near else f"The commands are: {', '.join(actions)}."
        raise InputError(f"there is no command {verb} {words[0]!r}", hint=hint)
