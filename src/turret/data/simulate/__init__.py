"""A seeded simulator of logs whose truth is known: `simulate` writes one, `note_of(...).truth()` knows it, `Oracle` ranks by it."""

from turret.data.simulate.files import FORMAT, Note, note_of, simulate, simulate_clicks, write
from turret.data.simulate.oracle import ClickedOracle, Oracle, RankingOracle
from turret.data.simulate.settings import Simulation
from turret.data.simulate.truth import Truth

__all__ = [
    "FORMAT",
    "ClickedOracle",
    "Note",
    "Oracle",
    "RankingOracle",
    "Simulation",
    "Truth",
    "note_of",
    "simulate",
    "simulate_clicks",
    "write",
]
