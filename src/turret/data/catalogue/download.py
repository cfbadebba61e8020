"""Downloads original files, and trusts none whose digest is not the right one."""

from __future__ import annotations

import hashlib
import http.client
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from turret.core.errors import InputError
from turret.data.catalogue.entry import Checksum, Original
from turret.version import __version__

Say = Callable[[str], None]
BLOCK = 1 << 18
TIMEOUT = 30.0
"""Seconds without an answer."""
TOO_MUCH = 4
"""A download may be this many times as large as it should be about (publishers do replace files), and no larger."""


def download(original: Original, path: Path, say: Say) -> Path:
    """Brings `original` to `path`; it is there complete and verified, or not at all.

    Raises:
        InputError: there is no such file there, the network failed, or what came is not what should have come.
    """
    assert original.url is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    say(f"downloading {original.file} ({original.size / 1e6:,.1f} MB) from {original.url}")
    try:
        _transfer(original, draft)
        verify(original, draft, path, say)
        draft.replace(path)
    except urllib.error.HTTPError as error:
        raise InputError(f"{original.url} answers {error.code} {error.reason}", hint=_elsewhere(original, path)) from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"{original.file} could not be downloaded from {original.url}: {reason}", hint=_elsewhere(original, path)
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    return path


def verify(original: Original, path: Path, known_as: Path, say: Say) -> None:
    """Refuses a file whose digest is not the published one; where none is published, not the one that was recorded the first time.

    Args:
        original: what the file should be.
        path: the file.
        known_as: the path that it has or will have; the record lies beside it.
        say: is told about a digest that is recorded.

    Raises:
        InputError: it is another file.
    """
    record = known_as.with_name(f"{known_as.name}.sha256")
    expected = original.checksum
    if expected is None and record.is_file():
        recorded = record.read_text(encoding="ascii", errors="replace").split(" ")[0]
        expected = Checksum("sha256", recorded, f"as recorded the first time, in {record}")
    digest = _digest(path, "sha256" if expected is None else expected.algorithm)
    if expected is None:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(f"{digest}  {known_as.name}\n", encoding="ascii")
        say(f"no checksum of {original.file} is published: its SHA-256, {digest}, is recorded in {record} and asked of it from now on")
    elif digest != expected.value:
        message = f"this is not {original.file}: its {expected.algorithm} is {digest}, not {expected.value} ({expected.source})"
        raise InputError(message, path=known_as, hint="It is damaged, incomplete or another version. Delete it and fetch it again.")


def _transfer(original: Original, draft: Path) -> None:
    request = urllib.request.Request(str(original.url), headers={"User-Agent": f"turret/{__version__}"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer, draft.open("wb") as file:
        announced = answer.headers.get("Content-Length")
        total, done = int(announced) if announced else None, 0
        with _bar() if sys.stderr.isatty() else nullcontext() as bar:
            task = bar.add_task(original.file, total=total) if bar else None
            while block := answer.read(BLOCK):
                done += len(block)
                if done > TOO_MUCH * original.size + BLOCK:
                    raise InputError(f"{original.url} sends far more than the {original.size:,} bytes that {original.file} has")
                file.write(block)
                if bar and task is not None:
                    bar.update(task, completed=done)
    if total is not None and done != total:
        raise InputError(f"{original.file} came incomplete: {done:,} of {total:,} bytes", hint="Try again.")


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _elsewhere(original: Original, path: Path) -> str:
    return f"Without network: download {original.url} elsewhere and put the file here: {path}"
