"""Runs the whole test suite with the oldest and with the newest dependencies that pyproject.toml allows.

    python -m tools.ranges [--torch VERSION] [oldest] [newest]

Each end gets a fresh virtual environment, .venv-oldest and .venv-newest, with the exact versions in its `resolved.txt`. The oldest are
the lower bounds of what pyproject.toml names itself, each with the newest of what it brings along (uv's `lowest-direct`): what is not
declared here cannot be kept true here. Options of pytest go into PYTEST_ADDOPTS.

PyTorch is the CPU build that `tools.environment` chooses; where that is one that is installed here, torch's own range is not tested, and
the summary says so.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.environment import Torch, chosen, present, python, reached, refuse_cuda, uv

ROOT = Path(__file__).parents[1]
ENDS = {"oldest": "lowest-direct", "newest": "highest"}


def resolve(end: str, torch: Torch) -> Path:
    """Makes a fresh environment and writes the exact versions for it into its `resolved.txt`.

    Raises:
        SystemExit: a CUDA build of torch would be among them.
        CalledProcessError: nothing fits together.
    """
    place = ROOT / f".venv-{end}"
    uv("venv", "--quiet", "--clear", "--python", sys.executable, str(place))
    resolved, constraint = place / "resolved.txt", place / "constraint.txt"
    constraint.write_text(f"{torch.constraint}\n")
    inputs = ["--extra", "test", "--constraint", str(constraint), "--python", str(python(place)), *torch.options]
    uv("pip", "compile", "--quiet", "--resolution", ENDS[end], *inputs, "--output-file", str(resolved), str(ROOT / "pyproject.toml"))
    refuse_cuda(resolved.read_text(), torch)
    return resolved


def install(resolved: Path, torch: Torch) -> None:
    """Installs exactly what was resolved, and the package itself."""
    place = resolved.parent
    uv(
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python(place)),
        *torch.options,
        "--no-deps",
        "-r",
        str(resolved),
        "--editable",
        str(ROOT),
    )


def tested(place: Path) -> int:
    """The exit code of the test suite in an environment. Compiled kernels are kept there: another version's would be of no use."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(place / "numba"), "PATH": f"{python(place).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([python(place), "-m", "pytest"], cwd=ROOT, env=environment, check=False).returncode


def main(words: Sequence[str]) -> int:
    """Tests the ends that are named, by default both; returns 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", metavar="VERSION", help="the build of torch to test with, such as 2.13.0+cpu")
    parser.add_argument("ends", nargs="*", metavar="END", help="oldest, newest (both)")
    said = parser.parse_args(words)
    if unknown := set(said.ends) - set(ENDS):
        parser.error(f"the ends are {' and '.join(ENDS)}, not {', '.join(unknown)}")
    torch = chosen(said.torch, reached(), present())
    print(f"ranges: {torch.reason}", flush=True)
    # Both are resolved before the first is tested: what does not fit together is known at once.
    resolved = {end: resolve(end, torch) for end in said.ends or ENDS}
    codes = {}
    for end, file in resolved.items():
        install(file, torch)
        print(f"ranges: {end}: {direct(file)}", flush=True)
        codes[end] = tested(file.parent)
    print(f"ranges: {torch.reason}")
    for end, code in codes.items():
        print(f"ranges: {end}: {'passed' if code == 0 else f'FAILED ({code})'}: {direct(resolved[end])}")
    return int(any(codes.values()))


def direct(resolved: Path) -> str:
    """The versions of what pyproject.toml names itself, in one line."""
    entries = re.findall(r"^(\S+==\S+)\n((?: +#.*\n)+)", resolved.read_text(), re.MULTILINE)
    return ", ".join(package for package, asked_by in entries if "pyproject.toml" in asked_by)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
