"""Disks that are full, and folders that nobody may write to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from faults import compare
from faults.command import PREPARATION, TRAINING, Ended
from faults.kinds.kind import Kind, share
from faults.moments import interrupted
from faults.mounts import disk, immutable
from faults.verdict import Lost
from faults.workshop import CACHE, RUN, Place

BLOCKED = "No space left", "disk is full", "Read-only", "read-only", "cannot be written", "cannot hold"


def _small(place: Place, folder: str) -> str:
    """The disk is too small for all that comes: it fills up by itself at one file or another."""
    needed = sum(
        max(file.stat().st_size, 1) // 4096 * 4096 + 4096 for file in (place.reference.folder / folder).rglob("*") if file.is_file()
    )
    size = int(place.draw.random() * needed)
    with disk(place.folder / folder, size) as small:
        ended = place.start(place.words, often=True).wait()
        return _after(place, ended, small.path, f"{size // 1024} of {needed // 1024} KiB", small.empty)


def _filled(place: Place, folder: str, phase: str) -> str:
    """Something else takes all the room at a random moment."""
    with disk(place.folder / folder) as small:
        command = interrupted(place, place.words, {phase: 1}, often=True)
        where = command.phase
        small.fill()
        return _after(place, command.wait(), small.path, where, small.empty)


def _locked(place: Place) -> str:
    """Nobody may make or rename files in the run directory from a random moment on."""
    command = interrupted(place, place.words, {TRAINING: 1}, often=True)
    where = command.phase
    with immutable(place.run):
        ended = command.wait()
    return _after(place, ended, place.run, where)


def _read_only(place: Place, folder: str) -> str:
    """Nothing may be written from the beginning."""
    with disk(place.folder / folder) as small:
        small.remount("ro")
        ended = place.start(place.words).wait()
        if ended.code == 0:
            raise Lost("it ends well, though nothing could be written")
        return _after(place, ended, small.path, "from the beginning", small.empty)


def _read_only_cache(place: Place) -> str:
    """A cache that holds the dataset, and that nobody may write to, is enough."""
    with disk(place.folder / CACHE) as small:
        prepared = place.start(place.words).wait()
        if prepared.code != 0:
            raise Lost(f"cannot be trained at all: {prepared.said}")
        shutil.rmtree(place.run)
        small.remount("ro")
        ended = place.start(place.words).wait()
        if ended.code != 0:
            raise Lost(f"leaves with {ended.code}: {ended.said}")
        place.must_be_exact()
    return "prepared before"


def _after(place: Place, ended: Ended, folder: Path, where: str, free: Callable[[], object] = lambda: None) -> str:
    """What is printed must be clear, and what was there must still be good; once the folder is `free` again, training must go on."""
    if ended.code != 0:
        told(ended, folder)
    for file in place.run.glob("*.safetensors") if place.run.exists() else ():
        try:
            compare.tensors(file)
        except (ValueError, KeyError) as error:
            raise Lost(f"{where}: {file.name} is no longer good: {error}") from None
    free()
    try:
        if ended.code == 0:
            place.must_be_exact()
        else:
            place.must_go_on()
    except Lost as lost:
        raise Lost(f"{where}; it said {ended.err.strip()[-200:]!r}: {lost}") from None
    return f"{where}: {'no effect' if ended.code == 0 else f'leaves with {ended.code}'}"


def told(ended: Ended, folder: Path) -> None:
    """What a command says that could not write must be one clear message.

    Raises:
        Lost: it is not.
    """
    if ended.code not in (1, 2):
        raise Lost(f"leaves with {ended.code}: {ended.said}")
    if "Traceback" in ended.err or "fault of Turret's own" in ended.err:
        raise Lost(f"does not speak to people: {ended.said}")
    if not any(word in ended.err for word in BLOCKED):
        raise Lost(f"does not say what is wrong: {ended.said}")
    if folder.name not in ended.err:
        raise Lost(f"does not say where: {ended.said}")


SOME = ("bpr", "deepfm", "multivae", "wrmf")

KINDS = (
    Kind("small-disk", "the run directory is on a disk that is too small", lambda place: _small(place, RUN), share(0.12), SOME),
    Kind("small-cache", "the cache is", lambda place: _small(place, CACHE), share(0.08), SOME),
    Kind("full-disk", "the disk of the run fills up during training", lambda place: _filled(place, RUN, TRAINING), share(0.12), SOME),
    Kind("full-cache", "that of the cache during preparation", lambda place: _filled(place, CACHE, PREPARATION), share(0.06), SOME),
    Kind("locked-run", "the run directory becomes immutable", _locked, share(0.08), SOME),
    Kind("read-only-run", "it is read-only", lambda place: _read_only(place, RUN), share(0.02), SOME),
    Kind("read-only-cache", "the empty cache is", lambda place: _read_only(place, CACHE), share(0.02), SOME),
    Kind("read-only-prepared", "the cache is, and holds the dataset: all must go well", _read_only_cache, share(0.02), SOME),
)
