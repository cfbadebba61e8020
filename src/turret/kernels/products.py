"""Products of float32 matrices on the processor.

torch multiplies with MKL, which uses half of the vector units of processors that are not Intel's; oneDNN, which torch brings too, uses all
of them. It compiles code for each shape that it meets, about a millisecond's work, so whoever multiplies matrices of many different
shapes rounds these up (`padded`).
"""

from __future__ import annotations

import torch
from torch import Tensor

GRAIN = 64
ONEDNN = bool(torch._C._has_mkldnn) and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """`left @ right.T + bias`, for [m, k], [n, k] and [n]; without gradients. Either matrix may be the transpose of another."""
    if ONEDNN:
        found: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")
        return found
    return torch.mm(left, right.T) if bias is None else torch.addmm(bias, left, right.T)


def padded(rows: int) -> int:
    """`rows`, or a little more."""
    return -(-rows // GRAIN) * GRAIN
