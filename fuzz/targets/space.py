"""Spaces of parameters to look for the best in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.api.gru4rec import space
from turret.api.gru4rec.parameters import Parameters, of_string

FIXED = of_string("loss=bpr-max,constrained_embedding=True")


def once(data: bytes, folder: Path) -> None:
    """The first byte chooses whether some parameters are fixed."""
    path = folder / "space.json"
    path.write_bytes(data[1:])
    for dimension in space.read(path, FIXED if data[:1] == b"f" else Parameters()):
        str(dimension.told)


def seeds() -> Iterator[bytes]:
    """Spaces of the authors."""
    layers = b'{"name": "layers", "dtype": "int", "values": [64, 512], "step": 32}\n'
    yield b"-" + layers + b'{"name": "n_sample", "dtype": "categorical", "values": [32, 64]}\n'
    yield b'f{"name": "learning_rate", "dtype": "float", "values": [0.01, 0.25], "step": 0.005}\n\n'
    yield b'-{"name": "elu_param", "dtype": "float", "values": [0.1, 1], "log": true}\n' + layers


TOKENS = (
    '"\\ud800"',
    *('"name": ', '"dtype": ', '"values": [', '"step": ', '"log": true', '"int"', '"float"', '"categorical"', "1e999", "-1e999", "NaN"),
    *("1" * 60, "[[[[[[[[[[", "null", '"layers"', '"n_epochs"', '"dropout_p_embed"', "\u2028", "-0.0", '"training"'),
)
TARGET = Target("a file of JSON lines, by space.read", 4, once, seeds, TOKENS)
