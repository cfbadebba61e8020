"""One target in a process of its own, under atheris. `__main__` starts it, since a fault in a library's own code ends the process."""

from __future__ import annotations

import importlib
import resource
import sys
import time
from pathlib import Path

import atheris

INSTRUMENTED = ["turret.api", "turret.cli", "turret.core", "turret.data", "turret.evaluation", "turret.index", "turret.training", "yaml"]
COMPILED = ["turret.kernels"]
ADDRESSES = 6 << 30
"""Bytes of addresses that an input may take beyond those that the libraries have."""


def main(name: str, runs: str, seed: str, work: str) -> None:
    """Feeds `runs` inputs to a target.

    Args:
        name: of the target.
        runs: how many inputs.
        seed: of what is drawn.
        work: a folder. It has `corpus/`, inputs to begin with, `words`, a dictionary, and `kept/`; what was found goes into `tally.json`.
    """
    with atheris.instrument_imports(include=INSTRUMENTED, exclude=COMPILED):
        target = importlib.import_module(f"fuzz.targets.{name}").TARGET
    from fuzz.guard import EVERY, Guard

    folder = Path(work)
    guard = Guard(target, folder / "input", folder / "kept")
    begun = time.monotonic()
    written = 0.0

    def once(data: bytes) -> None:
        nonlocal written
        if guard.tally.inputs == 100:
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + ADDRESSES, resource.RLIM_INFINITY))
        guard(data)
        now = time.monotonic() - begun
        if now - written > EVERY or guard.tally.inputs >= int(runs):
            guard.tally.write(folder / "tally.json")
            written = now

    limits = ["-timeout=60", "-rss_limit_mb=4096", "-max_len=4096", "-len_control=20", f"-artifact_prefix={folder / 'kept'}/"]
    words = [f"-dict={folder / 'words'}"] if (folder / "words").is_file() else []
    atheris.Setup([sys.argv[0], f"-runs={runs}", f"-seed={seed}", "-print_final_stats=0", *limits, *words, str(folder / "corpus")], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
