"""Numbers that are none are told with step, batch and parameter, and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from turret.core.contracts import Step
from turret.core.errors import TurretError
from turret.training.config import Training
from turret.training.finite import is_finite, refuse_numbers_that_are_none
from turret.training.procedures import Gradient

CPU = torch.device("cpu")


class Twenty:
    """Twenty batches of a number each."""

    def steps(self) -> int:
        return 20

    def epoch(self, generator: torch.Generator) -> Iterator[Tensor]:
        return iter(torch.arange(20.0))


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.slope, self.shift = nn.Parameter(torch.ones(3, 2)), nn.Parameter(torch.zeros(()))


def descent(objective: Callable[[Line, Tensor, Step], Tensor], **said: object) -> Gradient:
    return Gradient(Twenty(), objective, Training(**{"learner": "sgd", "learning_rate": 0.001, "epochs": 3, **said}))  # type: ignore[arg-type]


@pytest.mark.parametrize("round_steps", [None, 7])
def test_step_and_batch_of_a_loss_that_is_none(round_steps: int | None) -> None:
    def objective(model: Line, batch: Tensor, step: Step) -> Tensor:
        loss = model.slope.sum() + model.shift
        return loss * float("nan") if step.number == 33 else loss

    model = Line()
    steps: list[int] = []
    with pytest.raises(TurretError, match=r"epoch 2, step 34 \(batch 14 of 20\): the training loss is nan") as caught:
        list(descent(objective, round_steps=round_steps).fit(model, 1, CPU, lambda: steps.append(1)))
    assert len(steps) == 33
    assert "the parameter slope is finite, but its gradient holds 6 of 6 values that are not finite" in str(caught.value)
    assert "Checkpoints from before stay" in str(caught.value)


def test_the_step_that_goes_wrong_changes_nothing() -> None:
    def objective(model: Line, batch: Tensor, step: Step) -> Tensor:
        return model.slope.sum() / (step.number < 5)

    model = Line()
    with pytest.raises(TurretError, match="step 6"):
        list(descent(objective).fit(model, 1, CPU))
    torch.testing.assert_close(model.slope, torch.full((3, 2), 1 - 5 * 0.001))


def test_the_parameter_that_was_lost_before_is_named() -> None:
    def objective(model: Line, batch: Tensor, step: Step) -> Tensor:
        if step.number == 9:
            with torch.no_grad():
                model.slope[2, 1] = torch.inf
        return model.slope.sum() + model.shift

    with pytest.raises(TurretError, match=r"the parameter slope holds 1 of 6 values that are not finite, the first in row 2") as caught:
        list(descent(objective).fit(Line(), 1, CPU))
    assert "step 10 (batch 10 of 20): the training loss is inf" in str(caught.value)


def test_a_loss_that_overflows_by_itself() -> None:
    with pytest.raises(TurretError, match="All parameters are finite"):
        list(descent(lambda model, batch, step: torch.tensor(torch.inf) + 0 * model.shift.detach()).fit(Line(), 1, CPU))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["slope", "shift"])
def test_a_model_with_a_number_that_is_none_is_refused(value: float, name: str) -> None:
    model = Line()
    refuse_numbers_that_are_none(model, "now")
    with torch.no_grad():
        getattr(model, name).view(-1)[-1] = value
    with pytest.raises(TurretError, match=f"the parameter {name} holds 1 of"):
        refuse_numbers_that_are_none(model, "now")


def test_a_sum_that_overflows_is_no_reason() -> None:
    assert is_finite(torch.full((10,), 3e38)) and is_finite(torch.tensor([1, 2])) and is_finite(torch.empty(0))
    assert not is_finite(torch.tensor([3e38, 3e38, float("nan")]))
