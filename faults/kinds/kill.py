"""SIGKILL: no process can do anything about it."""

from __future__ import annotations

import signal

from faults.command import TRAINING
from faults.kinds.kind import Kind, share
from faults.moments import ANY, interrupted
from faults.workshop import Place

COMPILED = ("gru4rec", "wrmf", "slim", "bpr-midx")
"""Subjects that train by compiled loops."""


def _kill(place: Place) -> str:
    often = place.case.number % 2 == 1
    command = interrupted(place, place.words, often=often)
    where = command.phase
    command.send(signal.SIGKILL)
    command.wait()
    place.must_go_on()
    return where


def _kill_thrice(place: Place) -> str:
    where = []
    for _ in range(3):
        words = place.going_on
        command = place.start(words, often=True)
        phase = place.draw.choices(list(ANY), list(ANY.values()))[0]
        struck = command.at(phase, place.draw.random() * place.reference.ended.seconds(phase) / 2)
        where.append(command.phase if struck else "after its end")
        command.send(signal.SIGKILL)
        command.wait()
    place.must_go_on()
    return "; ".join(where)


def _kill_the_first(place: Place) -> str:
    """Nothing is compiled yet, as on a new machine: the first process compiles, the second one loads what that has compiled."""
    place.kernels = place.folder / "kernels"
    command = interrupted(place, place.words, {TRAINING: 1}, often=True)
    where = command.phase
    command.send(signal.SIGKILL)
    command.wait()
    place.must_go_on()
    return where


KINDS = (
    Kind("kill", "SIGKILL at a random moment; odd cases write checkpoints often", _kill),
    Kind("kill-first", "SIGKILL on a machine where no kernel is compiled yet", _kill_the_first, share(0.08), COMPILED),
    Kind("kill-thrice", "SIGKILL, and twice again while the run is gone on with", _kill_thrice, share(0.1)),
)
