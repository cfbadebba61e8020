"""Matrix factorisation and a network, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from turret.scorers.gmf import GMF
from turret.scorers.mlp import MLPScorer


class NeuMF(nn.Module):
    """score(q, i) = <h, [q' * i' ; phi([q''; i''])]>, where a vector is [q'; q'']: its first half goes to `GMF`, the second to `MLPScorer`.

    X. He, L. Liao, H. Zhang, L. Nie, X. Hu, T.-S. Chua. "Neural Collaborative Filtering." WWW 2017 (section 3.4). The linear layer over
    both parts, h, is each part's own last one: the score is the sum of theirs.

    Args:
        width: D; of an odd one the network has the larger half.
        layers: the width of each of the network's layers, at least one.
    """

    def __init__(self, width: int, layers: Sequence[int]) -> None:
        super().__init__()
        self.first = width // 2
        self.gmf = GMF(self.first)
        self.mlp = MLPScorer(width - self.first, layers)

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        (left, right), (item_left, item_right) = self._parts(query), self._parts(items)
        return self.gmf.pairs(left, item_left) + self.mlp.pairs(right, item_right)

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I]."""
        (left, right), (item_left, item_right) = self._parts(query), self._parts(items)
        return self.gmf.all(left, item_left) + self.mlp.all(right, item_right)

    def _parts(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """[*S, D] -> what GMF reads and what the network reads, in one piece each: products of views with gaps are far slower."""
        return vectors[..., : self.first].contiguous(), vectors[..., self.first :].contiguous()
