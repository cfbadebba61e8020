from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from turret.batches.users import Users
from turret.core.context import Context, History
from turret.core.contracts import Step
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.general.multidae import Config, MultiDAE, recipe
from turret.scorers.dot import Dot
from turret.training.config import Training

HISTORIES = [[0, 3, 4], [1], [2, 5, 6, 0]]
N_ITEMS, LATENT = 7, 3


@pytest.fixture
def model() -> MultiDAE:
    torch.manual_seed(0)
    return MultiDAE(N_ITEMS, LATENT, 0.5, Dot()).double()


@pytest.fixture
def prepared() -> Prepared:
    user = np.repeat(np.arange(3), [len(items) for items in HISTORIES])
    train = Interactions(user, np.array([item for items in HISTORIES for item in items]), 3, N_ITEMS)
    return Prepared("test", 3, N_ITEMS, *(Entities(Vocabulary.of(map(str, range(n)))) for n in (3, N_ITEMS)), {"train": Part(train)})


def dense_pass(model: MultiDAE, x: Tensor, kept: Tensor) -> Tensor:
    """Logits [B, I] of rows of I numbers through torch's own layers; `kept` is what dropout multiplies by."""
    z = torch.tanh(F.linear(F.normalize(x, dim=1) * kept, model.encoder.weights.weight.T, model.encoder.bias))
    return F.linear(z, model.items.weight[:, :-1], model.items.weight[:, -1])


def multi_hot() -> Tensor:
    x = torch.zeros(len(HISTORIES), N_ITEMS, dtype=torch.float64)
    for row, items in enumerate(HISTORIES):
        x[row, items] = 1
    return x


def test_scores_are_those_of_the_dense_network(model: MultiDAE) -> None:
    items = torch.tensor([items + [0] * (4 - len(items)) for items in HISTORIES])
    mask = torch.tensor([[step < len(row) for step in range(4)] for row in HISTORIES])
    encoded = model.eval().encode()
    scores = model.scorer.all(model.query(Context(history=History(items, mask)), encoded).vector, encoded.items.dense())
    torch.testing.assert_close(scores, dense_pass(model, multi_hot(), torch.ones(3, N_ITEMS)))


def test_the_objective_is_the_likelihood_of_all_items_given_those_that_are_left(model: MultiDAE, prepared: Prepared) -> None:
    """In value and gradient, for the very items that dropout leaves: found by drawing the same numbers again."""
    procedure = recipe(Config(), prepared)
    assert isinstance(procedure.batches, Users)
    (batch,) = procedure.batches.epoch(torch.Generator().manual_seed(0))
    torch.manual_seed(5)
    objective = procedure.objective(model.train(), batch, Step(0, torch.Generator()))
    gradients = torch.autograd.grad(objective, list(model.parameters()))

    x = torch.zeros(3, N_ITEMS, dtype=torch.float64)
    x[batch.rows, batch.target] = 1
    torch.manual_seed(5)
    kept = x.clone()
    # In the order of users and, in them, of their histories.
    kept[batch.rows, batch.target] = F.dropout(torch.ones(int(x.sum()), dtype=torch.float64), 0.5)
    assert 0 < int((kept[x == 1] == 0).sum()) < int(x.sum())
    reference = -(x * dense_pass(model, x, kept).log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(objective, reference)
    for gradient, expected in zip(gradients, torch.autograd.grad(reference, list(model.parameters())), strict=True):
        torch.testing.assert_close(gradient, expected)


def test_weights_decay_as_by_the_authors_term(model: MultiDAE, prepared: Prepared) -> None:
    """One step of plain gradient descent, without dropout, against the gradient of the loss + lambda |weights|^2 by autograd."""
    model.dropout, rate, strength = 0.0, 0.1, 0.01 / 500
    x = multi_hot()
    weights = (model.encoder.weights.weight, model.items.weight)
    likelihood = -(x * dense_pass(model, x, torch.ones_like(x)).log_softmax(dim=1)).sum(dim=1).mean()
    loss = likelihood + strength * sum(weight.square().sum() for weight in weights)
    expected = [
        parameter.detach() - rate * gradient
        for parameter, gradient in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True)
    ]
    said = Config().training.model_dump() | {"learner": "sgd", "learning_rate": rate, "epochs": 1}
    list(recipe(Config(training=Training(**said)), prepared).fit(model, 1, torch.device("cpu")))
    for parameter, value in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.detach(), value)
