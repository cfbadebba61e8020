"""GMF, the MLP and NeuMF against the equations of their paper written out in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from turret.data.prepared import Prepared
from turret.models.general import gmf, mlp, neumf

Relu = Callable[[Any, np.ndarray], np.ndarray]


def by_products(scorer: Any, p: np.ndarray, q: np.ndarray) -> float:
    """Section 3.2."""
    return float(sum(h * a * b for h, a, b in zip(scorer.weight.detach().numpy(), p, q, strict=True)))


def by_network(scorer: Any, p: np.ndarray, q: np.ndarray, relu_layers: Relu) -> float:
    """Section 3.3, the first layer's matrix in one piece."""
    weight = np.hstack([scorer.of_query.weight.detach().numpy(), scorer.of_item.weight.detach().numpy()])
    first = np.maximum(weight @ np.concatenate([p, q]) + scorer.of_query.bias.detach().numpy(), 0)
    return float(scorer.output.weight.detach().numpy()[0] @ relu_layers(scorer.rest, first))


@pytest.mark.parametrize("file", [gmf, mlp, neumf], ids=["gmf", "mlp", "neumf"])
def test_a_step_minimises_the_cross_entropy_of_the_papers_score(
    file: ModuleType, little: Prepared, step: Callable[..., Any], relu_layers: Relu
) -> None:
    composition = file.Config().composition.model_copy(update={"scorer_layers": (5, 3), "negative_count": 3})
    taken = step(file, file.Config(embed_dim=4, composition=composition), little)
    users, items = (taken.array(table.weight) for table in (taken.model.users, taken.model.items))

    def score(u: int, i: int) -> float:
        p, q, scorer = users[u], items[i], taken.model.scorer
        if file is gmf:
            return by_products(scorer, p, q)
        if file is mlp:
            return by_network(scorer, p, q, relu_layers)
        return by_products(scorer.gmf, p[:2], q[:2]) + by_network(scorer.mlp, p[2:], q[2:], relu_layers)

    total = 0.0
    for u, i, negatives in zip(taken.batch.context.users.tolist(), taken.batch.target.tolist(), taken.negatives, strict=True):
        total += np.log(1 + np.exp(-score(u, i))) + sum(np.log(1 + np.exp(score(u, k))) for k in negatives)
    np.testing.assert_allclose(taken.loss, total / len(taken.negatives), rtol=1e-6)


def test_sizes_of_the_paper() -> None:
    """Four negatives, vectors from a normal distribution of deviation 0.01, and a tower of halves that begins with both vectors' width."""
    for file in (gmf, mlp, neumf):
        config = file.Config()
        assert config.composition.negative_count == 4
        assert config.init_std == 0.01
    tower = (2 * mlp.Config().embed_dim, *mlp.Config().composition.scorer_layers)
    assert tower == (64, 64, 32, 16)
