"""The contrast of two views, node by node, and how it goes beside a main objective."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from turret.core.context import Context, Encoded, Positives
from turret.core.contracts import Step
from turret.nn.tables import Computed
from turret.nn.two_tables import TwoTables
from turret.scorers.dot import Dot
from turret.training.objectives.beside import Beside
from turret.training.objectives.contrast import Contrast, all_nodes, batch_nodes

USERS, ITEMS = [0, 3, 1, 0], [2, 2, 4, 1]


def batch() -> Positives:
    return Positives(Context(users=torch.tensor(USERS)), torch.tensor(ITEMS))


def step(number: int = 0) -> Step:
    return Step(number, torch.Generator().manual_seed(1))


@pytest.fixture
def views() -> tuple[Encoded, Encoded]:
    generator = torch.Generator().manual_seed(0)

    def view() -> Encoded:
        users, items = (torch.randn(n, 3, generator=generator, dtype=torch.float64) for n in (4, 5))
        return Encoded(items=Computed(items), users=Computed(users))

    return view(), view()


def told(first: Tensor, second: Tensor, asked: list[int], among: list[int], tau: float) -> float:
    """The mean of -log of the share that the right one has."""
    total = 0.0
    for node in asked:
        powers = {other: math.exp(float(torch.cosine_similarity(first[node], second[other], dim=0)) / tau) for other in among}
        total -= math.log(powers[node] / sum(powers.values()))
    return total / len(asked)


def test_all_nodes_are_told_from_all_and_the_batch_as_often_as_it_has_them(views: tuple[Encoded, Encoded]) -> None:
    loss = Contrast(lambda model, encoded, step: views, all_nodes, 0.2)(None, batch(), views[0], step())
    first, second = views
    assert first.users is not None and second.users is not None
    expected = told(first.users.dense(), second.users.dense(), USERS, list(range(4)), 0.2)
    expected += told(first.items.dense(), second.items.dense(), ITEMS, list(range(5)), 0.2)
    assert loss.item() == pytest.approx(expected, rel=1e-9)


def test_items_count_as_much_as_is_said(views: tuple[Encoded, Encoded]) -> None:
    first, second = views
    assert first.users is not None and second.users is not None
    expected = told(first.users.dense(), second.users.dense(), [0, 1, 3], [0, 1, 3], 0.2)
    expected += 0.3 * told(first.items.dense(), second.items.dense(), [1, 2, 4], [1, 2, 4], 0.2)
    loss = Contrast(lambda model, encoded, step: views, batch_nodes, 0.2, item_share=0.3)(None, batch(), first, step())
    assert loss.item() == pytest.approx(expected, rel=1e-9)


def test_nodes_of_the_batch_are_told_from_each_other_once_each(views: tuple[Encoded, Encoded]) -> None:
    loss = Contrast(lambda model, encoded, step: views, batch_nodes, 0.2)(None, batch(), views[0], step())
    first, second = views
    assert first.users is not None and second.users is not None
    expected = told(first.users.dense(), second.users.dense(), [0, 1, 3], [0, 1, 3], 0.2)
    expected += told(first.items.dense(), second.items.dense(), [1, 2, 4], [1, 2, 4], 0.2)
    assert loss.item() == pytest.approx(expected, rel=1e-9)


class Counting:
    """Remembers how often it was called, and gives that."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, model: TwoTables, batch: Positives, encoded: Encoded, step: Step) -> Tensor:
        self.calls += 1
        self.encoded = encoded
        return torch.tensor(float(self.calls))

    def state(self) -> dict[str, Tensor]:
        return {"calls": torch.tensor(self.calls)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.calls = int(state["calls"])


class Main(Counting):
    """The same as a main objective, which asks for the vectors itself."""

    def __call__(self, model: TwoTables, batch: Positives, step: Step) -> Tensor:  # type: ignore[override]
        assert model.query(batch.context, model.encode()).vector.shape == (4, 3)
        assert model.reads.user and isinstance(model.scorer, Dot)
        return 100 * super().__call__(model, batch, model.encode(), step)


def test_weights_add_up_and_all_see_one_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    model, main, parts = TwoTables(4, 5, 3, Dot()), Main(), [Counting(), Counting(), Counting()]
    encodings: list[Encoded] = []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda: encodings.append(encode()) or encodings[-1])
    objective = Beside(main, list(zip([0.5, 0.0, 2.0], parts, strict=True)))
    assert objective(model, batch(), step()).item() == 100 + 0.5 + 2
    assert objective(model, batch(), step()).item() == 200 + 1 + 4
    assert [part.calls for part in parts] == [2, 0, 2]
    assert len(encodings) == 2
    assert all(part.encoded is encodings[-1] for part in (main, parts[0], parts[2]))


def test_what_its_parts_carry_is_handed_back_to_each() -> None:
    model, main, parts = TwoTables(4, 5, 3, Dot()), Main(), [Counting(), Counting()]
    objective = Beside(main, [(1.0, parts[0]), (0.0, parts[1])])
    objective(model, batch(), step())
    assert objective.state() == {"main.calls": torch.tensor(1), "0.calls": torch.tensor(1), "1.calls": torch.tensor(0)}
    other = Beside(Main(), [(1.0, Counting()), (0.0, Counting())])
    other.restore(objective.state())
    assert torch.equal(other(model, batch(), step()), objective(model, batch(), step()))
