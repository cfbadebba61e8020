"""DirectAU: users near what they took, and users as well as items spread evenly over the sphere.

    s_ui = <w_u, h_i>,    x' = x / |x|
    l_align   = mean over (u, i) of  |w'_u - h'_i|^2
    l_uniform = ln mean over u, v of exp(-2 |w'_u - w'_v|^2) / 2  +  ln mean over i, j of exp(-2 |h'_i - h'_j|^2) / 2
    minimise  l_align + gamma l_uniform

C. Wang, Y. Yu, W. Ma, M. Zhang, C. Chen, Y. Liu, S. Ma. "Towards Representation Alignment and Uniformity in Collaborative Filtering." KDD
2022 (section 4). As in the authors' code, uniformity is within a batch, and items are ranked by the inner product of vectors as they are,
though training compares them at length 1.

Deviations: none in the model; gamma is tuned for each dataset in the paper.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from turret.batches.pairs import Pairs
from turret.data.prepared import Prepared
from turret.nn.two_tables import TwoTables
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """DirectAU's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the user and item vectors."""
    composition: Composition = Composition(loss="alignment_uniformity")
    """What it is put together from; uniformity_weight is gamma."""
    training: Training = Training(learning_rate=0.001, weight_decay=1e-6, batch_size=1024, epochs=300)
    """How it is trained; rate and weight decay are the authors', for logs without rare users and items. Where many items are rare, as in
    MovieLens, a weight decay of 0.001 ranks them lower and far better, with half the uniformity_weight."""


def build(config: Config, prepared: Prepared) -> TwoTables:
    """Two tables, for the users and items that training saw."""
    return TwoTables(prepared.n_users, prepared.n_items, config.embed_dim, scorer_of(config.composition, config.embed_dim))


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs; nothing is drawn."""
    return from_composition(prepared, Pairs(prepared.train, config.training.batch_size), config.composition, config.training)
