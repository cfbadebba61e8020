"""Asks, through pip-audit, whether a vulnerability is known of any package that is installed beside this interpreter.

    python tools/audit.py [options of pip-audit, such as --ignore-vuln ID or -s osv]

Exit code 0: none is known; or the advisories cannot be had here, which is then said. 1: there is one, or pip-audit failed.

Two things would slip through `pip-audit` alone. No service knows a local build such as torch 2.13.0+cpu, so the release that it was built
from is asked about. And an index that offers packages without advisories answers "not found" for each of them, which pip-audit reports as
no vulnerability found.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

TIMEOUT = "5"
"""Seconds without an answer."""
SILENT = re.compile(r"^(requests\.exceptions\.|pip_audit\._service\.interface\.)|your network may be blocking", re.MULTILINE)
"""How pip-audit says that the service did not answer, or not as such a service does."""
LINE = 140
SKIPPED = "audit: SKIPPED, nothing was audited: the advisories could not be reached"


def installed() -> list[str]:
    """`name==release` of each package; not of those that were installed from a folder, as the checkout itself is."""
    found = list(distributions())
    own = {each.name for each in found if _of_folder(each)}  # an editable install is found a second time, in the folder itself
    releases = {each.name: each.version.partition("+")[0] for each in found if each.name not in own}
    return [f"{name}=={release}" for name, release in sorted(releases.items())]


def verdict(code: int, output: str, errors: str) -> tuple[int, str]:
    """Exit code and message for what pip-audit left: its exit code, its JSON and what it said beside."""
    if not output.strip():
        lines = errors.strip().splitlines() or [f"pip-audit ended with {code} and said nothing"]
        if SILENT.search(errors):
            return 0, f"{SKIPPED} ({textwrap.shorten(lines[-1], LINE)})"
        return 1, "\n".join(["audit: pip-audit failed", *lines])
    packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    known = [package for package in packages if "vulns" in package]
    unknown = [package["name"] for package in packages if "vulns" not in package]
    if not known:
        return 0, f"{SKIPPED} (of {len(packages)} packages, none was found there)"
    vulnerable = [_told(package, entry) for package in known for entry in package["vulns"]]
    beside = f"; not found there, so not audited: {', '.join(unknown)}" if unknown else ""
    found = "a vulnerability is known of:" if vulnerable else "no vulnerability is known"
    return int(bool(vulnerable)), "\n".join([f"audit: {len(known)} packages audited{beside}; {found}", *vulnerable])


def main(options: Sequence[str]) -> int:
    """Audits, prints what was found and returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(installed()) + "\n")
        fixed = ["--requirement", str(file), "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
        command = [sys.executable, "-m", "pip_audit", *fixed, "--timeout", TIMEOUT, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    code, text = verdict(done.returncode, done.stdout, done.stderr)
    print(text, flush=True)
    return code


def _of_folder(distribution: Distribution) -> bool:
    return "dir_info" in json.loads(distribution.read_text("direct_url.json") or "{}")


def _told(package: dict[str, Any], entry: dict[str, Any]) -> str:
    names = ", ".join([entry["id"], *entry["aliases"]])
    mended = f"mended in {', '.join(entry['fix_versions'])}" if entry["fix_versions"] else "not mended yet"
    return f"  {package['name']} {package['version']}: {names}; {mended}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
