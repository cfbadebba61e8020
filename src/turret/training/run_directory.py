"""What a run leaves behind, and all it needs to go on.

    run.json              the manifest: format, the dataset, and the checksums of the files below that never change
    settings.json         everything that was set: model, data, training, evaluation, seed
    environment.json      versions and machine
    metrics.jsonl         one JSON object a round
    last.safetensors      the latest checkpoint: the model, its best parameters, the procedure's state and the standing of early stopping
    previous.safetensors  the one before it, should the latest be damaged
    best.safetensors      the model at its best validation: what answers
    result.json           the final figures; in the manifest once the run has finished
    test.safetensors      what the test found, for each user

Every file but metrics.jsonl is put in its place in one step, so that a reader finds the old one or the new one and never half of one; and
each is held against its checksum when it is read (`core.files`, `core.tensor_file`).
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ValidationError
from torch import Tensor, nn

from turret.core import tensor_file
from turret.core.errors import InputError
from turret.core.files import (
    alone,
    check,
    checksum,
    clear_temporaries,
    entry,
    read_json,
    read_sealed,
    sync,
    unwritable,
    write_atomically,
    write_sealed,
)
from turret.version import __version__

FORMAT = 1
MANIFEST, SETTINGS, ENVIRONMENT, ROUNDS, RESULT, TESTED = (
    *("run.json", "settings.json", "environment.json", "metrics.jsonl"),
    *("result.json", "test.safetensors"),
)
LAST, PREVIOUS, BEST = "last.safetensors", "previous.safetensors", "best.safetensors"
LOCK, RUN = ".lock", "run"
AGAIN = "The run cannot be trusted: train again."

Say = Callable[[str], None]


class File(BaseModel):
    """A file of the run, as the manifest says it: its bytes and SHA-256."""

    bytes: int
    sha256: str


class Dataset(BaseModel):
    """What is noted of the dataset.

    Attributes:
        path: where it was prepared.
        hash: of its inputs and settings.
        source: the log or folder that it was prepared from.
        seconds: what that took.
    """

    path: Path
    hash: str
    source: Path
    seconds: float


class Manifest(BaseModel):
    """What run.json says.

    Attributes:
        format: of the run directory.
        turret: the version that wrote it.
        dataset: what is noted of the dataset.
        files: those that never change.
    """

    format: int = FORMAT
    turret: str = __version__
    dataset: Dataset | None = None
    files: dict[str, File] = {}


@dataclass(frozen=True)
class Checkpoint:
    """All that training needs to go on, as a step or a round left it.

    Attributes:
        model: the parameters and buffers.
        best: the model's at its best validation; None where that is now.
        procedure: the state of the procedure.
        standing: of early stopping, ready for JSON.
    """

    model: Mapping[str, Tensor]
    best: Mapping[str, Tensor] | None
    procedure: Mapping[str, Tensor]
    standing: Mapping[str, Any]


class RunDirectory:
    """A run's files.

    Args:
        path: the directory. `create` makes a new one, `open` takes one that is there.
        manifest: what run.json says.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self._manifest = path, manifest

    @classmethod
    def create(cls, path: Path, settings: Mapping[str, Any], dataset: Dataset | None = None) -> RunDirectory:
        """A new run.

        Args:
            path: where; what a run left that was stopped before it was made is written over.
            settings: everything that was set.
            dataset: what is to be noted of the dataset.

        Raises:
            InputError: the directory holds something already, or cannot be made.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from None
        with alone(path / LOCK, lambda: _refuse_a_second(path)):
            clear_temporaries(path)
            if {file.name for file in path.iterdir()} - {LOCK, SETTINGS, ENVIRONMENT}:
                raise InputError("the run directory is not empty", path=path, hint="Give another --run_dir, or --resume this one.")
            _write_json(path / SETTINGS, settings)
            _write_json(path / ENVIRONMENT, environment())
            run = cls(path, Manifest(dataset=dataset))
            run._seal(SETTINGS)
            sync(path.parent)
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """The run at `path`.

        Raises:
            InputError: there is none, or its settings were altered.
        """
        if not (path / MANIFEST).is_file() and (path / "dataset.json").is_file():
            hint = f"Train again: turret train --config {path / SETTINGS}"
            raise InputError("the run is of an older version of Turret, whose runs are not read here", path=path, hint=hint)
        if not (path / MANIFEST).is_file():
            raise InputError(
                f"this is not a run directory: it has no {MANIFEST}",
                path=path,
                hint="`turret train` makes one. Where it was stopped before it had made it, the same command does so now.",
            )
        found = read_json(path / MANIFEST, AGAIN)
        if found.get("format") != FORMAT:
            hint = f"Turret {found.get('turret', '?')} wrote it, and such a version reads it; or train again."
            raise InputError(
                f"the run has format {found.get('format')!r}, and format {FORMAT} is read here", path=path / MANIFEST, hint=hint
            )
        try:
            run = cls(path, Manifest.model_validate(read_sealed(path / MANIFEST, AGAIN)))
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", path=path / MANIFEST, hint=AGAIN) from None
        run._checked(SETTINGS)
        return run

    @contextmanager
    def held(self) -> Iterator[None]:
        """Where this process is the only one that trains in the directory.

        Raises:
            InputError: another one does.
        """
        with alone(self.path / LOCK, lambda: _refuse_a_second(self.path)):
            clear_temporaries(self.path)
            yield

    @property
    def settings(self) -> dict[str, Any]:
        """What was set."""
        return read_json(self.path / SETTINGS)

    @property
    def dataset(self) -> Dataset:
        """What is noted of the dataset.

        Raises:
            InputError: nothing is.
        """
        if self._manifest.dataset is None:
            raise InputError("the run says nothing of its dataset", path=self.path / MANIFEST, hint=AGAIN)
        return self._manifest.dataset

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return RESULT in self._manifest.files

    def intact(self, say: Say) -> bool:
        """Whether what a finished run came to is as it was written; `say` is told what is not."""
        try:
            for name in (RESULT, TESTED):
                self._checked(name)
        except InputError as error:
            say(f"{error.path}: {error.message}; the run is tested again")
            return False
        return True

    def finish(self, result: Mapping[str, Any], test: Callable[[Path], object]) -> None:
        """Writes the final figures, by which the run is finished.

        Args:
            result: the figures.
            test: writes what the test found to a path.
        """
        test(self.path / TESTED)
        _write_json(self.path / RESULT, result)
        self._seal(RESULT, TESTED)

    @property
    def tested(self) -> Path:
        """The file of what the test found.

        Raises:
            InputError: it is missing or was altered.
        """
        return self._checked(TESTED)

    @property
    def result(self) -> dict[str, Any]:
        """The final figures.

        Raises:
            InputError: they are missing or were altered.
        """
        return read_json(self._checked(RESULT))

    def log(self, record: Mapping[str, Any]) -> None:
        """Appends a round's measures to metrics.jsonl."""
        path = self.path / ROUNDS
        try:
            with path.open("a") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise unwritable(path, error) from None

    def rounds(self) -> list[dict[str, Any]]:
        """The rounds of metrics.jsonl, up to a line that a crash has cut off or left unreadable."""
        path = self.path / ROUNDS
        found: list[dict[str, Any]] = []
        if path.is_file():
            with suppress(ValueError, KeyError, TypeError):
                for line in path.read_bytes().split(b"\n")[:-1]:
                    record = json.loads(line)
                    _ = record["round"], record["seconds"]["train"]
                    found.append(record)
        return found

    def forget_rounds_after(self, last: int) -> int:
        """Removes from metrics.jsonl the rounds that a resumed run will do again; returns how many of the others it lacks."""
        kept = [json.dumps(record) + "\n" for record in self.rounds() if record["round"] <= last]
        write_atomically(self.path / ROUNDS, lambda path: path.write_text("".join(kept)))
        return last - len(kept)

    def save(self, checkpoint: Checkpoint) -> None:
        """Keeps all that is needed to go on from here, and the checkpoint before it.

        Raises:
            TurretError: it cannot be written; the checkpoints that were there are still there.
        """
        parts = {"model": checkpoint.model, "best": checkpoint.best or {}, "procedure": checkpoint.procedure}
        tensors = {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}
        if (self.path / ROUNDS).is_file():  # The rounds up to here must last as long as the checkpoint.
            sync(self.path / ROUNDS)
        if (self.path / LAST).is_file():
            _keep_as(self.path / LAST, self.path / PREVIOUS)
        tensor_file.save(self.path / LAST, tensors, {RUN: self._identity, "standing": json.dumps(checkpoint.standing)})

    def save_best(self, best: Mapping[str, Tensor]) -> None:
        """Keeps the parameters that answer.

        Raises:
            TurretError: they cannot be written; those that were there are still there.
        """
        tensor_file.save(self.path / BEST, best, {RUN: self._identity})

    def checkpoint(self, say: Say = lambda text: None) -> Checkpoint | None:
        """The latest checkpoint, or the one before it where that is damaged; None where training has come to none yet.

        Args:
            say: is told which file is damaged.

        Raises:
            InputError: there are checkpoints, and none can be read.
        """
        damaged: list[InputError] = []
        for name in (LAST, PREVIOUS):
            if not (self.path / name).is_file():
                continue
            try:
                found = self._read_checkpoint(name)
            except InputError as error:
                damaged.append(error)
                continue
            for first in damaged:
                say(f"the latest checkpoint is damaged ({first.path}: {first.message}); the one before it, {self.path / name}, is used")
            return found
        if damaged:
            first = damaged[0]
            hint = f"No other checkpoint is left. Without {LAST} and {PREVIOUS}, --resume begins anew and comes to the same end."
            raise InputError(first.message, path=first.path, hint=hint)
        return None

    def best(self, say: Say = lambda text: None) -> Mapping[str, Tensor]:
        """The best parameters.

        Args:
            say: is told where the file is damaged and a checkpoint has them too.

        Raises:
            InputError: there are none, or they cannot be read.
        """
        path = self.path / BEST
        if not path.is_file() and not (self.path / LAST).is_file():
            raise InputError("the checkpoint is missing", path=path, hint="The run stopped before its first one: train again.")
        try:
            return self._own(path)[0]
        except InputError as error:
            try:
                found = self.checkpoint()
            except InputError:
                found = None
            if found is None or not self.finished:
                raise InputError(error.message, path=path, hint=f"`turret train --resume {self.path}` makes it anew.") from None
            say(f"{path} is damaged ({error.message}); the copy in {LAST} is used")
            return found.model if found.best is None else found.best

    def load_best(self, model: nn.Module, say: Say = lambda text: None) -> None:
        """Gives the model the best parameters.

        Raises:
            InputError: there are none, they cannot be read, or they do not fit.
        """
        self.load_into(model, self.best(say))

    def load_into(self, model: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Gives the model parameters of a checkpoint.

        Raises:
            InputError: they do not fit.
        """
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            message = "the checkpoint does not fit the model: " + str(error).splitlines()[-1].strip()
            raise InputError(message, path=self.path, hint="Was the prepared dataset or the configuration changed?") from None

    def _read_checkpoint(self, name: str) -> Checkpoint:
        path = self.path / name
        tensors, notes = self._own(path)
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "procedure": {}}
        for name, value in tensors.items():
            part, _, own = name.partition(".")
            if part not in parts:
                raise InputError(f"holds {name}, which is no part of a checkpoint", path=path)
            parts[part][own] = value
        try:
            standing = json.loads(notes["standing"])
        except (KeyError, ValueError):
            raise InputError("says nothing of how far training was", path=path) from None
        return Checkpoint(parts["model"], parts["best"] or None, parts["procedure"], standing)

    def _own(self, path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and notes of a file that this run wrote.

        Raises:
            InputError: another one did, or it is damaged.
        """
        tensors, notes = tensor_file.load(path)
        if notes.pop(RUN, None) != self._identity:
            raise InputError("belongs to another run, of other settings or another dataset", path=path)
        return tensors, notes

    @property
    def _identity(self) -> str:
        """What tells this run from those of other settings and datasets; of runs that are alike in both, files are alike too."""
        dataset = self._manifest.dataset
        return checksum([self._manifest.files[SETTINGS].sha256, None if dataset is None else dataset.hash])

    def _seal(self, *names: str) -> None:
        """Enters files into the manifest."""
        files = {**self._manifest.files, **{name: File(**entry(self.path / name)) for name in names}}
        manifest = self._manifest.model_copy(update={"files": files})
        write_sealed(self.path / MANIFEST, manifest.model_dump(mode="json"))
        self._manifest = manifest

    def _checked(self, name: str) -> Path:
        """A file of the manifest, held against its checksum."""
        path = self.path / name
        if not path.is_file() or name not in self._manifest.files:
            raise InputError("the file is missing", path=path, hint=AGAIN)
        hint = "It belongs to the run as it was: undo the change, or train again."
        if name in (RESULT, TESTED):
            hint = f"`turret train --resume {self.path}` tests the run again."
        check(path, self._manifest.files[name].model_dump(), hint)
        return path


def environment() -> dict[str, Any]:
    """Versions and machine, for whoever wants to repeat the run."""
    return {
        "turret": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
    }


def _refuse_a_second(path: Path) -> None:
    raise InputError("another process trains in this run directory", path=path, hint="Wait for it, or give another --run_dir.")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, lambda place: place.write_text(text, encoding="utf-8"))


def _keep_as(path: Path, other: Path) -> None:
    """Gives a file a second name, under which it stays when the first is given to another."""
    second = other.with_name(f".{other.name}.{os.getpid()}")
    try:
        second.unlink(missing_ok=True)
        try:
            second.hardlink_to(path)
        except OSError:  # Where a file has one name alone.
            path.replace(second)
        second.replace(other)
        second.unlink(missing_ok=True)  # where both were names of one file already, renaming has left them
    except OSError as error:
        raise unwritable(other, error) from None
