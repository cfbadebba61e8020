"""Vectors for the features of an impression."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from turret.core.context import Behaviours, Impressions
from turret.core.features import Categorical, Schema, Tags
from turret.nn.pooling import pool
from turret.nn.tables import Table


class FieldVectors(nn.Module):
    """One vector a field: the embedding of a category, the pooled ones of a set of them, a number times its field's vector.

    Features share one table, in which each has its own range of rows (or that of the feature whose vectors it shares), so that a step is
    one lookup and one row-wise update. The row of value 0 (missing, or unseen in training) starts at zero and so adds nothing to a score
    unless training itself has such values to learn it from.

    A feature with a width of its own has a table of its own, of that width, and a projection to the common one.

    Args:
        schema: the features.
        width: D.
        std: standard deviation of the normal initialisation.

    Attributes:
        count: fields in all, F: the categorical features, the tags (as many as are kept apart, where they are) and the numbers, in order.
        width: D.
    """

    offsets: Tensor

    def __init__(self, schema: Schema, width: int, std: float) -> None:
        super().__init__()
        self.schema, self.width, self.count = schema, width, schema.fields
        owners = {feature.name: feature for feature in schema.embedded if feature.vectors.shared_with is None}
        common = [feature for feature in owners.values() if feature.vectors.width in (None, width)]
        narrow = [feature for feature in owners.values() if feature.vectors.width not in (None, width)]
        size = sum(feature.size for feature in common)
        self.number_rows = range(size, size + len(schema.numbers))
        self.table = Table(size + len(schema.numbers), width, std)
        self.projected = nn.ModuleList(Projected(feature.size, feature.vectors.width or width, width, std) for feature in narrow)
        self._starts, self._projected = dict[str, int](), dict[str, int]()
        start = 0
        for feature in common:
            self._starts[feature.name] = start
            _begin(self.table, feature, start)
            start += feature.size
        for number, feature in enumerate(narrow):
            self._projected[feature.name] = number
            _begin(self._projection(feature.name).table, feature, 0)
        for feature in schema.embedded:
            if (owner := feature.vectors.shared_with) is not None:
                places = self._starts if owner in self._starts else self._projected
                places[feature.name] = places[owner]
        offsets = [self._starts.get(feature.name, 0) for feature in schema.categorical]
        self.register_buffer("offsets", torch.tensor(offsets, dtype=torch.int64), persistent=False)

    def _projection(self, name: str) -> Projected:
        module = self.projected[self._projected[name]]
        assert isinstance(module, Projected)
        return module

    def forward(self, impressions: Impressions) -> Tensor:
        """float32 [B, F, D]."""
        places = range(len(self.schema.categorical))
        vectors = [self.categorical(impressions.tokens, places)]
        vectors += [self._pooled(feature, impressions, vectors[0]) for feature in self.schema.tags]
        if self.number_rows:
            rows = torch.arange(self.number_rows.start, self.number_rows.stop, device=self.offsets.device)
            vectors.append(impressions.floats.unsqueeze(-1) * self.table[rows])
        return torch.cat(vectors, dim=1)

    def categorical(self, tokens: Tensor, places: Sequence[int]) -> Tensor:
        """The vectors of categorical features: ids int64 [*, K] of the features at K `places` of the schema -> float32 [*, K, D]."""
        names = [self.schema.categorical[place].name for place in places]
        if not any(name in self._projected for name in names):
            offsets = self.offsets if places == range(len(self.offsets)) else self.offsets[list(places)]
            return self.table[tokens + offsets]
        return torch.stack([self._lookup(name, tokens[..., place]) for place, name in enumerate(names)], dim=-2)

    def behaviours(self, behaviours: Behaviours) -> Tensor:
        """float32 [B, L, K, D] the vectors of the items that were chosen before, by the tables of the shown item's features."""
        return self.categorical(behaviours.tokens, self.schema.behaviour_places)

    def _lookup(self, name: str, ids: Tensor) -> Tensor:
        if name in self._projected:
            projected: Tensor = self._projection(name)(ids)
            return projected
        return self.table[ids + self._starts[name]]

    def _pooled(self, feature: Tags, impressions: Impressions, categorical: Tensor) -> Tensor:
        ids, mask = impressions.sets[feature.name]
        target = None if feature.target is None else categorical[:, self.schema.place(feature.target)]
        return pool(self._lookup(feature.name, ids), mask, feature.pooling, feature.length, target)


class Projected(nn.Module):
    """A table of another width, projected (A. Ginart et al. "Mixed Dimension Embeddings with Application to Memory-Efficient Recommendation
    Systems." ISIT 2021, section 3).

    Args:
        size: ids.
        own: width of the table.
        width: D.
        std: of the initial values.
    """

    def __init__(self, size: int, own: int, width: int, std: float) -> None:
        super().__init__()
        self.table, self.projection = Table(size, own, std), nn.Linear(own, width, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> float32 [*S, D]."""
        return self.projection(self.table[ids])  # type: ignore[no-any-return]


class FirstOrder(nn.Module):
    """The linear term <w, x>: a weight for each category (the mean, or the sum, over a set) and for each number.

    Args:
        schema: the features; widths of their own and pretrained vectors do not matter here.
        std: standard deviation of the initial weights.
    """

    def __init__(self, schema: Schema, std: float) -> None:
        super().__init__()
        self.weights = FieldVectors(schema.plain(), 1, std)

    def forward(self, impressions: Impressions) -> Tensor:
        """float32 [B]."""
        total: Tensor = self.weights(impressions).sum(dim=(1, 2))
        return total


@torch.no_grad()
def _begin(table: Table, feature: Categorical | Tags, start: int) -> None:
    """The first values of a feature's rows: zero for id 0, and pretrained ones where there are any."""
    table.weight[start] = 0.0
    if feature.vectors.pretrained is not None:
        values = torch.from_numpy(feature.vectors.pretrained)
        rows = table.weight[start : start + feature.size]
        rows.copy_(torch.where(values.isnan(), rows, values))
