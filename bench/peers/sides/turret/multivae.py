"""MultiVAE by Turret."""

import torch
from parts import note, trained, training
from stand import Stand

from data import judged, prepared
from turret.models.general import multivae

stand = Stand()
data = prepared(stand)
torch.manual_seed(stand.seed)
config = multivae.Config(hidden=600, latent=200, dropout=0.5, anneal_cap=0.2, anneal_share=0.25, training=training(stand, 500))
model = multivae.build(config, data)
seconds = trained(stand, model, multivae.recipe(config, data))
stand.tell(seconds, judged(stand, data, model), note(stand), first=stand.seconds[0])
