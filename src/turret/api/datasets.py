"""Datasets by name or path: preparing and simulating them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from turret.api.dataset_file import located
from turret.api.options import Section, Settings, flatten, named
from turret.batches.lmdb_rows import write_lmdb
from turret.batches.needs import needs_labels
from turret.data.config import DataConfig
from turret.data.prepare import default_prepared_dir, folder_name
from turret.data.prepare import prepare as prepare_log
from turret.data.prepared import TRAIN, Prepared
from turret.data.simulate import Advertising, LogKind, Note, Simulation, publish

Say = Callable[[str], None]


def data_section(defaults: DataConfig | None = None) -> Section[DataConfig]:
    """The options of data, for a dataset with these defaults."""
    return Section("Data", DataConfig, ("data",), defaults)


def given_of(section: Section[DataConfig], settings: Settings) -> dict[str, Any]:
    """The options of data among what was given on a command line, as keywords."""
    return {name: settings[option.route].value for name, option in flatten((section,)).items() if option.route in settings}


def prepare(
    dataset: str | Path, *, data_dir: str | Path | None = None, threads: int | None = None, say: Say | None = None, **options: Any
) -> Prepared:
    """A dataset, ready for models: cleaned, encoded and split. What was prepared before with the same settings is opened again.

    Args:
        dataset: the name of a known dataset, or the path of a log, of a folder with one, or of a YAML file that describes one.
        data_dir: a folder that holds dataset folders.
        threads: of the data engine.
        say: is told what is being done.
        options: those of data, such as split_mode="leave_one_out", min_user_count=5.

    Raises:
        InputError: no such dataset, a log that is not what it should be, an unknown option or a value that is refused.
    """
    found = located(dataset, data_dir, say)
    section = data_section(found.defaults)
    config = section.build(named(flatten((section,)), options))
    return prepare_log(found.path, config, progress=say, threads=threads)


def export(
    dataset: str | Path,
    *,
    lmdb: str | Path,
    part: str = TRAIN,
    data_dir: str | Path | None = None,
    threads: int | None = None,
    say: Say | None = None,
    **options: Any,
) -> Path:
    """Writes the impressions of a part of a dataset into a new LMDB environment, for training with `lmdb=...`.

    Args:
        dataset, data_dir, threads, options: as for `prepare`.
        lmdb: the folder to make.
        part: of the split.
        say: is told what is being done.

    Raises:
        InputError: as `prepare`; there is something at `lmdb` already.
        UnsupportedError: the package lmdb is not installed.
    """
    prepared = prepare(dataset, data_dir=data_dir, threads=threads, say=say, **options)
    needs_labels(prepared)
    return write_lmdb(prepared, lmdb, part, lambda rows: say(f"{rows:,} rows written") if say else None)


def folder_of(prepared: Prepared) -> Path:
    """Where a dataset that `prepare` gave lies."""
    return default_prepared_dir() / folder_name(prepared.name, prepared.hash)


def simulate(
    directory: str | Path,
    *,
    log: LogKind = "ratings",
    seed: int = 0,
    say: Callable[[int], None] | None = None,
    **options: Any,
) -> Path:
    """Writes a simulated log, whose truth is known.

    Args:
        directory: becomes the dataset.
        log: what people rated, what they were shown and clicked, or advertisements in the shape of Criteo's.
        seed: the same seed and settings give the same bytes.
        say: is told the rows of each block that is written.
        options: fields of `turret.data.simulate.Simulation` (with `interactions` alone, users and items grow along), or for criteo of
            `turret.data.simulate.Advertising`.

    Raises:
        InputError: an unknown option, a value that is refused, or another thing at `directory`.
    """
    section = simulation_section(log, options.get("interactions"))
    settings = section.build(named(flatten((section,)), options))
    return publish(directory, Note(log=log, seed=seed, settings=settings), say)


def simulation_section(log: str | None, interactions: Any = None) -> Section[Any]:
    """The options of a kind of log; where a number of interactions is given, users and items are by default in proportion."""
    if log == "criteo":
        return Section("Simulation", Advertising)
    try:
        sized = Simulation.sized(int(interactions))
    except (TypeError, ValueError):
        sized = None
    return Section("Simulation", Simulation, (), sized)
