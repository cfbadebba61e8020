"""Other processes in the way."""

from __future__ import annotations

import os
import signal

from faults.command import PREPARATION, TRAINING, Ended
from faults.kinds.kind import Kind, share
from faults.moments import interrupted
from faults.verdict import Lost
from faults.workshop import RUN, Place


def _intruder(place: Place) -> str:
    """A second process wants the run directory of one that trains, which is halted meanwhile, so that it cannot end first."""
    command = interrupted(place, place.words, {TRAINING: 1}, often=True)
    where = command.phase
    os.kill(command.pid, signal.SIGSTOP)
    try:
        for words in (["train", "--resume", RUN], place.words):
            _must_be_refused(place.fork(words), " ".join(words[:2]))
    finally:
        os.kill(command.pid, signal.SIGCONT)
    ended = command.wait()
    if ended.code != 0:
        raise Lost(f"the first process was harmed, and leaves with {ended.code}: {ended.said}")
    place.must_be_exact()
    return where


def _must_be_refused(ended: Ended, words: str) -> None:
    if ended.code != 2:
        raise Lost(f"a second process ({words}) leaves with {ended.code}, not 2: {ended.said}")
    if RUN not in ended.err or "Traceback" in ended.err:
        raise Lost(f"a second process ({words}) is refused without saying where: {ended.said}")


def _neighbours(place: Place) -> str:
    """Two processes prepare the same dataset, and one of them is killed."""
    other = [*place.words]
    other[other.index("--run_dir") + 1] = "other"
    killed = place.start(other)
    command = place.start(place.words)
    killed.at(PREPARATION, place.draw.random() * place.reference.ended.seconds(PREPARATION))
    where = killed.phase
    killed.send(signal.SIGKILL)
    killed.wait()
    ended = command.wait()
    if ended.code != 0:
        raise Lost(f"the one that was not killed leaves with {ended.code}: {ended.said}")
    place.must_be_exact()
    return where


KINDS = (
    Kind("intruder", "a second process wants the run directory of one that trains", _intruder, share(0.1)),
    Kind("neighbours", "two processes prepare the same dataset, and one is killed", _neighbours, share(0.08)),
)
