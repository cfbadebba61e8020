"""Alternating least squares by Turret: three steps of conjugate gradients."""

import numpy as np
import torch
from factorization import explained
from stand import Stand

from data import judged, prepared
from turret.models.general import wrmf

stand = Stand()
words = stand.words
data = prepared(stand)
config = wrmf.Config(embed_dim=words["width"], alpha=words["alpha"], regularization=words["regularization"], sweeps=words["iterations"])
with stand.measuring():
    model = wrmf.build(config, data)
    taken = [progress.seconds for progress in wrmf.recipe(config, data).fit(model, stand.seed, torch.device("cpu"))]

user, item = stand.array("train_user"), stand.array("train_item")
reached = explained(user, item, model.users.numpy(), model.items.numpy(), words["alpha"], words["regularization"])
quality = judged(stand, data, model)
stand.tell(float(np.median(taken[1:])), {**quality, "explained": reached}, first=taken[0], whole=stand.seconds[0])
