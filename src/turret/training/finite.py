"""Numbers that are none: what to say of a loss or of parameters that are NaN or infinite, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from turret.core.errors import TurretError

ADVICE = "Try a smaller learning_rate, or set grad_clip_norm. Checkpoints from before stay as they are."


def is_finite(values: Tensor) -> bool:
    """Whether all values are finite; the sum tells it in one pass that makes nothing, but where it overflows by itself."""
    if not values.is_floating_point() or not values.numel():
        return True
    return math.isfinite(float(values.detach().sum())) or bool(torch.isfinite(values.detach()).all())


def refuse_numbers_that_are_none(model: nn.Module, when: str, advice: str = ADVICE) -> None:
    """Refuses a model of which a parameter or a buffer is not finite.

    Args:
        model: of any kind.
        when: for the message.
        advice: what to do about it.

    Raises:
        TurretError: names the first such parameter and its first such row.
    """
    for name, value in model.state_dict().items():
        if not is_finite(value):
            raise TurretError(f"{when} {_described(name, value)}\n  {advice}")


def lost(model: nn.Module, loss: Tensor, where: str) -> TurretError:
    """What to raise where the loss of a step is not finite, before the step has changed anything.

    Args:
        model: as it was when the loss was computed.
        loss: a scalar, with its graph.
        where: epoch, step and batch.
    """
    culprit = _first(model.named_parameters(), "holds") or _of_gradients(model, loss)
    return TurretError(f"{where}: the training loss is {float(loss.detach())}\n  {culprit}. {ADVICE}")


def _of_gradients(model: nn.Module, loss: Tensor) -> str:
    named = {name: value for name, value in model.named_parameters() if value.requires_grad}
    for value in named.values():
        value.grad = None
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    found: Mapping[str, Tensor] = {
        name: value.grad.coalesce().values() if value.grad.is_sparse else value.grad
        for name, value in named.items()
        if value.grad is not None
    }
    return _first(found.items(), "is finite, but its gradient holds") or "All parameters are finite: the loss itself overflowed"


def _first(values: Iterable[tuple[str, Tensor]], holds: str) -> str:
    return next((_described(name, value, holds) for name, value in values if not is_finite(value)), "")


def _described(name: str, value: Tensor, holds: str = "holds") -> str:
    bad = ~torch.isfinite(value.detach())
    row = int(bad.reshape(len(bad), -1).any(dim=1).nonzero()[0]) if value.dim() else 0
    return f"the parameter {name} {holds} {int(bad.sum()):,} of {bad.numel():,} values that are not finite, the first in row {row}"
