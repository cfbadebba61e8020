"""Neighbours of items by cosine, by Turret: the plain definition, without inverse user frequency."""

from stand import Stand

from data import solved
from turret.models.general import itemknn

stand = Stand()
solved(stand, itemknn, itemknn.Config(neighbours=stand.words["neighbours"], inverse_user_frequency=False), itemknn.ItemKNN(100, 10))
