"""When a fault strikes."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING

from faults.command import PREPARATION, START, TESTING, TRAINING, Command

if TYPE_CHECKING:
    from faults.workshop import Place

ANY: Mapping[str, float] = {START: 1, PREPARATION: 4, TRAINING: 12, TESTING: 3}
WORKING: Mapping[str, float] = {PREPARATION: 1, TRAINING: 4, TESTING: 1}
TRIES = 8


def interrupted(place: Place, words: list[str], phases: Mapping[str, float] = ANY, often: bool = False) -> Command:
    """A command that has come to a random moment: uniformly in a phase, which is drawn by these weights and lasts as in the reference.

    A process that is past the phase by then, as one may be that is faster, is started anew and awaited for a third of that.
    """
    phase = place.draw.choices(list(phases), list(phases.values()))[0]
    seconds = place.draw.random() * place.reference.ended.seconds(phase)
    for _ in range(TRIES):
        command = place.start(words, often)
        if command.at(phase, seconds) and command.phase.startswith(phase):
            return command
        command.send(signal.SIGKILL)
        command.wait()
        place.clear()
        seconds /= 3
    raise RuntimeError(f"{place.case}: the process is always past its {phase}")
