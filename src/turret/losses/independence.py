"""How much vectors depend on each other."""

from __future__ import annotations

from torch import Tensor

LEAST = 1e-8
"""Added to what roots are taken of, whose slope at 0 is infinite."""


def distance_correlation(vectors: Tensor) -> Tensor:
    """The sum over pairs p < q of the distance correlation of two vectors, each number of one beside that of the other: [P, D] -> a scalar.

    dCor(p, q) = dCov(p, q) / sqrt(dCov(p, p) dCov(q, q)),    dCov(p, q)^2 = the mean over i, j of  A^p_ij A^q_ij
    A^p_ij = |p_i - p_j|, from which the means of its row and its column are taken, and to which the mean of all is added

    G. J. Székely, M. L. Rizzo, N. K. Bakirov. "Measuring and testing dependence by correlation of distances." The Annals of Statistics
    35(6), 2007. It is 0 for independent samples alone, in the limit, and 1 where one vector is a multiple of the other.
    """
    distances = (vectors[:, :, None] - vectors[:, None, :]).abs()
    of_rows, of_columns, of_all = (distances.mean(dim=over, keepdim=True) for over in (2, 1, (1, 2)))
    centred = distances - of_rows - of_columns + of_all
    flat = centred.flatten(1)
    squared = (flat @ flat.T / flat.shape[1]).clamp(min=0)
    own = (squared.diagonal() + LEAST).sqrt()
    correlation = ((squared + LEAST) / (own[:, None] * own)).sqrt()
    return correlation.triu(diagonal=1).sum()
