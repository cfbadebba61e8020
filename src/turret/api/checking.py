"""Checking a dataset: what its rows and its split do to results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turret.api.dataset_file import located
from turret.api.datasets import Say, data_section, folder_of
from turret.api.options import Section, flatten, named
from turret.checks import integrity
from turret.checks.config import Check
from turret.checks.examine import examine
from turret.checks.finding import Finding
from turret.checks.subject import Subject
from turret.data.config import DataConfig
from turret.data.prepare import prepare as prepare_log
from turret.data.prepared import Prepared

CHECK = Section("Check", Check)


@dataclass(frozen=True)
class Checked:
    """What was found in a dataset.

    Attributes:
        prepared: the dataset.
        findings: of every check, in the order in which they are read.
        notes: what was measured on less than all there is.
    """

    prepared: Prepared
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, name: str) -> Finding:
        """What the check of this name found."""
        return {finding.name: finding for finding in self.findings}[name]

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Those because of which figures say something else than they seem to."""
        return tuple(finding for finding in self.findings if finding.verdict == "warning")

    def figures(self) -> Mapping[str, str | float]:
        """Everything under flat names, as one JSON object."""
        flat: dict[str, str | float] = {"dataset": self.prepared.name, "hash": self.prepared.hash, "warnings": len(self.warnings)}
        for finding in self.findings:
            flat |= finding.flat()
        return flat | ({"measured_on": "; ".join(self.notes)} if self.notes else {})


def check(
    dataset: str | Path, *, data_dir: str | Path | None = None, threads: int | None = None, say: Say | None = None, **options: Any
) -> Checked:
    """Reports leakage and the usual flaws of offline evaluation in a dataset with its split, and what they do to results.

    Args:
        dataset, data_dir, threads: as for `prepare`.
        say: is told what is being done.
        options: those of data, such as split_mode="leave_one_out", and of the check, such as power=0.9, difference=0.01.

    Raises:
        InputError: as `prepare`.
    """
    found = located(dataset, data_dir, say)
    section = data_section(found.defaults)
    settings = named(flatten((CHECK, section)), options)
    return checked(found.path, section.build(settings), CHECK.build(settings), threads, say)


def checked(path: Path, data: DataConfig, config: Check, threads: int | None = None, say: Say | None = None) -> Checked:
    """The same of the log at a path, for settings that are built."""
    prepared = prepare_log(path, data, progress=say, threads=threads)
    whole = integrity.check(folder_of(prepared))
    subject = Subject(prepared, config, data.cleaning)
    return Checked(prepared, (whole, *examine(subject, say or (lambda _: None))), tuple(subject.notes))
