"""A GRU4Rec and the items that it knows: trained on a log of sessions, measured on another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from turret.api.gru4rec.parameters import MODEL
from turret.api.run import blank
from turret.core.contracts import Progress
from turret.core.errors import InputError
from turret.core.interactions import Interactions
from turret.data.prepared import TRAIN, Entities, Part, Prepared
from turret.data.sessions import Rows
from turret.data.vocabulary import Vocabulary
from turret.evaluation.config import Ties
from turret.evaluation.next_item import NextItem, next_item
from turret.models import catalogue


@dataclass(frozen=True)
class Fitted:
    """A trained model.

    Attributes:
        config: its settings.
        model: at rest, on its device.
        items: the token of each item.
    """

    config: Any
    model: nn.Module
    items: Vocabulary


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to.

    Attributes:
        progress: its number, loss and seconds.
        batches: mini-batches.
        events: events that were predicted.
    """

    progress: Progress
    batches: int
    events: int


def fit(rows: Rows, config: Any, seed: int, device: torch.device, report: Callable[[Epoch], None]) -> Fitted:
    """Trains a model.

    Args:
        rows: a log.
        config: the model's.
        seed: of all that is drawn.
        device: where it is trained.
        report: is told of each epoch.

    Raises:
        InputError: no session has two events.
        TurretError: the loss is no longer a number.
    """
    log = rows.log
    _two_events(log, rows.path, "to learn from")
    parts = {TRAIN: Part(log)}
    prepared = Prepared(rows.path.stem, log.n_users, log.n_items, Entities(rows.sessions), Entities(rows.items), parts)
    model = blank(MODEL, config, prepared, seed).to(device)
    procedure = catalogue.load(MODEL).recipe(config, prepared)
    for progress in procedure.fit(model, seed, device):
        report(Epoch(progress, procedure.batches.steps(), procedure.batches.events))
    return Fitted(config, model.eval(), rows.items)


def measure(fitted: Fitted, rows: Rows, cutoffs: Sequence[int], ties: Ties) -> NextItem:
    """Recall and MRR of predicting each event but the first of its session.

    Args:
        fitted: the model.
        rows: a log of items that it knows.
        cutoffs: lengths of the lists.
        ties: where an item counts that others are equal to.

    Raises:
        InputError: nothing is left to predict.
        TurretError: a score is no number.
    """
    log = rows.log
    _two_events(log, rows.path, "that training saw: there is nothing to predict")
    # The authors' code stops measuring, as it stops training, when in-batch negatives would be too few.
    least = 2 if fitted.config.official_quirks and not fitted.config.n_sample else 1
    measured = next_item(fitted.model, log, cutoffs, ties, least=least)
    if not measured.events:
        raise InputError("nothing is predicted: official_quirks ends a measurement when one session is left", path=rows.path)
    return measured


def _two_events(log: Interactions, path: Path, purpose: str) -> None:
    if not len(log) or int(log.by_user.lengths.max()) < 2:
        raise InputError(f"no session has two events {purpose}", path=path)
