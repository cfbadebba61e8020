"""A scorer that translates a user to an item by why the user would take it."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from turret.nn.translation import of_length_one, onto_hyperplane, unit_table

Induction = Literal["soft", "hard"]
"""Whether a pair has all preferences, each as far as it fits, or the one that fits best."""

BLOCK = 2**21
"""Numbers of a pair's vectors that `Preferences.all` holds at once."""


class Preferences(nn.Module):
    """score(u, i) = - | P_w(u) + p - P_w(i) |^2, with p and the hyperplane's normal w induced from the pair.

        p = sum over k of a_k p_k,    w = sum over k of a_k w_k,    P_w(e) = e - <w, e> w
        soft   a_k = softmax over k of <u + i, p_k>
        hard   a_k = 1 for the largest of these, after Gumbel noise in training, and 0 for the others; gradients are those of the softmax

    Y. Cao, X. Wang, X. He, Z. Hu, T.-S. Chua. "Unifying Knowledge Graph Learning and Recommendation: Towards a Better Understanding of User
    Preferences." WWW 2019, section 3, where TUP is the model of this scorer. Each preference is a relation's counterpart and has the
    relation's vectors added to its own: p_k = p'_k + r_k, and w_k is w'_k + w''_k of length 1.

    Args:
        count: R, of preferences and relations.
        width: D.
        induction: soft or hard.

    Attributes:
        own, own_normals: p' and w'.
        relations, relation_normals: r and w''.
    """

    def __init__(self, count: int, width: int, induction: Induction) -> None:
        super().__init__()
        self.own, self.own_normals = unit_table(count, width), unit_table(count, width)
        self.relations, self.relation_normals = unit_table(count, width), unit_table(count, width)
        self.induction = induction

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        return self._scores(query[:, None], items)

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I], by blocks of items; a gradient computes each block a second time instead of keeping it."""
        size = max(1, BLOCK // max(1, query.numel()))
        blocks = [checkpoint(self._scores, query[:, None], block, use_reentrant=False) for block in torch.split(items, size)]
        return torch.cat(blocks, dim=1)

    def _scores(self, users: Tensor, items: Tensor) -> Tensor:
        """[Q, 1, D], [Q, C, D] or [C, D] -> [Q, C]."""
        vectors = self.own.dense() + self.relations.dense()
        normals = of_length_one(self.own_normals.dense() + self.relation_normals.dense())
        shares = self._shares(users @ vectors.T + items @ vectors.T)
        moved = onto_hyperplane(users - items, shares @ normals) + shares @ vectors
        return -moved.square().sum(dim=-1)

    def _shares(self, fit: Tensor) -> Tensor:
        """a: [Q, C, R] -> the same."""
        if self.induction == "soft":
            return fit.softmax(dim=-1)
        if self.training:
            return F.gumbel_softmax(fit, hard=True, dim=-1)
        return F.one_hot(fit.argmax(dim=-1), fit.shape[-1]).to(fit.dtype)
