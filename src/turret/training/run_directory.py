"""What a run leaves behind, and all it needs to go on.

    settings.json       everything that was set: model, data, training, evaluation, seed
    environment.json    versions and machine
    metrics.jsonl       one JSON object a round
    best.safetensors    the model at its best validation
    last.safetensors    the model, the procedure's state and the standing of early stopping after the last finished round
    result.json         the final figures; present once the run has finished

Every file is written under another name, synced and renamed, so that a reader finds the old one or the new one and never half of one.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from turret.core.errors import InputError
from turret.version import __version__

MODEL, PROCEDURE = "model.", "procedure."


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a temporary file and makes it `path`, in one step for whoever reads it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class RunDirectory:
    """A run's files.

    Args:
        path: the directory. `create` makes a new one, `open` takes one that is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, settings: Mapping[str, Any]) -> RunDirectory:
        """A new run with these settings.

        Raises:
            InputError: the directory holds something already.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError("the run directory is not empty", path=path, hint="Give another --run_dir, or --resume this one.")
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        run.write_json("settings.json", settings)
        run.write_json("environment.json", environment())
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """The run at `path`.

        Raises:
            InputError: there is none.
        """
        if not (path / "settings.json").is_file():
            raise InputError("this is not a run directory: it has no settings.json", path=path, hint="`turret train` makes one.")
        return cls(path)

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes a JSON file."""
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.path / name, lambda path: path.write_text(text))

    def read_json(self, name: str) -> dict[str, Any]:
        """Reads a JSON file.

        Raises:
            InputError: it is missing or not JSON.
        """
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            raise InputError("the file is missing", path=self.path / name) from None
        except ValueError as error:
            raise InputError(f"this is not valid JSON ({error})", path=self.path / name) from None
        return content

    @property
    def settings(self) -> dict[str, Any]:
        """What was set."""
        return self.read_json("settings.json")

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / "result.json").is_file()

    def log(self, record: Mapping[str, Any]) -> None:
        """Appends a round's measures to metrics.jsonl."""
        with (self.path / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")

    def rounds(self) -> list[dict[str, Any]]:
        """The rounds of metrics.jsonl; a last line cut off by a crash does not count."""
        path = self.path / "metrics.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.is_file() else []
        return [json.loads(line) for line in lines]

    def forget_rounds_after(self, last: int) -> None:
        """Removes from metrics.jsonl the rounds that a resumed run will do again."""
        kept = [json.dumps(record) + "\n" for record in self.rounds() if record["round"] <= last]
        write_atomically(self.path / "metrics.jsonl", lambda path: path.write_text("".join(kept)))

    def save(self, model: nn.Module, procedure: Mapping[str, Tensor], standing: Mapping[str, Any], best: Mapping[str, Tensor]) -> None:
        """Keeps the best parameters, and everything that is needed to go on from here.

        A crash between the two files leaves a `best` that is ahead of `last`; the rounds done again then come to the same best.
        """
        tensors = {MODEL + name: value for name, value in model.state_dict().items()}
        tensors.update({PROCEDURE + name: value for name, value in procedure.items()})
        self._save("best.safetensors", best, {})
        self._save("last.safetensors", tensors, standing)

    def best(self) -> dict[str, Tensor]:
        """The best parameters.

        Raises:
            InputError: there are none, or they cannot be read.
        """
        return self._load("best.safetensors")[0]

    def load_best(self, model: nn.Module) -> None:
        """Gives the model the best parameters.

        Raises:
            InputError: there are none, they cannot be read, or they do not fit.
        """
        self._load_into(model, self.best())

    def load_last(self, model: nn.Module) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Gives the model its last parameters; returns the procedure's state and the standing, or None where no round was finished."""
        if not (self.path / "last.safetensors").is_file():
            return None
        tensors, standing = self._load("last.safetensors")
        self._load_into(model, {name[len(MODEL) :]: value for name, value in tensors.items() if name.startswith(MODEL)})
        return {name[len(PROCEDURE) :]: value for name, value in tensors.items() if name.startswith(PROCEDURE)}, standing

    def _save(self, name: str, tensors: Mapping[str, Tensor], standing: Mapping[str, Any]) -> None:
        kept = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        metadata = {"standing": json.dumps(standing)}
        write_atomically(self.path / name, lambda path: safetensors.torch.save_file(kept, path, metadata))

    def _load(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
        path = self.path / name
        if not path.is_file():
            raise InputError("the checkpoint is missing", path=path, hint="The run stopped before its first one: train again.")
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                standing = json.loads((file.metadata() or {}).get("standing", "{}"))
                return {key: file.get_tensor(key) for key in file.keys()}, standing  # noqa: SIM118
        except safetensors.SafetensorError as error:
            raise InputError(f"the checkpoint cannot be read ({error})", path=path) from None

    def _load_into(self, model: nn.Module, state: Mapping[str, Tensor]) -> None:
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            message = "the checkpoint does not fit the model: " + str(error).splitlines()[-1].strip()
            raise InputError(message, path=self.path, hint="Was the prepared dataset or the configuration changed?") from None


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
