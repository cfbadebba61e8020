"""The compiled loop against the steps that it stands for, which recorded runs of GRU4Rec's authors hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from turret.core.errors import TurretError
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models import catalogue
from turret.training.config import Training

gru4rec = catalogue.load("gru4rec")
CPU = torch.device("cpu")


def prepared(n_items: int = 30, sessions: int = 60) -> Prepared:
    draw = np.random.default_rng(3)
    lengths = draw.integers(1, 8, sessions)
    user = np.repeat(np.arange(sessions), lengths)
    log = Interactions(user, (draw.random(len(user)) ** 2 * n_items).astype(np.int32), sessions, n_items, time=np.arange(len(user)) * 1.0)
    users, items = (Entities(Vocabulary.of(map(str, range(n)))) for n in (sessions, n_items))
    return Prepared("walks", sessions, n_items, users, items, {"train": Part(log)})


def trained(compiled: bool, seed: int = 1, batch_size: int = 5, momentum: float = 0.3, **settings: Any) -> tuple[list[float], Any, Any]:
    training = Training(learner="adagrad_momentum", learning_rate=0.1, momentum=momentum, batch_size=batch_size, epochs=3)
    config, data = gru4rec.Config(training=training, **{"n_sample": 12, **settings}), prepared()
    torch.manual_seed(0)
    model, procedure = gru4rec.build(config, data), gru4rec.recipe(config, data)
    if not compiled:
        procedure.compiled = lambda model, optimizers: None
    losses = [progress.measures["loss"] for progress in procedure.fit(model, seed, CPU)]
    return losses, dict(model.named_parameters()), procedure.state()


@pytest.mark.parametrize("momentum", [0.0, 0.3])
@pytest.mark.parametrize(
    "loss", [{"logq": 1.0, "sample_alpha": 0.75}, {"loss": "bpr-max"}, {"loss": "bpr-max", "elu_param": 0.0, "bpreg": 0.0}]
)
@pytest.mark.parametrize(
    "network",
    [
        {"layers": (6,)},
        {"layers": (17, 20)},
        {"layers": (20, 7, 9), "constrained_embedding": False, "embedding": 33},
        {"layers": (16,), "constrained_embedding": False, "embedding": "layersize", "official_quirks": True},
        {"layers": (6,), "n_sample": 0},
        {"layers": (40,), "batch_size": 100},
    ],
)
def test_is_the_steps_themselves(network: dict[str, Any], loss: dict[str, Any], momentum: float) -> None:
    losses, parameters, state = trained(True, momentum=momentum, **network, **loss)
    others, theirs, remembered = trained(False, momentum=momentum, **network, **loss)
    assert losses == pytest.approx(others, abs=2e-5)
    for name, value in parameters.items():
        torch.testing.assert_close(value, theirs[name], atol=1e-4, rtol=1e-3, msg=lambda text, name=name: f"{name}: {text}")
    for name, value in state.items():
        torch.testing.assert_close(value, remembered[name], atol=1e-3, rtol=1e-2, msg=lambda text, name=name: f"{name}: {text}")


def test_dropout_acts_where_that_of_the_steps_does() -> None:
    """Not with the same numbers: means over seeds agree within their spread, and differ from those without dropout."""

    def mean(compiled: bool, **dropout: float) -> np.ndarray:
        return np.array([trained(compiled, seed, layers=(24,), n_sample=20, **dropout)[0] for seed in range(12)])

    for dropout in ({"dropout_p_embed": 0.6}, {"dropout_p_hidden": 0.6}):
        mine, theirs, without = mean(True, **dropout), mean(False, **dropout), mean(True)
        error = np.sqrt((mine.var(axis=0) + theirs.var(axis=0)) / len(mine))
        assert (abs(mine.mean(axis=0) - theirs.mean(axis=0)) < 4 * error).all()
        assert abs(mine.mean(axis=0) - without.mean(axis=0))[-1] > 4 * error[-1]


def test_the_same_seed_gives_the_same_bits_with_dropout() -> None:
    one, other = (trained(True, dropout_p_embed=0.2, dropout_p_hidden=0.3, layers=(9, 8)) for _ in range(2))
    assert one[0] == other[0]
    assert all(torch.equal(value, other[1][name]) for name, value in one[1].items())


def test_numbers_that_overflow_end_the_training() -> None:
    training = Training(learner="adagrad_momentum", learning_rate=1e30, batch_size=5, epochs=3)
    data, config = prepared(), gru4rec.Config(training=training, loss="bpr-max", elu_param=0.0, n_sample=12)
    with pytest.raises(TurretError, match="training loss"):
        list(gru4rec.recipe(config, data).fit(gru4rec.build(config, data), 1, CPU))
