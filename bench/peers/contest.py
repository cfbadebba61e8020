"""Runs the sides of a case in turns, each measurement in a process of its own, and keeps what they told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.peers.case import Case, Facts, Size
from bench.peers.environments import Environment
from bench.peers.floor import Machine, machine

SIDES = Path(__file__).with_name("sides")
ROOT = Path(__file__).parents[2]
LONGEST_REASON = 300


@dataclass
class Standing:
    """All measurements of a side, or why there are none."""

    versions: str = ""
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""


@dataclass
class Contest:
    """A size of a case: what its files hold, what the machine could do between the rounds, and how the sides stood."""

    case: str
    size: str
    threads: int
    facts: Facts
    machine: list[Machine] = field(default_factory=list)
    sides: dict[str, Standing] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Writes it where `load` finds it."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.case}-{self.size}.json").write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Contest:
    """What `Contest.save` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    found["machine"] = [Machine(**each) for each in found["machine"]]
    found["sides"] = {name: Standing(**each) for name, each in found["sides"].items()}
    return Contest(**found)


def contest(
    case: Case,
    size: Size,
    rounds: int,
    threads: int,
    environments: Mapping[str, Environment],
    folder: Path,
    say: Callable[[str], None],
) -> Iterator[Contest]:
    """Measures all sides in turns. Yields the same contest after each round, with what was measured so far.

    Args:
        case: what is measured.
        size: at which size.
        rounds: how often each side is measured.
        threads: that each side may use.
        environments: of the sides that take part.
        folder: holds the files of all cases, which are written where they are missing.
        say: is told what each measurement gave.
    """
    files = folder / f"{case.script}-{size.name}"
    facts = _written(case, size, files)
    found = Contest(case.name, size.name, threads, facts)
    for side, environment in environments.items():
        found.sides[side] = Standing(environment.versions, error=environment.error)
    for number in range(1, rounds + 1):
        found.machine.append(machine(threads))
        outcomes: dict[str, dict[str, Any]] = {}
        for side, standing in found.sides.items():
            if standing.error or (number > 1 and side in size.once):
                continue
            outcome = _measured(case, size, number, threads, side, environments[side], files, facts)
            if "error" in outcome:
                standing.error = outcome["error"]
                say(f"{case.name} {size.name} {side}: {standing.error}")
                continue
            outcomes[side] = outcome
            standing.outcomes.append(outcome)
            _say_of(outcome, f"{case.name} {size.name} {side} {number}", say)
        case.settle(outcomes)
        yield found


def _say_of(outcome: Mapping[str, Any], what: str, say: Callable[[str], None]) -> None:
    quality = " ".join(f"{name} {value:.4g}" for name, value in outcome["quality"].items())
    say(f"{what}: {outcome['seconds']:.4g} s, {outcome['peak'] / 1e6:,.0f} MB, {quality}")


def _written(case: Case, size: Size, files: Path) -> Facts:
    """The facts of the files, which are written unless they are there, as made from the same words."""
    stamp, words = files / "facts.json", json.loads(json.dumps(dict(size.words)))
    if stamp.is_file():
        kept = json.loads(stamp.read_text(encoding="utf-8"))
        if kept["words"] == words:
            facts: Facts = kept["facts"]
            return facts
    files.mkdir(parents=True, exist_ok=True)
    facts = case.write(size, files)
    stamp.write_text(json.dumps({"words": words, "facts": facts}), encoding="utf-8")
    return facts


def _measured(
    case: Case, size: Size, number: int, threads: int, side: str, environment: Environment, files: Path, facts: Facts
) -> dict[str, Any]:
    """One measurement, or its `error`."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        job, out = Path(scratch, "job.json"), Path(scratch, "out.json")
        work = Path(scratch, "scratch")
        work.mkdir()
        said = {"files": str(files), "facts": facts, "words": dict(size.words), "threads": threads, "seed": number}
        job.write_text(json.dumps({**said, "out": str(out), "scratch": str(work)}), encoding="utf-8")
        script = SIDES / side.replace("-", "_") / f"{case.script}.py"
        command = [str(environment.python), "-W", "ignore", str(script), str(job)]
        try:
            # What a side says is shown only where it fails.
            ended = subprocess.run(
                command, env=_surroundings(threads), cwd=work, capture_output=True, text=True, timeout=size.limit, check=False
            )
        except subprocess.TimeoutExpired:
            return {"error": f"not done after {size.limit:.0f} s"}
        if ended.returncode != 0 or not out.is_file():
            lines = [line.strip() for line in (ended.stderr or ended.stdout).splitlines() if line.strip()]
            why = f"killed by signal {-ended.returncode}" if ended.returncode < 0 else (lines or ["it said nothing"])[-1]
            print(ended.stderr[-4000:], file=sys.stderr)
            return {"error": why[:LONGEST_REASON]}
        outcome: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return outcome


def _surroundings(threads: int) -> dict[str, str]:
    """The same for all sides: so many threads, which do not spin while they wait; those of a BLAS, which scripts may alter."""
    count = str(threads)
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), count)
    path = os.pathsep.join([str(SIDES), str(ROOT / "src")])
    return {**os.environ, **counts, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": path, "PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": ""}
