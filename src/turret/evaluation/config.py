"""What can be set about evaluation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from turret.core.errors import InputError
from turret.evaluation.metrics import parse

Ties = Literal["listed", "standard", "conservative", "median"]
Protocol = Literal["full", "uniform", "popularity", "next_item", "next_item_known"]
HistoryRule = Literal["auto", "train", "all"]


def _listed(value: Any) -> Any:
    """Turns `10` and "10,20" into lists, as the command line and YAML files write them."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int) else value


Cutoffs = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_listed)]
Names = Annotated[tuple[str, ...] | None, BeforeValidator(_listed)]
Weights = dict[str, Annotated[float, Field(allow_inf_nan=False)]]


class Evaluation(BaseModel):
    """How a model is validated and tested. Definitions of the metrics are in `docs/metrics.md`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    cutoff: Cutoffs = Field(default=(10,), min_length=1)
    """Lengths at which lists are judged; a metric named without one is taken at each of them."""
    topk: int | None = Field(default=None, ge=1)
    """Length of the lists; None: the largest cutoff."""
    val_metrics: Names = None
    """Metrics of validation, such as recall or ndcg@20; the first decides on early stopping. None: recall and ndcg, or auc and logloss for
    rankers. Of several tasks, purchase.auc is that of one and auc that of each."""
    test_metrics: Names = None
    """Metrics of the test. None: recall, precision, ndcg, mrr, hit and map, for rankers auc, gauc and logloss."""
    stop_on: Weights | None = None
    """Metrics and their weights, such as auc=1,logloss=-1: early stopping goes by the weighted sum, the higher the better. None: by the
    first metric of validation."""
    ties: Ties = "listed"
    """Where a right item stands among items of the same score: listed, where the recommended list has it (lower item id first); standard,
    before the wrong ones; conservative, after them; median, half way."""
    protocol: Protocol = "full"
    """What is asked. A user's right items among all (full), or among a few drawn uniformly or by popularity, which is biased. Or event by
    event the next item of each session, among all: from the session alone (next_item), or going on from what is known of the user
    (next_item_known)."""
    eval_negative_count: int = Field(default=100, ge=1)
    """Items that are drawn to compete with a user's right ones, where the protocol draws."""
    eval_seed: int = Field(default=0, ge=0)
    """Of what evaluation draws: sampled negatives and bootstrap samples."""
    eval_batch_size: int | None = Field(default=None, ge=1)
    """Users (for rankers: impressions) scored at a time; None: as many as keep a block of scores in the processor's cache."""
    repeat_consumption: bool = False
    """Whether items that a user has already taken may be recommended again and count as right."""
    history_rule: HistoryRule = "auto"
    """What a model knows of a user when it is tested: the training part (train), the validation part too (all), or the latter only if the
    split is in time (auto)."""
    bootstrap_samples: int = Field(default=1000, ge=0)
    """Samples behind the 95 % intervals of the test; 0 leaves them out."""
    by_group: bool = True
    """Whether the test also reports by user activity and item popularity."""
    slices: Names = None
    """Categorical features, such as user.gender or weekday, by whose values the test of a ranker also reports."""
    calibration_bins: int = Field(default=15, ge=1)
    """Bins of equally many impressions in which predictions are compared to the share of clicks (ece, the reliability plot)."""
    auc_bins: int | None = Field(default=None, ge=2)
    """Bins of logits that the auc of a ranker is counted in, for parts that memory cannot hold; its largest possible error is reported
    beside it. 10000 are plenty. None: exactly, in memory (some 80 bytes an impression)."""

    @model_validator(mode="after")
    def _consistent(self) -> Evaluation:
        try:
            metrics = parse([*(self.val_metrics or ()), *(self.test_metrics or ()), *(self.stop_on or ())], self.cutoff)
        except InputError as error:
            raise ValueError(str(error)) from None
        if self.stop_on is not None and not any(self.stop_on.values()):
            raise ValueError("stop_on weighs nothing: write auc=1,logloss=-1, for example")
        longest = max([*self.cutoff, *(metric.cutoff or 0 for metric in metrics)])
        if self.topk is not None and self.topk < longest:
            raise ValueError(f"topk {self.topk} is below the largest cutoff {longest}")
        return self

    @property
    def along_sessions(self) -> bool:
        """Whether the protocol asks event after event."""
        return self.protocol in ("next_item", "next_item_known")

    def knows_validation(self, time_ordered: bool) -> bool:
        """Whether the validation part is known of a user who is tested.

        Args:
            time_ordered: whether the split is in time.
        """
        return self.history_rule == "all" or (self.history_rule == "auto" and time_ordered)
