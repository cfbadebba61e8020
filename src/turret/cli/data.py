"""`turret data`: lists, describes, prepares, checks and simulates datasets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from turret.api.checking import CHECK, checked
from turret.api.dataset_file import located
from turret.api.datasets import data_section, export, folder_of, given_of, simulation_section
from turret.api.graphs import KnowledgeFigures, SocialFigures, figures_of
from turret.api.options import Section
from turret.cli import findings, report
from turret.cli.actions import Action, dispatch
from turret.cli.arguments import value_of
from turret.cli.screen import line, printable, screen, table
from turret.cli.verb import OUTPUT, Verb
from turret.data import prepare
from turret.data.catalogue import Entry, Located, datasets, describe, present
from turret.data.layout import find
from turret.data.prepared import Prepared
from turret.data.simulate import LogKind, Note, note_of, publish


class Folder(BaseModel):
    """Where datasets lie."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    data_dir: Path | None = None
    """Folder that holds dataset folders, looked into before TURRET_DATA and the user's cache."""


class Named(Folder):
    """Which dataset."""

    dataset: str
    """Name of a known dataset, or the path of a log, of a folder with one, or of a YAML file that describes one."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of the data engine; none uses every core."""


class New(BaseModel):
    """What to simulate."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    directory: Path
    """Folder to make; its last part is the dataset's name."""
    log: LogKind = "ratings"
    """What people rated, what they were shown and whether they clicked, or advertisements in the shape of Criteo's."""
    seed: int = Field(default=0, ge=0)
    """The same seed and settings give the same files."""


class Exported(Named):
    """What to export, and where to."""

    lmdb: Path
    """LMDB environment to make, a folder."""
    part: Literal["train", "valid", "test"] = "train"
    """Part of the split."""


FOLDER, NAMED, NEW, EXPORTED = Section("Where", Folder), Section("What", Named), Section("What", New), Section("What", Exported)


def run(words: Sequence[str]) -> None:
    """Runs `turret data WORD ...`."""
    dispatch("data", ACTIONS, words)


def _list(words: Sequence[str]) -> None:
    folder = FOLDER.build(Verb("data list", "Lists the datasets that have a name.", (FOLDER,)).settings(words))
    shown = table("name", "here", "what it is", right=False)
    for entry in datasets():
        shown.add_row(entry.name, "yes" if present(entry.name, folder.data_dir) else "", f"{entry.title}: {entry.size}")
    screen().print(shown)
    print("\nThe path of a log, or of a folder with one, does as well as a name.")


def _describe(words: Sequence[str]) -> None:
    prose = """Says what a known dataset is, on what terms, and where its files come from. Of one that is here, or of the path of a log, it
shows the graphs beside the log, if there are any, as they are with the settings of data; with --mode detail also what was left out."""
    given = Verb("data describe DATASET [options]", prose, (NAMED, OUTPUT, data_section()), ("dataset",)).settings(words)
    asked, output = NAMED.build(given), OUTPUT.build(given)
    data_section().build(given)  # what is refused is refused before anything is prepared
    known = asked.dataset in [entry.name for entry in datasets()]
    found = present(asked.dataset, asked.data_dir) if known else located(asked.dataset, asked.data_dir, output.say)
    rows = _entry(describe(asked.dataset), found) if known else {}
    prepared: Prepared | None = None
    if found is not None:
        config = data_section(found.defaults).build(given)
        if {"kg", "net"} & find(found.path, config.source).tables.keys():
            prepared = prepare(found.path, config, progress=output.say, threads=asked.threads)
        elif not known:
            rows["graphs"] = "none beside this log"
    figures = figures_of(prepared) if prepared is not None else {}
    rows |= {name: value for each in figures.values() for name, value in _rows(each)}
    width = max(len(name) for name in rows) + 2
    for name, value in rows.items():
        line(output.console, f"{name:<{width}}{value}")
    if prepared is not None and output.detail:
        report.dataset(output.console, prepared, detail=True)
    report.write_json({"dataset": asked.dataset, **{name: asdict(each) for name, each in figures.items()}}, output.json_file)


def _entry(entry: Entry, here: Located | None) -> dict[str, str]:
    """What is known of a dataset that has a name."""
    rows = {
        entry.name: entry.title,
        "size": entry.size,
        "page": entry.page,
        "licence": entry.licence,
        "here": str(here.path) if here else f"no; `turret data prepare {entry.name}` gets it{_by_hand(entry)}",
    }
    for original in entry.originals:
        checksum = f"{original.checksum.algorithm} {original.checksum.value}" if original.checksum else "no published checksum"
        rows[original.file] = f"{original.size / 1e6:,.1f} MB, {checksum}{f', {original.url}' if original.url else ''}"
    defaults = entry.defaults.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    return {**rows, "settings": json.dumps(defaults)} if defaults else rows


