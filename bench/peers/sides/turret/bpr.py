"""BPR by Turret: row-wise Adam, its default, which updates the rows that a batch touches; without an L2 term, as RecBole has none."""

from collections.abc import Iterator

import numpy as np
import torch
from stand import Stand

from data import judged, prepared
from turret.models.general import bpr
from turret.nn.two_tables import TwoTables

stand = Stand()
words = stand.words
data = prepared(stand)


def trained(learner: str, epochs: int) -> tuple[TwoTables, Iterator[float]]:
    """A model, and the seconds of each of its epochs as they are taken."""
    config = bpr.Config(embed_dim=words["width"])
    training = config.training.model_copy(
        update={"learner": learner, "learning_rate": words["turret"], "weight_decay": 0.0, "batch_size": words["batch"], "epochs": epochs}
    )
    config = config.model_copy(update={"training": training})
    model = bpr.build(config, data)
    return model, (progress.seconds for progress in bpr.recipe(config, data).fit(model, stand.seed, torch.device("cpu")))


with stand.measuring():
    model, epochs = trained("sparse_adam", words["epochs"])
    taken = list(epochs)
quality = judged(stand, data, model)
figures = {"first": taken[0]}
if words["dense"]:
    # All rows at every step, as torch's Adam does.
    figures["dense"] = float(np.median(list(trained("adam", 3)[1])[1:]))
stand.tell(float(np.median(taken[1:])), quality, **figures)
