"""torch's optimizers behind the two things that a procedure asks of one: a step, and a memory that can be stored."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.optim import Optimizer


class Dense:
    """A torch optimizer.

    Args:
        optimizer: with all its parameters.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer

    def step(self, learning_rate: float) -> None:
        """One update of every parameter that has a gradient."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()

    def state(self) -> dict[str, Tensor]:
        """What the optimizer remembers of each parameter, as `index.name`."""
        remembered = self.optimizer.state_dict()["state"]
        return {f"{index}.{name}": value for index, state in remembered.items() for name, value in state.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        remembered: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            index, name = key.split(".", 1)
            remembered.setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict({"state": remembered, "param_groups": self.optimizer.state_dict()["param_groups"]})
