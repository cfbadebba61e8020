"""RecVAE: a variational autoencoder of what users chose, whose prior remembers its own past.

    z_u ~ q_phi(z | x_u) = N(mu(x_u), diag sigma^2(x_u)),    pi(z_u) = softmax(V z_u + c),    x_u ~ Mult(N_u, pi(z_u))
    maximise  E_q [ sum over i in x_u of  ln pi_i(z_u)  -  beta_u ( ln q_phi(z_u | x_u) - ln p(z_u | phi', x_u) ) ],   beta_u = gamma N_u
    p(z | phi', x) = 3/20 N(0, I) + 3/4 q_phi'(z | x) + 1/10 N(0, e^10 I),  for each dimension of z by itself

The encoder has five layers, h_l = norm(swish(W_l h_(l-1) + b_l + sum of h_k over k < l)) but for the first, which has no sum; the decoder
is linear. They learn in turns: three epochs the encoder, from dropped-out histories, then one the decoder, from whole ones. phi' is the
encoder as it was at the end of its latest turn. When recommending, z_u is mu(x_u).

I. Shenbin, A. Alekseev, E. Tutubalina, V. Malykh, S. I. Nikolenko. "RecVAE: A New Variational Autoencoder for Top-N Recommendations with
Implicit Feedback." WSDM 2020, arXiv 1912.11160. Weights of the prior, where the activation stands, the constant of the normalisation, the
estimate of the divergence by the drawn z, initial values (torch's) and learning rate follow the authors' code.

Deviations: phi' begins as a copy of the encoder, where the authors' code begins with another random one. Training stops after 40 epochs
without a better validation, where theirs runs through 50 cycles of four epochs and keeps the best one too.
"""

from __future__ import annotations

import copy
import math

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.users import Users
from turret.core.context import ALL, Context, Encoded, History, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.nn.bag_of_items import BagOfItems
from turret.nn.tables import Table
from turret.training.alternate import Alternate, Turn, shares
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training

LAYERS = 5
"""Of the encoder."""
EPSILON = 0.1
"""Added to the variance in the encoder's normalisations."""
STANDARD, PAST, WIDE = 3 / 20, 3 / 4, 1 / 10
"""Weights of the prior's parts."""
WIDE_LOG_VARIANCE = 10.0


class Config(BaseModel):
    """RecVAE's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    hidden: int = Field(default=600, ge=1)
    """Width of the encoder's layers."""
    latent: int = Field(default=200, ge=1)
    """Width of z."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of a user's items that the encoder does not see in a training step of its own."""
    gamma: float = Field(default=0.005, ge=0)
    """Weight of the divergence for each item that the user chose; the authors take 0.0035 to 0.01 for their
    data, and on MovieLens-100K, in batches of 100, 0.01 does better than half or twice as much."""
    encoder_epochs: int = Field(default=3, ge=1)
    """Passes over the training part in which the encoder learns, before the decoder does."""
    decoder_epochs: int = Field(default=1, ge=1)
    """Passes in which the decoder learns, before the encoder does again."""
    composition: Composition = Composition(loss="softmax")
    """What it is put together from beside encoder and decoder; the paper's is the softmax over all items."""
    training: Training = Training(learning_rate=0.0005, batch_size=500, epochs=200, eval_every=4, early_stop_patience=10)
    """How it is trained; a step takes `batch_size` users, epochs are passes of either kind."""


