"""The cross-and-compress unit against its equations, with the matrix written out."""

from __future__ import annotations

import torch

from turret.nn.cross_and_compress import CrossAndCompress


def test_against_the_matrix() -> None:
    torch.manual_seed(0)
    unit = CrossAndCompress(4).double()
    with torch.no_grad():
        unit.bias.normal_()
    v, e = torch.randn(2, 3, 4, dtype=torch.float64), torch.randn(2, 3, 4, dtype=torch.float64)
    (w_vv, w_ve), (w_ev, w_ee), (b_v, b_e) = unit.of_e.T, unit.of_v.T, unit.bias
    found_v, found_e = unit(v, e)
    for row in range(2):
        for column in range(3):
            c = torch.outer(v[row, column], e[row, column])
            torch.testing.assert_close(found_v[row, column], c @ w_vv + c.T @ w_ev + b_v)
            torch.testing.assert_close(found_e[row, column], c @ w_ve + c.T @ w_ee + b_e)
