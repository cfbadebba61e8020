"""LightGCN by RecBole. With `require_pow` its L2 term is the authors', and Turret's; it draws negatives as it makes a batch."""

from parts import note, trained
from stand import Stand

from data import Recbole

stand = Stand()
settings = {"embedding_size": 64, "n_layers": 3, "reg_weight": 1e-4, "require_pow": True}
side = Recbole(stand, "LightGCN", train_batch_size=2048, learning_rate=0.001, **settings)
model = side.model()
seconds = trained(stand, side.train, side.trainer(model))
stand.tell(seconds, side.judged(stand, model), note(stand), first=stand.seconds[0])
