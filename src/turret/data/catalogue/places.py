"""Where data is looked for, and where what is downloaded or made is put."""

from __future__ import annotations

import os
from pathlib import Path

from turret.data.simulate import FORMAT as SIMULATED

RECIPES = 3
"""Changes whenever a recipe gives other files: what an older version made is then made anew."""
MADE, ORIGINALS = f"made-{RECIPES}.{SIMULATED}", "originals"
"""Subfolders for datasets that recipes made and for files that were downloaded."""


def cache() -> Path:
    """The user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "turret"


def places(data_dir: str | Path | None) -> list[Path]:
    """Folders to look into, in order: `data_dir`, TURRET_DATA, the cache."""
    said = [data_dir, os.environ.get("TURRET_DATA")]
    return [Path(place).expanduser() for place in said if place] + [cache()]


def workplace(data_dir: str | Path | None) -> Path:
    """Where new files go: `data_dir` where it was given and can be written, else the cache. TURRET_DATA is only read.

    The cache is made for its user alone, since logs say who did what; what is to be shared is shared by `data_dir`.
    """
    if data_dir:
        folder = Path(data_dir).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    folder = cache()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
