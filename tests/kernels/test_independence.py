"""Every kernel that is divided among threads gives the same bits on any number of them, and is in fact divided here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.context import Context, Encoded, History
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions, Ragged
from turret.core.seeds import torch_generator
from turret.evaluation.topk import compare, top_k
from turret.index.approximate import Approximate
from turret.index.exact import Exact
from turret.kernels import parallel
from turret.kernels.parallel import kernels_on
from turret.losses.full import dot_softmax_cross_entropy
from turret.models.general.ease import EASE
from turret.models.general.itemknn import ItemKNN
from turret.models.general.slim import SLIM
from turret.models.general.wrmf import WRMF
from turret.nn.in_ball import InBall
from turret.nn.tables import Computed
from turret.sampling.buckets import Buckets
from turret.sampling.hard import compared
from turret.sampling.midx import Midx
from turret.sampling.popularity import Popularity
from turret.sampling.seen import Seen
from turret.scorers.dot import Dot
from turret.training.optimizers import rules

Work = Callable[[], list[Tensor]]
CASES: dict[str, Work] = {}


def case(work: Work) -> Work:
    CASES[work.__name__] = work
    return work


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Of very different sizes, so that the order of additions shows."""
    generator = torch_generator(seed, "numbers")
    return torch.randn(shape, generator=generator) * 10 ** torch.empty(shape).uniform_(-4, 1, generator=generator)


