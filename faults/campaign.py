"""Which faults are made, and how: a few at a time, each in a place of its own."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults.kinds import KINDS
from faults.verdict import Case, Lost, Skipped, Verdict
from faults.workshop import Workshop


def cases(workshop: Workshop, times: int, kinds: Sequence[str], subjects: Sequence[str]) -> list[Case]:
    """All cases of a campaign.

    Args:
        workshop: where the exhaustive kinds count their cases.
        times: how often a process is killed at random; the other kinds follow from it.
        kinds: which.
        subjects: only these, of those that a kind befalls; a kind that befalls none of them is left out.
    """
    found = []
    for kind in (KINDS[name] for name in kinds):
        whom = [name for name in kind.subjects if name in subjects]
        if whom:
            # Each kind begins with another subject, so that few cases of many kinds do not all befall the first one.
            first = list(KINDS).index(kind.name) * 5
            found += [Case(kind.name, whom[(first + number) % len(whom)], number) for number in range(1, kind.cases(workshop, times) + 1)]
    return found


def run(workshop: Workshop, chosen: Sequence[Case], jobs: int, told: Callable[[Verdict], None]) -> list[Verdict]:
    """Makes the faults, so many at a time; each verdict is told when it is known. In the order of the cases."""
    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(verdict, workshop, case) for case in chosen]
        found = []
        for each in running:
            found.append(each.result())
            told(found[-1])
        return found


def verdict(workshop: Workshop, case: Case) -> Verdict:
    """Makes one fault. What it left is kept only where something was lost."""
    place, began = workshop.place(case), time.perf_counter()
    try:
        where = KINDS[case.kind].inject(place)
        shutil.rmtree(place.folder, ignore_errors=True)
        return Verdict(case, "survived", where, "", place.litter, time.perf_counter() - began)
    except Lost as lost:
        return Verdict(case, "lost", "", str(lost), place.litter, time.perf_counter() - began)
    except Skipped as skipped:
        return Verdict(case, "skipped", "", str(skipped))
    except Exception as error:  # a fault of the harness must not hide what the others found
        at = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"the harness failed: {type(error).__name__}: {error} ({Path(at.filename).name}, line {at.lineno})"
        return Verdict(case, "lost", "", reason, seconds=time.perf_counter() - began)
