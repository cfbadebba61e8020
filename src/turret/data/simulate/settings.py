"""What can be set about a simulated dataset."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_OF_CATALOGUE = 0.4
"""No user goes through more of the items than this share, so that there is always something left to choose."""


class Simulation(BaseModel):
    """The size and the character of a simulated world. The defaults have the shape of MovieLens 100K."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    users: int = Field(default=943, ge=2)
    """People in the log."""
    items: int = Field(default=1682, ge=20)
    """Items in the catalogue; of the rarest, some may never be chosen."""
    interactions: int = Field(default=100_000, ge=10)
    """Rows of the log, to within about one in a thousand."""
    tastes: int = Field(default=24, ge=2, le=10_000)
    """Latent kinds of items. Every user likes three of them, every item belongs to one or two."""
    communities: int = Field(default=12, ge=1, le=1_000)
    """Groups of people who like much the same, share features and find their friends among each other."""
    transition: float = Field(default=0.3, ge=0, lt=1)
    """How often the next item follows from the last one; the rest of the time it follows from taste."""
    popular: float = Field(default=0.1, gt=0, le=1)
    """The share of choices by taste in which taste gives way to popularity."""
    popularity_spread: float = Field(default=1.5, ge=0, le=10)
    """Standard deviation of the logarithm of the items' popularity: the length of the tail."""
    activity_spread: float = Field(default=1.1, ge=0, le=10)
    """Standard deviation of the logarithm of the users' activity beyond the least active."""
    days: int = Field(default=215, ge=1, le=100_000)
    """Over how many days people join."""
    friends: float = Field(default=6.0, ge=0, le=1_000)
    """Friendships that each user proposes on average."""
    click_rate: float = Field(default=0.25, gt=0, lt=1)
    """The share of impressions that are clicked."""

    @classmethod
    def sized(cls, interactions: int) -> Simulation:
        """MovieLens-like proportions at another size: as many rows a user, and items that grow with the root of the rows."""
        growth = interactions / 100_000
        return cls(users=max(2, round(943 * growth)), items=max(600, round(1682 * math.sqrt(growth))), interactions=interactions)

    @model_validator(mode="after")
    def _possible(self) -> Simulation:
        if self.tastes > self.items:
            raise ValueError(f"{self.items} items cannot be of {self.tastes} tastes")
        mean = self.interactions / self.users
        if not 5 <= mean <= MOST_OF_CATALOGUE * self.items / 2:
            most = MOST_OF_CATALOGUE * self.items / 2
            raise ValueError(f"{mean:.1f} interactions a user cannot be drawn from {self.items} items; between 5 and {most:.0f} can")
        return self


class Advertising(BaseModel):
    """The size and the character of a simulated log of advertisements, in the shape of Criteo's: 13 numbers and 26 categories."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rows: int = Field(default=100_000, ge=10)
    """Rows of the log."""
    vocabulary: int | None = Field(default=None, ge=100, le=1_000_000_000)
    """About how many values all categories have together, shared out like Criteo's; the rarest may never be seen. None: a tenth of the
    rows, at least 1,000."""
    click_rate: float = Field(default=0.25, gt=0, lt=1)
    """The share of rows that are clicked."""
    effects: float = Field(default=1.1, ge=0, le=4)
    """Standard deviation of what the features say of a click each by itself, in the logit."""
    pairs: float = Field(default=0.8, ge=0, le=4)
    """Standard deviation of what they say two by two."""

    @property
    def values(self) -> int:
        """The vocabulary, where none was given too."""
        return self.vocabulary or max(1_000, self.rows // 10)
