"""SIGTERM and Ctrl-C: the process may tidy up, and says how to go on."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping

from faults.command import PREPARATION, TESTING, TRAINING, Ended
from faults.kinds.kind import Kind, share
from faults.moments import WORKING, interrupted
from faults.verdict import Lost
from faults.workshop import Place


def _stop(place: Place, number: signal.Signals, phases: Mapping[str, float], twice: bool = False) -> str:
    command = interrupted(place, place.words, phases)
    where = command.phase
    command.send(number)
    if twice:
        time.sleep(place.draw.random() * 0.2)
        command.send(number)
    ended = command.wait()
    if ended.code != 0 and not (ended.code == -number and (place.run / "result.json").is_file()):  # or it was at its very end already
        # A second signal may come to a process that is leaving already, and is what a shell calls 128 + its number too.
        _must_be_told(ended, {128 + number, -number} if twice else {128 + number}, place.began)
    place.must_go_on()
    return where


def _must_be_told(ended: Ended, codes: set[int], began: bool) -> None:
    if ended.code not in codes:
        raise Lost(f"leaves with {ended.code}, not {max(codes)}: {ended.said}")
    if "Traceback" in ended.err:
        raise Lost(f"shows a traceback: {ended.said}")
    if began and "turret train --resume run" not in ended.err:
        raise Lost(f"does not say how to go on: {ended.said!r}")


def _term(place: Place) -> str:
    return _stop(place, signal.SIGTERM, {TRAINING: 1})


def _term_elsewhere(place: Place) -> str:
    return _stop(place, signal.SIGTERM, {PREPARATION: 1, TESTING: 1})


def _interrupt(place: Place) -> str:
    return _stop(place, signal.SIGINT, WORKING)


def _interrupt_twice(place: Place) -> str:
    return _stop(place, signal.SIGINT, WORKING, twice=True)


KINDS = (
    Kind("term", "SIGTERM during training", _term, share(0.24)),
    Kind("term-elsewhere", "SIGTERM during preparation and testing", _term_elsewhere, share(0.12)),
    Kind("interrupt", "Ctrl-C", _interrupt, share(0.12)),
    Kind("interrupt-twice", "Ctrl-C, and again within a fifth of a second", _interrupt_twice, share(0.12)),
)
