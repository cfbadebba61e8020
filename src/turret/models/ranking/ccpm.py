"""CCPM, convolutional click prediction model: convolutions over neighbouring fields, and the strongest answers of each.

    y = W s_L + b
    s_l = tanh(the p_l largest of each row of r_l, in their order)
    r_l,j = sum over k of w_l,j,k * s_l-1,k    for each feature map j; row d of a map by row d of w, over places that may lie half outside
    p_l = (1 - (l / L)^(L - l)) n for l < L,    p_L = 3
    s_0 = the n vectors of the fields, side by side
    minimise the binary cross-entropy of sigmoid(y)

Q. Liu, F. Yu, S. Wu, L. Wang. "A Convolutional Click Prediction Model." CIKM 2015 (convolution, flexible p-max pooling and feature
maps).

Deviations: p_l is rounded down, at least 1, and no more than there are places. Single impressions alone, not the paper's sequences of them.
The widths, the maps, the learning rate and the batch size are set here; convolutions begin as torch has them. A field of several values
enters as the mean of their vectors. The logit comes out; the sigmoid belongs to serving.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.fields import FieldVectors
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient

LAST = 3
"""How many numbers a row of the last layer keeps."""


class Config(BaseModel):
    """CCPM's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    conv_widths: tuple[int, ...] = Field(default=(6, 5), min_length=1)
    """How many neighbouring places each convolution spans."""
    conv_maps: tuple[int, ...] = Field(default=(4, 4), min_length=1)
    """How many feature maps each convolution makes."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2048)
    """How it is trained."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if len(self.conv_widths) != len(self.conv_maps):
            raise ValueError("conv_widths and conv_maps have an entry for each convolution, so they are equally long")
        return self


class CCPM(nn.Module):
    """Convolutions along the fields, each followed by pooling.

    Args:
        schema: the features.
        embed_dim: D.
        conv_widths: places that each convolution spans.
        conv_maps: feature maps that each makes.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(self, schema: Schema, embed_dim: int, conv_widths: tuple[int, ...], conv_maps: tuple[int, ...], init_std: float) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        layers, places, maps = len(conv_widths), self.vectors.count, 1
        self.convolutions, self.kept = nn.ModuleList(), list[int]()
        for layer, (width, made) in enumerate(zip(conv_widths, conv_maps, strict=True), 1):
            # A group is a dimension of the vectors with its row in every map.
            convolution = nn.Conv1d(embed_dim * maps, embed_dim * made, width, padding=width - 1, groups=embed_dim, bias=False)
            self.convolutions.append(convolution)
            kept = LAST if layer == layers else int((1 - (layer / layers) ** (layers - layer)) * self.vectors.count)
            places, maps = min(max(kept, 1), places + width - 1), made
            self.kept.append(places)
        self.out = nn.Linear(embed_dim * maps * places, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        rows: Tensor = self.vectors(impressions).transpose(1, 2)
        for convolution, kept in zip(self.convolutions, self.kept, strict=True):
            rows = torch.tanh(largest(convolution(rows), kept))
        return self.out(rows.flatten(1))  # type: ignore[no-any-return]


def largest(rows: Tensor, count: int) -> Tensor:
    """The `count` largest numbers of each row, in the order in which they stand there: [*S, N] -> [*S, count]."""
    places = rows.topk(count, dim=-1).indices.sort(dim=-1).values
    return rows.gather(-1, places)


def build(config: Config, prepared: Prepared) -> CCPM:
    """A CCPM for the features of the dataset."""
    return CCPM(schema_of(prepared), config.embed_dim, config.conv_widths, config.conv_maps, config.init_std)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
