"""Environments made by uv, in which PyTorch is always a CPU build.

The CUDA builds that PyPI has for Linux are several GB and test nothing more. The CPU builds come from PyTorch's own index; where that
cannot be reached, the one that is installed beside this interpreter is taken, or one that is named.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
        return Torch((), f"torch=={asked}", f"torch {asked} as asked")
    if reached:
        return Torch(("--torch-backend", "cpu"), "", "torch from PyTorch's index of CPU builds")
    if present is None or not present.endswith("+cpu"):
        sys.exit(f"{CPU_BUILDS} cannot be reached, and no CPU build of torch is installed here: name one with --torch VERSION+cpu")
    reason = f"torch {present}, which is installed here: PyTorch's index of CPU builds cannot be reached"
    return Torch((), f"torch=={present}", reason)


def refuse_cuda(resolved: str, torch: Torch) -> None:
    """Refuses exact versions among which is a CUDA build of torch.

    Raises:
        SystemExit: there is one.
    """
    if found := CUDA.search(resolved):
        sys.exit(f"{torch.reason}: that is a CUDA build, which brings {found[0]}; name a CPU build with --torch VERSION+cpu")


def uv(*words: str) -> None:
    """Runs uv, which does not know where pip was told to look for files."""
    subprocess.run([sys.executable, "-m", "uv", *words], env=seen_by_uv(os.environ), check=True)


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
