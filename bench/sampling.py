"""Draws a second of the samplers: 2,048 right items with 64 negatives each from 1,000,000 items, for 200,000 users.

    python bench/sampling.py

10,000,000 pairs with a long-tailed popularity are what users have seen. A draw counts with all that a sampler tells of it (log q, mask).
References in the same run: `torch.multinomial` and `numpy.random.Generator.choice` with the same probabilities, which give items alone.
Rounds of all samplers alternate, with a few batches each; the table gives the fastest batch of each and the median. As many threads are
used as torch uses (OMP_NUM_THREADS).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch

from turret.core.context import Encoded
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.nn.tables import Table
from turret.sampling.drawn import Drawn
from turret.sampling.frequency import Counted, Estimated
from turret.sampling.in_batch import InBatch
from turret.sampling.mixed import Mixed
from turret.sampling.popularity import Popularity, power
from turret.sampling.uniform import Uniform
from turret.scorers.dot import Dot

USERS, ITEMS, PAIRS = 200_000, 1_000_000, 10_000_000
ROWS, NEGATIVES = 2048, 64

Draw = Callable[[Targets, Step], object]


def log() -> Interactions:
    """Random pairs whose popularity has a long tail, with popular items anywhere among the ids."""
    draw = np.random.default_rng(0)
    user = np.sort(draw.integers(0, USERS, PAIRS)).astype(np.int32)
    rank = (draw.random(PAIRS) ** 3 * ITEMS).astype(np.int64)
    return Interactions(user, draw.permutation(ITEMS)[rank].astype(np.int32), USERS, ITEMS)


def batches(train: Interactions, width: int, count: int = 16) -> list[Targets]:
    """Random right items, with item vectors and queries of `width` numbers."""
    generator = torch.Generator().manual_seed(0)
    encoded = Encoded(Table(train.n_items, width))
    found = []
    for places in torch.randint(len(train), (count, ROWS), generator=generator):
        items, users = (torch.tensor(column[places.numpy()], dtype=torch.int64) for column in (train.item, train.user))
        found.append(Targets(items, users, torch.randn(ROWS, width, generator=generator), encoded, Dot(), places))
    return found


def static(train: Interactions) -> dict[str, Draw]:
    """Samplers that look at no vectors, and the references."""
    mass = power(train.item_counts)
    popularity, share = Popularity(mass), mass / mass.sum()
    weights, numbers = torch.from_numpy(share), np.random.default_rng(0)
    return {
        "uniform": Uniform(ITEMS, NEGATIVES),
        "uniform, seen left out": Uniform(ITEMS, NEGATIVES, train),
        "popularity": Drawn(popularity, NEGATIVES),
        "popularity, seen left out": Drawn(popularity, NEGATIVES, train),
        "torch.multinomial": lambda targets, step: torch.multinomial(weights, ROWS * NEGATIVES, replacement=True, generator=step.generator),
        "numpy choice": lambda targets, step: numbers.choice(ITEMS, (ROWS, NEGATIVES), p=share),
    }


def shared(train: Interactions) -> dict[str, Draw]:
    """Samplers whose items all rows share, of which each row's are counted as draws."""
    return {
        "in-batch": InBatch(Counted(train.item_counts)),
        "in-batch, estimated": InBatch(Estimated(ITEMS)),
        "in-batch, seen left out": InBatch(Counted(train.item_counts), train),
        "mixed, seen left out": Mixed(Counted(train.item_counts), ITEMS, NEGATIVES, train),
    }


def measure(title: str, samplers: Mapping[str, Draw], targets: list[Targets], rounds: int = 24) -> None:
    """Prints milliseconds a batch and, where `NEGATIVES` are drawn for each row, millions of draws a second."""
    generator = torch.Generator().manual_seed(0)
    times: dict[str, list[float]] = {name: [] for name in samplers}
    for number in range(rounds + 1):
        for name, sampler in samplers.items():
            for batch in range(4):
                start = time.perf_counter()
                sampler(targets[(4 * number + batch) % len(targets)], Step(4 * number + batch, generator))
                if number:  # the first compiles
                    times[name].append(time.perf_counter() - start)
    print(f"\n{title}\n{'':28}{'fastest, ms':>12}{'median, ms':>12}{'million draws/s':>17}")
    for name, taken in times.items():
        fastest, median = min(taken), float(np.median(taken))
        print(f"{name:28}{fastest * 1e3:12.2f}{median * 1e3:12.2f}{ROWS * NEGATIVES / fastest / 1e6:17.1f}")


def main() -> None:
    """All tables."""
    train = log()
    print(f"{torch.get_num_threads()} threads; {ROWS:,} right items, {NEGATIVES} negatives, {ITEMS:,} items, {USERS:,} users")
    measure("Samplers that look at no vectors", static(train), batches(train, 1))
    measure("Shared by all rows of a batch", shared(train), batches(train, 1))


if __name__ == "__main__":
    main()
