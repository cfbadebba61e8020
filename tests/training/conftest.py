"""What tests of optimizers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor


class Elsewhere:
    """A CPU tensor that says it lies elsewhere, so that a rule takes its other path."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor, self.device = tensor, torch.device("meta")

    def __getitem__(self, rows: Tensor) -> Tensor:
        return self.tensor[rows]

    def __setitem__(self, rows: Tensor, values: Tensor) -> None:
        self.tensor[rows] = values


@pytest.fixture(scope="session")
def as_if_elsewhere() -> Callable[[Tensor], Any]:
    return Elsewhere
