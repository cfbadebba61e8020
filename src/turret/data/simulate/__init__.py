"""A seeded simulator of logs whose truth is known: `publish` writes one, its `Note` knows the truth or the best result, `Oracle` ranks."""

from turret.data.simulate.files import FORMAT, LogKind, Note, new_beside, note_of, publish, simulate, simulate_clicks, write
from turret.data.simulate.oracle import ClickedOracle, Oracle, RankingOracle
from turret.data.simulate.settings import Advertising, Simulation
from turret.data.simulate.truth import Truth

__all__ = [
    "FORMAT",
    "Advertising",
    "ClickedOracle",
    "LogKind",
    "Note",
    "Oracle",
    "RankingOracle",
    "Simulation",
    "Truth",
    "new_beside",
    "note_of",
    "publish",
    "simulate",
    "simulate_clicks",
    "write",
]