def whole(high: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randint(high, shape, generator=torch_generator(seed, "whole numbers"))


def uniform(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch_generator(0, "uniform"), dtype=torch.float64)


def log(rows: int = 6000, users: int = 300, items: int = 200) -> Interactions:
    generator = np.random.default_rng(0)
    user = np.sort(generator.integers(0, users, rows)).astype(np.int32)
    return Interactions(user, (items * generator.random(rows) ** 2).astype(np.int32), users, items)


def ragged(rows: int, most: int, high: int) -> Ragged:
    generator = np.random.default_rng(1)
    chosen = [np.sort(generator.choice(high, generator.integers(0, most), replace=False)) for _ in range(rows)]
    return Ragged(np.cumsum([0, *map(len, chosen)]), np.concatenate(chosen).astype(np.int32))


def with_gradients(work: Callable[..., Tensor], *leaves: Tensor) -> list[Tensor]:
    leaves = tuple(leaf.clone().requires_grad_() for leaf in leaves)
    value = work(*leaves)
    value.backward(normal(*value.shape, seed=9))
    return [value.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


@case
def inner_products() -> list[Tensor]:
    return with_gradients(Dot().pairs, normal(3000, 24), normal(3000, 20, 24))


@case
def vectors_in_a_ball() -> list[Tensor]:
    return with_gradients(lambda vectors: InBall(Computed(vectors)).dense(), normal(40_000, 7))


@case
def softmax_over_a_catalogue() -> list[Tensor]:
    target = whole(9000, 600)
    return with_gradients(lambda query, items: dot_softmax_cross_entropy(query, items, target), normal(600, 40) / 9, normal(9000, 40) / 9)


@case
def updates_of_rows() -> list[Tensor]:
    found = []
    for rule in (rules.Sgd(), rules.Adagrad(), rules.MomentumAdagrad(), rules.MomentumAdagrad(0.5), rules.RowwiseAdagrad(), rules.Adam()):
        table = normal(9000, 12)
        state = rule.begin(table)
        rule.update(table, torch.randperm(9000, generator=torch_generator(0, "rows"))[:8000], normal(8000, 12), state, 0.1, 0.01)
        found += [table, *state.values()]
    return found


@case
def what_users_have_taken() -> list[Tensor]:
    seen, users = Seen(log()), whole(300, 4000)
    return [seen.contains(users, whole(200, 4000, 30)), seen.among(users, whole(200, 50)), *seen.draw(users, uniform(4000, 30))]


@case
def comparisons_with_a_row() -> list[Tensor]:
    return [*compared(normal(500, 700), whole(700, 500, 9))]


@case
def draws_in_proportion() -> list[Tensor]:
    return [Popularity(np.arange(1.0, 900)).at(uniform(300, 500))]


@case
def draws_from_buckets() -> list[Tensor]:
    return [Buckets(whole(20, 1000), 20, torch.ones(1000, dtype=torch.float64)).draw(whole(20, 400, 100), uniform(400, 100))]


@case
def draws_by_an_inverted_multi_index() -> list[Tensor]:
    items = normal(900, 8)
    targets = Targets(whole(900, 500), None, normal(500, 8) / 9, Encoded(Computed(items)), Dot())
    midx = Midx(np.ones(900), 12, 10)
    midx.refresh(targets, Step(0, torch_generator(0, "codewords")))
    drawn = midx.draw(targets, 40, torch_generator(0, "draws"))
    return [drawn, midx.log_prob(targets, drawn)]


@case
def lists_and_places() -> list[Tensor]:
    scores, excluded = normal(2000, 600), ragged(2000, 40, 600)
    asked = Ragged(np.arange(2001), np.full(2000, 599, dtype=np.int32))
    free = Ragged(np.zeros(2001, dtype=np.int64), excluded.values[:0])
    return [torch.from_numpy(found) for found in (top_k([scores], 30, excluded), *compare(scores, asked, free))]


@case
def search_among_vectors() -> list[Tensor]:
    vectors, queries = normal(3000, 33).numpy(), normal(1500, 33, seed=1).numpy()
    found = [
        Exact(vectors, metric).search(asked, 9) for metric in ("inner_product", "cosine", "euclidean") for asked in (queries, queries[:1])
    ]
    return [torch.from_numpy(part) for each in found for part in each]


@case
def search_in_cells() -> list[Tensor]:
    pytest.importorskip("faiss")
    vectors, queries = normal(6000, 100).numpy(), normal(400, 100, seed=1).numpy()
    found = [Approximate(vectors, metric, probes=3).search(queries, 9) for metric in ("inner_product", "cosine", "euclidean")]
    return [torch.from_numpy(part) for each in found for part in each]


def solved(model: EASE | ItemKNN | SLIM | WRMF) -> list[Tensor]:
    for _ in model.solve(log(), torch_generator(0, "solve")):
        pass
    return [value.clone() for value in model.state_dict().values()]


@case
def ease() -> list[Tensor]:
    return solved(EASE(200, 10.0))


@case
def slim() -> list[Tensor]:
    return solved(SLIM(200, 1.0, 0.5, neighbours=60))


@case
def item_neighbours() -> list[Tensor]:
    model = ItemKNN(200, 30)
    history = History(whole(200, 500, 20), torch.ones(500, 20, dtype=torch.bool))
    return [*solved(model), model.score_all(Context(history=history))]


@case
def alternating_least_squares() -> list[Tensor]:
    return [*solved(WRMF(300, 200, 20, 10.0, 0.1, sweeps=3)), *solved(WRMF(300, 200, 20, 10.0, 0.1, sweeps=2, steps=None))]


@pytest.mark.parametrize("name", CASES)
def test_the_number_of_threads_changes_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[int] = []
    pool, each = parallel._pool, parallel.ThreadPoolExecutor

    def counted(threads: int, **settings: object) -> object:
        parts.append(threads)
        return each(threads, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(parallel, "_pool", lambda threads: parts.append(threads) or pool(threads))
    monkeypatch.setattr(parallel, "ThreadPoolExecutor", counted)
    with kernels_on(1):
        alone = [value.clone() for value in CASES[name]()]
    assert not parts
    for count in (2, 3, 4, 7):
        parts.clear()
        with kernels_on(count):
            found = CASES[name]()
        assert count in parts, "nothing was divided"
        assert len(found) == len(alone)
        for one, other in zip(alone, found, strict=True):
            assert one.numpy().tobytes() == other.numpy().tobytes(), count
