"""A run, opened: its settings, its dataset, its model and its results."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from turret.api.dataset_file import located
from turret.api.job import Job, compose, gather, model_of
from turret.batches.impressions import ImpressionBuilder
from turret.core.contracts import Catalogue, Ranker
from turret.core.errors import InputError
from turret.core.seeds import derive
from turret.data.prepare import opened_or_nothing, prepare, settled
from turret.data.prepared import Prepared
from turret.evaluation.catalogue import as_catalogue, at_rest
from turret.evaluation.evaluated import Evaluated
from turret.models import catalogue
from turret.models.ranking.score_all import RankerCatalogue
from turret.training.finite import refuse_numbers_that_are_none
from turret.training.run_directory import SETTINGS, RunDirectory


class Run:
    """A run directory and what it holds. Dataset and model are opened when they are first asked for.

    Args:
        directory: the run's files.
        job: what was set.
        prepared: its dataset, where that is open already.
        model: the fitted model, where that is at hand already.
    """

    def __init__(self, directory: RunDirectory, job: Job, prepared: Prepared | None = None, model: nn.Module | None = None) -> None:
        self.directory, self.job = directory, job
        if prepared is not None:
            self.prepared = prepared
        if model is not None:
            self.model = model

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.job.model} on {self.job.dataset})"

    @property
    def path(self) -> Path:
        """Of its directory."""
        return self.directory.path

    @property
    def device(self) -> torch.device:
        """Where its model lives."""
        return torch.device(self.job.running.device)

    @cached_property
    def result(self) -> dict[str, Any]:
        """The final figures under flat names, such as `test.recall@10`.

        Raises:
            InputError: the run has not finished.
        """
        if not self.directory.finished:
            raise InputError("the run has not finished", path=self.path, hint=f"turret train --resume {self.path} goes on with it")
        return self.directory.result

    @cached_property
    def tested(self) -> Evaluated:
        """What the test found, for each user too.

        Raises:
            InputError: the run has not finished.
        """
        _ = self.result
        return Evaluated.load(self.directory.tested)

    @property
    def source(self) -> Path:
        """The log or folder that the dataset was prepared from."""
        return self.directory.dataset.source

    @property
    def seconds_prepared(self) -> float:
        """How long preparing the dataset took."""
        return self.directory.dataset.seconds

    @cached_property
    def prepared(self) -> Prepared:
        """The dataset it was trained on.

        Raises:
            InputError: it is neither where it was nor can be made again, or its source has changed since.
        """
        prepared = self._as_prepared() or self._prepared_again()
        if prepared.hash != self.directory.dataset.hash:
            raise InputError("the dataset is no longer the one this run was trained on", path=self.path, hint="Train again.")
        return prepared

    def _as_prepared(self) -> Prepared | None:
        """The dataset from where it was prepared; None where it no longer is, or is damaged."""
        prepared = opened_or_nothing(self.directory.dataset.path)
        return None if prepared is None else settled(prepared, self.job.data)

    def _prepared_again(self) -> Prepared:
        found = self.source if self.source.exists() else located(self.job.dataset, self.job.running.data_dir).path
        return prepare(found, self.job.data, threads=self.job.running.threads)

    @cached_property
    def catalogue(self) -> Catalogue:
        """Its model as what scores every item.

        Raises:
            UnsupportedError: it ranks impressions by what no request tells.
        """
        with at_rest(self.model):
            if isinstance(self.model, Ranker):
                return RankerCatalogue(self.model, ImpressionBuilder(self.prepared, self.device), self.prepared.n_items)
            return as_catalogue(self.model)

    @cached_property
    def model(self) -> nn.Module:
        """The model with its best parameters, ready to answer.

        Raises:
            TurretError: they are not finite numbers.
        """
        model = blank(self.job.model, self.job.config, self.prepared, self.job.running.seed)
        self.directory.load_best(model, _warned)
        refuse_numbers_that_are_none(model, f"{self.path} cannot answer:", "Train again, with a smaller learning_rate.")
        return model.to(self.device).eval()


def blank(name: str, config: Any, prepared: Prepared, seed: int) -> nn.Module:
    """The model of that name before training; the same seed gives the same parameters."""
    torch.manual_seed(derive(seed, "parameters"))
    build: Callable[[Any, Prepared], nn.Module] = catalogue.load(name).build
    return build(config, prepared)


def _warned(text: str) -> None:
    warnings.warn(text, stacklevel=2)


def load(path: str | Path) -> Run:
    """Opens the run in a directory.

    Raises:
        InputError: there is none.
    """
    directory = RunDirectory.open(Path(path))
    file = directory.path / SETTINGS
    return Run(directory, compose(gather(model_of(None, file), {}, file)))


def opened(run: str | Path | Run) -> Run:
    """A run given by its directory or as itself."""
    return run if isinstance(run, Run) else load(run)
