"""Datasets of one's own, described by a YAML file: where the log lies, and every setting of data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from turret.api import yaml_file
from turret.api.options import Section, flatten
from turret.data.catalogue import Located, locate
from turret.data.config import DataConfig
from turret.data.small_file import beside

SUFFIXES = (".yaml", ".yml")


class DatasetFile(DataConfig):
    """What such a file holds: `path`, and the sections of data."""

    path: Path
    """The log, or a folder with one, seen from where the file lies, as files of pretrained vectors are; or the name of a known dataset."""


def located(dataset: str | Path, data_dir: str | Path | None = None, say: Callable[[str], None] | None = None) -> Located:
    """A dataset by its name, by a path, or by the path of a YAML file that describes it.

    Raises:
        InputError: there is no such dataset, it cannot be had, or the file says what it may not; says where and what to do.
    """
    file = Path(dataset)
    if file.suffix.lower() not in SUFFIXES:
        return locate(dataset, data_dir, say)
    section = Section("Dataset file", DatasetFile)
    described = section.build(yaml_file.settings(yaml_file.read(file), file, flatten((section,)).values()))
    found = locate(beside(file, described.path) or described.path, data_dir, say)
    said = found.defaults.model_dump(exclude_unset=True), described.model_dump(exclude_unset=True, exclude={"path"})
    merged = {name: {**said[0].get(name, {}), **said[1].get(name, {})} for name in {**said[0], **said[1]}}
    for feature in merged.get("features", {}).values():
        if "pretrained" in feature and (vectors := beside(file, feature["pretrained"])) is not None:
            feature["pretrained"] = str(vectors.resolve())  # so that a run finds it again from wherever it is opened
    return replace(found, name=file.stem, defaults=DataConfig.model_validate(merged))
