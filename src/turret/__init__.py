"""Turret: recommender systems on PyTorch, from a raw interaction log to recommendations that can be served."""

__version__ = "0.1.0"
