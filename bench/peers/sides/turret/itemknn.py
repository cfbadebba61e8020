"""Neighbours of items by cosine, by Turret: the plain definition, without inverse user frequency."""

import numpy as np
import torch
from stand import Stand

from data import judged, prepared
from turret.core.interactions import Interactions
from turret.models.general import itemknn

stand = Stand()
data = prepared(stand)
config = itemknn.Config(neighbours=stand.words["neighbours"], inverse_user_frequency=False)
few = Interactions(*np.arange(200, dtype=np.int32).reshape(2, 100) % 100, 100, 100)
for _ in itemknn.ItemKNN(100, 10).solve(few, torch.Generator()):
    pass  # compiles the kernels, or reads them, as an import of compiled libraries does
with stand.measuring():
    model = itemknn.build(config, data)
    for _ in itemknn.recipe(config, data).fit(model, stand.seed, torch.device("cpu")):
        pass
stand.tell(stand.seconds[0], judged(stand, data, model))
