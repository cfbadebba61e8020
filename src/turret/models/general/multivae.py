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

x_u, binary and then of length 1, never exists as a row of I numbers: the first layer is a weighted sum of the rows of the user's items.
Dropout acts on their weights, which is the same thing, for it leaves zeros as they are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.users import Users
from turret.core.context import ALL, Context, Encoded, History, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.nn.tables import Table
from turret.scorers.dot import Dot
from turret.training.config import Training
from turret.training.objectives.full_catalogue import FullCatalogue
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
    training: Training = Training(learning_rate=0.001, batch_size=500, epochs=200, eval_every=5, early_stop_patience=5)
    """How it is trained; a step takes `batch_size` users."""


class MultiVAE(nn.Module):
    """Encoder and decoder. The decoder's last layer is the item side: its weights and biases are the items' vectors.

    Args:
        n_items: I.
        hidden: H.
        latent: Z.
        dropout: of the input.
    """

    reads = Reads(history=ALL)

    def __init__(self, n_items: int, hidden: int, latent: int, dropout: float) -> None:
        super().__init__()
        self.inputs = Table(n_items, hidden)
        self.inputs_bias = nn.Parameter(torch.empty(hidden))
        self.posterior = nn.Linear(hidden, 2 * latent)
        self.decoder = nn.Linear(latent, hidden)
        self.items = Table(n_items, hidden + 1)
        self.dropout = dropout
        self.scorer: Scorer = Dot()
        with torch.no_grad():
            for weight in (self.inputs.weight, self.posterior.weight, self.decoder.weight, self.items.weight[:, :-1]):
                nn.init.xavier_uniform_(weight)
            for bias in (self.inputs_bias, self.posterior.bias, self.decoder.bias, self.items.weight[:, -1]):
                nn.init.trunc_normal_(bias, std=0.001, a=-0.002, b=0.002)

    def encode(self) -> Encoded:
        """The last layer's rows (weights, bias), [I, H + 1]."""
        return Encoded(items=self.items)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """The last hidden layer and a 1 for the bias, [B, H + 1]; penalty "kl" is the mean divergence from the prior."""
        assert context.history is not None
        mean, log_variance = self.posterior(torch.tanh(self._first(context.history))).chunk(2, dim=1)
        kl = 0.5 * (log_variance.exp() - log_variance + mean.square() - 1).sum(dim=1).mean()
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp() if self.training else mean
        hidden = torch.tanh(self.decoder(z))
        return Query(F.pad(hidden, (0, 1), value=1.0), {"kl": kl})

    def _first(self, history: History) -> Tensor:
        """The first layer of the normalised, dropped-out x_u: [B, H]."""
        rows, n_items = history.mask.nonzero()[:, 0], len(self.inputs.weight)
        pairs = torch.unique(rows * n_items + history.items[history.mask])  # x_u is binary, however often an item was chosen
        rows, items = pairs // n_items, pairs % n_items
        counts = torch.bincount(rows, minlength=len(history.mask))
        weights = F.dropout(counts[rows].to(self.inputs.weight.dtype).rsqrt(), self.dropout, self.training)
        starts = counts.cumsum(0) - counts
        table, sparse = self.inputs.weight, self.inputs.sparse
        return self.inputs_bias + F.embedding_bag(items, table, starts, mode="sum", per_sample_weights=weights, sparse=sparse)


def build(config: Config, prepared: Prepared) -> MultiVAE:
    """A MultiVAE for the items that training saw."""
    return MultiVAE(prepared.n_items, config.hidden, config.latent, config.dropout)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Each user's history from itself, by multinomial likelihood and annealed KL."""
    batches = Users(prepared.train, config.training.batch_size)
    rise = config.anneal_share * config.training.epochs * batches.steps()

    def beta(step: int) -> float:
        return config.anneal_cap * (step / rise if step < rise else 1)

    return Gradient(batches, FullCatalogue({"kl": beta}), config.training)
