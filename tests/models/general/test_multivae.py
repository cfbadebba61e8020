from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Multinomial, Normal, kl_divergence

from turret.batches.users import Users
from turret.core.context import Context, History, Positives
from turret.core.contracts import Step
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.general.multivae import Config, MultiVAE, recipe
from turret.scorers.dot import Dot
from turret.training.config import Training

HISTORIES = [[0, 3, 4], [1], [2, 5, 6, 0], []]
N_ITEMS = 7


def context(histories: list[list[int]], filler: int = 0, extra: int = 0) -> Context:
    width = max(len(items) for items in histories) + extra
    items = torch.tensor([items + [filler] * (width - len(items)) for items in histories])
    mask = torch.tensor([[step < len(row) for step in range(width)] for row in histories])
    return Context(history=History(items, mask))


@pytest.fixture
def model() -> MultiVAE:
    torch.manual_seed(0)
    return MultiVAE(N_ITEMS, hidden=6, latent=3, dropout=0.5, scorer=Dot()).double().eval()


def dense_pass(model: MultiVAE, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The authors' graph on rows of I numbers: logits [B, I], and mean and standard deviation of z."""
    h = torch.nn.functional.normalize(x, dim=1)
    h = torch.tanh(h @ model.inputs.weights.weight + model.inputs.bias)
    mean, log_variance = model.posterior(h).chunk(2, dim=1)
    h = torch.tanh(model.decoder(mean))
    return h @ model.items.weight[:, :-1].T + model.items.weight[:, -1], mean, (log_variance / 2).exp()


def multi_hot(histories: list[list[int]]) -> Tensor:
    x = torch.zeros(len(histories), N_ITEMS, dtype=torch.float64)
    for row, items in enumerate(histories):
        x[row, items] = 1
    return x


def test_scores_and_divergence_are_those_of_the_dense_network(model: MultiVAE) -> None:
    encoded = model.encode()
    query = model.query(context(HISTORIES), encoded)
    logits, mean, deviation = dense_pass(model, multi_hot(HISTORIES))
    torch.testing.assert_close(model.scorer.all(query.vector, encoded.items.dense()), logits)
    divergence = kl_divergence(Normal(mean, deviation), Normal(torch.zeros_like(mean), torch.ones_like(mean)))
    torch.testing.assert_close(query.penalties["kl"], divergence.sum(dim=1).mean())


def test_an_item_chosen_twice_counts_once_and_padding_not_at_all(model: MultiVAE) -> None:
    encoded = model.encode()
    expected = model.query(context(HISTORIES), encoded).vector
    torch.testing.assert_close(model.query(context([[0, 3, 4, 3], *HISTORIES[1:]], filler=6, extra=2), encoded).vector, expected)


def prepared(histories: list[list[int]]) -> Prepared:
    user = np.repeat(np.arange(len(histories)), [len(items) for items in histories])
    train = Interactions(user, np.array([item for items in histories for item in items]), len(histories), N_ITEMS)
    tokens = [Entities(Vocabulary.of(map(str, range(n)))) for n in (len(histories), N_ITEMS)]
    return Prepared("test", len(histories), N_ITEMS, *tokens, {"train": Part(train)})


def test_the_objective_is_the_multinomial_likelihood_and_the_weighted_divergence(model: MultiVAE) -> None:
    """In value, up to the multinomial coefficients that no parameter enters, and in gradient."""
    histories = HISTORIES[:3]
    procedure = recipe(Config(anneal_cap=0.2, anneal_share=0.2, training=Training(epochs=100)), prepared(histories))
    assert isinstance(procedure.batches, Users)
    (batch,) = procedure.batches.epoch(torch.Generator().manual_seed(0))
    assert isinstance(batch, Positives) and batch.context.history is not None
    x = torch.zeros(3, N_ITEMS, dtype=torch.float64)
    x[batch.rows, batch.target] = 1
    objective = procedure.objective(model, batch, Step(10, torch.Generator()))
    gradients = torch.autograd.grad(objective, list(model.parameters()))

    logits, mean, deviation = dense_pass(model, x)
    rows = [Multinomial(int(row.sum()), logits=row_logits) for row, row_logits in zip(x, logits, strict=True)]
    likelihood = torch.stack([row.log_prob(counts) for row, counts in zip(rows, x, strict=True)]).mean()
    coefficient = torch.lgamma(x.sum(dim=1) + 1).mean()
    divergence = kl_divergence(Normal(mean, deviation), Normal(torch.zeros_like(mean), torch.ones_like(mean))).sum(dim=1).mean()
    reference = coefficient - likelihood + 0.1 * divergence
    torch.testing.assert_close(objective, reference)
    for gradient, expected in zip(gradients, torch.autograd.grad(reference, list(model.parameters())), strict=True):
        torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize(("share", "expected"), [(0.2, [0.0, 0.05, 0.2, 0.2]), (0.0, [0.2, 0.2, 0.2, 0.2])])
def test_the_weight_of_the_divergence_rises_to_its_cap(model: MultiVAE, share: float, expected: list[float]) -> None:
    """100 epochs of one step."""
    config = Config(anneal_cap=0.2, anneal_share=share, training=Training(batch_size=9, epochs=100))
    procedure = recipe(config, prepared(HISTORIES))
    (batch,) = procedure.batches.epoch(torch.Generator().manual_seed(0))
    generator = torch.Generator()
    objective = [procedure.objective(model, batch, Step(number, generator)).item() for number in (0, 5, 20, 1000)]
    query = model.query(batch.context, model.encode())
    scores = model.scorer.all(query.vector, model.encode().items.dense())
    likelihood = -torch.log_softmax(scores, dim=1)[batch.rows, batch.target].sum().item() / 3
    assert query.penalties["kl"] > 0
    np.testing.assert_allclose((np.array(objective) - likelihood) / query.penalties["kl"].item(), expected, atol=1e-6)


def test_in_training_items_drop_out_and_z_is_drawn_around_the_mean(model: MultiVAE) -> None:
    """No two draws are alike, each of the two alone being enough for that."""
    asked = context([HISTORIES[2]] * 100)
    model.train()
    for dropout, least in ((0.5, 90), (0.0, 100)):
        torch.manual_seed(0)
        model.dropout = dropout
        assert len(model.query(asked, model.encode()).vector.unique(dim=0)) >= least
    log_variance = model.posterior.bias.detach()[3:]
    log_variance -= 1e6
    assert len(model.query(asked, model.encode()).vector.unique(dim=0)) == 1
    model.dropout = 0.5
    assert len(model.query(asked, model.encode()).vector.unique(dim=0)) > 1
