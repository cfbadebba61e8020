"""DeepFM by DeepCTR-Torch."""

from deepctr_torch.models import DeepFM
from impressions import measured
from stand import Stand

stand = Stand()
measured(
    stand,
    lambda fields, l2: DeepFM(
        fields,
        fields,
        dnn_hidden_units=stand.words["layers"],
        l2_reg_linear=l2,
        l2_reg_embedding=l2,
        init_std=stand.words["std"],
        seed=stand.seed,
    ),
)
