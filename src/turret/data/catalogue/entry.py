"""What is known of a public dataset: where it comes from, on what terms, and how its files become atomic ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables
from turret.data.config import DataConfig

PLAIN = DataConfig()
"""Says nothing: every setting has the default that all datasets have."""

Recipe = Callable[[Originals, Tables], None]
"""Reads a dataset's original files and writes its atomic ones."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """A digest that a file must have.

    Attributes:
        algorithm: of hashlib.
        value: in hexadecimal.
        source: who says so.
    """

    algorithm: Literal["md5", "sha256"]
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Original:
    """A file as its publisher gives it.

    Attributes:
        file: its name.
        size: in bytes, about.
        url: where it can be downloaded; None where a person has to fetch it.
        checksum: None where no digest is known for certain: then the first download's is recorded, and later ones are held to it.
        needed: False for a file that is used if it is there and never downloaded.
    """

    file: str
    size: int
    url: str | None = None
    checksum: Checksum | None = None
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """A dataset that has a name.

    Attributes:
        name: by which it is asked for.
        title: what it is.
        page: where it is described.
        licence: what may be done with it, in short; the page has the terms.
        size: how much there is.
        originals: the files that it is made from.
        recipe: how; None for data that is used where it is found, in atomic form, and cannot be made.
        by_hand: what a person has to do before there are files.
        defaults: the settings that its columns and its usual protocol ask for.
    """

    name: str
    title: str
    page: str
    licence: str
    size: str
    originals: tuple[Original, ...] = ()
    recipe: Recipe | None = None
    by_hand: str = ""
    defaults: DataConfig = PLAIN
