"""BPR by Turret until its lists are good enough, at the settings that were best on a validation part."""

import torch
from stand import Stand

from data import judged, prepared
from turret.models.general import bpr
from turret.training.config import Training

stand = Stand()
words, settings = stand.words, stand.words["turret"]
data = prepared(stand)
training = Training(
    learner=settings["learner"],
    learning_rate=settings["learning_rate"],
    weight_decay=settings["weight_decay"],
    batch_size=settings["batch"],
    epochs=settings["every"] * settings["looks"],
)
config = bpr.Config(embed_dim=words["width"], training=training)
next(bpr.recipe(config, data).fit(bpr.build(config, data), 0, torch.device("cpu")))  # compiles the kernels, or reads them
quality: dict[str, float] = {}
taken: list[float] = []
with stand.measuring():
    model = bpr.build(config, data)
epochs = bpr.recipe(config, data).fit(model, stand.seed, torch.device("cpu"))
for _ in range(settings["looks"]):
    with stand.measuring():
        taken += [next(epochs).seconds for _ in range(settings["every"])]
    quality = judged(stand, data, model)
    if quality["ndcg@10"] >= words["level"]:
        break
note = "" if quality["ndcg@10"] >= words["level"] else "the level was not reached"
stand.tell(sum(stand.seconds), quality, note, epochs=len(taken), first=taken[0])
