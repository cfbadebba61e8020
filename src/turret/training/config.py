"""What can be set about gradient training."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Learner = Literal[
    "adam", "adamw", "sgd", "adagrad", "rmsprop", "sparse_adam", "sparse_adagrad", "sparse_sgd", "rowwise_adagrad", "adagrad_momentum"
]
WITH_MOMENTUM: tuple[Learner, ...] = ("sgd", "rmsprop", "adagrad_momentum")


class Training(BaseModel):
    """Gradient training: how long, how fast, with which optimizer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    epochs: int = Field(default=100, ge=0)
    """Passes over the training part, at most."""
    round_steps: int | None = Field(default=None, ge=1)
    """Steps of a round, after which the model is validated and a checkpoint may be written; none: a round is a whole pass. For logs of
    which one pass is long, or enough."""
    batch_size: int = Field(default=2048, ge=1)
    """Rows (pairs, users, sequences, impressions) a step."""
    learner: Learner = "adam"
    """Optimizer. The `sparse_` ones, `rowwise_adagrad` and `adagrad_momentum` update only the table rows that a step touched."""
    learning_rate: float = Field(default=0.001, gt=0)
    """Step size."""
    momentum: float = Field(default=0.0, ge=0, lt=1)
    """Share of the step before that is taken again (sgd, rmsprop and adagrad_momentum alone)."""
    weight_decay: float = Field(default=0.0, ge=0)
    """L2 term: the optimizer adds this times the parameter to its gradient (adamw decays the parameter directly). Biases and normalisation
    layers are left out."""
    embedding_decay: float | None = Field(default=None, ge=0)
    """The same for tables of vectors, whose rows a row-wise learner decays when a step touches them; none: as weight_decay."""
    scheduler: Literal["none", "exponential", "cosine", "step", "plateau"] = "none"
    """How the learning rate changes from round to round (from epoch to epoch, unless round_steps says otherwise)."""
    scheduler_gamma: float = Field(default=0.98, gt=0, le=1)
    """Factor of the exponential, step and plateau schedules."""
    scheduler_step: int = Field(default=10, ge=1)
    """Rounds between the drops of the step schedule; rounds without improvement before a drop of the plateau one."""
    grad_clip_norm: float | None = Field(default=None, gt=0)
    """Largest norm that all gradients together may have; None leaves them."""
    early_stop_patience: int = Field(default=10, ge=0)
    """Validations without a new best before training stops; 0 never stops early."""
    eval_every: int = Field(default=1, ge=1)
    """Rounds (passes, unless round_steps says otherwise) from one validation to the next."""

    @model_validator(mode="after")
    def _consistent(self) -> Training:
        if self.momentum and self.learner not in WITH_MOMENTUM:
            raise ValueError(f"the learner {self.learner} has no momentum; those that have are {', '.join(WITH_MOMENTUM)}")
        return self
