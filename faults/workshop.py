"""Where faults are made: a folder with logs, with trainings that nothing befell, and with a place of its own for each case."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults import compare, forked
from faults.command import Command, Ended
from faults.logs import LOGS, path_of
from faults.subjects import SUBJECTS, Subject
from faults.verdict import Case, Lost

RUN, CACHE = "run", "cache"


@dataclass(frozen=True)
class Reference:
    """A training that nothing befell.

    Attributes:
        folder: where it ran.
        ended: how it ended, and how long its phases took.
    """

    folder: Path
    ended: Ended

    @property
    def run(self) -> Path:
        """Its run directory."""
        return self.folder / RUN


@dataclass
class Place:
    """Where one case takes place.

    Attributes:
        workshop: that it is in.
        case: which it is.
        subject: what is trained.
        draw: all that the case draws at random.
        folder: its own.
        kernels: where compiled kernels are kept, if not where they are kept anyway.
        litter: files of the run that a killed process left.
    """

    workshop: Workshop
    case: Case
    subject: Subject
    draw: random.Random
    folder: Path
    kernels: Path | None = None
    litter: tuple[str, ...] = field(default=())

    @property
    def run(self) -> Path:
        """The run directory."""
        return self.folder / RUN

    @property
    def cache(self) -> Path:
        """The XDG_CACHE_HOME of its processes."""
        return self.folder / CACHE

    @property
    def reference(self) -> Reference:
        """The same training, which nothing befell."""
        return self.workshop.reference(self.subject)

    @property
    def words(self) -> list[str]:
        """The command that begins the training."""
        return self.subject.command(str(self.workshop.log(self.subject.log)))

    @property
    def began(self) -> bool:
        """Whether there is a run to resume."""
        return (self.run / "run.json").is_file()

    @property
    def going_on(self) -> list[str]:
        """The command that goes on with it: `--resume` where there is a run, else the first one once more, as the manual says."""
        return ["train", "--resume", RUN, "--mode", "detail"] if self.began else self.words

    def clear(self) -> None:
        """Takes away what a process left, so that another may begin anew."""
        for folder in filter(None, (self.run, self.cache, self.kernels)):
            for path in folder.iterdir() if folder.exists() else ():
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def start(self, words: Sequence[str], often: bool = False) -> Command:
        """Starts a real command."""
        return Command(words, self.folder, self.cache, self.kernels, often)

    def fork(self, words: Sequence[str], death: forked.Death | None = None) -> Ended:
        """Runs a command to its end, or to its death, forked."""
        return forked.run(words, self.folder, self.cache, death)

    def must_go_on(self, quick: bool = False) -> None:
        """Goes on with the training, which must end well and as the one that nothing befell.

        Args:
            quick: forked.

        Raises:
            Lost: it does not.
        """
        words = self.going_on
        ended = self.fork(words) if quick else self.start(words).wait()
        if ended.code != 0:
            raise Lost(f"turret {' '.join(words[:4])} leaves with {ended.code}: {ended.said}")
        self.must_be_exact()

    def must_be_exact(self, but: str = "") -> None:
        """The finished run must be that which nothing befell, `but` for a file.

        Raises:
            Lost: it differs; says by what.
        """
        if found := compare.differences(self.run, self.reference.run, but):
            raise Lost("; ".join(found))
        self.litter = compare.litter(self.run, self.reference.run)


class Workshop:
    """A folder for everything.

    Args:
        folder: an empty one.
        seed: that cases draw from.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._references: dict[str, Reference] = {}

    def place(self, case: Case) -> Place:
        """A place for a case, empty."""
        folder = self.folder / "cases" / str(case).replace(":", "-")
        shutil.rmtree(folder, ignore_errors=True)
        (folder / CACHE).mkdir(parents=True)
        return Place(self, case, SUBJECTS[case.subject], random.Random(f"{self.seed}/{case}"), folder)

    def log(self, name: str) -> Path:
        """The DATASET of a log, made when it is first asked for."""
        folder = self.folder / "logs" / name
        with self._alone(f"log {name}"):
            if not folder.exists():
                folder.parent.mkdir(exist_ok=True)
                LOGS[name](folder, self._simulate)
        return path_of(folder)

    def reference(self, subject: Subject) -> Reference:
        """The training of a subject that nothing befell, made when it is first asked for."""
        with self._alone(f"reference {subject.name}"):
            if subject.name not in self._references:
                folder = self.folder / "references" / subject.name
                folder.mkdir(parents=True)
                ended = Command(subject.command(str(self.log(subject.log))), folder, folder / CACHE).wait()
                if ended.code != 0:
                    raise RuntimeError(f"{subject.name} cannot be trained at all: {ended.said}")
                self._references[subject.name] = Reference(folder, ended)
        return self._references[subject.name]

    def _simulate(self, words: Sequence[str]) -> None:
        ended = Command(words, self.folder, self.folder / CACHE).wait()
        if ended.code != 0:
            raise RuntimeError(f"the log cannot be made: {ended.said}")

    def _alone(self, name: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())
