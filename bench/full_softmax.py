"""Softmax cross-entropy over a large catalogue: time, memory and exactness of `losses.full.dot_softmax_cross_entropy`.

    OMP_NUM_THREADS=2 OMP_WAIT_POLICY=PASSIVE python bench/full_softmax.py
    OMP_NUM_THREADS=1 python bench/full_softmax.py --queries 2048 --items 12000

Prints, for the value and the gradients together, the best of several rounds that take turns:

- the seconds of turret's and of torch's own cross-entropy on the whole matrix of scores,
- those of the matrix products alone that such a step cannot do without, by torch: the scores query @ items.T, and the products of a matrix
  of their size with items and with queries that the gradients are (three), or the scores and one of the others (two); with the scores as
  large as they are ("whole"), and in pieces that stay in the cache ("in blocks"),
- the highest resident memory of each in a process of its own, less what was there before and less the two gradients,
- the largest difference of turret's gradients from torch's, and of either from float64's where `--exact` asks for it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.losses.full import dot_softmax_cross_entropy

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
WAYS: dict[str, Loss] = {
    "turret": dot_softmax_cross_entropy,
    "torch": lambda query, items, target: F.cross_entropy(query @ items.T, target, reduction="sum"),
}
PIECE = 1024
"""Items of a piece, for the floor in blocks."""


def inputs(queries: int, items: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors whose scores vary by about 2, and right items."""
    generator = torch.Generator().manual_seed(0)
    scale = (2 / width**0.5) ** 0.5
    vectors = (torch.randn(rows, width, generator=generator).mul_(scale).requires_grad_() for rows in (queries, items))
    return *vectors, torch.randint(items, (queries,), generator=generator)  # type: ignore[return-value]


def step(loss: Loss, query: Tensor, items: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of the sum."""
    query.grad = items.grad = None
    loss(query, items, target).backward()
    assert query.grad is not None and items.grad is not None
    return query.grad, items.grad


@torch.no_grad()
def products(query: Tensor, items: Tensor, piece: int, count: int) -> Callable[[], None]:
    """The first `count` of the three products, `piece` items at a time."""
    scores, for_query, for_items = torch.zeros(len(query), piece), torch.zeros_like(query), torch.zeros_like(items)

    @torch.no_grad()
    def run() -> None:
        for first in range(0, len(items), piece):
            block = items[first : first + piece]
            held = scores[:, : len(block)]
            torch.mm(query, block.T, out=held)
            for_query.addmm_(held, block, beta=0)
            if count == 3:
                torch.mm(held.T, query, out=for_items[first : first + piece])

    return run


def best(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of each, the best of `rounds` that take turns."""
    seconds = dict.fromkeys(ways, float("inf"))
    for round_ in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if round_:
                seconds[name] = min(seconds[name], time.perf_counter() - start)
    return seconds


def peak(way: str, sizes: tuple[int, int, int]) -> float:
    """Megabytes of resident memory that a step takes beyond its inputs and their gradients, the highest; in this process."""
    step(WAYS[way], *inputs(8, 500, sizes[2]))
    query, items, target = inputs(*sizes)
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    before = resident("VmRSS")
    step(WAYS[way], query, items, target)
    return (resident("VmHWM") - before - 4 * (query.numel() + items.numel())) / 1e6


def resident(name: str) -> int:
    """Bytes of one line of what the kernel says of this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=256)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--peak", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sizes = options.queries, options.items, options.width
    if options.peak:
        print(peak(options.peak, sizes))
        return
    print(f"{options.queries:,} queries, {options.items:,} items, width {options.width}, {torch.get_num_threads()} threads")
    for name in WAYS:
        again = [
            sys.executable,
            __file__,
            "--peak",
            name,
            *(f"--{k}={v}" for k, v in zip(("queries", "items", "width"), sizes, strict=True)),
        ]
        print(f"{name:8} {float(subprocess.run(again, check=True, capture_output=True, text=True).stdout):10,.1f} MB beyond gradients")

    query, items, target = inputs(*sizes)
    timed: dict[str, Callable[[], object]] = {name: lambda loss=loss: step(loss, query, items, target) for name, loss in WAYS.items()}
    for count, number in ((3, "three"), (2, "two")):
        timed |= {f"{number}, {how}": products(query, items, piece, count) for how, piece in (("whole", len(items)), ("in blocks", PIECE))}
    seconds = best(timed, options.rounds)
    for name, value in seconds.items():
        print(f"{name:20} {value:8.4f} s, turret takes {seconds['turret'] / value:5.2f} of it")

    gradients = {name: step(loss, query, items, target) for name, loss in WAYS.items()}
    if options.exact:
        exact = step(dot_softmax_cross_entropy, query.detach().double().requires_grad_(), items.detach().double().requires_grad_(), target)
        for name, found in gradients.items():
            print(f"{name:8} from float64: " + ", ".join(f"{(a - b).abs().max():.1e}" for a, b in zip(found, exact, strict=True)))
    apart = [(ours - theirs).abs().max().item() for ours, theirs in zip(*gradients.values(), strict=True)]
    print(f"largest difference of the gradients from torch's: {apart[0]:.1e} of queries, {apart[1]:.1e} of items")


if __name__ == "__main__":
    main()
