import pytest
import torch
from torch import nn

from turret.nn.attention import CausalAttention
from turret.nn.feed_forward import FeedForward


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_equals_torchs_multi_head_attention(heads: int) -> None:
    torch.manual_seed(0)
    ours, theirs = CausalAttention(8, heads, dropout=0.3).eval(), nn.MultiheadAttention(8, heads, batch_first=True).eval()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([layer.weight for layer in (ours.q, ours.k, ours.v)]))
        theirs.in_proj_bias.copy_(torch.cat([ours.q.bias, torch.zeros(8), ours.v.bias]))
        theirs.out_proj.weight.copy_(torch.eye(8))
        theirs.out_proj.bias.zero_()
    query, memory = torch.randn(3, 5, 8), torch.randn(3, 5, 8)
    future = torch.ones(5, 5, dtype=torch.bool).triu(1)
    expected, _ = theirs(query, memory, memory, attn_mask=future)
    torch.testing.assert_close(ours(query, memory), expected)


def test_dropout_acts_in_training_alone() -> None:
    layer, x = CausalAttention(4, 1, dropout=0.5), torch.randn(1, 6, 4)
    assert not torch.equal(layer.train()(x, x), layer(x, x))
    assert torch.equal(layer.eval()(x, x), layer(x, x))


def test_heads_that_do_not_share_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="10 cannot be shared among 3"):
        CausalAttention(10, 3, 0.0)


def test_feed_forward_by_hand() -> None:
    layer = FeedForward(2, 1, dropout=0.9).eval()
    with torch.no_grad():
        layer.inner.weight.copy_(torch.tensor([[1.0, -1.0]]))
        layer.inner.bias.fill_(0.5)
        layer.outer.weight.copy_(torch.tensor([[2.0], [3.0]]))
        layer.outer.bias.fill_(-1.0)
    x = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    torch.testing.assert_close(layer(x), torch.tensor([[[2.0, 3.5], [-1.0, -1.0]]]))
