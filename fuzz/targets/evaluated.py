"""Saved evaluations: what the test found of each user, and the summary in the header."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from fuzz.packing import safetensors
from fuzz.target import Target
from turret.core import tensor_file
from turret.evaluation.evaluated import Audience, Evaluated


def once(data: bytes, folder: Path) -> None:
    """After f the file, after h its header, after s the summary, in a file whose checksum is right."""
    path = folder / "test.safetensors"
    kind, content = data[:1], data[1:]
    if kind == b"s":
        tensors = {"users": torch.arange(3), "per_user/recall@10": torch.ones(3, dtype=torch.float64)}
        tensor_file.save(path, tensors, {"summary": content.decode("utf-8", "replace")})
    else:
        path.write_bytes(content if kind == b"f" else safetensors(content, _parts()[1]))
    json.dumps(Evaluated.load(path).summary())


@cache
def _parts() -> tuple[bytes, bytes]:
    found = Evaluated(
        dataset="x",
        part="test",
        protocol="full",
        metrics={"recall@10": 0.5},
        users=np.arange(3),
        per_user={"recall@10": np.array([0.0, 1.0, 0.5])},
        audience=Audience(3),
        intervals={"recall@10": (0.1, 0.9)},
        groups={"user_activity": {"few": {"recall@10": 0.5, "users": 3}}},
    )
    with TemporaryDirectory() as folder:
        found.save(Path(folder) / "a")
        content = (Path(folder) / "a").read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    return content[8:end], content[end:]


def seeds() -> Iterator[bytes]:
    """A file, its header, its summary."""
    header = _parts()[0]
    yield b"f" + safetensors(*_parts())
    yield b"h" + header
    yield b"s" + json.loads(header)["__metadata__"]["summary"].encode()


TOKENS = (
    *(
        '"dataset"',
        '"metrics"',
        '"audience": {',
        '"users"',
        '"intervals"',
        '"groups"',
        '"reliability": {',
        '"index": ',
        '"seconds"',
        "per_user/",
    ),
    *("1e999", "null", "[[[[[[", '"__metadata__"', '"checksum"', '"dtype"', '"shape"', '"data_offsets"', '"F64"'),
)
TARGET = Target("a .safetensors file, by Evaluated.load", 1.5, once, seeds, TOKENS)
