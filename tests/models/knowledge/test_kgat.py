"""KGAT against its equations, edge by edge; when attention changes; and the paths that it makes of attention."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.contracts import Path, Step, Targets
from turret.data.prepared import Prepared
from turret.models.knowledge import kgat

from .ways import N_RELATIONS, N_USERS, Edge, asked, both_ways, every_path, numbers, single_path, taken, ways

CONFIG = kgat.Config(embed_dim=4, relation_dim=3, layer_widths=(5, 2), message_dropout=0.3, l2=0.1, fact_batch_size=8)
INTERACT = N_RELATIONS


def joint_edges(prepared: Prepared) -> list[Edge]:
    """Of users, then entities: relations 0..2 of the triples, 3 from users to items, 4..7 the inverses."""
    found = []
    for head, relation, tail in both_ways(prepared):
        found.append((head + N_USERS, relation if relation < N_RELATIONS else relation + 1, tail + N_USERS))
    for user in range(N_USERS):
        for item in taken(prepared, user):
            found += [(user, INTERACT, item + N_USERS), (item + N_USERS, 2 * INTERACT + 1, user)]
    return found


def attention(model: kgat.KGAT, edges: list[Edge]) -> dict[Edge, float]:
    """Pi of each edge."""
    held = numbers(model.translation)
    e, r, w = held["entities.weight"], held["relations.weight"], held["projection.weight"]
    scores = {(h, rel, t): (w[rel] @ e[t]) @ np.tanh(w[rel] @ e[h] + r[rel]) for h, rel, t in edges}
    powers = {edge: np.exp(score) for edge, score in scores.items()}
    return {edge: power / sum(other for (head, _, _), other in powers.items() if head == edge[0]) for edge, power in powers.items()}


def vectors(model: kgat.KGAT, weights: dict[Edge, float]) -> np.ndarray:
    """All layers of all nodes, side by side."""
    e = numbers(model.translation)["entities.weight"]
    found = [e]
    for layer in model.layers:
        held, rows = numbers(layer), []
        for node in range(len(e)):
            received = sum((pi * e[tail] for (head, _, tail), pi in weights.items() if head == node), start=np.zeros(e.shape[1]))
            added = held["added.weight"] @ (e[node] + received) + held["added.bias"]
            multiplied = held["multiplied.weight"] @ (e[node] * received) + held["multiplied.bias"]
            rows.append(sum(np.where(x > 0, x, 0.2 * x) for x in (added, multiplied)))
        e = np.array(rows)
        found.append(e / np.linalg.norm(e, axis=1, keepdims=True))
    return np.concatenate(found, axis=1)


@pytest.fixture
def model(with_graph: Prepared, scattered: Callable[[Any], Any]) -> kgat.KGAT:
    made = scattered(kgat.build(CONFIG, with_graph))
    made.attend()
    return made


def test_attention_is_a_softmax_over_every_nodes_edges(model: kgat.KGAT, with_graph: Prepared) -> None:
    edges = joint_edges(with_graph)
    expected, columns = attention(model, edges), (model.edges.heads, model.edges.relations, model.edges.tails)
    found = dict(zip(zip(*(column.tolist() for column in columns), strict=True), model.attention.tolist(), strict=True))
    assert found.keys() == expected.keys()
    assert [found[edge] for edge in edges] == pytest.approx([expected[edge] for edge in edges])
    sums = torch.zeros(model.edges.n_nodes, dtype=torch.float64).index_add(0, model.edges.heads, model.attention)
    with_edges = model.edges.offsets.diff() > 0
    torch.testing.assert_close(sums, with_edges.double())
    assert not with_edges.all()  # nobody took item 4, and nothing is said of it


def test_vectors_are_those_of_a_loop_over_edges(model: kgat.KGAT, with_graph: Prepared) -> None:
    expected, encoded = vectors(model, attention(model, joint_edges(with_graph))), model.encode()
    assert encoded.users is not None
    np.testing.assert_allclose(encoded.users.dense().detach().numpy(), expected[:4], rtol=1e-6)
    np.testing.assert_allclose(encoded.items.dense().detach().numpy(), expected[4:11], rtol=1e-6)


def test_a_triple_is_likely_where_its_tail_is_near(model: kgat.KGAT) -> None:
    held = numbers(model.translation)
    e, r, w = held["entities.weight"], held["relations.weight"], held["projection.weight"]
    heads, relations, tails = torch.tensor([[4], [0]]), torch.tensor([[1], [3]]), torch.tensor([[13, 2], [6, 9]])
    expected = [
        [-np.square(w[rel] @ e[head] + r[rel] - w[rel] @ e[tail]).sum() for tail in row]
        for head, rel, row in zip([4, 0], [1, 3], tails.tolist(), strict=True)
    ]
    np.testing.assert_allclose(model.score_triples(heads, relations, tails).detach().numpy(), expected)


def test_l2_is_on_the_joined_vectors_of_the_batch(model: kgat.KGAT, with_graph: Prepared) -> None:
    losses = []
    for l2 in (0.0, 0.1):
        turn = kgat.recipe(CONFIG.model_copy(update={"l2": l2}), with_graph).turns[0]
        batch = next(iter(turn.batches.epoch(torch.Generator().manual_seed(1))))
        losses.append(turn.objective(model, batch, Step(0, torch.Generator().manual_seed(2))).item())
    sampler, encoded = kgat.recipe(CONFIG, with_graph).turns[0].objective.sampler, model.encode()
    query = model.query(batch.context, encoded).vector.detach()
    targets = Targets(batch.target, batch.context.users, query, encoded, model.scorer, batch.places)
    users, right = encoded.users[batch.context.users], encoded.items[batch.target]
    drawn = encoded.items[sampler(targets, Step(0, torch.Generator().manual_seed(2))).items]
    squares = sum(part.square().sum().item() for part in (users, right, drawn))
    assert losses[1] - losses[0] == pytest.approx(0.1 * squares / (2 * len(right)))


def test_attention_is_computed_anew_after_both_turns_alone(with_graph: Prepared) -> None:
    config = CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update={"epochs": 4, "batch_size": 4})})
    torch.manual_seed(0)
    model = kgat.build(config, with_graph)
    held: list[dict[str, torch.Tensor]] = [{name: value.clone() for name, value in model.state_dict().items()}]
    for _ in kgat.recipe(config, with_graph).fit(model, 1, torch.device("cpu")):
        held.append({name: value.clone() for name, value in model.state_dict().items()})
    changed = [{name for name in first if not torch.equal(first[name], second[name])} for first, second in pairwise(held)]
    of_layers = {name for name in held[0] if name.startswith("layers.")}
    of_facts = {f"translation.{name}.weight" for name in ("entities", "relations", "projection")}
    first, second = {"translation.entities.weight"} | of_layers, {"attention"} | of_facts
    assert changed == [first, second, first, second]
    model.attend()
    assert torch.equal(model.attention, held[-1]["attention"])


def test_what_training_blocks_is_there_when_recommending(model: kgat.KGAT) -> None:
    torch.manual_seed(0)
    at_rest = model.encode().items.dense()
    assert not torch.equal(model.train().encode().items.dense(), at_rest)
    assert torch.equal(model.eval().encode().items.dense(), at_rest)


def test_inverses_that_the_dataset_has_are_not_added_again(with_graph: Prepared) -> None:
    assert with_graph.triples is not None
    plain, given = kgat.joint_graph(with_graph.triples, with_graph), kgat.joint_graph(with_graph.triples.with_inverses(), with_graph)
    assert plain.n_relations == given.n_relations == 2 * (N_RELATIONS + 1)
    assert all(torch.equal(getattr(plain, name), getattr(given, name)) for name in ("heads", "relations", "tails"))


def test_the_only_path_is_found(scattered: Callable[[Any], Any]) -> None:
    prepared = single_path()
    model = scattered(kgat.build(CONFIG.model_copy(update={"layer_widths": (4, 4, 4)}), prepared))
    found = model.why(*asked((0, 1), (1, 3), (0, 2), (0, 0)), 3)
    assert [ways(paths) for paths in found] == [[((0, 4, 1), (0, 2))], [((2, 5, 3), (1, 3))], [], []]


def test_a_path_weighs_what_attention_gives_along_it(with_graph: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(kgat.build(CONFIG.model_copy(update={"layer_widths": (3, 3, 3, 3)}), with_graph))
    model.attend()
    pi = attention(model, joint_edges(with_graph))
    edges = [((h, rel, t), pi[h + N_USERS, rel + (rel >= N_RELATIONS), t + N_USERS]) for h, rel, t in both_ways(with_graph)]
    several = 0
    for user in range(N_USERS):
        for item in range(7):
            starts = [chosen for chosen in taken(with_graph, user) if chosen != item]
            begun = [Path((chosen,), (), pi[user, INTERACT, chosen + N_USERS]) for chosen in starts]
            expected = sorted((path for each in begun for path in every_path(each, [edges] * 3, item)), key=lambda path: -path.weight)
            found = model.why(*asked((user, item)), 4)[0]
            assert ways(found) == ways(expected[:4])
            assert [path.weight for path in found] == pytest.approx([path.weight for path in expected[:4]])
            several += len(found) > 1
    assert several > 5


def test_a_graph_that_tells_tastes_helps_more_than_one_that_does_not(areas: Callable[..., tuple[float, float]]) -> None:
    training = kgat.Config().training.model_copy(update={"epochs": 120, "learning_rate": 0.02, "batch_size": 64})
    right, wrong = areas(kgat, kgat.Config(embed_dim=16, relation_dim=16, layer_widths=(16, 16), fact_batch_size=64, training=training))
    assert right > wrong + 0.1
