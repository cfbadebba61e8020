"""GRU4Rec's parameters in a string."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.api.gru4rec.parameters import of_string


def once(data: bytes, folder: Path) -> None:
    """The whole input is the string."""
    given = of_string(data.decode("utf-8", "surrogateescape"))
    given.told(given.config())


def seeds() -> Iterator[bytes]:
    """Strings of the authors."""
    yield b"layers=224,batch_size=80,dropout_p_embed=0.5,learning_rate=0.05,momentum=0.4,n_sample=2048,bpreg=1.95,loss=bpr-max"
    yield b"layers=200/100,constrained_embedding=False,embedding=layersize,n_epochs=10,logq=1.0,official_quirks=True"


TOKENS = ("layers=", "n_epochs=", "loss=", "embedding=", "1e400", "nan", "inf", "None", "/", "9" * 50, "learning_rate=", "-", "1_0")
TARGET = Target("text, by parameters.of_string", 7, once, seeds, TOKENS)
