"""BPR against the update rule of its paper, written out for single triples in NumPy."""

from __future__ import annotations

import numpy as np
import torch

from turret.core.context import Context, PerRow, Positives
from turret.core.contracts import Step, Targets
from turret.losses.pairwise import bpr
from turret.nn.tables import Table
from turret.nn.two_tables import TwoTables
from turret.scorers.dot import Dot
from turret.training.objectives.sampled import Sampled
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import Sgd


class Fixed:
    """A sampler that draws what it was told to."""

    def __init__(self, items: list[int]) -> None:
        self.items = torch.tensor(items)[:, None]

    def __call__(self, targets: Targets, step: Step) -> PerRow:
        return PerRow(self.items, torch.zeros(1, 1))


def paper(users: np.ndarray, items: np.ndarray, triple: tuple[int, int, int], rate: float, decay: float) -> None:
    """LearnBPR's step for matrix factorisation (figure 4 and section 4.3.1 of the paper), in place."""
    u, i, j = triple
    w, positive, negative = users[u].copy(), items[i].copy(), items[j].copy()
    factor = np.exp(-(w @ positive - w @ negative)) / (1 + np.exp(-(w @ positive - w @ negative)))
    users[u] += rate * (factor * (positive - negative) - decay * w)
    items[i] += rate * (factor * w - decay * positive)
    items[j] += rate * (factor * -w - decay * negative)


def test_single_triples_follow_the_paper() -> None:
    torch.manual_seed(0)
    model = TwoTables(n_users=3, n_items=5, embed_dim=4, scorer=Dot())
    tables = [module for module in model.modules() if isinstance(module, Table)]
    for table in tables:
        table.sparse = True
        torch.nn.init.normal_(table.weight)
    users, items = (table.weight.detach().numpy().astype(np.float64) for table in tables)
    optimizer = RowWise([table.weight for table in tables], Sgd(), weight_decay=0.1)
    for number, triple in enumerate([(0, 1, 2), (2, 4, 0), (0, 2, 1), (1, 3, 4), (0, 1, 3)]):
        user, positive, negative = triple
        batch = Positives(Context(users=torch.tensor([user])), torch.tensor([positive]))
        model.zero_grad(set_to_none=True)
        Sampled(bpr, Fixed([negative]))(model, batch, Step(number, torch.Generator())).backward()
        optimizer.step(0.05)
        paper(users, items, triple, 0.05, 0.1)
    np.testing.assert_allclose(model.users.weight.detach().numpy(), users, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.items.weight.detach().numpy(), items, rtol=1e-5, atol=1e-6)


def test_the_l2_term_is_on_the_rows_of_the_batch() -> None:
    torch.manual_seed(0)
    model = TwoTables(n_users=3, n_items=5, embed_dim=4, scorer=Dot())
    batch = Positives(Context(users=torch.tensor([0, 2])), torch.tensor([1, 1]))
    step = Step(0, torch.Generator())
    plain, regular = (Sampled(bpr, Fixed([4, 0]), l2=l2)(model, batch, step).item() for l2 in (0.0, 0.3))
    rows = [*model.users.weight[[0, 2]], *model.items.weight[[1, 1, 4, 0]]]
    np.testing.assert_allclose(regular - plain, 0.3 / 2 * sum(float(row.detach().square().sum()) for row in rows) / 2, rtol=1e-4)
