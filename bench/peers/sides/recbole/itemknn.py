"""Neighbours of items by cosine, by RecBole, which computes them where the model is made, and with them all users' scores of all items."""

from stand import Stand

from data import Recbole

stand = Stand()
side = Recbole(stand, "ItemKNN", k=stand.words["neighbours"], shrink=0.0, knn_method="item")
with stand.measuring():
    model = side.model()
stand.tell(stand.seconds[0], side.judged(stand, model), note="computes all users' scores too")
