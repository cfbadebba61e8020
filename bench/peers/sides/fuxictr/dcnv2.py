"""DCN-V2 of FuxiCTR's blocks: its collection of models is not in its package, and composes them so."""

from __future__ import annotations

from typing import Any

import torch
from fuxictr.features import FeatureMap
from fuxictr.pytorch.layers import CrossNetV2, FeatureEmbedding, MLP_Block
from impressions import Measured, measured
from stand import Stand


class DCNv2(Measured):
    """A linear layer on what a cross network and a deep one make of the same vectors."""

    def __init__(self, stand: Stand, fields: FeatureMap) -> None:
        super().__init__(stand, fields)
        wide, layers = fields.sum_emb_out_dim(), stand.words["layers"]
        self.vectors = FeatureEmbedding(fields, stand.words["width"], embedding_initializer=self.initial)
        self.cross = CrossNetV2(wide, 2)
        self.deep = MLP_Block(wide, layers)
        self.last = torch.nn.Linear(wide + layers[-1], 1)
        self.ready(stand)

    def forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, Any]:
        """The probability of a click, (rows, 1)."""
        vectors = self.vectors(self.get_inputs(inputs)).flatten(start_dim=1)
        logits = self.last(torch.cat([self.cross(vectors), self.deep(vectors)], dim=-1))
        return {"y_pred": self.output_activation(logits)}


measured(Stand(), DCNv2)
