"""How the losses of several tasks become one. Each takes the losses [T] and the weights of the last layer that the tasks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Balancing = Literal["sum", "uncertainty", "gradnorm"]


class Sum(nn.Module):
    """sum over tasks of L_t."""

    def forward(self, losses: Tensor, shared: Sequence[Tensor]) -> Tensor:
        """[T] -> a scalar."""
        return losses.sum()


class Uncertainty(nn.Module):
    """sum over tasks of exp(-s_t) L_t + s_t / 2, with a learnt s_t = log sigma_t^2 that begins at 0.

    A. Kendall, Y. Gal, R. Cipolla. "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and Semantics." CVPR 2018,
    equation 10: for classification the factor of the loss is 1 / sigma^2, and log sigma is added.

    Args:
        tasks: T.
    """

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(tasks))

    def forward(self, losses: Tensor, shared: Sequence[Tensor]) -> Tensor:
        """[T] -> a scalar."""
        return (torch.exp(-self.log_variance) * losses + self.log_variance / 2).sum()


class GradNorm(nn.Module):
    """Weights w_t, summing to T, that bring the tasks' gradients to a common size and let slow tasks have larger ones.

        minimise over w   sum over t of |G_t - mean(G) r_t^alpha|_1,    G_t = |grad_W (w_t L_t)|_2
        r_t = (L_t / L_t(0)) / mean over tasks of it

    Z. Chen, V. Badrinarayanan, C.-Y. Lee, A. Rabinovich. "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask
    Networks." ICML 2018, equations 1 and 2, algorithm 1.

    Deviations: the weights are T softmax(v) with a learnt v, which keeps their sum at T without dividing after each step; they
    are learnt by the optimizer of the model, with its learning rate.

    Args:
        tasks: T.
        alpha: strength with which training rates are brought together.
    """

    first: Tensor

    def __init__(self, tasks: int, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.logits = nn.Parameter(torch.zeros(tasks))
        self.register_buffer("first", torch.zeros(tasks))

    def forward(self, losses: Tensor, shared: Sequence[Tensor]) -> Tensor:
        """[T] -> a scalar. Its value is the weighted sum of the losses; the balancing term is in its gradient alone."""
        weights = len(self.logits) * torch.softmax(self.logits, dim=0)
        total = (weights.detach() * losses).sum()
        if not torch.is_grad_enabled():
            return total
        norms = torch.stack([_norm(torch.autograd.grad(loss, list(shared), retain_graph=True)) for loss in losses])
        with torch.no_grad():
            self.first.copy_(torch.where(self.first == 0, losses, self.first))
            rate = losses / self.first
            target = (weights * norms).mean() * (rate / rate.mean()) ** self.alpha
        apart = (weights * norms - target).abs().sum()
        return total + apart - apart.detach()


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm of several gradients together, those of tables among them, which name the rows that they have."""
    values = [each.coalesce().values() if each.is_sparse else each for each in gradients]
    return torch.cat([each.flatten() for each in values]).norm()  # type: ignore[no-any-return]


def balance(how: Balancing, tasks: int, alpha: float) -> nn.Module:
    """The rule of that name; `alpha` is GradNorm's."""
    rules: dict[Balancing, nn.Module] = {"sum": Sum(), "uncertainty": Uncertainty(tasks), "gradnorm": GradNorm(tasks, alpha)}
    return rules[how]