class Encoder(nn.Module):
    """From a history to the distribution of z.

    Args:
        n_items: I.
        hidden: H.
        latent: Z.
    """

    def __init__(self, n_items: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.first = BagOfItems(n_items, hidden)
        self.others = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(LAYERS - 1))
        self.normalisations = nn.ModuleList(nn.LayerNorm(hidden, eps=EPSILON) for _ in range(LAYERS))
        self.posterior = nn.Linear(hidden, 2 * latent)
        with torch.no_grad():
            for parameter in self.first.parameters():
                nn.init.uniform_(parameter, -(n_items**-0.5), n_items**-0.5)

    def forward(self, history: History, dropout: float = 0.0) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, each [B, Z], of histories of which a share `dropout` is left out."""
        last = self.normalisations[0](F.silu(self.first(history, dropout)))
        before = torch.zeros_like(last)
        for layer, normalisation in zip(self.others, self.normalisations[1:], strict=True):
            before = before + last
            last = normalisation(F.silu(layer(last) + before))
        mean, log_variance = self.posterior(last).chunk(2, dim=1)
        return mean, log_variance


class RecVAE(nn.Module):
    """Encoder, decoder and the encoder of the past. The decoder is the item side: its weights and biases are the items' vectors.

    Args:
        n_items: I.
        hidden: H.
        latent: Z.
        dropout: of the input, while the encoder learns.
        scorer: of z and a 1 for the bias; the paper's is the inner product.
    """

    reads = Reads(history=ALL)

    def __init__(self, n_items: int, hidden: int, latent: int, dropout: float, scorer: Scorer) -> None:
        super().__init__()
        self.encoder = Encoder(n_items, hidden, latent)
        self.past = copy.deepcopy(self.encoder).requires_grad_(False)
        self.items = Table(n_items, latent + 1)
        nn.init.uniform_(self.items.weight, -(latent**-0.5), latent**-0.5)
        self.dropout = dropout
        self.scorer = scorer

    def encode(self) -> Encoded:
        """The decoder's rows (weights, bias), [I, Z + 1]."""
        return Encoded(items=self.items)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """z and a 1 for the bias, [B, Z + 1]; penalty "kl" is the mean of N_u times the divergence, by the one z that is drawn."""
        assert context.history is not None
        mean, log_variance = self.encoder(context.history, self.dropout if self.encoder.training else 0.0)
        if not self.training:
            return Query(F.pad(mean, (0, 1), value=1.0))
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        divergence = (log_normal(z, mean, log_variance) - self._log_prior(z, context.history)).sum(dim=1)
        return Query(F.pad(z, (0, 1), value=1.0), {"kl": (context.history.lengths * divergence).mean()})

    def _log_prior(self, z: Tensor, history: History) -> Tensor:
        """ln p(z | phi', x), each dimension by itself: [B, Z]."""
        with torch.no_grad():
            mean, log_variance = self.past(history)
        zero = torch.zeros_like(z)
        parts = ((STANDARD, zero, zero), (PAST, mean, log_variance), (WIDE, zero, torch.full_like(z, WIDE_LOG_VARIANCE)))
        return torch.stack([math.log(weight) + log_normal(z, *normal) for weight, *normal in parts]).logsumexp(dim=0)

    def remember(self) -> None:
        """The past becomes the encoder as it is now."""
        self.past.load_state_dict(self.encoder.state_dict())


def log_normal(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """The logarithm of the normal density, number by number."""
    return -0.5 * (math.log(2 * math.pi) + log_variance + (z - mean).square() / log_variance.exp())


def build(config: Config, prepared: Prepared) -> RecVAE:
    """A RecVAE for the items that training saw."""
    scorer = scorer_of(config.composition, config.latent + 1)
    return RecVAE(prepared.n_items, config.hidden, config.latent, config.dropout, scorer)


def recipe(config: Config, prepared: Prepared) -> Alternate:
    """Each user's history from itself, by multinomial likelihood and weighted divergence, encoder and decoder in turns."""
    batches = Users(prepared.train, config.training.batch_size)
    objective = objective_of(prepared, batches, config.composition, {"kl": lambda step: config.gamma})
    encoder, decoder = (
        config.training.model_copy(update={"epochs": epochs})
        for epochs in shares(config.training.epochs, (config.encoder_epochs, config.decoder_epochs))
    )
    return Alternate(
        [
            Turn(("encoder",), batches, objective, encoder, config.encoder_epochs, RecVAE.remember),
            Turn(("items", "scorer"), batches, objective, decoder, config.decoder_epochs),
        ]
    )
