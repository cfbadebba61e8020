"""Files: whether the prepared dataset is still what was written."""

from __future__ import annotations

from pathlib import Path

from turret.checks.finding import Finding, count
from turret.data.store import read_manifest, verified

NAME = "files"


def check(folder: Path) -> Finding:
    """Reads every file of a prepared dataset through, also those that look as they did when they were last read.

    Raises:
        InputError: one is missing, cut off or altered; names it.
    """
    files = verified(folder, read_manifest(folder), anew=True)
    size = sum(path.stat().st_size for path in files.values())
    found = f"{count(len(files), 'file')} of the prepared dataset, {size / 1e6:,.1f} MB, have the checksums that they were written with."
    return Finding(NAME, "ok", found, "none: what is measured is the log as it was prepared.", figures={"files": len(files), "bytes": size})
