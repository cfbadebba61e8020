"""DCN-V2 by Torch-RecHub, with square matrices."""

from impressions import measured
from stand import Stand
from torch_rechub.models.ranking import DCNv2

stand = Stand()
measured(
    stand,
    lambda fields: DCNv2(
        fields,
        2,
        {"dims": stand.words["layers"], "dropout": 0.0, "activation": "relu"},
        model_structure="parallel",
        use_low_rank_mixture=False,
    ),
)
