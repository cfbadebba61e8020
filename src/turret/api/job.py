"""A job: all that is set about one training, from four sources.

Each outweighs the one before: the model's defaults, the dataset's, a YAML file, and what was given on the command line or in Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from turret.api import yaml_file
from turret.api.datasets import data_section
from turret.api.options import Section, Setting, Settings, UnknownOptionError, flatten
from turret.core.errors import InputError
from turret.data.config import DataConfig
from turret.evaluation.config import Evaluation
from turret.models import catalogue
from turret.training.composition import Composition


class Subject(BaseModel):
    """What to train on what."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    model: str
    """Name of the model; `turret models` lists them."""
    dataset: str
    """Name of a known dataset (`turret data list`), or the path of a log, of a folder with one, or of a YAML file that describes one."""


def _present(device: str) -> str:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"this machine has no device {device!r}: {str(error).splitlines()[0]}") from None
    return device


class Running(BaseModel):
    """Where and how a run happens."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: int = Field(default=2026, ge=0)
    """Of everything that the run draws; the same seed gives the same result."""
    device: Annotated[str, AfterValidator(_present)] = "cpu"
    """Where tensors live: cpu, cuda, cuda:1."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of torch and of the kernels; none leaves the choice to them."""
    deterministic: bool = False
    """Gives the same bits for any number of threads: torch and BLAS then have one, and only the kernels have more. Slower."""
    run_dir: Path | None = None
    """Folder of the run; none makes a new one under runs/."""
    data_dir: Path | None = None
    """Folder that holds dataset folders, looked into before TURRET_DATA and the user's cache."""


MOST = 6
"""Models that are named one by one where an option is theirs."""

SUBJECT = Section("What", Subject)
RUNNING = Section("The run", Running)
EVALUATION = Section("Evaluation", Evaluation, ("evaluation",))


@dataclass(frozen=True)
class Job:
    """One training, fully said.

    Attributes:
        model: its name in the catalogue.
        dataset: its name or path.
        config: the model's own config.
        data: how the dataset is read, cleaned and split.
        evaluation: how it is validated and tested.
        running: seed, device, folders.
    """

    model: str
    dataset: str
    config: BaseModel
    data: DataConfig
    evaluation: Evaluation
    running: Running

    def nested(self) -> dict[str, Any]:
        """As a YAML file would say it, every default written out."""
        return {
            "model": self.model,
            "dataset": self.dataset,
            **self.running.model_dump(mode="json", exclude={"run_dir"}),
            **self.config.model_dump(mode="json"),
            "data": self.data.model_dump(mode="json"),
            "evaluation": self.evaluation.model_dump(mode="json"),
        }


def model_section(name: str) -> Section[Any]:
    """The options of one model.

    Raises:
        InputError: no model has that name.
    """
    module = catalogue.load(name)
    return Section(f"Model {short(module)}", module.Config)


def short(module: ModuleType) -> str:
    """The name of the model in a file."""
    return module.__name__.rpartition(".")[2]


def sections(model: str, defaults: DataConfig | None = None) -> tuple[Section[Any], ...]:
    """All that can be set about training `model`, on a dataset with these defaults."""
    return (SUBJECT, model_section(model), RUNNING, data_section(defaults), EVALUATION)


def model_of(given: str | None, file: Path | None) -> str:
    """The model's name: as given, or as the file says.

    Raises:
        InputError: neither says it.
    """
    name = given or (yaml_file.scalar(yaml_file.read(file), "model") if file else None)
    if not name:
        raise InputError("no model is named", path=file, hint="`turret train MODEL DATASET` names one; `turret models` lists them.")
    return name


def gather(model: str, given: Settings, file: Path | None) -> Settings:
    """What was given, over what a YAML file says.

    Args:
        model: its name.
        given: from the command line or Python.
        file: the YAML file, or None.

    Raises:
        InputError: no such model; an unknown key in the file.
    """
    name = short(catalogue.load(model))
    with options_of(name):
        from_file = yaml_file.settings(yaml_file.read(file), file, flatten(sections(name)).values()) if file else {}
    return {**from_file, **given, ("model",): Setting(name, "model")}


def compose(settings: Settings, defaults: DataConfig | None = None) -> Job:
    """The job that `gather` gave the settings of, on a dataset with these defaults.

    Raises:
        InputError: a value is refused, or one is missing.
    """
    subject = SUBJECT.build(settings)
    config = model_section(subject.model).build(settings)
    _refuse_idle(config, settings)
    return Job(
        subject.model,
        subject.dataset,
        config,
        data_section(defaults).build(settings),
        EVALUATION.build(settings),
        RUNNING.build(settings),
    )


def _refuse_idle(config: BaseModel, settings: Settings) -> None:
    """Refuses what was given on the command line or in Python and does nothing beside the rest. Files may say more than matters, as the
    settings of a run do.

    Raises:
        InputError: there is such a setting.
    """
    for name, nested in config:
        idle = nested.idle() if isinstance(nested, Composition) else {}
        for field, reason in idle.items():
            setting = settings.get((name, field))
            if setting is not None and setting.path is None:
                raise InputError(f"{setting.name} does nothing here: {reason}", hint="Leave it out.")


@contextmanager
def options_of(model: str) -> Iterator[None]:
    """Where an option of other models is given to this one, says so.

    Raises:
        InputError: in place of an `UnknownOptionError`.
    """
    try:
        yield
    except UnknownOptionError as error:
        others = [name for name in catalogue.MODELS if error.option in flatten((model_section(name),))]
        if not others or model in others:
            raise
        named = ", ".join(others[:MOST]) + (f" and {len(others) - MOST} others" if len(others) > MOST else "")
        hint = f"{named} {'have' if len(others) > 1 else 'has'} it; `turret models {model}` lists those of {model}"
        raise InputError(f"{model} has no option {error.option}", path=error.path, line=error.line, hint=hint) from None
