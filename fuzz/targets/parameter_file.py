"""GRU4Rec's parameters in a file, of Python or of YAML, none of which is run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.api.gru4rec.parameters import of_file


def once(data: bytes, folder: Path) -> None:
    """The first byte chooses the suffix."""
    path = folder / ("a.yaml" if data[:1] == b"y" else "a.py")
    path.write_bytes(data[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        given = of_file(path)
    given.told(given.config())


def seeds() -> Iterator[bytes]:
    """Files of the authors, and one of ours."""
    pairs = b"[\n('loss', 'cross-entropy'),\n('layers', [512]),\n('n_epochs', 10),\n]"
    yield b"pfrom collections import OrderedDict\ngru4rec_params = OrderedDict(" + pairs + b")\n"
    yield b"p'''said'''\nimport collections\ngru4rec_params = collections.OrderedDict(layers=100, bpreg=1.5, logq=1.0)\n"
    yield b"pgru4rec_params = {'layers': (100, 50), 'constrained_embedding': False, 'embedding': 'layersize'}\n"
    yield b"ymodel: gru4rec\nlayers: [100]\nloss: bpr-max\ntraining: {epochs: 3, learning_rate: 0.1}\nseed: 3\n"


TOKENS = (
    '"\\ud800"',
    *(
        "gru4rec_params = ",
        "OrderedDict(",
        "collections.",
        "dict(",
        "[(",
        ")]",
        "'layers'",
        "**{}",
        "__import__('os')",
        "lambda: 0",
        "0x" + "f" * 40,
    ),
    *("b'x'", "1j", "{1}", "...", "f'{1}'", "not ", "- ", "1 + 1", "\\N{DASH}", "(" * 30, "training: ", "model: bpr"),
)
TARGET = Target("a .py or .yaml file, by parameters.of_file", 3, once, seeds, TOKENS)
