from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.core.seeds import torch_generator
from turret.sampling import ahead
from turret.sampling.ahead import Ahead
from turret.sampling.drawn import Drawn
from turret.sampling.popularity import Popularity, power
from turret.sampling.uniform import Uniform

Answers = Callable[..., Targets]
N = 6


@pytest.fixture
def train() -> Interactions:
    draw = np.random.default_rng(0)
    return Interactions(np.sort(draw.integers(0, 40, 1000)).astype(np.int32), draw.integers(0, 60, 1000).astype(np.int32), 40, 60)


def samplers(train: Interactions) -> dict[str, Uniform | Drawn]:
    popularity = Popularity(power(train.item_counts))
    return {
        "uniform": Uniform(60, N),
        "unseen": Uniform(60, N, train),
        "popularity": Drawn(popularity, N),
        "unseen popularity": Drawn(popularity, N, train),
    }


@pytest.mark.parametrize("kind", ["uniform", "unseen", "popularity", "unseen popularity"])
def test_equals_what_its_sampler_draws_in_any_order(
    answers: Answers, train: Interactions, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "ROWS", 300)  # so that there are several blocks
    generator, plain = torch_generator(5, "ahead"), samplers(train)[kind]
    parts = [slice(start, min(start + 300, 1000)) for start in range(0, 1000, 300)]
    expected = [plain(answers(train.item[rows], train.user[rows]), Step(0, generator)) for rows in parts]
    items = torch.cat([part.items for part in expected])
    log_q = torch.cat([part.log_q.expand(len(part.items), N) for part in expected])
    sampler = Ahead(samplers(train)[kind], train)
    sampler.restore({"seed": torch.tensor(5)})
    for number, places in enumerate(torch.randperm(1000).split(128)):
        drawn = sampler(answers(train.item[places], train.user[places], places), Step(number + 3, torch.Generator().manual_seed(number)))
        assert drawn.items.dtype == torch.int64 and torch.equal(drawn.items, items[places])
        assert torch.equal(drawn.log_q.expand(-1, N), log_q[places])
        for found, name in ((drawn.mask, "mask"), (drawn.positive_log_q, "positive_log_q")):
            values = [getattr(part, name) for part in expected]
            assert found is None if values[0] is None else torch.equal(found, torch.cat(values)[places])


def test_depends_on_the_seed_of_the_first_step_alone(answers: Answers, train: Interactions) -> None:
    targets = answers(train.item[:100], train.user[:100], torch.arange(100))

    def step(number: int) -> Step:
        return Step(number, torch.Generator().manual_seed(number))

    first, other, resumed = (Ahead(Uniform(60, N, train), train) for _ in range(3))
    assert first.state() == {}
    drawn = first(targets, step(0)).items
    assert torch.equal(first(targets, step(77)).items, drawn)
    assert not torch.equal(other(targets, step(77)).items, drawn)
    resumed.restore(first.state())
    assert torch.equal(resumed(targets, step(77)).items, drawn)


def test_needs_to_know_the_rows(answers: Answers, train: Interactions) -> None:
    with pytest.raises(ValueError, match="row"):
        Ahead(Uniform(60, N), train)(answers([0], [0]), Step(0, torch.Generator()))
