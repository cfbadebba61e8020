from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from turret.core.context import Context, Positives
from turret.core.contracts import Step
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.general.enmf import ENMF, Config, build, recipe

HISTORIES = [[0, 3, 4], [1], [2, 5, 6, 0], [6, 4]]
N_USERS, N_ITEMS, C0 = 4, 7, 0.3


@pytest.fixture
def prepared() -> Prepared:
    user = np.repeat(np.arange(N_USERS), [len(items) for items in HISTORIES])
    train = Interactions(user, np.array([item for items in HISTORIES for item in items]), N_USERS, N_ITEMS)
    tokens = [Entities(Vocabulary.of(map(str, range(n)))) for n in (N_USERS, N_ITEMS)]
    return Prepared("test", N_USERS, N_ITEMS, *tokens, {"train": Part(train)})


def config() -> Config:
    composition = Config().composition.model_copy(update={"negative_weight": C0})
    return Config(embed_dim=5, composition=composition)


@pytest.fixture
def model(prepared: Prepared) -> ENMF:
    torch.manual_seed(0)
    model = build(config(), prepared).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model


def test_the_objective_is_the_weighted_square_of_every_pair(model: ENMF, prepared: Prepared) -> None:
    """In value and gradient, h's included, by the definition, pair by pair; in batches of three users and one."""
    said = config()
    procedure = recipe(said.model_copy(update={"training": said.training.model_copy(update={"batch_size": 3})}), prepared)
    found, expected = torch.zeros(()), torch.zeros(())
    for batch in procedure.batches.epoch(torch.Generator().manual_seed(0)):
        assert isinstance(batch, Positives) and batch.context.users is not None
        users = batch.context.users
        torch.manual_seed(5)
        found = found + procedure.objective(model.train(), batch, Step(0, torch.Generator()))
        torch.manual_seed(5)
        p = F.dropout(model.users.weight[users], 0.5)
        r = torch.stack([torch.bincount(torch.tensor(HISTORIES[user]), minlength=N_ITEMS).double() for user in users.tolist()])
        scores = torch.einsum("d,ud,id->ui", model.scorer.get_parameter("weight"), p, model.items.weight)
        expected = expected + (torch.where(r == 1, 1.0, C0) * (r - scores).square()).sum() / len(users)
    torch.testing.assert_close(found, expected)
    parameters = list(model.parameters())
    for gradient, other in zip(*(torch.autograd.grad(loss, parameters) for loss in (found, expected)), strict=True):
        torch.testing.assert_close(gradient, other)


def test_no_number_drops_out_when_recommending(model: ENMF) -> None:
    vectors = model.eval().query(Context(users=torch.tensor([2, 0])), model.encode()).vector
    assert torch.equal(vectors, model.users.weight[[2, 0]])
