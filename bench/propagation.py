"""LightGCN's propagation, forward and backward, by every way that torch has: which is why `graphs.propagation` does it as it does.

    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python bench/propagation.py
    OMP_NUM_THREADS=2 OMP_WAIT_POLICY=PASSIVE python bench/propagation.py --users 50000 --items 40000 --edges 1000000

Prints milliseconds for K layers over the whole graph with gradients, the best of several rounds that take turns, and each way's largest
difference from the first. "gather and scatter" is what message-passing libraries do.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from turret.core.interactions import Interactions
from turret.graphs.bipartite import normalised_bipartite

Layer = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def graph(n_users: int, n_items: int, edges: int) -> Interactions:
    """Random interactions with a long tail of items."""
    generator = np.random.default_rng(0)
    pairs = generator.integers(0, n_users, edges) * n_items + (n_items * generator.random(edges) ** 2.5).astype(np.int64)
    user, item = np.divmod(np.unique(pairs), n_items)
    return Interactions(user, item, n_users, n_items)


def ways(interactions: Interactions) -> dict[str, Layer]:
    """Each way's (users, items) -> (users, items) of the next layer."""
    ours = normalised_bipartite(interactions)
    user, item = torch.from_numpy(interactions.user), torch.from_numpy(interactions.item)
    shape = interactions.n_users, interactions.n_items
    degrees = user.bincount(minlength=shape[0])[user] * item.bincount(minlength=shape[1])[item]
    values = degrees.double().rsqrt().float()
    block = torch.sparse_coo_tensor(torch.stack([user, item]), values, shape).coalesce()
    transpose = block.T.coalesce()
    square = torch.sparse_coo_tensor(
        torch.stack([torch.cat([user, item + shape[0]]), torch.cat([item + shape[0], user])]),
        torch.cat([values, values]),
        (sum(shape), sum(shape)),
    ).coalesce()
    compressed = square.to_sparse_csr()
    rows, columns, weights = *square.indices(), square.values()

    def on_square(product: Callable[[Tensor], Tensor]) -> Layer:
        return lambda users, items: product(torch.cat([users, items])).split(shape)  # type: ignore[return-value]

    return {
        "embedding bags (turret)": lambda users, items: (ours(items), ours.transposed(users)),
        "torch CSR, square": on_square(lambda x: compressed @ x),
        "torch COO, square": on_square(lambda x: torch.sparse.mm(square, x)),
        "torch COO, two blocks": lambda users, items: (torch.sparse.mm(block, items), torch.sparse.mm(transpose, users)),
        "gather and scatter": on_square(lambda x: torch.zeros_like(x).index_add(0, rows, x[columns] * weights[:, None])),
    }


def step(layer: Layer, users: Tensor, items: Tensor, layers: int) -> tuple[Tensor, float]:
    """The gradient of the users after K layers and back, and the milliseconds that it took."""
    start = time.perf_counter()
    x, y = users, items
    for _ in range(layers):
        x, y = layer(x, y)
    (gradient, _) = torch.autograd.grad(x.square().sum() + y.square().sum(), (users, items))
    return gradient, 1000 * (time.perf_counter() - start)


def main() -> None:
    """Runs the comparison."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("users", 943), ("items", 1682), ("edges", 80_000), ("width", 64), ("layers", 3), ("rounds", 5)):
        options.add_argument(f"--{name}", type=int, default=default)
    arguments = options.parse_args()
    interactions = graph(arguments.users, arguments.items, arguments.edges)
    users = torch.randn(arguments.users, arguments.width, requires_grad=True)
    items = torch.randn(arguments.items, arguments.width, requires_grad=True)
    layers = ways(interactions)
    best, gradients = dict.fromkeys(layers, float("inf")), {}
    for _ in range(arguments.rounds):
        for name, layer in layers.items():
            gradients[name], milliseconds = step(layer, users, items, arguments.layers)
            best[name] = min(best[name], milliseconds)
    reference = next(iter(gradients.values()))
    print(f"{len(interactions):,} edges, width {arguments.width}, {arguments.layers} layers and back, {torch.get_num_threads()} threads")
    for name, milliseconds in best.items():
        print(f"{name:26} {milliseconds:9.1f} ms   difference {float((gradients[name] - reference).abs().max()):.1e}")


if __name__ == "__main__":
    main()
