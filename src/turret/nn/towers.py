"""Feature towers: the vectors of users or items as a network makes them of all that is known of each.

    x_r = the field vectors of row r, side by side
    v_r = W relu layers(x_r) + b

What is known is held beside the parameters, on their device, so that a batch is a gather; it belongs to the dataset, not to the model, and
is not saved with it. A tower runs only for the ids that it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from turret.batches.features import Sets
from turret.batches.sides import Side
from turret.core.context import Impressions
from turret.nn.fields import FieldVectors
from turret.nn.linear import Linear
from turret.nn.mlp import MLP

BLOCK = 1 << 13
"""Ids that a tower runs for at a time where it runs for all: what it makes on the way then stays small, whatever their number."""


class Described(nn.Module):
    """The field vectors of users, or of items, by their ids.

    Args:
        side: what is known of the n of them.
        width: D, of each field's vector.
        std: standard deviation of the vectors' normal initialisation.

    Attributes:
        out: width of the output, F D.
    """

    tokens: Tensor
    floats: Tensor

    def __init__(self, side: Side, width: int, std: float) -> None:
        super().__init__()
        self.vectors = FieldVectors(side.schema, width, std)
        self.register_buffer("tokens", side.features.tokens, persistent=False)
        self.register_buffer("floats", side.features.floats, persistent=False)
        self.sets = nn.ModuleList(HeldSets(side.features.sets[feature.name], feature.length) for feature in side.schema.tags)
        self.out = self.vectors.count * width

    def __len__(self) -> int:
        return len(self.tokens)

    def forward(self, ids: Tensor) -> Tensor:
        """int64 [B] -> float [B, F D]."""
        sets = {feature.name: held(ids) for feature, held in zip(self.vectors.schema.tags, self.sets, strict=True)}
        floats = self.floats.index_select(0, ids)
        known = Impressions(self.tokens.index_select(0, ids).long(), floats, sets, labels=floats.new_empty(len(ids), 0))
        return self.vectors(known).flatten(1)  # type: ignore[no-any-return]


class HeldSets(nn.Module):
    """The sets of one multi-valued field, on the device of the model.

    Args:
        sets: of all rows.
        longest: values of a row that count; None: all.
    """

    offsets: Tensor
    ids: Tensor

    def __init__(self, sets: Sets, longest: int | None) -> None:
        super().__init__()
        self.longest = longest
        self.register_buffer("offsets", sets.offsets, persistent=False)
        self.register_buffer("ids", sets.ids, persistent=False)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """int64 [B] -> ids int64 [B, S] and mask bool [B, S]."""
        return Sets(self.offsets, self.ids).take(rows, self.longest)


class Tower(nn.Module):
    """A network on the field vectors. It is the lookup itself: nothing runs before a vector is asked for, and then once for each id.

    Args:
        side: what is known of the n users, or items.
        embed_dim: D, of the fields' vectors and of the output.
        mlp_layers: widths of the hidden layers.
        dropout: after each of them.
        std: standard deviation of the fields' vectors at the beginning.
    """

    def __init__(self, side: Side, embed_dim: int, mlp_layers: Sequence[int], dropout: float, std: float) -> None:
        super().__init__()
        self.described = Described(side, embed_dim, std)
        self.mlp = MLP(self.described.out, mlp_layers, dropout)
        self.project = Linear(self.mlp.out, embed_dim)

    def forward(self, ids: Tensor) -> Tensor:
        """int64 [B] -> float [B, D], once for each of the ids as they are."""
        return self.project(self.mlp(self.described(ids)))  # type: ignore[no-any-return]

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> float [*S, D]; an id that is there several times is computed once."""
        distinct, places = torch.unique(ids, return_inverse=True)
        return F.embedding(places, self(distinct))

    def dense(self) -> Tensor:
        """float [n, D], `BLOCK` rows at a time."""
        ids = torch.arange(len(self.described), device=self.described.tokens.device)
        return torch.cat([self(block) for block in torch.split(ids, BLOCK)])

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> float [*S, F D]: the fields' vectors, which are what is trained of each id."""
        distinct, places = torch.unique(ids, return_inverse=True)
        return F.embedding(places, self.described(distinct))
