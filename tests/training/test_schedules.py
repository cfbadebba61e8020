"""The schedules against torch's."""

from __future__ import annotations

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from turret.training.config import Training
from turret.training.schedules import learning_rate

LOSSES = [1.0, 0.9, 0.95, 0.95, 0.94, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86]


@pytest.mark.parametrize("name", ["none", "exponential", "cosine", "step", "plateau"])
def test_equals_torch(name: str) -> None:
    training = Training(learning_rate=0.1, epochs=12, scheduler=name, scheduler_gamma=0.5, scheduler_step=3)
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = {
        "none": lambda: lr_scheduler.ConstantLR(optimizer, factor=1.0),
        "exponential": lambda: lr_scheduler.ExponentialLR(optimizer, 0.5),
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(optimizer, 12),
        "step": lambda: lr_scheduler.StepLR(optimizer, 3, 0.5),
        "plateau": lambda: lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, threshold=0.0),
    }[name]()
    for epoch in range(12):
        assert learning_rate(training, epoch, LOSSES[:epoch]) == pytest.approx(optimizer.param_groups[0]["lr"]), epoch
        optimizer.step()
        scheduler.step(*([LOSSES[epoch]] if name == "plateau" else []))


def test_cosine_over_the_rounds_of_all_epochs_ends_near_nothing() -> None:
    training = Training(learning_rate=0.1, epochs=1, scheduler="cosine", round_steps=10)
    rates = [learning_rate(training, number, [], rounds=8) for number in range(8)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 0.1 and rates[4] == pytest.approx(0.05) and rates[-1] < 0.005
