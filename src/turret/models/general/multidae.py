"""MultiDAE: a denoising autoencoder of what users chose, with a multinomial likelihood.

    z_u = tanh(W^T x_u + b),    pi(z_u) = softmax(V z_u + c),    x_u ~ Mult(N_u, pi(z_u))
    maximise  sum over u, i in x_u of  ln pi_i(z_u)

with layers I - 200 - I. In training a share of x_u is left out of what the encoder sees, not of what is to be answered.

D. Liang, R. G. Krishnan, M. D. Hoffman, T. Jebara. "Variational Autoencoders for Collaborative Filtering." WWW 2018, arXiv 1802.05814.
Layers, initialisation and defaults follow the authors' code.

Deviations: the L2 term covers the biases c, which lie beside V in one table. Training stops after 25 epochs without a better validation,
where theirs runs through.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from turret.batches.users import Users
from turret.core.context import ALL, Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.nn.bag_of_items import BagOfItems
from turret.nn.initial import xavier_with_small_biases
from turret.nn.tables import Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """MultiDAE's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    latent: int = Field(default=200, ge=1)
    """Width of z."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of a user's items that the encoder does not see in a training step."""
    composition: Composition = Composition(loss="softmax")
    """What it is put together from beside the two layers; the paper's is the softmax over all items."""
    training: Training = Training(learning_rate=0.001, weight_decay=4e-5, batch_size=500, epochs=200, eval_every=5, early_stop_patience=5)
    """How it is trained; a step takes `batch_size` users. The authors' code adds lambda = 0.01 / 500 times the squared weights to the loss,
    which is a weight_decay of twice that."""


class MultiDAE(nn.Module):
    """Encoder and decoder. The decoder is the item side: its weights and biases are the items' vectors.

    Args:
        n_items: I.
        latent: Z.
        dropout: of the input.
        scorer: of z and a 1 for the bias; the paper's is the inner product.
    """

    reads = Reads(history=ALL)

    def __init__(self, n_items: int, latent: int, dropout: float, scorer: Scorer) -> None:
        super().__init__()
        self.encoder = BagOfItems(n_items, latent)
        self.items = Table(n_items, latent + 1)
        self.dropout = dropout
        self.scorer = scorer
        xavier_with_small_biases((self.encoder.weights.weight, self.items.weight[:, :-1]), (self.encoder.bias, self.items.weight[:, -1]))

    def encode(self) -> Encoded:
        """The decoder's rows (weights, bias), [I, Z + 1]."""
        return Encoded(items=self.items)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """z and a 1 for the bias: [B, Z + 1]."""
        assert context.history is not None
        z = torch.tanh(self.encoder(context.history, self.dropout if self.training else 0.0))
        return Query(F.pad(z, (0, 1), value=1.0))


def build(config: Config, prepared: Prepared) -> MultiDAE:
    """A MultiDAE for the items that training saw."""
    return MultiDAE(prepared.n_items, config.latent, config.dropout, scorer_of(config.composition, config.latent + 1))


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Each user's history from a part of itself."""
    return from_composition(prepared, Users(prepared.train, config.training.batch_size), config.composition, config.training)
