"""SASRec on Amazon Beauty: the figures of its two examples over several seeds, and what the chunked softmax saves in a step.

    python bench/sasrec_beauty.py loss
    python bench/sasrec_beauty.py figures examples/sasrec-amazon-beauty.yaml --seeds 1 2 3 --threads 2

`figures` looks for the log as `turret train` does (TURRET_DATA).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from turret import api
from turret.losses.full import dot_softmax_cross_entropy


def loss(queries: int, items: int, width: int, rounds: int) -> None:
    """Value and gradients of the softmax cross-entropy: in chunks against all scores at once, the two taking turns."""
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(queries, width, generator=generator, requires_grad=True)
    table = (torch.randn(items, width, generator=generator) / width**0.5).requires_grad_()
    target = torch.randint(items, (queries,), generator=generator)
    ways: dict[str, Callable[[], Tensor]] = {
        "in chunks": lambda: dot_softmax_cross_entropy(query, table, target),
        "all at once": lambda: F.cross_entropy(query @ table.T, target, reduction="sum"),
    }
    gradients = {name: torch.autograd.grad(way(), (query, table)) for name, way in ways.items()}
    torch.testing.assert_close(gradients["in chunks"], gradients["all at once"], rtol=1e-3, atol=1e-5)
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            torch.autograd.grad(way(), (query, table))
            best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        print(f"{name:12} {1000 * seconds:7.1f} ms for {queries:,} queries over {items:,} items")
    print(f"{best['all at once'] / best['in chunks']:.2f} times faster in chunks")


def figures(config: Path, seeds: list[int], threads: int, runs: Path) -> None:
    """Trains and tests once for each seed, and says what they give together."""
    results = []
    for seed in seeds:
        result = api.train(config=config, seed=seed, threads=threads, run_dir=runs / f"{config.stem}-{seed}").result
        print(
            seed,
            {name: value for name, value in result.items() if name.startswith(("test.", "seconds.")) or name == "best_round"},
            flush=True,
        )
        results.append(result)
    for name in ("test.hit@10", "test.ndcg@10"):
        values = [result[name] for result in results]
        print(f"{name}: mean {statistics.mean(values):.4f}, spread {min(values):.4f} to {max(values):.4f} over {len(values)} seeds")


def main() -> None:
    """Reads what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    step = what.add_parser("loss")
    step.add_argument("--queries", type=int, default=1024)
    step.add_argument("--items", type=int, default=12_101)
    step.add_argument("--width", type=int, default=64)
    step.add_argument("--rounds", type=int, default=10)
    runs = what.add_parser("figures")
    runs.add_argument("config", type=Path)
    runs.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    runs.add_argument("--threads", type=int, default=2)
    runs.add_argument("--runs", type=Path, default=Path("runs"))
    given = vars(parser.parse_args())
    {"loss": loss, "figures": figures}[given.pop("what")](**given)


if __name__ == "__main__":
    main()
