"""What rankers learn from impressions: the objective by hand, and calibration in spite of weights and dropped rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from turret.core.context import Impressions, Reads
from turret.core.contracts import Step
from turret.core.errors import InputError
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.losses.pointwise import binary_cross_entropy
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.objectives.pointwise import Pointwise

STEP = Step(0, torch.Generator())


class Constant(nn.Module):
    """One logit a task, the same for all impressions."""

    reads = Reads()
    tasks = ("click",)

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, impressions: Impressions) -> Tensor:
        return self.logits.expand(len(impressions), -1)


class Helped(Constant):
    """One that adds a penalty."""

    def guided(self, impressions: Impressions, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        return self(impressions), {"size": self.logits.square().sum()}


def batch(*labels: tuple[float, ...]) -> Impressions:
    return Impressions(
        torch.zeros(len(labels), 0, dtype=torch.int64), torch.zeros(len(labels), 0), {}, torch.tensor(labels, dtype=torch.float32)
    )


def test_by_hand() -> None:
    """Logits 1 and -2, offset 0.5, positives count three times: the tasks' means of -log p, added up."""
    shown = batch((1, 0), (0, 0))
    first = [3 * math.log(1 + math.exp(-1.5)), math.log(1 + math.exp(1.5))]
    second = [math.log(1 + math.exp(-1.5))] * 2
    found = Pointwise(binary_cross_entropy, positive_weight=3.0, offset=0.5)(Constant(1.0, -2.0), shown, STEP)
    assert found.item() == pytest.approx(sum(first) / 2 + sum(second) / 2, rel=1e-6)


def test_a_model_of_one_task_learns_the_first() -> None:
    found = Pointwise(binary_cross_entropy)(Constant(0.7), batch((1, 0), (1, 0)), STEP)
    assert found.item() == pytest.approx(math.log(1 + math.exp(-0.7)), rel=1e-6)


def test_penalties_have_their_factors() -> None:
    plain = Pointwise(binary_cross_entropy)(Constant(2.0), batch((1,)), STEP)
    helped = Pointwise(binary_cross_entropy, penalties={"size": 0.25})(Helped(2.0), batch((1,)), STEP)
    assert (helped - plain).item() == pytest.approx(1.0)


@pytest.mark.parametrize("said", [{}, {"negative_share": 0.2}, {"positive_weight": 4.0}, {"negative_share": 0.5, "positive_weight": 0.3}])
def test_predictions_are_those_of_the_log_whatever_training_weighs_and_drops(said: dict[str, float]) -> None:
    """Of 20,000 impressions a tenth is clicked; a model of one number learns its logit."""
    n = 20_000
    label = (np.arange(n) % 10 == 0).astype(np.float32)
    names = Entities(Vocabulary.of(["only"]))
    log = Interactions(np.zeros(n, np.int32), np.zeros(n, np.int32), 1, 1, label=label)
    prepared = Prepared("tenth", 1, 1, names, names, {"train": Part(log)})
    model = Constant(0.0)
    training = Training(learner="sgd", learning_rate=2.0, epochs=12, batch_size=400, scheduler="cosine")
    for _ in from_clicks(prepared, training, Clicks(**said)).fit(model, 1, torch.device("cpu")):
        pass
    assert torch.sigmoid(model.logits).item() == pytest.approx(0.1, abs=0.003)


def test_weights_are_for_answers() -> None:
    with pytest.raises(ValidationError, match="not for the loss square"):
        Clicks(loss="square", negative_share=0.5)


def test_answers_are_zero_or_one() -> None:
    names = Entities(Vocabulary.of(["only"]))
    log = Interactions(np.zeros(3, np.int32), np.zeros(3, np.int32), 1, 1, label=np.array([0, 1, 2], dtype=np.float32))
    prepared = Prepared("rated", 1, 1, names, names, {"train": Part(log)})
    with pytest.raises(InputError, match="label is something else in 1 rows, such as 2"):
        from_clicks(prepared, Training(), Clicks())
    from_clicks(prepared, Training(), Clicks(loss="square"))
