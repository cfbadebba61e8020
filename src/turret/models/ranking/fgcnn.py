"""FGCNN: convolutions over the fields make new features, and a product network classifies old and new ones together.

    C = tanh(norm(W_c conv S_before)),    S = the maximum over each h_p fields of C,    layer upon layer from S_0 = E'
    R = tanh(norm(W_r S)),    each layer's new features, f / h_p^t x m_r of them
    y = w a + b,    a = relu layers on [E, R, <x_i, x_j> for i < j among the vectors of E and R]

B. Liu, R. Tang, Y. Chen, J. Yu, H. Guo, Y. Zhang. "Feature Generation by Convolutional Neural Network for Click-Through Rate Prediction."
WWW 2019, arXiv:1904.04447 (feature generation by convolution, pooling and recombination, and the deep classifier; convolutions
and vectors as for Criteo).

Deviations: where `pool_width` does not divide the places, the last group is smaller. The deep network is 400-400-400 rather than
4096-2048. Batch normalisation is before each activation of the generator and, if it is asked for, of the deep network; what it undoes, the
biases of the generator, is left out. Where the paper is silent, weights begin as torch's layers do and vectors normal.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.batch_norm import BatchNorm
from turret.nn.fields import FieldVectors
from turret.nn.linear import Linear
from turret.nn.mlp import MLP
from turret.nn.pairs import FieldPairs
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """FGCNN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=20, ge=1)
    """Width of each field's vector, of which there are two, one for the generator and one for the classifier."""
    conv_widths: tuple[int, ...] = Field(default=(9, 9, 9, 9), min_length=1)
    """How many neighbouring places each convolution spans."""
    conv_maps: tuple[int, ...] = Field(default=(6, 8, 10, 12), min_length=1)
    """How many feature maps each convolution makes."""
    pool_width: int = Field(default=2, ge=1)
    """How many neighbouring places one maximum is taken over after each convolution."""
    new_maps: int = Field(default=3, ge=1)
    """How many new features are made for each place that is left."""
    mlp_layers: tuple[int, ...] = (400, 400, 400)
    """Widths of the deep network's hidden layers."""
    batch_norm: bool = True
    """Whether each hidden layer is normalised over the batch; the generator always is."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=2000)
    """How it is trained."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if len(self.conv_widths) != len(self.conv_maps):
            raise ValueError("conv_widths and conv_maps have an entry for each convolution, so they are equally long")
        return self


class Generation(nn.Module):
    """One layer of the generator.

    Args:
        places: P, fields or what a layer before has left of them.
        width: D of a vector.
        before, after: feature maps before and after it, M and M'.
        conv_width: places that the convolution spans.
        pool_width: places that a maximum is taken over.
        new_maps: new features a place that is left.

    Attributes:
        places: P', how many are left.
        new: N, new features.
    """

    def __init__(self, places: int, width: int, before: int, after: int, conv_width: int, pool_width: int, new_maps: int) -> None:
        super().__init__()
        self.places = -(-places // pool_width)
        self.new = self.places * new_maps
        self.convolve = nn.Sequential(
            nn.Conv2d(before, after, (conv_width, 1), padding="same", bias=False),
            nn.BatchNorm2d(after),
            nn.Tanh(),
            nn.MaxPool2d((pool_width, 1), ceil_mode=True),
        )
        self.recombine = nn.Sequential(
            nn.Flatten(),
            Linear(self.places * width * after, self.new * width, bias=False),
            BatchNorm(self.new * width),
            nn.Tanh(),
            nn.Unflatten(1, (self.new, width)),
        )

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """[B, M, P, D] -> what the next layer reads [B, M', P', D], and new features [B, N, D]."""
        pooled = self.convolve(maps)
        return pooled, self.recombine(pooled)


class FGCNN(nn.Module):
    """The generator and the product network.

    Args:
        schema: the features.
        embed_dim: D.
        conv_widths, conv_maps, pool_width, new_maps: of the generator's layers.
        mlp_layers: widths of the hidden layers.
        batch_norm: whether hidden layers are normalised.
        dropout: after each hidden layer.
        init_std: of the vectors.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        conv_widths: tuple[int, ...],
        conv_maps: tuple[int, ...],
        pool_width: int,
        new_maps: int,
        mlp_layers: tuple[int, ...],
        batch_norm: bool,
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors, self.raw = FieldVectors(schema, embed_dim, init_std), FieldVectors(schema, embed_dim, init_std)
        layers, places = list[Generation](), schema.fields
        for conv_width, before, after in zip(conv_widths, (1, *conv_maps), conv_maps, strict=False):
            layers.append(Generation(places, embed_dim, before, after, conv_width, pool_width, new_maps))
            places = layers[-1].places
        self.layers = nn.ModuleList(layers)
        features = schema.fields + sum(layer.new for layer in layers)
        self.pairs = FieldPairs(features)
        self.mlp = MLP(features * embed_dim + self.pairs.count, mlp_layers, dropout, batch_norm=batch_norm)
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        features, maps = [self.vectors(impressions)], self.raw(impressions).unsqueeze(1)
        for layer in self.layers:
            maps, new = layer(maps)
            features.append(new)
        augmented = torch.cat(features, dim=1)
        products = (augmented @ augmented.transpose(1, 2))[:, self.pairs.left, self.pairs.right]
        logits: Tensor = self.out(self.mlp(torch.cat([augmented.flatten(1), products], dim=1)))
        return logits


def build(config: Config, prepared: Prepared) -> FGCNN:
    """An FGCNN for the features of the dataset."""
    return FGCNN(
        schema_of(prepared),
        config.embed_dim,
        config.conv_widths,
        config.conv_maps,
        config.pool_width,
        config.new_maps,
        config.mlp_layers,
        config.batch_norm,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
