"""The losses over sampled negatives against hand-computed values, and what only some of them promise."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from turret.losses.pointwise import against_zeros, binary_cross_entropy
from turret.losses.sampled import gbce, info_nce, nce, sampled_softmax, scaled_softmax
from turret.losses.scored import Scored

SCORED = Scored(
    torch.tensor([1.0, -2.0], dtype=torch.float64),
    torch.tensor([[0.0, 3.0], [1.0, -2.0]], dtype=torch.float64),
    torch.log(torch.tensor([[0.5, 0.25], [0.5, 0.25]], dtype=torch.float64)),
    positive_log_q=torch.log(torch.tensor([0.25, 0.125], dtype=torch.float64)),
)
E = math.e


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_sampled_softmax() -> None:
    """Each negative counts 1 / (N q): once those of probability 1/2, twice those of 1/4."""
    expected = [-math.log(E / (E + 1 + 2 * E**3)), -math.log(E**-2 / (E**-2 + E + 2 * E**-2))]
    assert sampled_softmax(SCORED).tolist() == pytest.approx(expected)


def test_info_nce() -> None:
    expected = [-math.log(E / (E + 1 + E**3)), -math.log(E**-2 / (E**-2 + E + E**-2))]
    assert info_nce(SCORED).tolist() == pytest.approx(expected)


def test_scaled_softmax() -> None:
    expected = [-math.log(E / (E + 7 * (1 + E**3))), -math.log(E**-2 / (E**-2 + 7 * (E + E**-2)))]
    assert scaled_softmax(SCORED, scale=7.0).tolist() == pytest.approx(expected)


def test_nce() -> None:
    """log(N q) is log 1/2 and log 1/4 of the right items, log 1 and log 1/2 of the negatives."""
    half = math.log(2)
    expected = [
        -math.log(sigmoid(1 + half)) - math.log(1 - sigmoid(0)) - math.log(1 - sigmoid(3 + half)),
        -math.log(sigmoid(-2 + 2 * half)) - math.log(1 - sigmoid(1)) - math.log(1 - sigmoid(-2 + half)),
    ]
    assert nce(SCORED).tolist() == pytest.approx(expected)


def test_nce_needs_to_know_how_likely_the_right_items_are() -> None:
    with pytest.raises(ValueError, match="probability"):
        nce(Scored(SCORED.positive, SCORED.negative, SCORED.log_q))


def test_nce_is_least_at_the_log_probabilities_of_the_data() -> None:
    """Its minimum over free scores is the log of the data's distribution, already normalised, whatever the noise (Gutmann & Hyvärinen)."""
    data, noise = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64), torch.tensor([0.1, 0.3, 0.6], dtype=torch.float64)
    scores = data.log().requires_grad_()
    chosen, drawn = torch.cartesian_prod(torch.arange(3), torch.arange(3)).T
    losses = nce(Scored(scores[chosen], scores[drawn][:, None], noise.log()[drawn][:, None], None, noise.log()[chosen]))
    gradient = torch.autograd.grad((data[chosen] * noise[drawn] * losses).sum(), scores)[0]
    torch.testing.assert_close(gradient, torch.zeros_like(gradient))


def test_gbce() -> None:
    """Two of four other items are drawn: beta = 1 - 0.6 (1 - 2/4) = 0.7."""
    expected = [
        -0.7 * math.log(sigmoid(1)) - math.log(1 - sigmoid(0)) - math.log(1 - sigmoid(3)),
        -0.7 * math.log(sigmoid(-2)) - math.log(1 - sigmoid(1)) - math.log(1 - sigmoid(-2)),
    ]
    assert gbce(SCORED, n_items=5, calibration=0.6).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("n_items", "calibration"), [(5, 0.0), (3, 0.5), (2, 1.0)])
def test_gbce_is_binary_cross_entropy_without_calibration_and_without_sampling(n_items: int, calibration: float) -> None:
    torch.testing.assert_close(gbce(SCORED, n_items=n_items, calibration=calibration), against_zeros(binary_cross_entropy)(SCORED))


def test_fully_calibrated_gbce_is_least_at_the_probabilities_of_all_negatives() -> None:
    """An item chosen with probability p, and drawn as a negative at the sampling rate alpha of the times when it is one (the paper's
    theorem): with t = 1 the score is the logit of p all the same."""
    p, n_items, drawn = 0.3, 101, 20
    score = torch.tensor([math.log(p / (1 - p))], dtype=torch.float64, requires_grad=True)
    far = torch.full((1, drawn), -1e3, dtype=torch.float64)  # the other items of a row, which cost nothing
    none = torch.full((1,), 1e3, dtype=torch.float64)
    chosen = gbce(Scored(score, far, torch.zeros(1)), n_items=n_items, calibration=1.0)
    negative = gbce(Scored(none, torch.cat([score[None], far[:, 1:]], dim=1), torch.zeros(1)), n_items=n_items, calibration=1.0)
    expected = p * chosen + (1 - p) * drawn / (n_items - 1) * negative
    assert torch.autograd.grad(expected.sum(), score)[0].item() == pytest.approx(0, abs=1e-12)


def test_over_all_items_the_estimates_are_the_full_softmax() -> None:
    """All items but the right one, each drawn uniformly from them: the three forms are the full loss exactly."""
    scores = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    everything = Scored(scores[:1], scores[None, 1:], torch.full((1, 49), -math.log(49), dtype=torch.float64))
    expected = F.cross_entropy(scores[None], torch.tensor([0])).item()
    for loss in (sampled_softmax(everything), info_nce(everything), scaled_softmax(everything, scale=1.0)):
        assert loss.item() == pytest.approx(expected)


def test_the_normaliser_of_sampled_softmax_is_unbiased_also_where_draws_are_masked() -> None:
    """Over all possible samples of two, weighted by their probabilities, with item 0 left out as the right one."""
    scores = torch.tensor([0.3, -1.0, 2.0, 0.7], dtype=torch.float64)
    q = torch.tensor([0.4, 0.1, 0.3, 0.2], dtype=torch.float64)
    drawn = torch.cartesian_prod(torch.arange(4), torch.arange(4))
    losses = sampled_softmax(Scored(scores[:1].expand(16), scores[drawn], q.log()[drawn], drawn != 0))
    normalisers = (losses + scores[0]).exp()
    assert (q[drawn].prod(dim=1) * normalisers).sum().item() == pytest.approx(scores.exp().sum().item())


def test_large_scores_keep_the_digits_of_their_differences() -> None:
    scored = Scored(torch.tensor([10000.0]), torch.tensor([[10000.0, 9999.0]]), torch.zeros(1))
    assert info_nce(scored).item() == pytest.approx(math.log(2 + math.exp(-1)), rel=1e-6)
