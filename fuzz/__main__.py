"""Runs targets, two at a time, each in processes of its own, and prints what came of them."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuzz import targets
from fuzz.guard import Tally
from fuzz.target import Target

DEATHS = 20
"""Times that a target's process may die before the target is given up."""


@dataclass
class Found:
    """What a target came to, over all of its processes.

    Attributes:
        name: of the target.
        tallies: of each process.
        deaths: what each process that died by itself said last.
    """

    name: str
    tallies: list[Tally]
    deaths: list[str]

    @property
    def inputs(self) -> int:
        """How many were read, those that killed a process included."""
        return sum(tally.inputs for tally in self.tallies) + len(self.deaths)

    @property
    def failures(self) -> dict[str, str]:
        """By the place, what went wrong and the file with the input."""
        return {where: f"{what}\n  {kept}" for tally in self.tallies for where, (what, kept, _) in tally.failures.items()}

    def row(self) -> str:
        """Of the table."""
        seconds, refused = sum(tally.seconds for tally in self.tallies), sum(tally.refused for tally in self.tallies)
        slowest, peak = (max((getattr(tally, of) for tally in self.tallies), default=0) for of in ("slowest", "peak"))
        share = refused / max(self.inputs, 1)
        crashes = len(self.failures) + len(self.deaths)
        return f"{self.name:<18}{self.inputs:>9,}{share:>9.0%}{seconds:>9.0f}{crashes:>9}{1000 * slowest:>12.0f}{peak >> 20:>10,}"


def fuzz(name: str, inputs: int, seed: int, until: float, kept: Path) -> Found:
    """Feeds inputs to a target; where one kills the process, goes on in another."""
    target = targets.load(name)
    found = Found(name, [], [])
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_memory(), prefix="fuzz.") as folder:
        work = Path(folder)
        _begin(target, work, kept)
        while found.inputs < inputs and len(found.deaths) < DEATHS and time.monotonic() < until:
            (work / "tally.json").unlink(missing_ok=True)
            died = _process(name, inputs - found.inputs, seed + len(found.tallies), until, work)
            found.tallies.append(Tally.read(work / "tally.json"))
            if died:
                found.deaths.append(died)
            if died and not found.tallies[-1].inputs:  # it did not even begin
                break
    return found


def _memory() -> str | None:
    """A folder in memory, where the system has one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _begin(target: Target, work: Path, kept: Path) -> None:
    (work / "corpus").mkdir()
    for number, seed in enumerate(target.seeds()):
        (work / "corpus" / f"seed{number}").write_bytes(seed)
    if target.tokens:
        words = ("".join(f"\\x{byte:02x}" for byte in token.encode()) for token in target.tokens)
        (work / "words").write_text("".join(f'"{word}"\n' for word in words))
    (work / "kept").symlink_to(kept.resolve())


def _process(name: str, runs: int, seed: int, until: float, work: Path) -> str | None:
    """Lets a process feed `runs` inputs; says how it died, if it did."""
    command = [sys.executable, "-m", "fuzz.child", name, str(runs), str(seed), str(work)]
    places = {"HOME": str(work), "TMPDIR": str(work), "XDG_CACHE_HOME": str(work / "cache")}
    environment = {**os.environ, **places, "OMP_NUM_THREADS": "1"}
    with (work / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            code = process.wait(max(until - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None
    if code == 0:
        return None
    said = (work / "output").read_text(encoding="utf-8", errors="replace").splitlines()
    last = [line for line in said if "ERROR" in line or "Error" in line or "Test unit written" in line][-3:]
    return f"died with {code}: {' | '.join(last) or ' | '.join(said[-3:])}"


def main(words: Sequence[str]) -> int:
    """Fuzzes, and prints the table; 1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Feeds bad input to everything that reads.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(targets.NAMES)}; all, if none is given")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of these targets together (default 1,000,000)")
    parser.add_argument("--seconds", type=float, default=3600, help="after which what is running is ended (default 3600)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn")
    parser.add_argument("--at_once", type=int, default=2, help="targets that run side by side (default 2)")
    parser.add_argument("--kept", type=Path, default=Path("build/fuzz"), help="folder for inputs that fail (default build/fuzz)")
    said = parser.parse_args(words)
    chosen = said.targets or list(targets.NAMES)
    if unknown := sorted({*chosen} - {*targets.NAMES}):
        parser.error(f"no target {unknown[0]}; they are {', '.join(targets.NAMES)}")
    shares = {name: targets.load(name).share for name in targets.NAMES}
    counts = {name: max(round(said.inputs * shares[name] / sum(shares[each] for each in chosen)), 1) for name in chosen}
    until = time.monotonic() + said.seconds
    longest = sorted(chosen, key=lambda name: shares[name])  # the slow ones have small shares
    with ThreadPoolExecutor(said.at_once) as pool:
        jobs = [pool.submit(fuzz, name, counts[name], said.seed, until, said.kept / name) for name in longest]
        found = [job.result() for job in jobs]
    return _told(sorted(found, key=lambda one: targets.NAMES.index(one.name)))


def _told(found: Sequence[Found]) -> int:
    print(f"{'target':<18}{'inputs':>9}{'refused':>9}{'seconds':>9}{'crashes':>9}{'slowest, ms':>12}{'peak, MiB':>10}")
    for one in found:
        print(one.row())
    print(f"{'all':<18}{sum(one.inputs for one in found):>9,}")
    for one in found:
        for where, what in one.failures.items():
            print(f"\n{one.name}: {where}\n  {what}")
        for died in dict.fromkeys(one.deaths):
            print(f"\n{one.name}: {died}")
    return int(any(one.failures or one.deaths for one in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
