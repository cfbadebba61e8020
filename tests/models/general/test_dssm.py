"""DSSM against its equations in NumPy, and against what it must not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.batches.features import Features, Sets
from turret.batches.sides import Side
from turret.core.context import Context, Positives
from turret.core.contracts import Step
from turret.core.errors import UnsupportedError
from turret.core.features import Categorical, Schema, Tags
from turret.core.interactions import Interactions
from turret.data.columns import Numbers, Tokens, TokenSets
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.general.dssm import DSSM, Config, build, recipe
from turret.nn.towers import Tower
from turret.scorers.cosine import Cosine
from turret.training.objectives.full_catalogue import FullCatalogue

Layers = Callable[[nn.Module, np.ndarray], np.ndarray]

USERS = Side(
    Schema((Categorical("user", 4), Categorical("user.city", 3)), (), ("user.age",)),
    Features(torch.tensor([[1, 2], [2, 0], [3, 1]], dtype=torch.int32), torch.tensor([[0.5], [-1.0], [0.0]]), {}),
)
TAGS = [[1, 2], [], [2], [1]]
ITEMS = Side(
    Schema((Categorical("item", 5),), (Tags("item.tags", 3),)),
    Features(
        torch.tensor([[1], [2], [3], [4]], dtype=torch.int32),
        torch.empty(4, 0),
        {"item.tags": Sets(torch.tensor([0, 2, 2, 3, 4]), torch.tensor([1, 2, 2, 1], dtype=torch.int32))},
    ),
)


def rows_of(tower: Tower, *sizes: int) -> list[np.ndarray]:
    """The rows of each feature."""
    return np.split(tower.described.vectors.table.weight.detach().numpy(), np.cumsum(sizes)[:-1])


def test_scores_and_loss_follow_the_equations(
    scattered: Callable[[nn.Module], nn.Module], relu_layers: Layers, affine: Callable[[nn.Linear, np.ndarray], np.ndarray]
) -> None:
    model = scattered(DSSM(USERS, ITEMS, 4, (6, 5), 0.0, 0.1, Cosine(0.2)))
    assert isinstance(model, DSSM)
    user, city, age = rows_of(model.users, 4, 3, 1)
    item, tags = rows_of(model.items, 5, 3)

    def tower(network: Tower, x: np.ndarray) -> np.ndarray:
        out = affine(network.project, relu_layers(network.mlp, x))
        return out / np.linalg.norm(out)

    users = [
        tower(model.users, np.concatenate([user[own], city[of], years * age[0]])) for own, of, years in ((1, 2, 0.5), (2, 0, -1), (3, 1, 0))
    ]
    pooled = [tags[members].mean(axis=0) if members else np.zeros(4) for members in TAGS]
    items = [tower(model.items, np.concatenate([item[own], of])) for own, of in enumerate(pooled, 1)]
    expected = np.array(users) @ np.array(items).T / 0.2

    encoded = model.encode()
    asked, target = torch.tensor([2, 0, 2]), torch.tensor([1, 3, 0])
    query = model.query(Context(users=asked), encoded).vector
    np.testing.assert_allclose(model.scorer.all(query, encoded.items.dense()).detach().numpy(), expected[[2, 0, 2]], rtol=1e-10)
    loss = FullCatalogue()(model, Positives(Context(users=asked), target), Step(0, torch.Generator()))
    by_hand = [np.log(np.exp(expected[u]).sum()) - expected[u, i] for u, i in zip(asked, target, strict=True)]
    np.testing.assert_allclose(loss.item(), np.mean(by_hand), rtol=1e-10)


def vocabulary(prefix: str, n: int) -> Vocabulary:
    return Vocabulary.of(f"{prefix}{index}" for index in range(n))


def prepared(age: float = 50.0, city: int = 2, tags: tuple[int, ...] = (3, 1), test: tuple[int, int] = (4, 5)) -> Prepared:
    """Four users and five items that training saw; of the fifth user and the sixth item, which it did not see, what the arguments say."""
    ages, cities = np.array([20, 31, np.nan, 45, age], np.float32), np.array([1, 2, 0, 1, city], np.int32)
    users = Entities(vocabulary("u", 5), {"age": Numbers(ages), "city": Tokens(cities, vocabulary("c", 2))})
    sets = [[1], [2, 3], [], [1, 2], [3], list(tags)]
    offsets, ids = np.cumsum([0, *(len(row) for row in sets)]), np.array([tag for row in sets for tag in row], np.int32)
    items = Entities(vocabulary("i", 6), {"tags": TokenSets(offsets, ids, vocabulary("t", 3))})
    pairs = np.array([(0, 1), (0, 2), (1, 0), (1, 4), (2, 3), (2, 1), (3, 0), (3, 2)], np.int32)
    log = Interactions(pairs[:, 0].copy(), pairs[:, 1].copy(), 4, 5)
    later = Interactions(np.array([test[0]], np.int32), np.array([test[1]], np.int32), 5, 6)
    return Prepared("tiny", 4, 5, users, items, {"train": Part(log), "test": Part(later)})


def trained(data: Prepared) -> dict[str, Tensor]:
    config = Config(embed_dim=4, mlp_layers=(5,))
    config = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 3, "batch_size": 4})})
    torch.manual_seed(0)
    model = build(config, data)
    for _ in recipe(config, data).fit(model, 1, torch.device("cpu")):
        pass
    return {**model.state_dict(), "scores": model.eval().encode().items.dense().detach()}


@pytest.mark.parametrize("changed", [{"age": -9.0}, {"city": 1}, {"tags": ()}, {"test": (0, 4)}], ids=str)
def test_what_training_did_not_see_changes_nothing(changed: dict[str, object]) -> None:
    expected, found = trained(prepared()), trained(prepared(**changed))  # type: ignore[arg-type]
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_without_ids_who_is_alike_gets_alike() -> None:
    data = prepared()
    alike = Entities(vocabulary("u", 5), {"city": Tokens(np.array([1, 2, 1, 2, 1], np.int32), vocabulary("c", 2))})
    torch.manual_seed(0)
    users = build(Config(user_id=False), replace(data, users=alike)).eval().encode().users
    assert users is not None
    vectors = users.dense()
    assert torch.equal(vectors[0], vectors[2]) and torch.equal(vectors[1], vectors[3])
    assert not torch.equal(vectors[0], vectors[1])


def test_a_dataset_of_ids_alone_needs_them() -> None:
    data = replace(prepared(), users=Entities(vocabulary("u", 5)))
    build(Config(), data)
    with pytest.raises(UnsupportedError, match="says nothing of its users"):
        build(Config(user_id=False), data)
