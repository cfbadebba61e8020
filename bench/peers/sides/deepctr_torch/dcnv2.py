"""DCN-V2 by DeepCTR-Torch: its DCN with matrices, without the linear term that the others do not have."""

from deepctr_torch.models import DCN
from impressions import measured
from stand import Stand

stand = Stand()
measured(
    stand,
    lambda fields, l2: DCN(
        [],
        fields,
        cross_num=2,
        cross_parameterization="matrix",
        dnn_hidden_units=stand.words["layers"],
        l2_reg_linear=0,
        l2_reg_embedding=l2,
        l2_reg_cross=0,
        init_std=stand.words["std"],
        seed=stand.seed,
    ),
)
