"""`python -m bench.peers`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.peers import report
from bench.peers.cases import CASES
from bench.peers.contest import contest
from bench.peers.environments import environment


def main() -> int:
    """Measures the cases that are asked for, and writes the report on all that were measured."""
    given = _arguments()
    if given.list:
        for case in CASES.values():
            print(f"{case.name:<12}{case.title}: {', '.join(case.sides)}; {', '.join(size.name for size in case.sizes)}")
        return 0
    results = given.folder / "results"
    for name in [] if given.report else given.cases or list(CASES):
        case = CASES[name]
        for size in case.sizes:
            if given.sizes and size.name not in given.sizes:
                continue
            sides = [side for side in size.sides or case.sides if not given.sides or side in given.sides]
            environments = {side: environment(side, given.folder / "environments") for side in sides}
            for found in contest(case, size, given.rounds or size.rounds, given.threads, environments, given.folder / "files", _say):
                found.save(results)
    return report.write(results, given.folder / "report")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench.peers", description="Measures Turret beside other libraries.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only these cases")
    parser.add_argument("--sizes", nargs="+", default=[], metavar="SIZE", help="only these sizes")
    parser.add_argument("--sides", nargs="+", default=[], metavar="SIDE", help="only these libraries")
    parser.add_argument("--rounds", type=int, help="how often each is measured, where not as the size says")
    parser.add_argument("--threads", type=int, default=2, help="that each may use (2)")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="of environments, files, results and the report (.bench)")
    parser.add_argument("--report", action="store_true", help="measures nothing: writes the report on what was measured before")
    parser.add_argument("--list", action="store_true", help="lists the cases")
    given = parser.parse_args()
    if unknown := set(given.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    given.folder = given.folder.resolve()
    return given


if __name__ == "__main__":
    sys.exit(main())
