import numpy as np
import torch

from turret.nn.dice import Dice


def by_hand(s: np.ndarray, mean: np.ndarray, variance: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-(s - mean) / np.sqrt(variance + 1e-8)))
    return p * s + (1 - p) * alpha * s


def test_of_the_batch_in_training_and_of_what_was_seen_at_rest() -> None:
    layer = Dice(3).double()
    alpha = np.array([0.25, 0.0, -1.0])
    with torch.no_grad():
        layer.alpha.copy_(torch.from_numpy(alpha))
    first, second = np.random.default_rng(0).normal(2, 3, (2, 6, 3))
    mean, variance = np.zeros(3), np.ones(3)
    for s in (first, second):
        expected = by_hand(s, s.mean(axis=0), s.var(axis=0), alpha)
        np.testing.assert_allclose(layer(torch.from_numpy(s)).detach().numpy(), expected)
        mean, variance = 0.9 * mean + 0.1 * s.mean(axis=0), 0.9 * variance + 0.1 * s.var(axis=0)
    np.testing.assert_allclose(layer.eval()(torch.from_numpy(first)).detach().numpy(), by_hand(first, mean, variance, alpha))


def test_no_rows_and_a_single_one() -> None:
    layer = Dice(2)
    assert layer(torch.zeros(0, 2)).shape == (0, 2)
    assert torch.equal(layer.mean, torch.zeros(2))
    torch.testing.assert_close(layer(torch.tensor([[4.0, -2.0]])), torch.tensor([[2.0, -1.0]]))


def test_gradients_run_through_the_statistics() -> None:
    layer = Dice(2).double()
    with torch.no_grad():
        layer.alpha.fill_(0.3)
    inputs = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(layer, inputs)
