"""KGCN and KGNN-LS against their equations, entity by entity."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.context import Context
from turret.core.contracts import Step
from turret.data.prepared import Prepared
from turret.models.knowledge import kgcn, kgnnls
from turret.nn import user_convolution
from turret.nn.user_convolution import UserConvolution
from turret.sampling.seen import Seen

from .ways import N_ENTITIES, N_ITEMS, N_USERS, both_ways, numbers, taken

SETTINGS: dict[str, Any] = {"embed_dim": 3, "neighbour_count": 2, "hops": 2}
ALONE = 4
"""The graph says nothing of it."""
BOTH = pytest.mark.parametrize("file", [kgcn, kgnnls], ids=["kgcn", "kgnnls"])


def weights(network: UserConvolution, user: int, entity: int) -> list[tuple[int, float]]:
    """The drawn neighbours of an entity, and what each weighs to a user."""
    held = numbers(network)
    powers = [np.exp(held["users.weight"][user] @ held["relations.weight"][relation]) for relation in network.by[entity].tolist()]
    return [(tail, power / sum(powers)) for tail, power in zip(network.tails[entity].tolist(), powers, strict=True)]


def vector(network: UserConvolution, user: int, entity: int, depth: int) -> np.ndarray:
    """What a user sees of an entity after so many layers."""
    if depth == 0:
        return numbers(network)["entities.weight"][entity]
    total = vector(network, user, entity, depth - 1)
    if entity != ALONE:
        total = total + sum(weight * vector(network, user, tail, depth - 1) for tail, weight in weights(network, user, entity))
    layer = numbers(network.layers[depth - 1])
    linear = layer["weight"] @ total + layer["bias"]
    return np.tanh(linear) if depth == len(network.layers) else np.maximum(linear, 0)


@pytest.fixture
def built(with_graph: Prepared, scattered: Callable[[Any], Any]) -> Callable[..., Any]:
    def build(file: ModuleType, **said: Any) -> Any:
        torch.manual_seed(2)
        return scattered(file.build(file.Config(**{**SETTINGS, **said}), with_graph))

    return build


@BOTH
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_scores_are_those_of_a_walk_through_every_field(
    file: ModuleType, hops: int, built: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = built(file, hops=hops)
    network = model.convolution
    users = numbers(network)["users.weight"]
    expected = [[users[user] @ vector(network, user, item, hops) for item in range(N_ITEMS)] for user in range(N_USERS)]
    items = torch.arange(N_ITEMS).expand(N_USERS, -1)
    np.testing.assert_allclose(model.pairs(torch.arange(N_USERS), items).detach().numpy(), expected)
    np.testing.assert_allclose(model.score_all(Context(users=torch.arange(N_USERS))).detach().numpy(), expected)
    monkeypatch.setattr(user_convolution, "BLOCK", 1)  # one user at a time
    np.testing.assert_allclose(model.score_all(Context(users=torch.arange(N_USERS))).detach().numpy(), expected)


@BOTH
def test_neighbours_are_drawn_once_from_the_graph_and_saved(file: ModuleType, with_graph: Prepared) -> None:
    edges, config = set(both_ways(with_graph)), file.Config(**{**SETTINGS, "neighbour_count": 5})
    fields = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        network = file.build(config, with_graph).convolution
        for entity in range(N_ENTITIES):
            drawn = set(zip([entity] * 5, network.by[entity].tolist(), network.tails[entity].tolist(), strict=True))
            assert drawn <= edges or entity == ALONE
        assert network.alone.nonzero().flatten().tolist() == [ALONE]
        fields.append({name: network.state_dict()[name] for name in ("tails", "by")})
    assert torch.equal(fields[0]["tails"], fields[1]["tails"]) and torch.equal(fields[0]["by"], fields[1]["by"])
    assert not torch.equal(fields[0]["tails"], fields[2]["tails"])


@BOTH
def test_what_a_user_attends_to_sums_to_one(file: ModuleType, built: Callable[..., Any]) -> None:
    network = built(file).convolution
    field = network.field(torch.arange(N_ITEMS).expand(N_USERS, -1))
    assert [nodes.shape for nodes in field] == [(N_USERS, N_ITEMS * 2**step) for step in range(3)]
    for attention in network.attention(network.users[torch.arange(N_USERS)], field):
        torch.testing.assert_close(attention.sum(dim=2), torch.ones_like(attention[..., 0]))


def label(network: UserConvolution, user: int, entity: int, asked: int, steps: int, prepared: Prepared) -> float:
    """What labels make of an entity after so many steps, for the question about one item."""
    if entity < N_ITEMS and entity != asked:
        return float(entity in taken(prepared, user))
    if steps == 0:
        return 0.5
    return sum(weight * label(network, user, tail, asked, steps - 1, prepared) for tail, weight in weights(network, user, entity))


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_labels_are_carried_from_neighbour_to_neighbour(hops: int, built: Callable[..., Any], with_graph: Prepared) -> None:
    model = built(kgnnls, hops=hops)
    items = torch.arange(N_ITEMS).expand(N_USERS, -1)
    found = model.labels(torch.arange(N_USERS), items, Seen(with_graph.train)).detach().numpy()
    network = model.convolution
    expected = [[label(network, user, item, item, hops, with_graph) for item in range(N_ITEMS)] for user in range(N_USERS)]
    np.testing.assert_allclose(found, expected)
    assert len(np.unique(found)) > (3 if hops > 1 else 1)


def test_predicted_labels_count_by_their_weight(built: Callable[..., Any], with_graph: Prepared) -> None:
    model, losses = built(kgnnls), []
    for weight in (0.0, 0.4):
        procedure = kgnnls.recipe(kgnnls.Config(**SETTINGS, smoothness_weight=weight), with_graph)
        batch = next(iter(procedure.batches.epoch(torch.Generator().manual_seed(1))))
        losses.append(procedure.objective(model, batch, Step(0, torch.Generator().manual_seed(2))).item())
    users, seen = batch.context.users, Seen(with_graph.train)
    uniform = torch.rand((len(users), 1), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    others = seen.draw(users, uniform)[0]
    total = 0.0
    for user, item, other in zip(users.tolist(), batch.target.tolist(), others[:, 0].tolist(), strict=True):
        right, wrong = (label(model.convolution, user, each, each, 2, with_graph) for each in (item, other))
        total -= np.log(max(right, 1e-6)) + np.log(max(1 - wrong, 1e-6))
    assert losses[1] - losses[0] == pytest.approx(0.4 * total / len(users))


def test_without_smoothness_it_is_kgcn_to_the_last_bit(with_graph: Prepared) -> None:
    held = []
    for file, said in ((kgcn, {}), (kgnnls, {"smoothness_weight": 0.0}), (kgnnls, {})):
        config = file.Config(**SETTINGS, **said)
        config = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 3, "batch_size": 4})})
        torch.manual_seed(0)
        model = file.build(config, with_graph)
        list(file.recipe(config, with_graph).fit(model, 1, torch.device("cpu")))
        held.append(model.state_dict())
    assert held[0].keys() == held[1].keys()
    assert all(torch.equal(value, held[1][name]) for name, value in held[0].items())
    assert not torch.equal(held[0]["convolution.relations.weight"], held[2]["convolution.relations.weight"])


@BOTH
def test_a_graph_that_tells_tastes_helps_more_than_one_that_does_not(file: ModuleType, areas: Callable[..., tuple[float, float]]) -> None:
    training = file.Config().training.model_copy(update={"epochs": 40, "learning_rate": 0.01, "batch_size": 64})
    right, wrong = areas(file, file.Config(embed_dim=16, neighbour_count=4, hops=2, training=training))
    assert right > wrong + 0.1
