"""MultiVAE by RecBole.

Its `latent_dimension` counts means and variances together, so 400 is a code of 200. Its beta rises by steps: to its cap of 0.2 over a
quarter of all steps here, as Turret's. It draws codes with a hundredth of the deviation that the paper has, which is given back to it: the
same work otherwise, it ends in other lists.
"""

import torch
from parts import note, trained
from stand import Stand

from data import Recbole

stand = Stand()
settings = {
    "mlp_hidden_size": [600],
    "latent_dimension": 400,
    "dropout_prob": 0.5,
    "anneal_cap": 0.2,
    "total_anneal_steps": 0.25 * stand.words["epochs"] * stand.facts["steps"] / 0.2,
}
side = Recbole(stand, "MultiVAE", train_batch_size=500, learning_rate=0.001, train_neg_sample_args=None, **settings)
model = side.model()


def drawn(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """A code from its distribution in training, its mean else."""
    return mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance) if model.training else mean


model.reparameterize = drawn
seconds = trained(stand, side.train, side.trainer(model))
stand.tell(seconds, side.judged(stand, model), note(stand), first=stand.seconds[0])
