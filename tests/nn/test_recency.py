import torch

from turret.core.context import Behaviours
from turret.nn.recency import latest, steps_back

MASK = torch.tensor([[True, True, True, False], [False] * 4, [True] * 4])
BEHAVIOURS = Behaviours(torch.arange(12).view(3, 4, 1), MASK)


def test_steps_back() -> None:
    assert steps_back(MASK).tolist() == [[2, 1, 0, -1], [-1, -2, -3, -4], [3, 2, 1, 0]]


def kept(behaviours: Behaviours) -> list[list[int]]:
    return [tokens[mask].flatten().tolist() for tokens, mask in zip(behaviours.tokens, behaviours.mask, strict=True)]


def test_the_latest_come_first() -> None:
    assert kept(latest(BEHAVIOURS, 9)) == [[2, 1, 0], [], [11, 10, 9, 8]]
    assert kept(latest(BEHAVIOURS, 2)) == [[2, 1], [], [11, 10]]
    assert latest(BEHAVIOURS, 2).tokens.shape == (3, 2, 1)


def test_among_some() -> None:
    assert kept(latest(BEHAVIOURS, 2, BEHAVIOURS.tokens[:, :, 0] % 2 == 0)) == [[2, 0], [], [10, 8]]
