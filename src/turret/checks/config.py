"""What can be set about checking a dataset."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Check(BaseModel):
    """What the test part should be able to tell, and how much is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    difference: float = Field(default=0.005, gt=0, lt=1)
    """Difference in nDCG@10 between two models that the test part should be able to find."""
    power: float = Field(default=0.8, gt=0, lt=1)
    """Probability with which it should be found."""
    alpha: float = Field(default=0.05, gt=0, lt=1)
    """Level of the two-sided paired test: how often two models that are alike may seem to differ."""
    max_users: int = Field(default=10_000, ge=2)
    """Test users whose lists are measured, drawn where there are more, and fewer where the catalogue is large. Rows are always counted in
    full."""
    seed: int = Field(default=0, ge=0)
    """Of all that is drawn: users, shuffles, bootstrap samples."""
