"""`python -m faults`."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from faults import campaign, table
from faults.kinds import KINDS
from faults.subjects import SUBJECTS
from faults.verdict import Case, Verdict
from faults.workshop import Workshop


def main() -> int:
    """Makes faults and tells what came of them; 1 where anything was lost."""
    given = _arguments()
    if given.list:
        print("\n".join(f"{name:<20}{kind.prose}" for name, kind in KINDS.items()))
        print("\n".join(f"{name:<20}{subject.procedure}: turret train {subject.words}" for name, subject in SUBJECTS.items()))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=given.folder))
    workshop, began = Workshop(folder, given.seed), time.perf_counter()
    chosen = [_case(text) for text in given.only] or campaign.cases(workshop, given.times, given.kinds, given.subjects)
    verdicts = campaign.run(workshop, chosen, given.jobs, _tell)
    table.show(verdicts, given.seed)
    print(f"{time.perf_counter() - began:.0f} s")
    counted = table.counts(verdicts)
    if given.json:
        given.json.write_text(json.dumps({**counted, "cases": [asdict(each) for each in verdicts]}, indent=1) + "\n")
    if counted["lost"]:
        print(f"what was left is in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return int(counted["lost"] > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m faults", description="Breaks trainings on purpose, and looks whether anything is lost.")
    parser.add_argument("--times", type=int, default=50, help="how often a process is killed at random; other kinds follow from it (50)")
    parser.add_argument("--seed", type=int, default=1, help="of all moments and places (1)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help="only these kinds of fault")
    parser.add_argument("--subjects", nargs="+", choices=SUBJECTS, default=list(SUBJECTS), metavar="SUBJECT", help="only these subjects")
    parser.add_argument("--only", nargs="+", default=[], metavar="KIND:SUBJECT:NUMBER", help="exactly these faults")
    parser.add_argument("--jobs", type=int, default=2, help="faults at a time (2)")
    parser.add_argument("--folder", type=Path, help="where everything happens; the system's temporary folder unless said otherwise")
    parser.add_argument("--json", type=Path, help="file that gets the outcome")
    parser.add_argument("--list", action="store_true", help="lists kinds and subjects")
    return parser.parse_args()


def _case(text: str) -> Case:
    kind, subject, number = text.rsplit(":", 2)
    return Case(kind, subject, int(number))


def _tell(verdict: Verdict) -> None:
    litter = f" (left behind: {', '.join(verdict.litter)})" if verdict.litter else ""
    print(f"{verdict.fate:<9}{verdict.case!s:<34}{verdict.seconds:5.1f} s  {verdict.reason or verdict.where}{litter}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
