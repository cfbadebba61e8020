"""Inner products of vectors that a field has for each other field."""

from __future__ import annotations

from torch import Tensor, nn

from turret.nn.pairs import FieldPairs


class FieldAwareProducts(nn.Module):
    """<v_i,j , v_j,i> for the pairs of fields i < j, where v_i,j is the vector with which field i meets field j.

    Y. Juan, Y. Zhuang, W.-S. Chin, C.-J. Lin. "Field-aware Factorization Machines for CTR Prediction." RecSys 2016, equation 4. A field has
    F - 1 vectors, of the other fields in their order: it never meets itself.

    Args:
        fields: F.

    Attributes:
        count: how many pairs, P, in the order of `FieldPairs`.

    Raises:
        UnsupportedError: there are fewer than two fields.
    """

    forth: Tensor
    back: Tensor

    def __init__(self, fields: int) -> None:
        super().__init__()
        pairs = FieldPairs(fields)
        others = fields - 1
        self.register_buffer("forth", pairs.left * others + pairs.right - 1, persistent=False)
        self.register_buffer("back", pairs.right * others + pairs.left, persistent=False)
        self.count = pairs.count

    def forward(self, vectors: Tensor) -> Tensor:
        """[B, F, F - 1, D] -> [B, P]."""
        flat = vectors.flatten(1, 2)
        products: Tensor = flat.index_select(1, self.forth) * flat.index_select(1, self.back)
        return products.sum(dim=2)
