from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical, MixtureSameFamily, Normal

from turret.core.context import Context, History, Positives
from turret.core.contracts import Step
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.general.recvae import Config, Encoder, RecVAE, recipe
from turret.scorers.dot import Dot
from turret.training.alternate import Alternate

HISTORIES = [[0, 3, 4], [1], [2, 5, 6, 0]]
N_ITEMS, HIDDEN, LATENT = 7, 6, 3


@pytest.fixture
def model() -> RecVAE:
    """The past is another encoder than the present."""
    torch.manual_seed(0)
    model = RecVAE(N_ITEMS, HIDDEN, LATENT, 0.5, Dot()).double()
    model.past.load_state_dict(Encoder(N_ITEMS, HIDDEN, LATENT).double().state_dict())
    with torch.no_grad():
        for parameter in model.parameters():  # at the beginning all is so small that a wrong sum would hardly show
            parameter.add_(torch.randn_like(parameter) * 0.5)
    return model


@pytest.fixture
def prepared() -> Prepared:
    user = np.repeat(np.arange(3), [len(items) for items in HISTORIES])
    train = Interactions(user, np.array([item for items in HISTORIES for item in items]), 3, N_ITEMS)
    return Prepared("test", 3, N_ITEMS, *(Entities(Vocabulary.of(map(str, range(n)))) for n in (3, N_ITEMS)), {"train": Part(train)})


def context(histories: list[list[int]]) -> Context:
    width = max(len(items) for items in histories)
    items = torch.tensor([items + [0] * (width - len(items)) for items in histories])
    return Context(history=History(items, torch.tensor([[step < len(row) for step in range(width)] for row in histories])))


def multi_hot(histories: list[list[int]]) -> Tensor:
    x = torch.zeros(len(histories), N_ITEMS, dtype=torch.float64)
    for row, items in enumerate(histories):
        x[row, items] = 1
    return x


def dense_encoder(encoder: Encoder, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation from rows of I numbers, layer by layer with its skip connections."""
    two, three, four, five = encoder.others
    x = F.linear(F.normalize(x, dim=1), encoder.first.weights.weight.T, encoder.first.bias)

    def closed(number: int, h: Tensor) -> Tensor:
        layer = encoder.normalisations[number]
        assert isinstance(layer, nn.LayerNorm)
        h = h * torch.sigmoid(h)
        centred = h - h.mean(dim=1, keepdim=True)
        return centred / (centred.square().mean(dim=1, keepdim=True) + 0.1).sqrt() * layer.weight + layer.bias

    h1 = closed(0, x)
    h2 = closed(1, two(h1) + h1)
    h3 = closed(2, three(h2) + h1 + h2)
    h4 = closed(3, four(h3) + h1 + h2 + h3)
    h5 = closed(4, five(h4) + h1 + h2 + h3 + h4)
    mean, log_variance = encoder.posterior(h5).chunk(2, dim=1)
    return mean, (log_variance / 2).exp()


def log_prior(model: RecVAE, x: Tensor, z: Tensor) -> Tensor:
    """By torch's mixtures of distributions."""
    mean, deviation = dense_encoder(model.past, x)
    means = torch.stack([torch.zeros_like(mean), mean, torch.zeros_like(mean)], dim=-1)
    deviations = torch.stack([torch.ones_like(mean), deviation, torch.full_like(mean, np.exp(5.0))], dim=-1)
    weights = Categorical(probs=torch.tensor([0.15, 0.75, 0.1], dtype=torch.float64).expand_as(means))
    return MixtureSameFamily(weights, Normal(means, deviations)).log_prob(z)


def test_scores_are_those_of_the_dense_network(model: RecVAE) -> None:
    encoded = model.eval().encode()
    query = model.query(context([*HISTORIES, []]), encoded)
    mean, _ = dense_encoder(model.encoder, multi_hot([*HISTORIES, []]))
    expected = F.linear(mean, model.items.weight[:, :-1], model.items.weight[:, -1])
    torch.testing.assert_close(model.scorer.all(query.vector, encoded.items.dense()), expected)
    assert not query.penalties


def only_batch(procedure: Alternate) -> Positives:
    (batch,) = procedure.turns[0].batches.epoch(torch.Generator().manual_seed(0))
    assert isinstance(batch, Positives)
    return batch


def test_the_objective_is_the_likelihood_less_the_weighted_divergence(model: RecVAE, prepared: Prepared) -> None:
    """In value and gradient, from the definitions and without dropout; the past gets no gradient."""
    procedure = recipe(Config(gamma=0.02), prepared)
    model.train()
    model.dropout = 0.0
    batch = only_batch(procedure)
    torch.manual_seed(5)
    objective = procedure.turns[0].objective(model, batch, Step(0, torch.Generator()))
    learned = [parameter for name, parameter in model.named_parameters() if not name.startswith("past.")]
    gradients = torch.autograd.grad(objective, learned)

    x = torch.zeros(3, N_ITEMS, dtype=torch.float64)
    x[batch.rows, batch.target] = 1
    mean, deviation = dense_encoder(model.encoder, x)
    torch.manual_seed(5)
    z = mean + torch.randn_like(mean) * deviation
    likelihood = (F.linear(z, model.items.weight[:, :-1], model.items.weight[:, -1]).log_softmax(dim=1) * x).sum(dim=1)
    divergence = (Normal(mean, deviation).log_prob(z) - log_prior(model, x, z)).sum(dim=1)
    reference = -(likelihood - 0.02 * x.sum(dim=1) * divergence).mean()
    torch.testing.assert_close(objective, reference)
    for gradient, expected in zip(gradients, torch.autograd.grad(reference, learned), strict=True):
        torch.testing.assert_close(gradient, expected)
    assert not any(parameter.requires_grad for parameter in model.past.parameters())


def test_encoder_and_decoder_learn_in_turns_and_the_past_follows(model: RecVAE, prepared: Prepared) -> None:
    """Three epochs and one; the past changes with the last of the three."""
    training = Config().training.model_copy(update={"epochs": 8, "learning_rate": 0.01})
    procedure = recipe(Config(training=training), prepared)
    parts = {"encoder": model.encoder, "past": model.past, "items": model.items}

    def values() -> dict[str, Tensor]:
        return {name: torch.cat([value.flatten() for value in part.parameters()]).detach().clone() for name, part in parts.items()}

    before, changed = values(), []
    for _ in procedure.fit(model.float(), 1, torch.device("cpu")):
        after = values()
        changed.append([name for name, value in after.items() if not torch.equal(value, before[name].to(value.dtype))])
        if "past" in changed[-1]:
            assert torch.equal(after["past"], after["encoder"])
        before = after
    assert changed == [["encoder"], ["encoder"], ["encoder", "past"], ["items"]] * 2


def test_items_drop_out_while_the_encoder_learns_alone(model: RecVAE) -> None:
    """Seen in the divergence of a posterior without variance, so that z is the mean."""
    with torch.no_grad():
        model.encoder.posterior.bias[LATENT:] = -100
        model.encoder.posterior.weight[LATENT:] = 0
    asked = context([HISTORIES[2]] * 50)
    model.train()
    model.encoder.eval()
    assert (model.query(asked, model.encode()).vector.std(dim=0) < 1e-12).all()
    model.encoder.train()
    drawn = model.query(asked, model.encode()).vector
    assert 2 < len(drawn.mul(1e9).round().unique(dim=0)) <= 2 ** len(HISTORIES[2])
