"""Each peer's own environment, built from PyPI; one that cannot be built is remembered with its reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.environment import chosen, present, python, reached, refuse_cuda, seen_by_uv

from bench.peers.case import TURRET

REQUIREMENTS = Path(__file__).with_name("requirements")
LONGEST_REASON = 300


@dataclass(frozen=True)
class Environment:
    """An interpreter with a peer in it, or the reason why there is none."""

    python: Path
    versions: str
    error: str = ""


_failed: dict[Path, str] = {}
"""Why environments could not be built, so that no later case of this process tries in vain."""


def environment(side: str, folder: Path) -> Environment:
    """The environment of a side, built where `folder` does not hold it yet, or holds one of other requirements."""
    if side == TURRET:
        return Environment(Path(sys.executable), "this checkout")
    place, wanted = folder / side, (REQUIREMENTS / f"{side}.txt").read_text(encoding="utf-8")
    stamp = place / "installed.txt"
    if place in _failed:
        return Environment(python(place), "", _failed[place])
    if not stamp.is_file() or not stamp.read_text(encoding="utf-8").startswith(wanted):
        shutil.rmtree(place, ignore_errors=True)
        print(f"{side}: an environment is built", file=sys.stderr, flush=True)
        try:
            _build(place, REQUIREMENTS / f"{side}.txt")
        except (subprocess.CalledProcessError, SystemExit) as error:
            _failed[place] = _reason(error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error))
            return Environment(python(place), "", _failed[place])
        stamp.write_text(wanted + "\n" + _uv("pip", "freeze", "--python", str(python(place))), encoding="utf-8")
    return Environment(python(place), stamp.read_text(encoding="utf-8")[len(wanted) :].strip())


def _build(place: Path, requirements: Path) -> None:
    _uv("venv", "--python", sys.executable, str(place))
    torch = chosen(None, reached(), present())
    constraint, resolved = place / "constraint.txt", place / "resolved.txt"
    constraint.write_text(f"{torch.constraint}\n")
    into = ("--python", str(python(place)), *torch.options)
    _uv("pip", "compile", "--constraint", str(constraint), *into, "--output-file", str(resolved), str(requirements))
    refuse_cuda(resolved.read_text(), torch)
    _uv("pip", "install", *into, "--no-deps", "-r", str(resolved))


def _uv(*words: str) -> str:
    command = [sys.executable, "-m", "uv", "--quiet", *words]
    return subprocess.run(command, env=seen_by_uv(os.environ), check=True, capture_output=True, text=True).stdout


def _reason(text: str) -> str:
    """The line that names the error, out of all that an installer says."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if "Error:" in line or "error:" in line]
    return (named or lines or ["it said nothing"])[-1][:LONGEST_REASON]
