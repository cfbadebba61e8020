"""LightGCN by Turret."""

import torch
from parts import note, trained, training
from stand import Stand

from data import judged, prepared
from turret.models.graph import lightgcn

stand = Stand()
data = prepared(stand)
torch.manual_seed(stand.seed)
config = lightgcn.Config(embed_dim=64, layers=3, l2=1e-4, training=training(stand, 2048))
model = lightgcn.build(config, data)
seconds = trained(stand, model, lightgcn.recipe(config, data))
stand.tell(seconds, judged(stand, data, model), note(stand), first=stand.seconds[0])
