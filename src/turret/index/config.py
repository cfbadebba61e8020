"""What can be set about an index."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Indexing(BaseModel):
    """How approximate search divides the items, and how far it looks."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    recall_target: float = Field(default=0.95, gt=0, le=1)
    """Share of the exact lists that approximate ones are to hold; as few cells are looked into as that takes on a sample of queries."""
    cells: int | None = Field(default=None, ge=1)
    """Cells that the items are divided into, no more than there are items; none: twice the square root of their number."""
    probes: int | None = Field(default=None, ge=1)
    """Cells that a search looks into, whatever the recall; none: as many as recall_target takes."""
