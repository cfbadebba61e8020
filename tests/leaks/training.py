"""Short trainings without validation, and what they leave."""

from __future__ import annotations

from itertools import islice
from types import ModuleType
from typing import Any

import torch
from torch import nn

from turret.api.testing import evaluator_of
from turret.core.contracts import Procedure, Recurrent
from turret.core.errors import InputError
from turret.core.seeds import derive
from turret.data.prepared import VALID, Prepared
from turret.evaluation.config import Evaluation
from turret.training.config import Training

from .what_training_sees import Plain, plain

ROUNDS = 2


def settings_of(file: ModuleType, **said: Any) -> Any:
    """A model's defaults, for batches that a small log has several of."""
    config = file.Config(**said)
    if not isinstance(getattr(config, "training", None), Training):
        return config
    return config.model_copy(update={"training": config.training.model_copy(update={"epochs": ROUNDS, "batch_size": 16})})


def trained(file: ModuleType, prepared: Prepared, **said: Any) -> tuple[nn.Module, Plain]:
    """A model after two rounds; and all its parameters and buffers, and all that its procedure remembers."""
    config = settings_of(file, **said)
    torch.manual_seed(derive(1, "build"))
    model: nn.Module = file.build(config, prepared)
    procedure: Procedure = file.recipe(config, prepared)
    for _ in islice(procedure.fit(model, 1, torch.device("cpu")), ROUNDS):
        pass
    remembered = {f"procedure.{name}": value for name, value in procedure.state().items()}
    return model, dict(plain(dict(model.state_dict()) | dict(model.named_buffers()) | remembered))


def validated(model: nn.Module, prepared: Prepared) -> Plain:
    """All measures of the validation part."""
    protocols = ("full", "popularity", "next_item_known") if isinstance(model, Recurrent) else ("full",)
    measures: Plain = {}
    for protocol in protocols:
        try:
            evaluator = evaluator_of(model, prepared, VALID, Evaluation(protocol=protocol, eval_negative_count=3))
        except InputError as error:
            assert "asks for nothing" in str(error)
            continue
        measures |= {f"{protocol}.{name}": value for name, value in evaluator.measures(model).items()}
    return measures
