"""Adjacency by motifs: how often two users are together in a triangle of a kind, of follows among users or with an item that both chose.

J. Yu, H. Yin, J. Li, Q. Wang, N. Q. V. Hung, X. Zhang. "Self-Supervised Multi-Channel Hypergraph Convolutional Network for Social
Recommendation." WWW 2021, figure 3 and table 1, after A. R. Benson, D. F. Gleich, J. Leskovec, "Higher-order Organization of Complex
Networks", Science 2016.

    B = S o S^T the follows that are returned,    U = S - B those that are not,    R the choices    (o: element by element)

    A_1 = C + C^T,  C = (U U) o U^T
    A_2 = C + C^T,  C = (B U) o U^T + (U B) o U^T + (U U) o B
    A_3 = C + C^T,  C = (B B) o U + (B U) o B + (U B) o B
    A_4 = (B B) o B
    A_5 = C + C^T,  C = (U U) o U + (U U^T) o U + (U^T U) o U
    A_6 = (U B) o U + (B U^T) o U^T + (U^T U) o B
    A_7 = (U^T B) o U^T + (B U) o U + (U U^T) o B
    A_8 = (R R^T) o B
    A_9 = C + C^T,  C = (R R^T) o U
    A_10 = R R^T - A_8 - A_9

Every product stays sparse. R R^T has an entry for each two users who chose one item: popular items make it large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from turret.core.interactions import IntArray
from turret.graphs.edges import distinct
from turret.graphs.propagation import Propagation, from_entries


@dataclass(frozen=True, slots=True)
class Motifs:
    """What the channels of MHCN propagate over: float64 CSR [U, U], each symmetric.

    Attributes:
        social: A_1 + ... + A_7, triangles of users.
        joint: A_8 + A_9, of two users who know each other and an item.
        purchase: A_10, of two who do not, and an item.
    """

    social: csr_array
    joint: csr_array
    purchase: csr_array


def motif_adjacency(followers: IntArray, followed: IntArray, users: IntArray, items: IntArray, n_users: int, n_items: int) -> Motifs:
    """The three of them.

    Args:
        followers, followed: int [n] who follows whom; whoever follows himself is passed over.
        users, items: int [m] the choices of the training part.
        n_users: U.
        n_items: I.

    Returns:
        Counts, not normalised. `purchase` has the diagonal of R R^T, every user's number of items, as the paper's equation has it.
    """
    others = followers != followed
    s = binary(followers[others], followed[others], (n_users, n_users))
    r = binary(users, items, (n_users, n_items))
    b = s * s.T
    u = s - b
    u.eliminate_zeros()
    ut = u.T.tocsr()
    triangles = (
        _both((u @ u) * ut)
        + _both((b @ u) * ut + (u @ b) * ut + (u @ u) * b)
        + _both((b @ b) * u + (b @ u) * b + (u @ b) * b)
        + (b @ b) * b
        + _both((u @ u) * u + (u @ ut) * u + (ut @ u) * u)
        + ((u @ b) * u + (b @ ut) * ut + (ut @ u) * b)
        + ((ut @ b) * ut + (b @ u) * u + (u @ ut) * b)
    )
    together = r @ r.T
    joint = together * b + _both(together * u)
    return Motifs(_clean(triangles), _clean(joint), _clean(together - joint))


def row_normalised(matrix: csr_array) -> Propagation:
    """D^-1 A of a matrix without negative entries, D its row sums; a row of zeros stays one."""
    entries = coo_array(matrix)
    rows, columns = entries.coords
    return from_entries(rows, columns, entries.data / np.bincount(rows, entries.data, matrix.shape[0])[rows], matrix.shape)


def symmetrically_normalised(matrix: csr_array) -> Propagation:
    """D^-1/2 A D^-1/2 of a symmetric matrix without negative entries, D its row sums."""
    entries = coo_array(matrix)
    rows, columns = entries.coords
    degrees = np.bincount(rows, entries.data, matrix.shape[0])
    return from_entries(rows, columns, entries.data / np.sqrt(degrees[rows] * degrees[columns]), matrix.shape)


def binary(rows: IntArray, columns: IntArray, shape: tuple[int, int]) -> csr_array:
    """float64 CSR [R, C] with a 1 at each of the pairs, however often one is given."""
    rows, columns = distinct(rows, columns, shape[1])
    return csr_array(coo_array((np.ones(len(rows)), (rows, columns)), shape=shape))


def _both(matrix: csr_array) -> csr_array:
    return matrix + matrix.T


def _clean(matrix: csr_array) -> csr_array:
    clean = csr_array(matrix)
    clean.eliminate_zeros()
    return clean
