"""EASE by Turret."""

import numpy as np
import torch
from stand import Stand

from data import judged, prepared
from turret.core.interactions import Interactions
from turret.models.general import ease

stand = Stand()
data = prepared(stand)
config = ease.Config(regularization=stand.words["regularization"])
few = Interactions(*np.arange(200, dtype=np.int32).reshape(2, 100) % 100, 100, 100)
for _ in ease.EASE(100, 1.0).solve(few, torch.Generator()):
    pass  # compiles the kernels, or reads them, as an import of compiled libraries does
with stand.measuring():
    model = ease.build(config, data)
    for _ in ease.recipe(config, data).fit(model, stand.seed, torch.device("cpu")):
        pass
stand.tell(stand.seconds[0], judged(stand, data, model))
