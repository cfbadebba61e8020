"""Samplers that follow the model: what their draws and refreshes cost, and how near they come to the softmax of its scores.

    OMP_NUM_THREADS=2 python bench/dynamic_sampling.py
    OMP_NUM_THREADS=2 python bench/dynamic_sampling.py --items 1000000 --near_items 20000 --codewords 64 128 256

Costs: T queries with N negatives each over I random vectors, draws and their log q together, the best of several rounds in which the
samplers take turns; the processor's time beside the clock's, for machines that are not one's own. Nearness: half the sum of differences
to the softmax (total variation, 0 to 1), the mean over queries, for items in clusters and queries near them, as trained vectors are.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from turret.core.context import Encoded
from turret.core.contracts import Step, Targets
from turret.nn.tables import Computed
from turret.sampling.clusters import Clusters
from turret.sampling.distribution import Distribution
from turret.sampling.midx import Midx
from turret.sampling.popularity import Popularity, power
from turret.sampling.softmax import Own
from turret.scorers.dot import Dot

CLUSTERS = 500
"""Of the vectors that stand for trained ones."""


def distributions(popularity: np.ndarray, sizes: list[int]) -> Iterator[tuple[str, Distribution]]:
    """All that are compared, by name."""
    ones = np.ones(len(popularity))
    for size in sizes:
        yield f"midx_uni, {size} codewords", Midx(ones, size, 1)
        yield f"midx_pop, {size} codewords", Midx(popularity, size, 1)
        yield f"cluster_uni, {size} clusters", Clusters(ones, size, 1)
        yield f"cluster_pop, {size} clusters", Clusters(popularity, size, 1)


def targets_of(items: Tensor, query: Tensor) -> Targets:
    """Targets whose right items nobody looks at."""
    return Targets(torch.zeros(len(query), dtype=torch.int64), None, query, Encoded(Computed(items)), Dot())


def costs(arguments: argparse.Namespace, generator: torch.Generator) -> None:
    """Prints seconds of a refresh, the first and one that goes on, and draws a second."""
    items = 0.3 * torch.randn(arguments.items, arguments.width, generator=generator)
    targets = targets_of(items, torch.randn(arguments.queries, arguments.width, generator=generator))
    popularity = power(np.random.default_rng(0).zipf(1.5, arguments.items).clip(max=10**6))
    print(f"{arguments.queries:,} x {arguments.negatives} of {arguments.items:,} items, {torch.get_num_threads()} threads")
    print(f"{'':28} {'refresh s':>10} {'again s':>10} {'M draws/s':>10} {'M/s of CPU':>11}")
    refreshed, best = {}, {}
    compared = dict(distributions(popularity, arguments.codewords))
    for name, distribution in compared.items():
        seconds = [timed(partial(distribution.refresh, targets, Step(number, generator)))[0] for number in range(2)]
        refreshed[name], best[name] = seconds, [float("inf")] * 2

    def one(distribution: Distribution) -> None:
        distribution.log_prob(targets, distribution.draw(targets, arguments.negatives, generator))

    for _ in range(arguments.rounds):
        for name, distribution in compared.items():
            best[name] = [min(pair) for pair in zip(best[name], timed(partial(one, distribution)), strict=True)]
    draws = arguments.queries * arguments.negatives / 1e6
    for name, (first, again) in refreshed.items():
        clock, processor = (draws / seconds for seconds in best[name])
        print(f"{name:28} {first:10.2f} {again:10.2f} {clock:10.2f} {processor:11.2f}")


def nearness(arguments: argparse.Namespace, generator: torch.Generator) -> None:
    """Prints the distance of each from the softmax."""
    n, width = arguments.near_items, arguments.width
    # a spectrum that falls, in directions of which none is an axis
    directions = torch.linalg.qr(torch.randn(width, width, generator=generator))[0] * torch.arange(1, width + 1)[:, None] ** -0.5
    middles = torch.randn(CLUSTERS, width, generator=generator)
    owner = torch.cat([torch.randint(CLUSTERS, (n,), generator=generator), torch.randint(CLUSTERS, (256,), generator=generator)])
    vectors = (middles[owner] + 0.5 * torch.randn(len(owner), width, generator=generator)) @ directions
    targets = targets_of(vectors[:n], 2 * vectors[n:])
    popularity = power(np.random.default_rng(0).zipf(1.5, n).clip(max=10**6))
    every = torch.arange(n)[None]
    softmax = Own().log_prob(targets, every).double().exp()
    compared = {"uniform": Popularity(np.ones(n)), "popularity": Popularity(popularity)}
    compared |= dict(distributions(popularity, arguments.codewords))
    print(f"\ntotal variation distance to the softmax, {n:,} items; its perplexity is {perplexity(softmax):,.0f} items")
    for name, distribution in compared.items():
        distribution.refresh(targets, Step(0, generator))
        found = distribution.log_prob(targets, every).double().exp().expand_as(softmax)
        print(f"{name:28} {float((found - softmax).abs().sum(dim=1).mean()) / 2:10.3f}")


def perplexity(probability: Tensor) -> float:
    """How many items as many equally probable ones would be, the mean over queries."""
    return float(torch.special.entr(probability).sum(dim=1).exp().mean())


def timed(work: partial[None]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def main() -> None:
    """Runs both."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = (("items", 1_000_000), ("near_items", 20_000), ("queries", 2048), ("negatives", 64), ("width", 64), ("rounds", 5))
    for name, default in defaults:
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--codewords", type=int, nargs="+", default=[64, 128, 256])
    arguments = options.parse_args()
    generator = torch.Generator().manual_seed(0)
    costs(arguments, generator)
    nearness(arguments, generator)


if __name__ == "__main__":
    main()
