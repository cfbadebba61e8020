"""DiffNet++ against its equations, node by node and neighbour by neighbour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from turret.data.prepared import Prepared
from turret.models.social import diffnetpp

CONFIG = diffnetpp.Config(embed_dim=3, layers=2)


def small(config: Any, **training: Any) -> Any:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def leaky(x: float) -> float:
    return x if x > 0 else 0.2 * x


def softmax(values: list[float]) -> np.ndarray:
    powers = np.exp(values)
    return powers / powers.sum()


def around(attending: Any, node: np.ndarray, neighbours: list[np.ndarray]) -> np.ndarray:
    if not neighbours:
        return np.zeros(len(node))
    own, other, last = numbers(attending.own.weight)[0], numbers(attending.other.weight)[0], numbers(attending.last.weight)[0, 0]
    bias = numbers(attending.own.bias)[0]
    weights = softmax([leaky(last * np.tanh(own @ node + other @ each + bias)) for each in neighbours])
    return sum(weight * each for weight, each in zip(weights, neighbours, strict=True))  # type: ignore[no-any-return]


def graph(data: Prepared) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    assert data.social is not None
    return (
        set(zip(data.social.source.tolist(), data.social.target.tolist(), strict=True)),
        set(zip(data.train.user.tolist(), data.train.item.tolist(), strict=True)),
    )


def test_vectors_are_those_of_attention_to_every_neighbour(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(diffnetpp.build(CONFIG, little))
    links, choices = graph(little)
    users, items = numbers(model.users.weight), numbers(model.items.weight)
    user_layers, item_layers = [users], [items]
    for layer in model.layers:
        first, bias = numbers(layer.choosing.first.weight)[0], numbers(layer.choosing.first.bias)[0]
        last = numbers(layer.choosing.last.weight)[0, 0]
        next_users, next_items = [], []
        for user, vector in enumerate(users):
            influence = around(layer.influence, vector, [users[other] for one, other in links if one == user])
            interest = around(layer.interest, vector, [items[item] for one, item in choices if one == user])
            shares = softmax([leaky(last * np.tanh(first @ np.concatenate([vector, each]) + bias)) for each in (influence, interest)])
            next_users.append(vector + shares[0] * influence + shares[1] * interest)
        for item, vector in enumerate(items):
            next_items.append(vector + around(layer.audience, vector, [users[user] for user, one in choices if one == item]))
        users, items = np.array(next_users), np.array(next_items)
        user_layers.append(users)
        item_layers.append(items)
    encoded = model.encode()
    np.testing.assert_allclose(numbers(encoded.users.dense()), np.concatenate(user_layers, axis=1), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(numbers(encoded.items.dense()), np.concatenate(item_layers, axis=1), rtol=1e-6, atol=1e-7)


def test_attention_sums_to_one_over_each_neighbourhood(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(diffnetpp.build(CONFIG, little))
    users, items = model.users.weight, model.items.weight
    for name, neighbourhoods, own, others in (
        ("influence", model.follows, users, users),
        ("interest", model.chose, users, items),
        ("audience", model.chosen_by, items, users),
    ):
        weights = getattr(model.layers[0], name).weights(neighbourhoods, own, others)
        sums, sizes = neighbourhoods.segments.sum(weights), neighbourhoods.segments.offsets.diff()
        torch.testing.assert_close(sums, (sizes > 0).double())
        assert (weights > 0).all()
        assert not torch.allclose(weights, 1 / sizes.double()[neighbourhoods.segments.member])  # they are not just means


def test_influence_and_interest_share_what_is_added(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    choosing = scattered(diffnetpp.build(CONFIG, little)).layers[0].choosing
    own, influence, interest = torch.randn(3, 5, 3, dtype=torch.float64)
    first, second = choosing(own, influence, interest)
    torch.testing.assert_close(first + second, torch.ones(5, 1, dtype=torch.float64))
    torch.testing.assert_close(choosing(own, interest, influence)[0], second)


def test_without_layers_it_is_matrix_factorisation(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(diffnetpp.build(CONFIG.model_copy(update={"layers": 0}), little))
    assert torch.equal(model.encode().users.dense(), model.users.weight)
    assert torch.equal(model.encode().items.dense(), model.items.weight)
    assert len(model.state_dict()) == 2


def test_friends_tell_what_choices_do_not(circles: Prepared, strangers: Prepared, understood: Callable[..., float]) -> None:
    config = small(diffnetpp.Config(embed_dim=16), epochs=40, batch_size=64, learning_rate=0.01)
    with_friends = understood(diffnetpp, config, circles)
    assert with_friends > understood(diffnetpp, config, strangers) + 0.15
    assert with_friends > understood(diffnetpp, config.model_copy(update={"layers": 0}), circles) + 0.15
