"""What can be set about how a retriever is put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from turret.training.composition.losses import SAMPLED, LossName
from turret.training.composition.matching import idle, reason_against
from turret.training.composition.samplers import SamplerName
from turret.training.composition.scorers import ScorerName


class Composition(BaseModel):
    """What a retriever is put together from, beside its towers. docs/composition.md says what goes with what."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    loss: LossName = "bpr"
    """What right items are compared with the others by."""
    sampler: SamplerName | None = None
    """How the others are drawn; none: uniformly, where the loss needs a sample at all."""
    scorer: ScorerName = "dot"
    """How a query and an item are scored."""
    negative_count: int = Field(default=1, ge=1)
    """Negatives drawn for each right item (mixed: for the whole batch; in_batch takes the batch)."""
    exclude_seen: bool = True
    """Whether what the user took in the training part is left out of the draws."""
    sample_ahead: bool = False
    """Whether the negatives of every right item are drawn once, before training, instead of anew at each step (uniform, popularity)."""
    popularity_mass: Literal["power", "log", "smoothed"] = "power"
    """What popularity is: the count of the training part to the power of popularity_alpha, the logarithm of 1 + the count, or the count +
    popularity_smoothing."""
    popularity_alpha: float = Field(default=0.75, ge=0, le=10)
    """Exponent of popularity as a power."""
    popularity_smoothing: float = Field(default=1.0, ge=0)
    """What smoothed popularity adds to every count."""
    in_batch_frequency: Literal["exact", "streaming"] = "exact"
    """How in_batch and mixed know how often an item is a right one: from the training part, or from the steps so far, as for a stream."""
    frequency_rate: float = Field(default=0.01, gt=0, le=1)
    """Share of the estimate that each sighting replaces, where the frequency is streaming."""
    clusters: int = Field(default=64, ge=1, le=4096)
    """Clusters of items (cluster_uni, cluster_pop), or codewords of each half of the vectors (midx_uni, midx_pop); at most as
    many as items."""
    refresh_steps: int | None = Field(default=None, ge=1)
    """Steps after which midx and cluster samplers look at the item vectors again; none: once an epoch."""
    pool: int = Field(default=8, ge=1)
    """Candidates of each negative (dns), or of all negatives of a right item (soft_dns, importance)."""
    sampler_temperature: float = Field(default=1.0, gt=0)
    """What scores are divided by where they say how likely an item is drawn (soft_dns, importance, own)."""
    margin: float | None = None
    """Of hinge and warp, on the difference of scores (none: 1), and of cosine_contrastive, on the cosine of negatives (none: 0.4)."""
    positive_weight: float = Field(default=1.0, gt=0)
    """How much a right item counts in binary_cross_entropy, square, sigmoid_square, poisson and focal, where a drawn one counts 1, and in
    weighted_square."""
    negative_weight: float = Field(default=1.0, ge=0)
    """How much the mean over negatives counts (cosine_contrastive), or each item that was not taken (weighted_square)."""
    uniformity_weight: float = Field(default=1.0, ge=0)
    """How much uniformity counts beside alignment."""
    loss_scale: float = Field(default=1.0, gt=0)
    """How often the sample counts in scaled_softmax."""
    calibration: float = Field(default=0.75, ge=0, le=1)
    """t of gbce: 0 is binary cross-entropy, 1 gives scores as calibrated as if all items were negatives."""
    score_regularization: float = Field(default=1.0, ge=0)
    """Weight of the negatives' squared scores in bpr_max."""
    focal_gamma: float = Field(default=2.0, ge=0)
    """Exponent with which focal discounts what is easy; 0 is binary cross-entropy."""
    temperature: float | None = Field(default=None, gt=0)
    """What cosines are divided by; none: 1 under cosine_contrastive, whose margin is on the cosine, and 0.15 under the others."""
    norm: float = Field(default=2.0, ge=1)
    """p of the norm of minkowski."""
    scorer_layers: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(64, 32, 16), min_length=1)
    """Widths of the layers of mlp and neumf."""

    @model_validator(mode="after")
    def _matching(self) -> Composition:
        if (reason := reason_against(self)) is not None:
            raise ValueError(reason)
        return self

    def idle(self) -> Mapping[str, str]:
        """The fields that do nothing beside the others, each with the reason."""
        return idle(self)

    @property
    def cosine_temperature(self) -> float:
        """What cosines are divided by."""
        if self.temperature is not None:
            return self.temperature
        return 1.0 if self.loss in SAMPLED and SAMPLED[self.loss].bounded else 0.15
