"""MaskNet: blocks that multiply what they read by a mask computed from the whole impression.

    v = the fields' vectors, one after the other,    n = each field's vector layer-normalised, one after the other
    mask(v) = W_b relu(W_a v + b_a) + b_b
    block(v, x) = relu(layer_norm(W (mask(v) * x)))
    serial:    x_0 = n,    x_k = block_k(v, x_(k-1)),    y = <w, x_K> + b
    parallel:  y = <w, h([block_1(v, n); ...; block_K(v, n)])> + b,    h = relu layers
    minimise the binary cross-entropy of sigmoid(y)

Z. Wang, Q. She, J. Zhang. "MaskNet: Introducing Feature-Wise Multiplication to CTR Ranking Models by Instance-Guided Mask." DLP-KDD 2021,
arXiv:2102.07619 (section 3, of which 3.2 is the mask and 3.3 the block; settings of the experiments).

Deviations: each field's normalisation has a scale and a shift of its own, which the paper leaves open, as it does how weights begin:
vectors normal, matrices as torch has them.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.nn.linear import Linear
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient

Order = Literal["serial", "parallel"]


class Config(BaseModel):
    """MaskNet's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=2)
    """Width of each field's vector."""
    mask_order: Order = "serial"
    """Whether each masked block reads the one before, or all read the fields."""
    mask_layers: tuple[int, ...] = Field(default=(400, 400, 400), min_length=1)
    """Width of each masked block's output."""
    mask_ratio: float = Field(default=2.0, gt=0)
    """How many times as wide as the mask the hidden layer is that it comes from."""
    mlp_layers: tuple[int, ...] = ()
    """Widths of the hidden layers after the blocks; the paper has none after serial blocks, and some after parallel ones."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the outputs of each block and hidden layer that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.0001, batch_size=1024)
    """How it is trained."""


class MaskBlock(nn.Module):
    """relu(layer_norm(W (mask(v) * x))).

    Args:
        guide: width of v.
        width: of x, N.
        out: of the output, H.
        ratio: width of the mask's hidden layer over N.
        dropout: of the output.
    """

    def __init__(self, guide: int, width: int, out: int, ratio: float, dropout: float) -> None:
        super().__init__()
        inside = max(1, round(ratio * width))
        self.mask = nn.Sequential(Linear(guide, inside), nn.ReLU(), Linear(inside, width))
        self.hidden = nn.Sequential(Linear(width, out, bias=False), nn.LayerNorm(out), nn.ReLU(), nn.Dropout(dropout))

    def forward(self, guide: Tensor, inputs: Tensor) -> Tensor:
        """[B, G] v, [B, N] x -> [B, H]."""
        return self.hidden(self.mask(guide) * inputs)  # type: ignore[no-any-return]


class Serial(nn.Module):
    """Blocks one after the other.

    Args:
        width: of the fields' vectors together, G.
        layers: width of each block's output.
        ratio, dropout: of the blocks.

    Attributes:
        out: width of the output, H.
    """

    def __init__(self, width: int, layers: tuple[int, ...], ratio: float, dropout: float) -> None:
        super().__init__()
        widths = zip((width, *layers), layers, strict=False)
        self.blocks = nn.ModuleList(MaskBlock(width, before, after, ratio, dropout) for before, after in widths)
        self.out = layers[-1]

    def forward(self, guide: Tensor, inputs: Tensor) -> Tensor:
        """[B, G] v, [B, G] n -> [B, H]."""
        for block in self.blocks:
            inputs = block(guide, inputs)
        return inputs


class Parallel(nn.Module):
    """Blocks beside each other; arguments and attributes as of `Serial`."""

    def __init__(self, width: int, layers: tuple[int, ...], ratio: float, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(MaskBlock(width, width, after, ratio, dropout) for after in layers)
        self.out = sum(layers)

    def forward(self, guide: Tensor, inputs: Tensor) -> Tensor:
        """[B, G] v, [B, G] n -> [B, H]."""
        return torch.cat([block(guide, inputs) for block in self.blocks], dim=1)


ORDERS: dict[Order, type[Serial] | type[Parallel]] = {"serial": Serial, "parallel": Parallel}


class MaskNet(nn.Module):
    """Vectors, blocks, hidden layers.

    Args:
        schema: the features.
        embed_dim: D, two or more.
        mask_order: of the blocks.
        mask_layers: width of each block's output.
        mask_ratio: width of a mask's hidden layer over that of the mask.
        mlp_layers: widths of the hidden layers after the blocks.
        dropout: after each block and hidden layer.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        mask_order: Order,
        mask_layers: tuple[int, ...],
        mask_ratio: float,
        mlp_layers: tuple[int, ...],
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        self.scale = nn.Parameter(torch.ones(self.vectors.count, embed_dim))
        self.shift = nn.Parameter(torch.zeros(self.vectors.count, embed_dim))
        self.blocks = ORDERS[mask_order](self.vectors.count * embed_dim, mask_layers, mask_ratio, dropout)
        self.mlp = MLP(self.blocks.out, mlp_layers, dropout)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        normal = self.scale * F.layer_norm(vectors, vectors.shape[2:]) + self.shift
        logits: Tensor = self.out(self.mlp(self.blocks(vectors.flatten(1), normal.flatten(1))))
        return logits


def build(config: Config, prepared: Prepared) -> MaskNet:
    """A MaskNet for the features of the dataset."""
    return MaskNet(
        schema_of(prepared),
        config.embed_dim,
        config.mask_order,
        config.mask_layers,
        config.mask_ratio,
        config.mlp_layers,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
