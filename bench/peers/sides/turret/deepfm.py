"""DeepFM by Turret."""

from impressions import measured, training
from stand import Stand

from turret.models.ranking import deepfm
from turret.training.clicks import Clicks

stand = Stand()


def config(products: str) -> deepfm.Config:
    """Its settings."""
    return deepfm.Config(
        embed_dim=stand.words["width"],
        mlp_layers=stand.words["layers"],
        dropout=0.0,
        init_std=stand.words["std"],
        clicks=Clicks(products=products),
        training=training(stand),
    )


measured(stand, deepfm, config)
