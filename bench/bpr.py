"""Training steps of BPR at two sizes, beside the same steps as a plain torch loop writes them.

    python bench/bpr.py [--threads 1]

Small: 943 users, 1,682 items, 80,000 pairs (MovieLens-100K's training part). Large: 200,000 users, 1,000,000 items. Width 64, batches of
2,048, one negative. The plain loop draws an epoch's index tensors at once and takes slices, with `nn.Embedding` and torch's optimizers, and
without leaving out seen items; Turret leaves them out. Rounds alternate; the table gives medians, and ratios to the plain loop of that run.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages for large tables, as the command sets it

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F

from turret.core.interactions import Interactions
from turret.data.prepared import TRAIN, Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.general import bpr
from turret.training.config import Training

WIDTH, BATCH = 64, 2048


def log(users: int, items: int, rows: int) -> Interactions:
    """Random pairs with a long-tailed popularity, every user and item among them."""
    draw = np.random.default_rng(0)
    user = np.sort(draw.integers(0, users, rows)).astype(np.int32)
    item = (draw.random(rows) ** 2 * items).astype(np.int32)
    return Interactions(user, item, users, items)


def prepared(interactions: Interactions) -> Prepared:
    """The pairs as a training part."""
    nobody = Entities(Vocabulary.of([]))
    return Prepared("bench", interactions.n_users, interactions.n_items, nobody, nobody, {TRAIN: Part(interactions)})


def turret(data: Prepared, learner: str) -> Callable[[], int]:
    """An epoch of Turret's at each call; returns its steps."""
    config = bpr.Config(embed_dim=WIDTH, training=Training(learner=learner, batch_size=BATCH, epochs=10_000))
    model, procedure = bpr.build(config, data), bpr.recipe(config, data)
    rounds: Iterator[object] = procedure.fit(model, 0, torch.device("cpu"))

    def epoch() -> int:
        next(rounds)
        return procedure.batches.steps()

    return epoch


def plain(data: Prepared, sparse: bool, limit: int) -> Callable[[], int]:
    """Up to `limit` steps of a plain loop at each call."""
    torch.manual_seed(0)
    users = torch.nn.Embedding(data.n_users, WIDTH, sparse=sparse)
    items = torch.nn.Embedding(data.n_items, WIDTH, sparse=sparse)
    parameters = [*users.parameters(), *items.parameters()]
    optimizer = torch.optim.SparseAdam(parameters) if sparse else torch.optim.Adam(parameters, fused=True)
    user, item = torch.tensor(data.train.user).long(), torch.tensor(data.train.item).long()

    def epoch() -> int:
        order = torch.randperm(len(user))
        negatives = torch.randint(data.n_items, (len(user),))
        batches = list(zip(user[order].split(BATCH), item[order].split(BATCH), negatives.split(BATCH), strict=True))[:limit]
        for u, i, j in batches:
            optimizer.zero_grad(set_to_none=True)
            vector = users(u)
            loss = F.softplus((vector * items(j)).sum(1) - (vector * items(i)).sum(1)).mean()
            loss.backward()
            optimizer.step()
        return len(batches)

    return epoch


def compare(title: str, runs: dict[str, Callable[[], int]], rounds: int, base: str) -> None:
    """Runs all in turn, and prints milliseconds an epoch, steps a second and the ratio to `base`."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    steps: dict[str, int] = {}
    for number in range(rounds + 1):
        for name, epoch in runs.items():
            start = time.perf_counter()
            steps[name] = epoch()
            if number:  # the first compiles and warms up
                times[name].append(time.perf_counter() - start)
    print(f"\n{title}")
    print(f"{'':26}{'ms an epoch':>12}{'fastest':>9}{'steps/s':>9}{'speed-up':>10}")
    rate = {name: steps[name] / float(np.median(taken)) for name, taken in times.items()}
    for name, taken in times.items():
        middle, least = float(np.median(taken)) * 1e3, min(taken) * 1e3
        print(f"{name:26}{middle:12.1f}{least:9.1f}{rate[name]:9.1f}{rate[name] / rate[base]:9.1f}x")


def main() -> None:
    """Both sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    learners = ("sparse_adam", "sparse_adagrad", "rowwise_adagrad", "sparse_sgd")
    small = prepared(log(943, 1682, 80_000))
    runs = {"plain loop, Adam": plain(small, False, 1000), "turret adam": turret(small, "adam")}
    compare(
        "943 users, 1,682 items",
        {**runs, **{f"turret {name}": turret(small, name) for name in learners}},
        arguments.rounds,
        "plain loop, Adam",
    )
    large = prepared(log(200_000, 1_000_000, 400_000))
    runs = {"plain loop, Adam": plain(large, False, 4), "plain loop, SparseAdam": plain(large, True, 30)}
    compare(
        "200,000 users, 1,000,000 items (an epoch of the plain loops is cut short)",
        {**runs, **{f"turret {name}": turret(large, name) for name in learners}},
        max(2, arguments.rounds // 3),
        "plain loop, Adam",
    )


if __name__ == "__main__":
    main()
