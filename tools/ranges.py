"""Runs the whole test suite with the oldest and with the newest dependencies that pyproject.toml allows.

    python tools/ranges.py [--torch VERSION] [oldest] [newest]

Each end gets a fresh virtual environment, .venv-oldest and .venv-newest, with the exact versions in its `resolved.txt`. The oldest are
the lower bounds of what pyproject.toml names itself, each with the newest of what it brings along (uv's `lowest-direct`): what is not
declared here cannot be kept true here. Options of pytest go into PYTEST_ADDOPTS.

PyTorch is always a CPU build; the CUDA builds that PyPI has for Linux are several GB and test nothing more. It comes from PyTorch's own
index of CPU builds. Where that cannot be reached, both ends get the CPU build that is installed beside this interpreter, or the one that
`--torch` names; then torch's own range is not tested, and the summary says so.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENDS = {"oldest": "lowest-direct", "newest": "highest"}
CPU_BUILDS = "https://download.pytorch.org/whl/cpu/torch/"
CUDA = re.compile(r"^(?:nvidia-|cuda-|triton)[^=\s]*", re.MULTILINE)
"""What a CUDA build of torch brings along."""


@dataclass(frozen=True)
class Torch:
    """Where torch comes from: options of uv, a constraint (empty: none), and the reason in words."""

    options: tuple[str, ...]
    constraint: str
    reason: str


def chosen(asked: str | None, reached: bool, present: str | None) -> Torch:
    """The torch to test with: as asked, or from PyTorch's index where that is reached, or the CPU build that is present.

    Raises:
        SystemExit: there is none.
    """
    if asked:
        return Torch((), f"torch=={asked}", f"torch {asked} at both ends, as asked")
    if reached:
        return Torch(("--torch-backend", "cpu"), "", "torch from PyTorch's index of CPU builds")
    if present is None or not present.endswith("+cpu"):
        sys.exit(f"ranges: {CPU_BUILDS} cannot be reached, and no CPU build of torch is installed here: name one with --torch VERSION+cpu")
    reason = f"torch {present}, which is installed here, at both ends: PyTorch's index of CPU builds cannot be reached"
    return Torch((), f"torch=={present}", reason)


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
    uv("pip", "compile", "--quiet", "--resolution", ENDS[end], *inputs, "--output-file", str(resolved), "pyproject.toml")
    refuse_cuda(resolved.read_text(), torch)
    return resolved


def refuse_cuda(resolved: str, torch: Torch) -> None:
    """Refuses exact versions among which is a CUDA build of torch.

    Raises:
        SystemExit: there is one.
    """
    if found := CUDA.search(resolved):
        sys.exit(f"ranges: {torch.reason}: that is a CUDA build, which brings {found[0]}; name a CPU build with --torch VERSION+cpu")


def install(resolved: Path, torch: Torch) -> None:
    """Installs exactly what was resolved, and the package itself."""
    place = resolved.parent
    uv("pip", "install", "--quiet", "--python", str(python(place)), *torch.options, "--no-deps", "-r", str(resolved), "--editable", ".")


def tested(place: Path) -> int:
    """The exit code of the test suite in an environment. Compiled kernels are kept there: another version's would be of no use."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(place / "numba"), "PATH": f"{python(place).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([python(place), "-m", "pytest"], cwd=ROOT, env=environment, check=False).returncode


def uv(*words: str) -> None:
    """Runs uv, which does not know where pip was told to look for files."""
    subprocess.run([sys.executable, "-m", "uv", *words], cwd=ROOT, env=seen_by_uv(os.environ), check=True)


def seen_by_uv(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, with pip's further places as uv calls them."""
    further = ",".join(environment.get("PIP_FIND_LINKS", "").split())
    return {"UV_FIND_LINKS": further, **environment} if further else dict(environment)


def python(place: Path) -> Path:
    """The interpreter of an environment."""
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def reached(url: str = CPU_BUILDS) -> bool:
    """Whether an index answers."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def present() -> str | None:
    """The version of torch beside this interpreter."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return None


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
