"""MultiVAE: a variational autoencoder of what users chose, with a multinomial likelihood.

    z_u ~ N(mu(x_u), diag sigma^2(x_u)),    pi(z_u) = softmax(f(z_u)),    x_u ~ Mult(N_u, pi(z_u))
    maximise  E_q [ sum over i in x_u of  ln pi_i(z_u) ]  -  beta * KL( q(z_u | x_u) || N(0, I) )              (6)

with encoder I - 600 - 2 x 200 and decoder 200 - 600 - I, tanh between. beta rises linearly over the training steps up to a cap. When
recommending, z_u is mu(x_u).

D. Liang, R. G. Krishnan, M. D. Hoffman, T. Jebara. "Variational Autoencoders for Collaborative Filtering." WWW 2018, arXiv 1802.05814.
Layers, initialisation, annealing and defaults follow the authors' code.

Deviations: the rise of beta is a share of training, where the authors' code counts steps: 200,000 from 0 to 1, and so 86 % of its 46,600
on MovieLens-20M until the cap of 0.2; a quarter is the default, since early stopping on small data would leave beta near 0 otherwise.
Training stops after 25 epochs without a better validation, where theirs runs through.

x_u, binary and then of length 1, never exists as a row of I numbers (`nn.bag_of_items`).
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
    """MultiVAE's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    hidden: int = Field(default=600, ge=1)
    """Width of the hidden layer of the encoder and of the decoder."""
    latent: int = Field(default=200, ge=1)
    """Width of z."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of a user's items that the encoder does not see in a training step."""
    anneal_cap: float = Field(default=0.2, ge=0)
    """Largest weight beta of the KL term."""
    anneal_share: float = Field(default=0.25, ge=0)
    """Share of all training steps over which beta rises from 0 to its cap; 0 starts at the cap."""
    composition: Composition = Composition(loss="softmax")
    """What it is put together from beside encoder and decoder; the paper's is the softmax over all items."""
    training: Training = Training(learning_rate=0.001, batch_size=500, epochs=200, eval_every=5, early_stop_patience=5)
    """How it is trained; a step takes `batch_size` users."""


class MultiVAE(nn.Module):
    """Encoder and decoder. The decoder's last layer is the item side: its weights and biases are the items' vectors.

    Args:
        n_items: I.
        hidden: H.
        latent: Z.
        dropout: of the input.
        scorer: of the last hidden layer and a 1 for the bias; the paper's is the inner product.
    """

    reads = Reads(history=ALL)

    def __init__(self, n_items: int, hidden: int, latent: int, dropout: float, scorer: Scorer) -> None:
        super().__init__()
        self.inputs = BagOfItems(n_items, hidden)
        self.posterior = nn.Linear(hidden, 2 * latent)
        self.decoder = nn.Linear(latent, hidden)
        self.items = Table(n_items, hidden + 1)
        self.dropout = dropout
        self.scorer = scorer
        xavier_with_small_biases(
            (self.inputs.weights.weight, self.posterior.weight, self.decoder.weight, self.items.weight[:, :-1]),
            (self.inputs.bias, self.posterior.bias, self.decoder.bias, self.items.weight[:, -1]),
        )

    def encode(self) -> Encoded:
        """The last layer's rows (weights, bias), [I, H + 1]."""
        return Encoded(items=self.items)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """The last hidden layer and a 1 for the bias, [B, H + 1]; penalty "kl" is the mean divergence from the prior."""
        assert context.history is not None
        first = self.inputs(context.history, self.dropout if self.training else 0.0)
        mean, log_variance = self.posterior(torch.tanh(first)).chunk(2, dim=1)
        kl = 0.5 * (log_variance.exp() - log_variance + mean.square() - 1).sum(dim=1).mean()
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp() if self.training else mean
        hidden = torch.tanh(self.decoder(z))
        return Query(F.pad(hidden, (0, 1), value=1.0), {"kl": kl})


def build(config: Config, prepared: Prepared) -> MultiVAE:
    """A MultiVAE for the items that training saw."""
    scorer = scorer_of(config.composition, config.hidden + 1)
    return MultiVAE(prepared.n_items, config.hidden, config.latent, config.dropout, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Each user's history from itself, by multinomial likelihood and annealed KL."""
    batches = Users(prepared.train, config.training.batch_size)
    rise = config.anneal_share * config.training.epochs * batches.steps()

    def beta(step: int) -> float:
        return config.anneal_cap * (step / rise if step < rise else 1)

    return from_composition(prepared, batches, config.composition, config.training, penalties={"kl": beta})
