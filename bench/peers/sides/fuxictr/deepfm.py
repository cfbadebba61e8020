"""DeepFM of FuxiCTR's blocks: its collection of models is not in its package, and composes them so."""

from __future__ import annotations

from typing import Any

import torch
from fuxictr.features import FeatureMap
from fuxictr.pytorch.layers import FactorizationMachine, FeatureEmbedding, MLP_Block
from impressions import Measured, measured
from stand import Stand


class DeepFM(Measured):
    """The logits of a factorisation machine and of a deep network, added."""

    def __init__(self, stand: Stand, fields: FeatureMap) -> None:
        super().__init__(stand, fields)
        self.vectors = FeatureEmbedding(fields, stand.words["width"], embedding_initializer=self.initial)
        self.machine = FactorizationMachine(fields)
        self.deep = MLP_Block(fields.sum_emb_out_dim(), stand.words["layers"], output_dim=1)
        self.ready(stand)

    def forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, Any]:
        """The probability of a click, (rows, 1)."""
        read = self.get_inputs(inputs)
        vectors = self.vectors(read)
        logits = self.machine(read, vectors) + self.deep(vectors.flatten(start_dim=1))
        return {"y_pred": self.output_activation(logits)}


measured(Stand(), DeepFM)
