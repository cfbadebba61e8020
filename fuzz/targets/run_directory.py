"""Run directories: run.json, settings.json, metrics.jsonl, and the checkpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from fuzz.packing import safetensors
from fuzz.sealing import replace_file, rewrite
from fuzz.target import Target
from turret.training.run_directory import BEST, LAST, MANIFEST, ROUNDS, SETTINGS, Checkpoint, RunDirectory

STANDING = {"best": 0.5, "round": 1, "waited": 0}
DATASET = {"hash": "x", "path": "/d", "source": "/s", "seconds": 1.0}
ROUND = {"round": 1, "loss": 0.5, "seconds": {"train": 1.0}}


def once(data: bytes, folder: Path) -> None:
    """After r or s the manifest, after j settings, after m the rounds, after c and b a checkpoint, after h its header alone."""
    place = folder / "run"
    _write(place)
    kind, content = data[:1], data[1:]
    if kind in (b"r", b"s"):
        rewrite(place / MANIFEST, data)
    elif kind == b"j":
        replace_file(place / MANIFEST, SETTINGS, content)
    elif kind == b"m":
        (place / ROUNDS).write_bytes(content)
    elif kind == b"b":
        (place / BEST).write_bytes(content)
    else:
        (place / LAST).write_bytes(content if kind == b"c" else safetensors(content, _parts()[1]))
    run = RunDirectory.open(place)
    json.dumps([run.settings, run.finished])
    str(run.dataset)
    run.forget_rounds_after(len(run.rounds()))
    run.best()
    run.checkpoint()
    if run.finished:
        json.dumps(run.result)


def _write(place: Path) -> None:
    run = RunDirectory.create(place, {"model": "bpr", "dataset": "demo"}, DATASET)
    run.log(ROUND)
    weights = {"items.weight": torch.ones(3, 2)}
    run.save(Checkpoint(weights, None, {"step": torch.zeros(1, dtype=torch.int64)}, STANDING))
    run.save_best(weights)


@cache
def _parts() -> tuple[bytes, bytes]:
    """The header and the tensors of a checkpoint."""
    with TemporaryDirectory() as folder:
        _write(Path(folder) / "run")
        content = (Path(folder) / "run" / LAST).read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    return content[8:end], content[end:]


def seeds() -> Iterator[bytes]:
    """Every file as it was written."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "run"
        _write(place)
        files: dict[bytes, Any] = {b"r": MANIFEST, b"s": MANIFEST, b"j": SETTINGS, b"m": ROUNDS, b"b": BEST, b"c": LAST}
        for kind, name in files.items():
            yield kind + (place / name).read_bytes()
    yield b"h" + _parts()[0]


TOKENS = (
    *(
        '"format": 1',
        '"files": ',
        '"bytes": ',
        '"sha256": ',
        '"round": ',
        '"seconds": ',
        '"standing"',
        '"__metadata__"',
        '"checksum"',
        '"dtype"',
    ),
    *(
        '"shape"',
        '"data_offsets"',
        "model.",
        "best.",
        "procedure.",
        '"F32"',
        '"F4"',
        '"BF16"',
        "18446744073709551615",
        "[[[[[[",
        "null",
        "NaN",
    ),
)
TARGET = Target("a folder, by RunDirectory", 0.3, once, seeds, TOKENS)
