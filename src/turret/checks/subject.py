"""What is checked: a prepared dataset, with what several checks need of it computed once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from turret.checks.config import Check
from turret.core.contracts import Catalogue
from turret.core.interactions import FloatArray, IntArray, Interactions
from turret.core.seeds import numpy_generator
from turret.data.config import Cleaning
from turret.data.prepared import TEST, TRAIN, Part, Prepared
from turret.evaluation import intervals
from turret.evaluation.catalogue import as_catalogue
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Evaluated
from turret.evaluation.evaluator import Evaluator
from turret.evaluation.questions import Questions, ask
from turret.models import catalogue

METRICS = ("recall@10", "ndcg@10", "hit@10")
CELLS = 400_000_000
"""Scores that one measurement may take, users times items, ..."""
LEAST_USERS = 500
"""... though not at the cost of fewer users than this."""
ROWS = 1_000_000
"""Training rows that item neighbours and order are learnt from; of more, those of users drawn."""
SAMPLES = 1000
"""Bootstrap samples behind an interval."""


class Subject:
    """A dataset under examination.

    Args:
        prepared: the dataset.
        config: what was set.
        cleaning: how it was cleaned.

    Attributes:
        prepared, config, cleaning: as given.
    """

    def __init__(self, prepared: Prepared, config: Check, cleaning: Cleaning) -> None:
        self.prepared, self.config, self.cleaning = prepared, config, cleaning

    @property
    def lacking(self) -> str:
        """Why there is no question of who chooses what; empty where there is."""
        if not self.prepared.n_users or not self.prepared.n_items:
            return f"the log has no {'items' if self.prepared.n_users else 'users'}"
        if not len(self.train):
            return "the training part has no choices"
        return "" if len(self.test) else "the test part is empty"

    @property
    def unasked(self) -> str:
        """Why no list of recommendations can be measured; empty where one can."""
        return self.lacking or ("" if len(self.questions) else "every right item of the test was known before, so nothing is asked")

    @cached_property
    def train(self) -> Interactions:
        """The choices of the training part, in memory."""
        return in_memory(self.prepared.train)

    @cached_property
    def test(self) -> Interactions:
        """The choices of the test part, in memory."""
        return in_memory(self.prepared.chosen(TEST))

    @cached_property
    def questions(self) -> Questions:
        """What the whole test asks, without repeat consumption."""
        return ask(self.prepared, TEST)

    @cached_property
    def sampled(self) -> Prepared:
        """The dataset with the test users whose lists are measured."""
        return self.fewer_users(self.prepared)

    @cached_property
    def popularity(self) -> Catalogue:
        """Fitted on the training part."""
        return solved("popularity", self.prepared, self.train)

    @cached_property
    def neighbours(self) -> Catalogue:
        """Fitted on the training part, or on that of some of its users."""
        return solved("itemknn", self.prepared, fewer_rows(self.train, ROWS, self.generator("rows")))

    @cached_property
    def of_popularity(self) -> Evaluated:
        """What popularity reaches."""
        return self.measured(self.popularity)

    @cached_property
    def of_neighbours(self) -> Evaluated:
        """What item neighbours reach."""
        return self.measured(self.neighbours)

    def measured(self, model: Catalogue, dataset: Prepared | None = None, *, repeat_consumption: bool = False) -> Evaluated:
        """What a model reaches on the test users of a dataset, by default those of this one."""
        config = Evaluation(test_metrics=METRICS, bootstrap_samples=0, by_group=False, repeat_consumption=repeat_consumption)
        return Evaluator(dataset or self.sampled, TEST, config)(model)

    def interval(self, values: FloatArray) -> tuple[float, float]:
        """The 95 % interval of a mean over users."""
        return intervals.of_means({"mean": values}, SAMPLES, self.config.seed)["mean"]

    def generator(self, *names: str | int) -> np.random.Generator:
        """The stream of random numbers for one purpose."""
        return numpy_generator(self.config.seed, "check", *names)

    def fewer_users(self, dataset: Prepared) -> Prepared:
        """A dataset with no more test users than may be measured, and with the rows of no others where there are more."""
        test = in_memory(dataset.chosen(TEST))
        users = np.unique(test.user)
        most = min(self.config.max_users, max(LEAST_USERS, CELLS // max(1, dataset.n_items)))
        if len(users) <= most:
            return dataset
        chosen = np.zeros(test.n_users, dtype=bool)
        chosen[self.generator("users").choice(users, most, replace=False)] = True
        logs = {name: in_memory(dataset.interactions(name).choices) for name in dataset.parts}
        return replace(dataset, parts={name: Part(log.take(chosen[log.user])) for name, log in logs.items()})

    @property
    def notes(self) -> Iterable[str]:
        """What was measured on less than all there is."""
        if self.unasked:
            return
        asked = len(np.unique(self.test.user))
        measured = len(np.unique(self.sampled.chosen(TEST).user))
        if measured < asked:
            yield f"lists were measured for {measured:,} of {asked:,} test users, drawn (max_users); rows were counted in full"
        if len(self.train) > ROWS:
            yield f"item neighbours and order were learnt from about {ROWS:,} of {len(self.train):,} training rows, those of users drawn"


def fewer_rows(log: Interactions, most: int, generator: np.random.Generator) -> Interactions:
    """The rows of so many users, drawn, that there are at most `most`; all of them where there are no more, and at least one user's."""
    if len(log) <= most:
        return log
    lengths = np.bincount(log.user, minlength=log.n_users)
    order = generator.permutation(log.n_users)
    chosen = np.zeros(log.n_users, dtype=bool)
    chosen[order[: max(1, int(np.searchsorted(np.cumsum(lengths[order]), most, side="right")))]] = True
    return log.take(chosen[log.user])


def in_memory(log: Interactions) -> Interactions:
    """The same with arrays in memory, which are read often."""
    names = ("user", "item", "time", "rating", "label", "weight")
    columns: dict[str, Any] = {name: None if (column := getattr(log, name)) is None else np.asarray(column) for name in names}
    return replace(log, **columns)


def with_parts(dataset: Prepared, train: Interactions, test: Interactions) -> Prepared:
    """A dataset that is divided otherwise: what is known, and what is asked."""
    return replace(dataset, parts={TRAIN: Part(train), TEST: Part(test)})


def pairs(log: Interactions, width: int) -> IntArray:
    """int64 [n] one number for each pair of user and item, of `width` items."""
    return np.asarray(log.user).astype(np.int64) * width + np.asarray(log.item)


def solved(name: str, dataset: Prepared, train: Interactions) -> Catalogue:
    """A model of the catalogue with its defaults, solved on these rows of a dataset."""
    module = catalogue.load(name)
    config, known = module.Config(), replace(dataset, parts={TRAIN: Part(train)})
    model = module.build(config, known)
    for _ in module.recipe(config, known).fit(model, 0, torch.device("cpu")):
        pass
    model.eval()
    return as_catalogue(model)
