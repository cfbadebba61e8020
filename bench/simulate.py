"""How fast the simulator writes a log, and in how much memory.

    python bench/simulate.py [--rows 1000000 10000000]

Each size is a process of its own, so that its peak memory is its own. The first size also pays for the compilation of the kernels, where
they were not compiled on this machine before.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from turret.data.simulate import Simulation, simulate


def measure(rows: int) -> None:
    """Simulates once and prints a line."""
    settings = Simulation.sized(rows)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        path = simulate(Path(folder) / "log", settings)
        seconds = time.perf_counter() - start
        size = sum(file.stat().st_size for file in path.iterdir())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{rows:>12,} rows of {settings.users:,} users and {settings.items:,} items: {seconds:.1f} s, "
        f"{rows / seconds / 1e6:.2f} million rows/s, {size / 1e6:,.0f} MB written, {peak:,.0f} MB at most in memory"
    )


def main() -> None:
    """Measures every size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.one)
        return
    for rows in arguments.rows:
        subprocess.run([sys.executable, __file__, "--one", str(rows)], check=True)


if __name__ == "__main__":
    main()
