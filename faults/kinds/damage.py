"""Damaged files: shortened, emptied, with one bit flipped, gone.

What reads such a file must either come to the exact result (from the checkpoint before, from the log once more) or refuse it by its name.
Nothing is computed from environment.json and the losses of metrics.jsonl: there the damage may stay, and nothing else may differ.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from faults import compare
from faults.command import Ended
from faults.kinds.kind import Kind, all_of
from faults.shelf import BY_INDEX, EVALUATE, FINISHED, INTERRUPTED, Shelf, shelf_of
from faults.verdict import Lost, Skipped
from faults.workshop import CACHE, RUN, Place

PREPARED = f"{CACHE}/turret/prepared"


def _shorten(path: Path, draw: random.Random) -> None:
    with path.open("r+b") as file:
        file.truncate(draw.randrange(1, max(path.stat().st_size, 2)))


def _empty(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"")


def _flip(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def _remove(path: Path, draw: random.Random) -> None:
    path.unlink()


HARMS: Mapping[str, Callable[[Path, random.Random], None]] = {
    "shortened": _shorten,
    "emptied": _empty,
    "removed": _remove,
    "flipped": _flip,
    "flipped again": _flip,
    "flipped once more": _flip,
}
SEALED = (f"{RUN}/run.json", f"{RUN}/settings.json", f"{RUN}/environment.json")
CACHED = (f"{PREPARED}/*/manifest.json", f"{PREPARED}/*/*.npy", f"{PREPARED}/*/train.*.npy", f"{PREPARED}/inputs.json")
AMID = (f"{RUN}/last.safetensors", f"{RUN}/previous.safetensors", f"{RUN}/best.safetensors", f"{RUN}/metrics.jsonl")
AFTER = (f"{RUN}/best.safetensors", f"{RUN}/last.safetensors", f"{PREPARED}/*/verified.json")
FIGURES = (f"{RUN}/result.json", f"{RUN}/test.safetensors")
INDEX = (f"{RUN}/index/index.json", f"{RUN}/index/[!i]*")
NOTED = ("environment.json", compare.MEASURES)
RESUME = ("train", "--resume", RUN)


@dataclass(frozen=True)
class Damage:
    """What is damaged, how, and what reads it then.

    Attributes:
        state: of the run.
        file: pattern of its name, of which one is drawn.
        harm: what is done to it.
        words: the command that follows.
    """

    state: str
    file: str
    harm: str
    words: tuple[str, ...]


DAMAGES = [
    Damage(state, file, harm, words)
    for state, files, words in (
        (INTERRUPTED, (*AMID, *SEALED, *CACHED), RESUME),
        (FINISHED, (*AFTER, *SEALED, *CACHED), EVALUATE),
        (FINISHED, FIGURES, RESUME),
        (FINISHED, INDEX, BY_INDEX),
    )
    for file, harm in product(files, HARMS)
]


def _damage(place: Place) -> str:
    damage = DAMAGES[place.case.number - 1]
    shelf = shelf_of(place)
    shelf.restore(damage.state)
    files = sorted(shelf.place.folder.glob(damage.file))
    if not files:
        raise Skipped(f"{damage.file} is not written by this subject")
    file = place.draw.choice(files)
    where = f"{file.relative_to(shelf.place.folder)} {damage.harm}"
    HARMS[damage.harm](file, place.draw)
    ended = shelf.place.fork(damage.words)
    try:
        return f"{where}: {_judged(shelf, damage, file, ended)}"
    except Lost as lost:
        shutil.copytree(shelf.place.folder, place.folder, dirs_exist_ok=True)
        raise Lost(f"{where}, then turret {' '.join(damage.words[:3])}: {lost}") from None


def _judged(shelf: Shelf, damage: Damage, file: Path, ended: Ended) -> str:
    if "Traceback" in ended.err or "fault of Turret's own" in ended.err:
        raise Lost(f"does not speak to people: {ended.said}")
    if ended.code == 2:
        if file.name not in ended.err:
            raise Lost(f"is refused without the name of the file: {ended.said}")
        return "refused"
    if ended.code != 0:
        raise Lost(f"leaves with {ended.code}: {ended.said}")
    if damage.words == RESUME:
        shelf.place.must_be_exact(but=file.name if file.name in NOTED else "")
    else:
        shelf.must_evaluate_alike(damage.words)
    return "exact, and it is said" if file.name in ended.err + ended.out else "exact"


KINDS = (Kind("damage", "a file is damaged, and then read", _damage, all_of(DAMAGES), ("bpr", "deepfm")),)
