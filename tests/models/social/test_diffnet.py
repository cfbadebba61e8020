"""DiffNet against its equations, user by user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from turret.data.prepared import Prepared
from turret.models.social import diffnet

CONFIG = diffnet.Config(embed_dim=3, layers=2)
S = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
}


def small(config: Any, **training: Any) -> Any:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


@pytest.mark.parametrize("activation", list(diffnet.ACTIVATIONS))
def test_influence_diffuses_along_every_link(activation: str, little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(diffnet.build(CONFIG.model_copy(update={"activation": activation}), little))
    assert little.social is not None
    links = set(zip(little.social.source.tolist(), little.social.target.tolist(), strict=True))
    choices = set(zip(little.train.user.tolist(), little.train.item.tolist(), strict=True))
    h, items = numbers(model.users.weight), numbers(model.items.weight)
    for layer in model.diffusion.layers:
        weight, following = numbers(layer.weight), []
        for user in range(little.n_users):
            followed = [h[other] for one, other in links if one == user]
            influence = np.mean(followed, axis=0) if followed else np.zeros(3)
            following.append(S[activation](weight[:, :3] @ influence + weight[:, 3:] @ h[user]))
        h = np.array(following)
    expected = [h[user] + np.mean([items[item] for one, item in choices if one == user], axis=0) for user in range(little.n_users)]
    encoded = model.encode()
    np.testing.assert_allclose(numbers(encoded.users.dense()), expected, rtol=1e-6, atol=1e-7)
    assert torch.equal(encoded.items.dense(), model.items.weight)


def test_without_an_activation_influence_is_the_sum_of_means(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(diffnet.build(CONFIG, little))
    assert little.social is not None
    links = set(zip(little.social.source.tolist(), little.social.target.tolist(), strict=True))
    users, items = numbers(model.users.weight), numbers(model.items.weight)
    layers = [users]
    for _ in range(2):
        followed = [[layers[-1][other] for one, other in links if one == user] for user in range(little.n_users)]
        layers.append(np.array([np.mean(each, axis=0) if each else np.zeros(3) for each in followed]))
    vectors = numbers(model.encode().users.dense())
    np.testing.assert_allclose(vectors[0], sum(layers)[0] + (items[0] + items[2] + items[5]) / 3, rtol=1e-6)
    np.testing.assert_allclose(vectors[5], users[5] + (items[5] + items[0] + items[2]) / 3, rtol=1e-6)  # follows nobody


@pytest.mark.parametrize("activation", ["none", *diffnet.ACTIVATIONS])
def test_without_layers_a_user_is_itself_and_what_it_chose(activation: str, little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(diffnet.build(CONFIG.model_copy(update={"layers": 0, "activation": activation}), little))
    users, items = numbers(model.users.weight), numbers(model.items.weight)
    vectors = numbers(model.encode().users.dense())
    np.testing.assert_allclose(vectors[2], users[2] + (items[6] + items[0] + items[1]) / 3, rtol=1e-6)  # took 0 twice
    assert len(model.state_dict()) == 2


@pytest.mark.parametrize("activation", ["none", "tanh"])
def test_friends_tell_what_choices_do_not(
    activation: str, circles: Prepared, strangers: Prepared, understood: Callable[..., float]
) -> None:
    config = small(diffnet.Config(embed_dim=16, layers=2, activation=activation), epochs=40, batch_size=64, learning_rate=0.01)
    with_friends = understood(diffnet, config, circles)
    assert with_friends > understood(diffnet, config, strangers) + 0.15
    assert with_friends > understood(diffnet, config.model_copy(update={"layers": 0}), circles) + 0.15
