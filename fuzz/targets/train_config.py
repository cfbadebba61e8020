"""Settings of a training in a file, as far as the job that `turret train --config FILE` would do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.api.job import compose, gather, model_of


def once(data: bytes, folder: Path) -> None:
    """The whole input is the file."""
    path = folder / "a.yaml"
    path.write_bytes(data)
    job = compose(gather(model_of(None, path), {}, path))
    job.nested()


def seeds() -> Iterator[bytes]:
    """Settings of a few models."""
    yield b"model: bpr\ndataset: demo\nseed: 1\nembed_dim: 64\ntraining: {learning_rate: 0.002, epochs: 50}\n"
    yield b"model: ease\ndataset: demo\nevaluation: {cutoff: [5, 10], protocol: full}\n"
    yield b"model: deepfm\ndataset: d.csv\ndata:\n  cleaning: {min_user_count: 5}\n  split: {split_ratio: [0.8, 0.1, 0.1]}\n"
    yield b'{"model": "gru4rec", "dataset": "d", "layers": [100], "loss": "bpr-max", "device": "cpu", "threads": null}\n'


TOKENS = (
    '"\\ud800"',
    *(
        "model: ",
        "dataset: ",
        "training:",
        "evaluation:",
        "data:",
        "split:",
        "features:",
        "composition:",
        "loss: ",
        "sampler: ",
        "cutoff: ",
    ),
    *("bpr", "ease", "sasrec", "none", "null", "true", "-1", "1e400", "0x" + "f" * 30, "2020-01-01", "[[1]]", "{a: 1}", "*.width"),
)
TARGET = Target("a YAML file, by job.gather and compose", 1, once, seeds, TOKENS)
