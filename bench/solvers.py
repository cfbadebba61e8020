"""ALS sweeps, ItemKNN, EASE and its Gram matrix, beside `implicit` where it is installed.

    python bench/solvers.py [--users 100000] [--items 20000] [--rows 4800000] [--threads 1] [--ease_items 5000]

One synthetic log with long-tailed users and items. Both libraries start ALS from the same vectors and take three steps of conjugate
gradients for each vector of a sweep; the losses reached stand beside the times, and for ItemKNN the share of similarities that agree. The
rounds of each run one after another. `cpu` is the processor time of the process, which other work on the machine disturbs less than
`wall`; the tables give medians, and ratios to `implicit`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # implicit asks for it: its threads and those of the BLAS would get in each other's way

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import torch
from scipy.sparse import csr_array, csr_matrix

from turret.batches.history import Histories
from turret.core.interactions import Interactions
from turret.graphs.matrix import interaction_matrix
from turret.models.general.ease import EASE, fill_with_gram
from turret.models.general.itemknn import ItemKNN
from turret.models.general.wrmf import WRMF

WIDTH, ALPHA, LAMBDA, NEIGHBOURS = 64, 3.0, 0.01, 100


def log(users: int, items: int, rows: int) -> Interactions:
    """Random pairs, each at most once, with long-tailed users and items."""
    draw = np.random.default_rng(0)
    user = draw.permutation(users)[(users * draw.random(rows) ** 1.5).astype(np.int64)]
    item = draw.permutation(items)[(items * draw.random(rows) ** 2.5).astype(np.int64)]
    pairs = np.unique(user * items + item)
    return Interactions((pairs // items).astype(np.int32), (pairs % items).astype(np.int32), users, items)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def table(title: str, times: dict[str, list[tuple[float, float]]], notes: dict[str, str]) -> None:
    """Prints medians and ratios to the last of the contestants."""
    middle = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in times.items()}
    base = list(middle.values())[-1]
    print(title)
    for name, (wall, cpu) in middle.items():
        ratio = f"{wall / base[0]:5.2f} {cpu / base[1]:5.2f}" if len(middle) > 1 else ""
        print(f"  {name:22} wall {wall:7.2f} s   cpu {cpu:7.2f} s   {ratio}   {notes.get(name, '')}")


def als(data: Interactions, threads: int, rounds: int) -> None:
    """Sweeps from the same start."""
    start = torch.randn(data.n_items, WIDTH, generator=torch.Generator().manual_seed(0)) * 0.01
    models = {"turret": 3, "turret, exact": None}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    notes: dict[str, str] = {}
    for name, steps in models.items():
        model = WRMF(data.n_users, data.n_items, WIDTH, ALPHA, LAMBDA, sweeps=rounds + 1, steps=steps)
        sweeps = model.solve(data, torch.Generator().manual_seed(0))
        model.items.copy_(start)
        model.finished += 1  # the start above in place of the model's own
        for _ in range(rounds):
            times[name].append(timed(lambda: notes.update({name: f"loss {next(sweeps).measures['loss']:.0f}"})))  # noqa: B023
    if find_spec("implicit"):
        from implicit.cpu import _als

        confidence = csr_matrix(interaction_matrix(data)) * np.float32(1 + ALPHA)
        transposed = confidence.T.tocsr()
        users, items = np.zeros((data.n_users, WIDTH), dtype=np.float32), start.numpy().copy()

        def sweep() -> None:
            _als.least_squares_cg(confidence, users, items, LAMBDA, num_threads=threads)
            _als.least_squares_cg(transposed, items, users, LAMBDA, num_threads=threads)

        times["implicit"] = [timed(sweep) for _ in range(rounds)]
        total = data.n_users * data.n_items + float((confidence.data - 1).sum())
        notes["implicit"] = f"loss {_als.calculate_loss(confidence, users, items, LAMBDA, num_threads=threads) * total:.0f}"
    table(f"ALS, one sweep, width {WIDTH}, {len(data):,} pairs; losses after {rounds} sweeps", times, notes)


def itemknn(data: Interactions, threads: int, rounds: int) -> None:
    """All neighbours by cosine."""
    model = ItemKNN(data.n_items, NEIGHBOURS, inverse_user_frequency=False)
    times: dict[str, list[tuple[float, float]]] = {
        "turret": [timed(lambda: list(model.solve(data, torch.Generator()))) for _ in range(rounds)]
    }
    notes: dict[str, str] = {}
    if find_spec("implicit"):
        from implicit.nearest_neighbours import CosineRecommender

        matrix = csr_matrix(interaction_matrix(data))
        peer = CosineRecommender(K=NEIGHBOURS + 1, num_threads=threads)  # it counts an item among its own neighbours
        times["implicit"] = [timed(lambda: peer.fit(matrix, show_progress=False)) for _ in range(rounds)]
        mine = csr_array((model.similarities, model.columns, model.offsets), shape=(data.n_items,) * 2).tocsc()
        agreed = [
            np.allclose(
                np.sort(peer.similarity.getrow(i).data)[::-1][1:], np.sort(mine.data[mine.indptr[i] : mine.indptr[i + 1]])[::-1], atol=1e-5
            )
            for i in range(0, data.n_items, 50)
            if peer.similarity.getrow(i).nnz == NEIGHBOURS + 1
        ]
        notes["turret"] = f"the same similarities for {np.mean(agreed):.1%} of {len(agreed)} items"
    table(f"ItemKNN, {NEIGHBOURS} neighbours of {data.n_items:,} items", times, notes)


def scoring(data: Interactions, rounds: int) -> None:
    """256 users against the whole catalogue."""
    model = ItemKNN(data.n_items, NEIGHBOURS)
    list(model.solve(data, torch.Generator()))
    context = Histories(data, model.reads, data.n_users, data.n_items).context(torch.arange(256))
    table("ItemKNN, scores of 256 users", {"turret": [timed(lambda: model.score_all(context)) for _ in range(rounds)]}, {})


def ease(data: Interactions, items: int, rounds: int) -> None:
    """The Gram matrix of all items, and EASE on the first of them."""
    matrix = np.zeros((data.n_items, data.n_items), dtype=np.float32)
    table(f"Gram matrix of {data.n_items:,} items", {"turret": [timed(lambda: fill_with_gram(matrix, data)) for _ in range(rounds)]}, {})
    few = data.item < items
    part = Interactions(data.user[few], data.item[few], data.n_users, items)
    model = EASE(items, 250.0)
    table(f"EASE, {items:,} items", {"turret": [timed(lambda: list(model.solve(part, torch.Generator())))]}, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"users": 100_000, "items": 20_000, "rows": 4_800_000, "threads": 1, "ease_items": 5_000, "rounds": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    data = log(asked.users, asked.items, asked.rows)
    warm = log(200, 100, 2_000)  # compiles the kernels, or reads them
    list(WRMF(200, 100, WIDTH, ALPHA, LAMBDA, sweeps=1).solve(warm, torch.Generator()))
    list(WRMF(200, 100, WIDTH, ALPHA, LAMBDA, sweeps=1, steps=None).solve(warm, torch.Generator()))
    for model in (ItemKNN(100), EASE(100, 250.0)):
        list(model.solve(warm, torch.Generator()))
        model.score_all(Histories(warm, model.reads, 200, 100).context([0]))
    als(data, asked.threads, asked.rounds)
    itemknn(data, asked.threads, asked.rounds)
    scoring(data, asked.rounds)
    ease(data, asked.ease_items, asked.rounds)


if __name__ == "__main__":
    main()
