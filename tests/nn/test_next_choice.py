import numpy as np
import pytest
import torch

from turret.core.context import Behaviours
from turret.nn.next_choice import next_choice_loss


def test_is_the_mean_over_steps_that_have_a_next_one() -> None:
    """Two sequences of 3 and 2 steps: three steps are followed by another. The draw is repeated from the same seed."""
    generator = torch.Generator().manual_seed(0)
    states, steps = (torch.randn(3, 3, 2, generator=generator).double() for _ in range(2))
    tokens = torch.tensor([[1, 2, 3], [4, 2, 0], [5, 0, 0]]).unsqueeze(2)
    behaviours = Behaviours(tokens, torch.arange(3) < torch.tensor([3, 2, 1])[:, None])
    places, followed = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)], [(0, 0), (0, 1), (1, 0)]
    for seed in range(5):
        drawn = torch.randint(6, (3,), generator=torch.Generator().manual_seed(seed)).tolist()
        total = 0.0
        for (row, t), place in zip(followed, drawn, strict=True):
            h, negative = states[row, t].numpy(), steps[places[place]].numpy()
            total += np.log(1 / (1 + np.exp(-h @ steps[row, t + 1].numpy())))
            if tokens[places[place]] != tokens[row, t + 1]:
                total += np.log(1 - 1 / (1 + np.exp(-h @ negative)))
        found = next_choice_loss(states, steps, behaviours, torch.Generator().manual_seed(seed))
        assert float(found) == pytest.approx(-total / 3, abs=1e-12)


@pytest.mark.parametrize("lengths", [[0, 0], [1, 0]])
def test_without_a_next_step_there_is_nothing_to_tell(lengths: list[int]) -> None:
    states = torch.randn(2, 2, 3, requires_grad=True)
    behaviours = Behaviours(torch.zeros(2, 2, 1, dtype=torch.int64), torch.arange(2) < torch.tensor(lengths)[:, None])
    assert next_choice_loss(states, states, behaviours, torch.Generator()).item() == 0
