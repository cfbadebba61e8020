"""The inverted multi-index: frequencies against probabilities, probabilities against the formula, and exact cases against the softmax."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.sampling.drawn import Drawn
from turret.sampling.midx import Midx
from turret.scorers.biased_dot import BiasedDot
from turret.scorers.mlp import MLPScorer

Asked = Callable[..., Targets]
Fits = Callable[[Tensor, Tensor], None]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ready(targets: Targets, mass: np.ndarray, codewords: int) -> Midx:
    midx = Midx(mass, codewords, 100)
    midx.refresh(targets, Step(0, generator(1)))
    return midx


def everything(targets: Targets) -> Tensor:
    return torch.arange(len(targets.encoded.items.dense()))[None]


CASES = {
    "skewed": (500, 8, 6, 1.0, "skewed"),
    "uniform": (500, 7, 6, 1.0, "ones"),
    "holes": (200, 8, 5, 1.0, "holes"),
    "one item": (1, 4, 3, 1.0, "ones"),
    "two items": (2, 4, 1, 1.0, "skewed"),
    "three items": (3, 4, 8, 1.0, "skewed"),
    "one codeword": (40, 4, 1, 1.0, "skewed"),
    "more codewords than items": (10, 4, 16, 1.0, "skewed"),
    "width one": (30, 1, 4, 1.0, "ones"),
    "large scores": (60, 6, 5, 300.0, "skewed"),
    "no scores": (60, 6, 5, 0.0, "skewed"),
}


def case(name: str, asked: Asked) -> tuple[Targets, np.ndarray, int]:
    n, width, codewords, scale, mass = CASES[name]
    masses = {"ones": np.ones(n), "skewed": np.arange(1, n + 1.0) ** -1.2}
    masses["holes"] = masses["skewed"] * (np.arange(n) % 3 > 0)
    items = torch.randn(n, width, generator=generator(2)) * scale
    return asked(items, torch.randn(4, width, generator=generator(3))), masses[mass], codewords


@pytest.mark.parametrize("name", CASES)
def test_frequencies_are_the_probabilities(name: str, asked: Asked, fits: Fits) -> None:
    targets, mass, codewords = case(name, asked)
    midx = ready(targets, mass, codewords)
    items = midx.draw(targets, 250_000, generator())
    assert items.shape == (4, 250_000)
    fits(items, midx.log_prob(targets, everything(targets)))


@pytest.mark.parametrize("name", CASES)
def test_probabilities_are_those_of_the_formula(name: str, asked: Asked) -> None:
    targets, mass, codewords = case(name, asked)
    midx = ready(targets, mass, codewords)
    assert midx.codewords == min(codewords, len(mass))
    state = midx.state()
    first, second = state["bucket"] // midx.codewords, state["bucket"] % midx.codewords
    rounded = torch.cat([state["centres_0"][first], state["centres_1"][second]], dim=1).double()
    expected = torch.log_softmax(targets.query.double() @ rounded.T + torch.from_numpy(mass).log(), dim=1)
    found = midx.log_prob(targets, everything(targets)).double()
    assert torch.equal(found == -torch.inf, expected == -torch.inf)
    assert torch.allclose(found.nan_to_num(neginf=0), expected.nan_to_num(neginf=0), atol=1e-5, rtol=1e-6)


def test_with_a_codeword_for_each_half_it_is_the_softmax(asked: Asked) -> None:
    halves = torch.randn(2, 6, 5, generator=generator())
    pick = torch.randint(6, (2, 300), generator=generator(1))
    items = torch.cat([halves[0][pick[0]], halves[1][pick[1]]], dim=1)
    targets = asked(items, torch.randn(9, 10, generator=generator(2)))
    softmax = torch.softmax(targets.query.double() @ items.double().T, dim=1)
    exact = ready(targets, np.ones(300), 6).log_prob(targets, everything(targets)).double().exp()
    assert float((exact - softmax).abs().sum(dim=1).max()) / 2 < 1e-6
    rough = ready(targets, np.ones(300), 3).log_prob(targets, everything(targets)).double().exp()
    assert float((rough - softmax).abs().sum(dim=1).max()) / 2 > 1e-2


def test_biases_of_items_are_quantised_with_them(asked: Asked) -> None:
    items = torch.randn(12, 4, generator=generator())
    targets = asked(items, torch.randn(3, 3, generator=generator(1)), BiasedDot())
    found = ready(targets, np.ones(12), 12).log_prob(targets, everything(targets))
    scores = targets.scorer.all(targets.query, items)
    assert torch.allclose(found, torch.log_softmax(scores, dim=1), atol=1e-5)


def test_buckets_far_below_the_best_codeword_are_not_lost(asked: Asked, fits: Fits) -> None:
    # the best second codeword occurs with a bad first one alone: next to it the exponentials of all others are 0
    items = torch.tensor([[0.0, 1000], [900, -100], [900, -101], [901, -101], [-1000, -1000]])
    targets = asked(items, torch.tensor([[1.0, 0.0], [1.0, 1.0], [2.0, 0.01]]))
    midx = ready(targets, np.ones(5), 5)
    log_prob = midx.log_prob(targets, everything(targets))
    assert torch.allclose(log_prob.exp(), torch.softmax(targets.query.double() @ items.double().T, dim=1).float(), atol=1e-6)
    fits(midx.draw(targets, 300_000, generator()), log_prob)
    query = torch.tensor([[1.0, 1.0]])
    items = torch.tensor([[-2000.0, 1000], [900, -1000], [900, -1000.5], [899, -1000]])
    targets = asked(items, query)
    midx = ready(targets, np.ones(4), 4)
    log_prob = midx.log_prob(targets, everything(targets))
    assert torch.allclose(log_prob.exp(), torch.softmax(query.double() @ items.double().T, dim=1).float(), atol=1e-6)
    fits(midx.draw(targets, 300_000, generator()), log_prob)


@pytest.mark.parametrize("name", ["skewed", "holes", "large scores", "more codewords than items"])
def test_compiled_draws_are_those_of_torch(name: str, asked: Asked) -> None:
    targets, mass, codewords = case(name, asked)
    midx = ready(targets, mass, codewords)
    mixture = midx._mixture(targets)
    first = torch.randint(midx.codewords, (4, 5000), generator=generator())
    first = torch.where((midx._weights().sum(dim=1) > 0)[first], first, midx._weights().sum(dim=1).argmax())
    uniform = torch.rand(4, 5000, generator=generator(), dtype=torch.float64)
    assert torch.equal(midx._bucket_compiled(mixture, first, uniform), midx._bucket(mixture, first, uniform))
    items = torch.randint(len(mass), (4, 5000), generator=generator(4))
    torch.testing.assert_close(midx._log_prob_compiled(mixture, items), midx._log_prob(mixture, items))


def test_leaves_out_what_was_taken(asked: Asked, fits: Fits) -> None:
    items = torch.randn(30, 4, generator=generator())
    users = torch.arange(3)
    seen = Interactions(np.array([0, 0, 0, 1, 2, 2]), np.array([3, 4, 29, 0, 7, 8]), 3, 30)
    targets = asked(items, 2 * torch.randn(3, 4, generator=generator(1)), target=torch.tensor([3, 0, 7]), users=users)
    mass = np.arange(1, 31.0)
    negatives = Drawn(Midx(mass, 4, 10), 350_000, seen)(targets, Step(0, generator(2)))
    log_prob = torch.full((3, 30), -torch.inf).scatter(1, negatives.items, negatives.log_q.expand(negatives.items.shape))
    assert not (negatives.items[0] == 29).any()
    fits(negatives.items, log_prob)


def test_vectors_are_quantised_when_it_is_due_and_only_then(asked: Asked) -> None:
    midx = Midx(np.ones(20), 4, 10)
    assert midx.state() == {}
    query = torch.randn(2, 4, generator=generator())
    moments = [asked(torch.randn(20, 4, generator=generator(seed)), query) for seed in range(30)]
    found, buckets = [], []
    for number in range(5, 30):
        midx.refresh(moments[number], Step(number, generator(number)))
        midx.refresh(moments[number], Step(number, generator(99)))
        found.append(int(midx.state()["step"]))
        buckets.append(midx.state()["bucket"])
    assert found == [5] * 10 + [15] * 10 + [25] * 5
    changes = [number for number in range(6, 30) if not torch.equal(buckets[number - 5], buckets[number - 6])]
    assert changes == [15, 25]


def test_goes_on_from_a_state_as_if_it_had_not_stopped(asked: Asked) -> None:
    query = torch.randn(6, 4, generator=generator())
    moments = [asked(torch.randn(50, 4, generator=generator(seed)), query) for seed in range(8)]

    def steps(midx: Midx, numbers: range, drawing: torch.Generator) -> list[Tensor]:
        drawn = []
        for number in numbers:
            midx.refresh(moments[number], Step(number, drawing))
            drawn.append(midx.draw(moments[number], 30, drawing))
            drawn.append(midx.log_prob(moments[number], drawn[-1]))
        return drawn

    whole, first, second = (Midx(np.arange(1, 51.0), 5, 3) for _ in range(3))
    uninterrupted = steps(whole, range(8), generator())
    drawing = generator()
    before = steps(first, range(5), drawing)
    second.restore({name: value.clone() for name, value in first.state().items()})
    after = steps(second, range(5, 8), drawing)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(before + after, uninterrupted, strict=True))


def test_refuses_what_it_cannot_draw_from(asked: Asked) -> None:
    with pytest.raises(ValueError, match="no item has any mass"):
        Midx(np.zeros(3), 2, 1)
    targets = asked(torch.randn(3, 4), torch.randn(1, 4), MLPScorer(4, (8,)))
    with pytest.raises(ValueError, match="inner product"):
        Midx(np.ones(3), 2, 1).refresh(targets, Step(0, generator()))
