"""BPR by Turret, at the settings that were best on a validation part."""

import torch
from race import Race
from stand import Stand

from data import lists, prepared
from turret.models.general import bpr
from turret.training.config import Training

stand = Stand()
race, settings = Race(stand), stand.words["turret"]
data = prepared(stand)
training = Training(
    learner=settings["learner"],
    learning_rate=settings["learning_rate"],
    weight_decay=settings["weight_decay"],
    batch_size=settings["batch"],
    epochs=1_000,
)
config = bpr.Config(embed_dim=stand.words["width"], training=training)
next(bpr.recipe(config, data).fit(bpr.build(config, data), 0, torch.device("cpu")))  # compiles the kernels, or reads them
torch.manual_seed(stand.seed)
with stand.measuring():
    model = bpr.build(config, data)
epochs = bpr.recipe(config, data).fit(model, stand.seed, torch.device("cpu"))
while True:
    with stand.measuring():
        next(epochs)
    if race.over(lists(stand, data, model), len(race.curve) + 1):
        break
race.tell()
