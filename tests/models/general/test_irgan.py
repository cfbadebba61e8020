"""IRGAN's two shares against what they estimate, summed over all items."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from turret.core.context import Context, Positives
from turret.core.contracts import Step
from turret.core.interactions import Interactions
from turret.losses.pointwise import against_zeros, binary_cross_entropy
from turret.models.general.irgan import IRGAN
from turret.sampling.seen import Seen
from turret.training.objectives.adversarial import Discriminating, Generating

TAKEN = {0: [1, 4], 1: [0, 2, 3]}


@pytest.fixture
def model() -> IRGAN:
    torch.manual_seed(0)
    model = IRGAN(n_users=2, n_items=6, embed_dim=3)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


@pytest.fixture
def epoch() -> Positives:
    """Every pair equally often, many times over."""
    pairs = torch.tensor([(user, item) for user, items in TAKEN.items() for item in items]).repeat(4000, 1)
    return Positives(Context(users=pairs[:, 0]), pairs[:, 1])


def seen() -> Seen:
    user, item = zip(*((user, item) for user, items in TAKEN.items() for item in items), strict=True)
    return Seen(Interactions(np.array(user, dtype=np.int32), np.array(item, dtype=np.int32), 2, 6))


def step(number: int = 0) -> Step:
    return Step(number, torch.Generator().manual_seed(1))


def both(model: IRGAN) -> tuple[torch.Tensor, torch.Tensor]:
    """The generator's log-probabilities and the discriminator's scores: [U, I] each."""
    logits, scores = (side.users.weight @ side.items.weight.T for side in (model.generator, model.discriminator))
    return (logits / 0.5).log_softmax(dim=1), scores


@pytest.mark.parametrize("positive_share", [0.0, 0.4])
def test_the_policy_gradient_is_that_of_the_expected_reward(model: IRGAN, epoch: Positives, positive_share: float) -> None:
    """Whatever the mixture that draws come from: its importance weights undo it."""
    Generating(seen(), draws=20, positive_share=positive_share, temperature=0.5)(model, epoch, step()).backward()
    parameters = list(model.generator.parameters())
    estimated = [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]
    log_p, scores = both(model)
    reward = (2 * torch.sigmoid(scores) - 1).detach()
    each = (log_p.exp() * reward).sum(dim=1)
    exact = torch.autograd.grad(-(each * torch.tensor([2.0, 3.0])).sum() / 5, parameters)
    assert len(estimated) == 2
    torch.testing.assert_close(estimated, list(exact), atol=0.01, rtol=0.05)
    assert all(parameter.grad is None for parameter in model.discriminator.parameters())


def test_it_begins_with_the_likelihood_of_right_items(model: IRGAN, epoch: Positives) -> None:
    log_p, _ = both(model)
    expected = -torch.cat([log_p[user, items] for user, items in TAKEN.items()]).mean()
    torch.testing.assert_close(Generating(seen(), temperature=0.5, warm_up=3)(model, epoch, step(2)), expected)
    assert Generating(seen(), temperature=0.5, warm_up=3)(model, epoch, step(3)) < expected / 2


def test_the_discriminator_meets_what_the_generator_draws(model: IRGAN, epoch: Positives) -> None:
    """Its own right item is never held against it, wherever it was drawn."""
    loss = Discriminating(against_zeros(binary_cross_entropy), temperature=0.5)(model, epoch, step())
    p, scores = both(model)[0].exp(), both(model)[1]
    expected = []
    for user, items in TAKEN.items():
        for right in items:
            wrong = torch.arange(6) != right
            against = (p[user] * torch.nn.functional.softplus(scores[user]))[wrong].sum()
            expected.append(torch.nn.functional.softplus(-scores[user, right]) + against)
    assert loss.item() == pytest.approx(torch.stack(expected).mean().item(), rel=0.02)
    loss.backward()
    assert all(parameter.grad is None for parameter in model.generator.parameters())
