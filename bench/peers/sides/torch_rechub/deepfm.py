"""DeepFM by Torch-RecHub, whose linear term weighs the numbers of the vectors, not the ids."""

from impressions import measured
from stand import Stand
from torch_rechub.models.ranking import DeepFM

stand = Stand()
measured(stand, lambda fields: DeepFM(fields, fields, {"dims": stand.words["layers"], "dropout": 0.0, "activation": "relu"}))
