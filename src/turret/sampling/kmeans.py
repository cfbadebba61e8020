"""Clusters of vectors, by k-means."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.sampling import categorical

SAMPLED = 128
"""Vectors for each centre that centres are found from, chosen at random where there are more; all of them are assigned in the end."""
ROUNDS = 12
"""Of Lloyd's algorithm. Later ones change the inertia by less than one per cent on most data, and a warm start has had them before."""
TRIES = 4
"""Vectors that are drawn for a centre to start at; the one that leaves the least inertia is taken."""


def fit(vectors: Tensor, count: int, centres: Tensor | None, generator: torch.Generator) -> Tensor:
    """`count` centres with a small sum of squared distances to the nearest of them.

    Lloyd's algorithm on a sample. A centre that no vector is nearest to starts anew at a vector that is drawn in proportion to its squared
    distance from the others, the best of a few that are drawn so; all do at the beginning, which is k-means++ (D. Arthur and
    S. Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA 2007) in its greedy form. So no two centres begin at equal
    vectors as long as there are different ones, and as many centres as different vectors represent them exactly.

    Args:
        vectors: float [n, D], n at least 1.
        count: K, which may exceed n; centres for which there are no vectors left repeat others.
        centres: float [K, D] to start from, those of a time before; None starts from nothing.
        generator: on the device of `vectors`.

    Returns:
        float [K, D].
    """
    if len(vectors) > SAMPLED * count:
        vectors = vectors[torch.randperm(len(vectors), generator=generator, device=vectors.device)[: SAMPLED * count]]
    one = torch.randint(len(vectors), (1,), generator=generator, device=vectors.device)
    found = _seeded(vectors, vectors[one] if centres is None else _means(vectors, centres), count, generator)
    for _ in range(ROUNDS - 1):
        found = _seeded(vectors, _means(vectors, found), count, generator)
    return found


def nearest(vectors: Tensor, centres: Tensor) -> Tensor:
    """int64 [n] which of `centres` [K, D] each of `vectors` [n, D] is nearest to, in blocks of matrix products."""
    middle = centres.mean(dim=0)  # distances do not depend on the origin; their precision does
    centres = centres - middle
    bias = -centres.square().sum(dim=1) / 2
    parts = [torch.addmm(bias, vectors[rows] - middle, centres.T).argmax(dim=1) for rows in categorical.blocks(len(vectors), len(centres))]
    return torch.cat(parts)


def _means(vectors: Tensor, centres: Tensor) -> Tensor:
    """float [m, D] the means of the vectors that are nearest to the same centre, for the m centres that have any."""
    label = nearest(vectors, centres)
    counts = label.bincount(minlength=len(centres))
    counts = counts[counts > 0]
    # bags, summed one after the other, since scattered additions come in another order each time on some devices
    means = F.embedding_bag(label.argsort(stable=True), vectors.double(), counts.cumsum(dim=0) - counts, mode="mean")
    return means.to(vectors.dtype)


def _seeded(vectors: Tensor, centres: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`centres` [m, D] and, after them, vectors drawn in proportion to the squared distance from the nearest so far: [K, D]."""
    missing = count - len(centres)
    if not missing:
        return centres
    distance, chosen = (vectors - centres[nearest(vectors, centres)]).double().square().sum(dim=1), [centres]
    for uniform in torch.rand((missing, 1, TRIES), generator=generator, device=vectors.device, dtype=torch.float64):
        weights = distance + (distance.sum() == 0)  # where all are represented already, any of them
        tried = vectors[categorical.draw(weights[None], uniform)[0]]
        away = torch.cdist(vectors, tried, compute_mode="donot_use_mm_for_euclid_dist")  # exactly 0 between equal vectors
        closer = torch.minimum(distance[:, None], away.double().square())
        best = closer.sum(dim=0).argmin(keepdim=True)
        distance = closer[:, best[0]]
        chosen.append(tried[best])
    return torch.cat(chosen)
