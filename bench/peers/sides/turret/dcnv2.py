"""DCN-V2 by Turret."""

from impressions import measured, training
from stand import Stand

from turret.models.ranking import dcnv2
from turret.training.clicks import Clicks

stand = Stand()


def config(products: str) -> dcnv2.Config:
    """Its settings."""
    return dcnv2.Config(
        embed_dim=stand.words["width"],
        cross_layers=2,
        structure="parallel",
        mlp_layers=stand.words["layers"],
        dropout=0.0,
        init_std=stand.words["std"],
        clicks=Clicks(products=products),
        training=training(stand),
    )


measured(stand, dcnv2, config)
