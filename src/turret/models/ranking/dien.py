"""DIEN: interests behind what a user did, step by step, and how those that bear on the shown item evolve.

    h_1, ..., h_T = GRU(e_1, ..., e_T)                              interests, from the vectors of earlier choices
    a_t           = softmax over t of h_t W e_A                     how they bear on the shown item
    h'_t          = AUGRU(h_t, h'_(t-1), a_t)                       their evolution; the weight scales the update gate
    y             = W a + b,    a = layers on [e_1, ..., e_F, h'_T]
    minimise the cross-entropy of y  +  alpha L_aux
    L_aux = -mean over t of log sigmoid(<h_t, e_(t+1)>) + log(1 - sigmoid(<h_t, n_(t+1)>))

with n_(t+1) the vectors of an item that the user did not choose next.

G. Zhou, N. Mou, Y. Fan, Q. Pi, W. Bian, C. Zhou, X. Zhu, K. Gai. "Deep Interest Evolution Network for Click-Through Rate Prediction." AAAI
2019, arXiv:1809.03672 (the interest extractor layer with its auxiliary loss, and the interest evolving layer).

Deviations: the n_(t+1) are drawn from all the earlier choices of the batch, popular items more often, where the paper draws from the
catalogue; one that is the right item does not count. The auxiliary loss is a mean over steps, where the paper's is a sum over steps and a
mean over users. The inner product needs interests as wide as the vectors of a choice, so they are. The first GRU is torch's, which has one
more bias, of the candidate, inside the reset gate. The latest `history_length` choices are read. The network, its activation and the batch
size are those of the authors' code, without its batch normalisation of the inputs. Initial values, which the paper leaves open, are set
here; those of layers are torch's.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_earlier_choices
from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.augru import AttentionalGRU, Evolving
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.nn.next_choice import next_choice_loss
from turret.nn.pooling import softmax_over
from turret.nn.target_attention import ACTIVATIONS, ActivationName
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """DIEN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=18, ge=1)
    """Width of each field's vector."""
    history_length: int = Field(default=50, ge=1)
    """How many of a user's latest choices are read."""
    evolving: Evolving = "augru"
    """Whether attention scales the update gate (augru), is the update gate (agru), or scales the input (aigru)."""
    auxiliary_weight: float = Field(default=1.0, ge=0)
    """Alpha, the factor of the auxiliary loss."""
    mlp_layers: tuple[int, ...] = (200, 80)
    """Widths of the deep network's hidden layers."""
    mlp_activation: ActivationName = "dice"
    """Activation in the deep network."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are set to zero in training."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=128)
    """How it is trained."""


class DIEN(nn.Module):
    """Vectors, the two recurrent layers with attention between them, and a network.

    Args:
        schema: the features.
        embed_dim: D.
        history_length: choices read.
        evolving: which unit the second recurrent layer has.
        mlp_layers: widths of the network's hidden layers.
        mlp_activation: in the network.
        dropout: after each hidden layer.
        init_std: of the vectors.
    """

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        history_length: int,
        evolving: Evolving,
        mlp_layers: tuple[int, ...],
        mlp_activation: ActivationName,
        dropout: float,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks, self.reads = schema.tasks[:1], Reads(history=history_length)
        self.places = schema.behaviour_places
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        width = len(self.places) * embed_dim
        self.extract = nn.GRU(width, width, batch_first=True)
        self.attend = nn.Linear(width, width, bias=False)
        self.evolve = AttentionalGRU(width, width, evolving)
        self.mlp = MLP(self.vectors.count * embed_dim + width, mlp_layers, dropout, ACTIVATIONS[mlp_activation])
        self.out = nn.Linear(self.mlp.out, 1)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        logits, _, _ = self._read(impressions)
        return logits

    def guided(self, impressions: Impressions, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The logits [B, 1], and the loss of predicting each next choice from the interest before it: `auxiliary`."""
        logits, interests, steps = self._read(impressions)
        assert impressions.behaviours is not None
        return logits, {"auxiliary": next_choice_loss(interests, steps, impressions.behaviours, generator)}

    def _read(self, impressions: Impressions) -> tuple[Tensor, Tensor, Tensor]:
        """The logits [B, 1], the interests [B, L, K D], and the vectors of the choices that they follow."""
        assert impressions.behaviours is not None
        mask = impressions.behaviours.mask
        vectors, steps = self.vectors(impressions), self.vectors.behaviours(impressions.behaviours).flatten(2)
        interests, _ = self.extract(steps)  # real steps come first, so that no padding is read before them
        scores = (self.attend(vectors[:, self.places].flatten(1)).unsqueeze(1) * interests).sum(dim=2)
        evolved = self.evolve(interests, softmax_over(scores, mask), mask)
        return self.out(self.mlp(torch.cat([vectors.flatten(1), evolved], dim=1))), interests, steps


def build(config: Config, prepared: Prepared) -> DIEN:
    """A DIEN for the features of the dataset."""
    schema = schema_of(prepared)
    needs_earlier_choices(schema)
    return DIEN(
        schema,
        config.embed_dim,
        config.history_length,
        config.evolving,
        config.mlp_layers,
        config.mlp_activation,
        config.dropout,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each with what its user chose before, and the auxiliary loss."""
    penalties = {"auxiliary": config.auxiliary_weight}
    return from_clicks(prepared, config.training, config.clicks, Reads(history=config.history_length), penalties)
