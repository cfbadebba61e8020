"""EASE by Turret."""

from stand import Stand

from data import solved
from turret.models.general import ease

stand = Stand()
solved(stand, ease, ease.Config(regularization=stand.words["regularization"]), ease.EASE(100, 1.0))