def _rows(figures: KnowledgeFigures | SocialFigures) -> Iterator[tuple[str, str]]:
    """A graph in figures, a few a line."""
    together = f"{figures.connected:.1%} of these hang together"
    if isinstance(figures, SocialFigures):
        yield "social graph", f"{figures.links:,} links between {figures.users:,} users, {figures.share_of_users:.1%} of all; {together}"
        yield "  friends", f"{figures.mean_degree:.1f} a user on average, {figures.max_degree:,} at most"
        yield "  mutual", f"{figures.reciprocity:.1%} of the links"
        return
    yield "knowledge graph", f"{figures.triples:,} triples of {figures.entities:,} entities; {together}"
    items = f"{figures.items:,} of the entities, {figures.share_of_items:.1%} of all items"
    yield "  items", f"{items}; {figures.triples_an_item:.1f} triples each on average"
    yield "  relations", f"{figures.relations:,}{', the most frequent:' if figures.relations > len(figures.frequent) else ''}"
    yield from ((f"    {name}", f"{count:,} triples") for name, count in figures.frequent.items())


def _by_hand(entry: Entry) -> str:
    return f"; {entry.by_hand}" if entry.by_hand else ""


def _prepare(words: Sequence[str]) -> None:
    prose = "Reads, cleans, splits and encodes a dataset once, and says what became of the log. Training does this by itself."
    given = Verb("data prepare DATASET [options]", prose, (NAMED, OUTPUT, data_section()), ("dataset",)).settings(words)
    asked, output = NAMED.build(given), OUTPUT.build(given)
    data_section().build(given)  # what is refused is refused before anything is downloaded
    console = output.console
    found = located(asked.dataset, asked.data_dir, output.say)
    prepared = prepare(found.path, data_section(found.defaults).build(given), progress=output.say, threads=asked.threads)
    report.dataset(console, prepared, detail=True)
    line(console, f"prepared: {folder_of(prepared)}")
    parts = {f"rows.{name}": len(part.interactions) for name, part in prepared.parts.items()}
    counts = {"users": prepared.n_users, "items": prepared.n_items, **parts, **prepared.statistics}
    report.write_json({"dataset": prepared.name, "prepared": str(folder_of(prepared)), "hash": prepared.hash, **counts}, output.json_file)


def _check(words: Sequence[str]) -> None:
    prose = """Looks for leakage and the usual flaws of offline evaluation in a dataset with its split, and says in numbers what each would
do to a result, and what to do about it. Warnings do not change the exit code."""
    sections = (NAMED, OUTPUT, CHECK, data_section())
    given = Verb("data check DATASET [options]", prose, sections, ("dataset",)).settings(words)
    asked, output, config = NAMED.build(given), OUTPUT.build(given), CHECK.build(given)
    data_section().build(given)  # what is refused is refused before anything is downloaded
    found = located(asked.dataset, asked.data_dir, output.say)
    shown = checked(found.path, data_section(found.defaults).build(given), config, asked.threads, output.say)
    report.dataset(output.console, shown.prepared, output.detail)
    findings.show(output.console, shown)
    report.write_json(shown.figures(), output.json_file)


def _simulate(words: Sequence[str]) -> None:
    prose = "Makes a log whose truth is known. With --interactions alone, users and items grow along; --log criteo has --rows instead."
    section = simulation_section(value_of("log", words), value_of("interactions", words))
    given = Verb("data simulate DIRECTORY [options]", prose, (NEW, section), ("directory",)).settings(words)
    new = NEW.build(given)
    made = publish(new.directory, Note(log=new.log, seed=new.seed, settings=section.build(given)), _Count())
    note = note_of(made)
    best = note.ceiling if note else None
    if best:
        print("the best that a model can expect: " + ", ".join(f"{name} {value:.4f}" for name, value in best.items()))
    print(printable(f"simulated: {made}; turret train {'deepfm' if new.log == 'criteo' else 'bpr'} {made} trains on it"))


class _Count:
    """Says how many rows are written, at every `STEP` of them."""

    STEP = 1_000_000

    def __init__(self) -> None:
        self._rows = 0

    def __call__(self, rows: int) -> None:
        before, self._rows = self._rows, self._rows + rows
        if self._rows // self.STEP > before // self.STEP:
            line(screen(stderr=True), f"{self._rows:,} rows written")


def _export(words: Sequence[str]) -> None:
    prose = "Writes the impressions of a part of a dataset into an LMDB environment, which `turret train ... --lmdb PATH` reads."
    given = Verb("data export DATASET --lmdb PATH [options]", prose, (EXPORTED, OUTPUT, data_section()), ("dataset",)).settings(words)
    asked, output = EXPORTED.build(given), OUTPUT.build(given)
    made = export(
        asked.dataset,
        lmdb=asked.lmdb,
        part=asked.part,
        data_dir=asked.data_dir,
        threads=asked.threads,
        say=output.say,
        **given_of(data_section(), given),
    )
    line(output.console, f"exported: {made}")


ACTIONS: dict[str, tuple[str, Action]] = {
    "list": ("list the datasets that have a name", _list),
    "describe": ("say what a known dataset is, on what terms, where its files come from, and show its graphs", _describe),
    "prepare": ("read, clean, split and encode a dataset, and say what became of the log", _prepare),
    "check": ("report leakage and flaws of evaluation in a dataset, and what they do to results", _check),
    "export": ("write the impressions of a dataset into an LMDB environment", _export),
    "simulate": ("make a log whose truth is known", _simulate),
}
