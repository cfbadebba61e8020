"""SEPT against its equations, with its perturbed graph known; and what it is without."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.contracts import Step
from turret.data.prepared import Prepared
from turret.models.graph import lightgcn
from turret.models.social import sept

CONFIG = sept.Config(embed_dim=3, layers=2, drop_rate=0.4, positives=2, contrast_weight=0.7, contrast_temperature=0.3, warm_up=0)


def small(config: Any, **training: Any) -> Any:
    update = {"epochs": 4, "batch_size": 4, **training}
    return config.model_copy(update={"training": config.training.model_copy(update=update)})


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def smoothed(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(x + Sx + SSx) / 3, with S the matrix normalised by the roots of its row sums."""
    degrees = a.sum(axis=1)
    s = np.array([[value / math.sqrt(degrees[i] * degrees[j]) if value else 0.0 for j, value in enumerate(row)] for i, row in enumerate(a)])
    return (x + s @ x + s @ s @ x) / 3


def friendships(data: Prepared) -> np.ndarray:
    assert data.social is not None
    s = np.zeros((data.n_users, data.n_users))
    s[data.social.source, data.social.target] = s[data.social.target, data.social.source] = 1
    return s


def friends(data: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """A_f and A_s with self-loops, counted one by one."""
    s, users = friendships(data), range(data.n_users)
    taken = [set(data.train.item[data.train.user == user].tolist()) for user in users]
    friend, sharing = np.eye(data.n_users), np.eye(data.n_users)
    for one in users:
        for other in users:
            if s[one, other]:
                friend[one, other] += sum(bool(s[one, third] and s[third, other]) for third in users)
                sharing[one, other] += len(taken[one] & taken[other])
    return friend, sharing


def joint(data: Prepared) -> np.ndarray:
    nodes = data.n_users + data.n_items
    a = np.zeros((nodes, nodes))
    a[: data.n_users, : data.n_users] = friendships(data)
    a[data.train.user, data.n_users + data.train.item] = a[data.n_users + data.train.item, data.train.user] = 1
    return a


def left(model: sept.SEPT, data: Prepared, generator: torch.Generator) -> np.ndarray:
    """The joint graph without the edges that a draw leaves out; edges are numbered by their lower end, then by the other."""
    a = joint(data)
    pairs = [(one, other) for one, other in zip(*np.nonzero(a), strict=True) if one < other]
    kept = (torch.rand(len(pairs), generator=generator) >= 0.4).tolist()
    for (one, other), stays in zip(pairs, kept, strict=True):
        a[one, other] = a[other, one] = float(stays)
    return a


def test_all_three_encoders_are_lightgcns_on_their_views(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(sept.build(CONFIG, little))
    users = numbers(model.users.weight)
    for vectors, view in zip(model.friends(), friends(little), strict=True):
        np.testing.assert_allclose(numbers(vectors), smoothed(view, users), rtol=1e-6, atol=1e-7)
    torch.manual_seed(0)
    theirs = lightgcn.build(lightgcn.Config(embed_dim=3, layers=2), little).double()
    theirs.load_state_dict(model.state_dict())
    assert torch.equal(model.encode().users.dense(), theirs.encode().users.dense())
    assert torch.equal(model.encode().items.dense(), theirs.encode().items.dense())


def test_edges_of_the_joint_graph_go_in_both_directions_or_stay(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(sept.build(CONFIG, little))
    nodes = little.n_users + little.n_items
    whole = model.joint.without(0.0, torch.Generator())(torch.eye(nodes, dtype=torch.float64))
    np.testing.assert_array_equal(numbers(whole) > 0, joint(little) > 0)
    counts = []
    for seed in range(200):
        graph = numbers(model.joint.without(0.4, torch.Generator().manual_seed(seed))(torch.eye(nodes, dtype=torch.float64)))
        np.testing.assert_allclose(graph, graph.T, rtol=1e-6)
        counts.append((graph > 0).sum() / joint(little).sum())
    assert np.mean(counts) == pytest.approx(0.6, abs=0.02)


def test_each_encoder_learns_from_the_labels_of_the_other_two(little: Prepared, asked: Callable[..., Any]) -> None:
    taken = asked(sept, CONFIG, little, contrast_weight=0.0)
    generator = torch.Generator().manual_seed(int(taken.procedure.objective.state()["0.seed"]))
    start = np.concatenate([numbers(taken.model.users.weight), numbers(taken.model.items.weight)])
    batch = sorted(set(taken.batch.context.users.tolist()))
    others = smoothed(left(taken.model, little, generator), start)[batch]
    preference = joint(little)
    preference[: little.n_users, : little.n_users] = 0
    views = [smoothed(preference, start)[batch]]
    views += [smoothed(view, start[: little.n_users])[batch] for view in friends(little)]

    def cosine(one: np.ndarray, other: np.ndarray) -> float:
        return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))

    expected = 0.0
    for number, view in enumerate(views):
        for row, vector in enumerate(view):
            labels = []
            for place, labelling in enumerate(views):
                if place != number:
                    powers = [math.exp(cosine(labelling[row], other)) for other in others]
                    labels.append(np.array(powers) / sum(powers))
            positives = np.argsort(-np.mean(labels, axis=0))[:2]
            powers = [math.exp(cosine(vector, other) / 0.3) for other in others]
            expected -= math.log(sum(powers[p] for p in positives) / sum(powers)) / len(batch)
    assert taken.loss.item() - taken.alone.item() == pytest.approx(0.7 * expected, rel=1e-6)


def test_labels_are_no_way_for_gradients(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(sept.build(CONFIG, little))
    assert not sept.alike(model.users.weight, model.users.weight).requires_grad


def test_without_the_contrast_it_is_lightgcn_to_the_last_bit(trained: Callable[..., Any]) -> None:
    shared = {"embed_dim": 3, "layers": 2}
    ours = trained(sept, small(sept.Config(**shared, contrast_weight=0.0)))
    theirs = trained(lightgcn, small(lightgcn.Config(**shared)))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_tri_training_waits_until_it_is_warm(trained: Callable[..., Any]) -> None:
    without = trained(sept, small(CONFIG.model_copy(update={"contrast_weight": 0.0})))
    waiting = trained(sept, small(CONFIG.model_copy(update={"warm_up": 4})))
    warm = trained(sept, small(CONFIG.model_copy(update={"warm_up": 3})))
    assert torch.equal(without["users.weight"], waiting["users.weight"])
    assert not torch.equal(without["users.weight"], warm["users.weight"])


def test_a_perturbed_graph_serves_for_an_epoch(little: Prepared) -> None:
    torch.manual_seed(0)
    model, training = sept.build(CONFIG, little), sept.TriTraining(CONFIG, steps=3)
    batch = next(iter(sept.recipe(small(CONFIG), little).batches.epoch(torch.Generator().manual_seed(1))))
    generator, graphs = torch.Generator().manual_seed(0), []
    for number in range(5):
        training(model, batch, model.encode(), Step(number, generator))
        graphs.append(training._graph._drawn)
    for (one, other), same in zip(pairwise(graphs), (True, True, False, True), strict=True):
        assert (one is other) == same


@pytest.mark.parametrize("warm_up", [0, 1])
def test_an_interrupted_training_goes_on_with_the_graph_of_its_epoch(warm_up: int, trained: Callable[..., Any]) -> None:
    config = small(CONFIG.model_copy(update={"warm_up": warm_up}), epochs=3)
    whole = trained(sept, config)
    for stop in (1, 4, 5, 6):
        assert all(torch.equal(whole[name], value) for name, value in trained(sept, config, stop).items())


def test_friends_tell_what_choices_do_not(circles: Prepared, strangers: Prepared, understood: Callable[..., float]) -> None:
    config = small(
        sept.Config(embed_dim=16, warm_up=0, contrast_weight=1.0, contrast_temperature=0.3, positives=5),
        epochs=60,
        batch_size=128,
        learning_rate=0.01,
    )
    with_friends = understood(sept, config, circles)
    assert with_friends > understood(sept, config, strangers) + 0.15
    assert with_friends > understood(sept, config.model_copy(update={"contrast_weight": 0.0}), circles) + 0.15
