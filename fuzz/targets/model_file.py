"""A saved GRU4Rec: the header, the settings in it, and tensors that should fit them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from fuzz.packing import safetensors
from fuzz.target import Target
from turret.api.gru4rec import model_file
from turret.api.gru4rec.fitted import Fitted
from turret.core import tensor_file
from turret.data.vocabulary import Vocabulary
from turret.models.session.gru4rec import Config, GRU4Rec


def once(data: bytes, folder: Path) -> None:
    """After f the file as it is, after h its header, after s the settings, in a file whose checksum is right."""
    path = folder / "model.safetensors"
    kind, content = data[:1], data[1:]
    if kind == b"s":
        tensors, notes = parts()
        tensor_file.save(path, tensors, {**notes, "settings": content.decode("utf-8", "replace")})
    else:
        path.write_bytes(content if kind == b"f" else safetensors(content, _saved()[1]))
    model_file.load(path, torch.device("cpu"))


@cache
def _saved() -> tuple[bytes, bytes]:
    """Of a small model that was saved: the header of the file, and the rest of it."""
    items = Vocabulary.of(["a", "bc", "d"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model_file.save(Fitted(Config(layers=(4,)), GRU4Rec(len(items), (4,)), items), path)
        content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    return content[8:end], content[end:]


@cache
def parts() -> tuple[dict[str, Tensor], dict[str, str]]:
    """Of the same model: its tensors, and the notes in the header."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(safetensors(*_saved()))
        return tensor_file.load(path)


def seeds() -> Iterator[bytes]:
    """A header, a file with it, and settings."""
    yield b"h" + _saved()[0]
    yield b"f" + safetensors(*_saved())
    yield b"s" + parts()[1]["settings"].encode()
    yield b's{"layers": [4], "constrained_embedding": true, "training": {"epochs": 3}}'


TOKENS = (
    *(
        '"__metadata__"',
        '"format"',
        '"settings"',
        str(model_file.FORMAT),
        '"dtype"',
        '"shape"',
        '"data_offsets"',
        '"F32"',
        '"I64"',
        '"BF16"',
        '"F4"',
    ),
    *("model.", "items.data", "items.offsets", '"layers": [99999999]', '"embedding": ', "18446744073709551615", "[[[[", "\\u0000"),
)
TARGET = Target("a .safetensors file, by model_file.load", 1, once, seeds, TOKENS)
