"""`turret features`: what rankers read of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from turret import api
from turret.api.datasets import data_section, given_of
from turret.api.describing import values
from turret.api.options import Section
from turret.cli import report
from turret.cli.actions import Action, dispatch
from turret.cli.screen import printable, table
from turret.cli.verb import OUTPUT, Verb

PROSE = """Describes the features that rankers read of a dataset, or of the dataset of a run: what each is made of, how many ids it has,
what is set about its vectors, and in which share of the rows of each part it is missing or unknown to training."""


class Asked(BaseModel):
    """Which features."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    dataset: str
    """Name or path of a dataset, or directory of a run."""
    feature: str | None = None
    """A feature whose values are listed by id, one a line; none describes all features."""
    data_dir: Path | None = None
    """Folder that holds dataset folders, looked into before TURRET_DATA and the user's cache."""


ASKED = Section("What", Asked)


def run(words: Sequence[str]) -> None:
    """Runs `turret features WORD ...`."""
    dispatch("features", ACTIONS, words)


def _describe(words: Sequence[str]) -> None:
    section = data_section()
    given = Verb("features describe DATASET [options]", PROSE, (ASKED, OUTPUT, section), ("dataset",)).settings(words)
    asked, output = ASKED.build(given), OUTPUT.build(given)
    section.build(given)  # what is refused is refused before anything is prepared
    options = given_of(section, given)
    if asked.feature is not None:
        print(printable("\n".join(values(asked.dataset, asked.feature, data_dir=asked.data_dir, **options))))
        return
    found = api.features(asked.dataset, data_dir=asked.data_dir, **options)
    parts = dict.fromkeys(part for feature in found for part in feature.unknown)
    shown = table("feature", "kind", "made", "ids", "vectors", *(f"unknown in {part}" for part in parts), right=False)
    for feature in found:
        shares = (f"{feature.unknown[part]:.1%}" for part in parts)
        size = "" if feature.size is None else f"{feature.size:,}"
        shown.add_row(feature.name, feature.kind, feature.made, size, feature.vectors, *shares)
    output.console.print(shown)
    report.write_json({"dataset": asked.dataset, "features": [asdict(feature) for feature in found]}, output.json_file)


ACTIONS: dict[str, tuple[str, Action]] = {"describe": ("say what each feature is made of, and how much of it is unknown", _describe)}
