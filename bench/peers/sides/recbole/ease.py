"""EASE by RecBole, which computes it where the model is made."""

from stand import Stand

from data import Recbole

stand = Stand()
side = Recbole(stand, "EASE", reg_weight=stand.words["regularization"])
with stand.measuring():
    model = side.model()
stand.tell(stand.seconds[0], side.judged(stand, model))
