"""From what the sides told to what is to be read off: medians, ratios, verdicts, and how costs grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from bench.peers.case import TURRET, Alike, Case, Target
from bench.peers.contest import Contest, Standing
from bench.peers.floor import floor_seconds

APART = 1.5
"""Machines whose speeds differ by more are told apart, or were not equally busy."""


@dataclass(frozen=True)
class Row:
    """A side at a size of a case.

    Attributes:
        seconds: the median, None where there is none.
        spread: the least and the most of all rounds.
        rounds: that were measured.
        times: how many times as long as Turret's this side's median is.
        peak: bytes of the whole process at most, the median.
        added: of these, those beyond what it held when input and libraries were loaded.
        quality: means over the rounds.
        verdict: on equal quality; empty where nothing is compared.
        target: what is to be reached against this side, and whether it is; empty where nothing is.
        remark: what the side notes, and why it failed.
    """

    side: str
    seconds: float | None
    spread: tuple[float, float] | None
    rounds: int
    times: float | None
    peak: float | None
    added: float | None
    quality: Mapping[str, float]
    verdict: str
    target: str
    remark: str

    @property
    def unequal(self) -> bool:
        """Whether the ratio of the seconds compares different results."""
        return self.verdict.startswith("NOT EQUAL")


@dataclass(frozen=True)
class Entry:
    """A size of a case.

    Attributes:
        amount: by which the sizes are told apart.
        floor: the least seconds that the work can take on this machine, None where that is not known.
        floor_words: how the work is counted.
        operations, moved: of the machine in a second, of each round.
    """

    case: Case
    size: str
    amount: float
    threads: int
    floor: float | None
    floor_words: str
    operations: tuple[float, ...]
    moved: tuple[float, ...]
    rows: tuple[Row, ...]

    def row(self, side: str) -> Row | None:
        """Of a side, if it took part."""
        return next((row for row in self.rows if row.side == side), None)

    @property
    def over_floor(self) -> float | None:
        """How many times the floor Turret takes."""
        row = self.row(TURRET)
        return None if row is None or row.seconds is None or not self.floor else row.seconds / self.floor


def entry(found: Contest, case: Case) -> Entry:
    """What the measurements of a size come to."""
    work = case.work(found.facts)
    own = found.sides.get(TURRET, Standing())
    targets = {each.peer: each for each in case.targets if each.size == found.size}
    rows = tuple(_row(side, standing, own, case.alike, targets.get(side)) for side, standing in found.sides.items())
    operations, moved = ([getattr(each, name) for each in found.machine] for name in ("operations", "moved"))
    floor = floor_seconds(work, found.machine) if found.machine else None
    amount = float(found.facts[case.grows])
    return Entry(case, found.size, amount, found.threads, floor, work.words, tuple(operations), tuple(moved), rows)


def ordered(entries: Iterable[Entry]) -> list[Entry]:
    """By case, and from small to large."""
    return sorted(entries, key=lambda each: (each.case.name, each.amount))


def verdict(own: Mapping[str, float], peer: Mapping[str, float], alike: Iterable[Alike]) -> str:
    """Whether Turret's quality is no lower than the peer's, or is the same where that is asked for; if not, what differs."""
    words, differ = [], []
    for each in alike:
        if each.measure not in own or each.measure not in peer:
            differ.append(f"{each.measure} is not told")
            continue
        mine, theirs = own[each.measure], peer[each.measure]
        slack = each.within * abs(theirs)
        close = abs(mine - theirs) <= slack if each.exact else mine >= theirs - slack
        if not close:  # which NaN never is
            differ.append(f"{each.measure} {mine:.6g} for {theirs:.6g}")
        words.append("equal" if abs(mine - theirs) <= slack else "Turret's is better")
    if differ:
        return f"NOT EQUAL: {', '.join(differ)}"
    return ", ".join(dict.fromkeys(words))


def exponent(amounts: Iterable[float], seconds: Iterable[float]) -> float | None:
    """The power of the amount that seconds grow with: the slope of their logarithms by least squares. None of fewer than two amounts."""
    x, y = (np.log(np.fromiter(values, dtype=np.float64)) for values in (amounts, seconds))
    if len(np.unique(x)) < 2:
        return None
    x -= x.mean()
    return float(x @ (y - y.mean()) / (x @ x))


def mixed(entries: Iterable[Entry]) -> list[str]:
    """Lines that warn where results may be of different machines, or of one that was not equally free."""
    entries = list(entries)
    lines = []
    if len(threads := sorted({each.threads for each in entries})) > 1:
        lines.append(f"Beware: the cases were run with different numbers of threads ({', '.join(map(str, threads))}).")
    for name, words in (("operations", "compute"), ("moved", "copy")):
        speeds = [median(getattr(each, name)) for each in entries if getattr(each, name)]
        if speeds and max(speeds) > APART * min(speeds):
            ratio = max(speeds) / min(speeds)
            lines.append(f"Beware: not one machine, or a busy one: it could {words} {ratio:.1f} times as fast in one case as in another.")
    return lines


def _row(side: str, standing: Standing, own: Standing, alike: tuple[Alike, ...], target: Target | None) -> Row:
    seconds, ours = _all(standing, "seconds"), _all(own, "seconds")
    times = median(seconds) / median(ours) if seconds and ours else None
    added, our_added = _added(standing), _added(own)
    compared = bool(seconds and ours) and side != TURRET
    quality = _quality(standing)
    judged = verdict(_quality(own), quality, alike) if compared else ""
    memory = added / our_added if added is not None and our_added else None
    notes = dict.fromkeys(outcome["note"] for outcome in standing.outcomes if outcome.get("note"))
    firsts = _all(standing, "first")
    if firsts:
        notes[f"first, with all compiling: {median(firsts):.3g} s"] = None
    return Row(
        side=side,
        seconds=median(seconds) if seconds else None,
        spread=(min(seconds), max(seconds)) if seconds else None,
        rounds=len(seconds),
        times=times,
        peak=median(_all(standing, "peak")) if seconds else None,
        added=added,
        quality=quality,
        verdict=judged,
        target="" if target is None else _reached(target, times, memory, judged),
        remark="; ".join([*([f"ERROR: {standing.error}"] if standing.error else []), *notes]),
    )


def _all(standing: Standing, name: str) -> list[float]:
    return [outcome[name] for outcome in standing.outcomes if name in outcome]


def _added(standing: Standing) -> float | None:
    """Bytes, never less than a page, so that ratios exist."""
    return max(float(median(each["peak"] - each["base"] for each in standing.outcomes)), 4096.0) if standing.outcomes else None


def _quality(standing: Standing) -> dict[str, float]:
    names = dict.fromkeys(name for outcome in standing.outcomes for name in outcome["quality"])
    return {name: fmean(outcome["quality"][name] for outcome in standing.outcomes if name in outcome["quality"]) for name in names}


def _reached(target: Target, times: float | None, memory: float | None, judged: str) -> str:
    wanted = [("time", target.times, times)]
    if target.memory is not None:
        wanted.append(("memory", target.memory, memory))
    words = []
    for name, least, found in wanted:
        state = "not measured" if found is None else "MISSED" if found < least else "met" if not judged.startswith("NOT") else "NOT EQUAL"
        words.append(f"{name} {least:g}x: {state}" + ("" if found is None else f" ({found:.3g}x)"))
    return ", ".join(words)
