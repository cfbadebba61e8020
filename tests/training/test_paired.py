"""Steps on two tables without autograd, against the steps with it that they stand for; and the kernels, against torch in float64."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.kernels import paired as kernels
from turret.losses import pairwise
from turret.losses.scored import Scored
from turret.models.general import bpr, cml
from turret.training.composition import Composition
from turret.training.composition.losses import SAMPLED
from turret.training.composition.samplers import SAMPLERS, SamplerName
from turret.training.config import Training
from turret.training.optimizers.build import ROW_WISE, build_optimizers
from turret.training.paired import Paired

CPU = torch.device("cpu")
SHARED = ("in_batch", "mixed")
OWN = [name for name in get_args(SamplerName) if name not in SHARED]


@pytest.fixture(scope="module")
def data() -> Prepared:
    draw = np.random.default_rng(3)
    pairs = np.unique(draw.integers(0, 20 * 30, 200))
    users, items = (Entities(Vocabulary.of(map(str, range(n)))) for n in (20, 30))
    return Prepared("some", 20, 30, users, items, {"train": Part(Interactions(pairs // 30, pairs % 30, 20, 30))})


def made(data: Prepared, composition: Composition, **training: Any) -> tuple[Any, Any]:
    said = {"learner": "sparse_adam", "learning_rate": 0.05, "weight_decay": 0.01, "batch_size": 64, "epochs": 3, **training}
    config = bpr.Config(embed_dim=9, composition=composition, training=Training(**said))
    torch.manual_seed(0)
    return bpr.build(config, data), bpr.recipe(config, data)


def trained(data: Prepared, quick: bool, composition: Composition, **training: Any) -> tuple[list[float], dict[str, Tensor], Any]:
    model, procedure = made(data, composition, **training)
    if not quick:
        procedure.quick = lambda objective, model, optimizers: None
    losses = [progress.measures["loss"] for progress in procedure.fit(model, 1, CPU)]
    return losses, dict(model.named_parameters()), procedure.state()


def assert_alike(data: Prepared, composition: Composition, **training: Any) -> None:
    losses, parameters, state = trained(data, True, composition, **training)
    others, theirs, remembered = trained(data, False, composition, **training)
    assert losses == pytest.approx(others, rel=1e-4, abs=1e-6)
    torch.testing.assert_close(parameters, theirs, rtol=1e-3, atol=2e-5)
    assert state.keys() == remembered.keys()
    torch.testing.assert_close(state["drawing"], remembered["drawing"])


def takes(data: Prepared, composition: Composition, **training: Any) -> object:
    model, procedure = made(data, composition, **training)
    return procedure.quick(procedure.objective, model, build_optimizers(model, procedure.training))


@pytest.mark.parametrize("loss", [name for name in SAMPLED if name != "cosine_contrastive"])  # which is not for inner products
def test_any_loss_over_samples(data: Prepared, loss: Any) -> None:
    composition = Composition(loss=loss, negative_count=3, exclude_seen=loss != "nce")
    assert isinstance(takes(data, composition), Paired)
    assert_alike(data, composition)


@pytest.mark.parametrize("sampler", [name for name in OWN if name in SAMPLERS])
def test_any_sampler_that_draws_for_each_by_itself(data: Prepared, sampler: Any) -> None:
    composition = Composition(loss="sampled_softmax", sampler=sampler, negative_count=4, clusters=4, pool=8)
    assert isinstance(takes(data, composition), Paired)
    # What is drawn by the vectors may differ where two of them are as good as equal; over so few steps none are.
    assert_alike(data, composition, epochs=1)


@pytest.mark.parametrize("learner", ROW_WISE)
@pytest.mark.parametrize("decay", [0.0, 0.02])
def test_any_row_wise_rule(data: Prepared, learner: Any, decay: float) -> None:
    assert_alike(data, Composition(), learner=learner, weight_decay=decay, momentum=0.3 if "momentum" in learner else 0.0)


def test_rounds_of_some_steps(data: Prepared) -> None:
    assert_alike(data, Composition(), round_steps=2)


@pytest.mark.parametrize(
    ("composition", "training"),
    [
        (Composition(loss="sampled_softmax", sampler="in_batch"), {}),
        (Composition(loss="sampled_softmax", sampler="mixed"), {}),
        (Composition(scorer="cosine"), {}),
        (Composition(loss="softmax"), {}),
        (Composition(), {"learner": "adam"}),
        (Composition(), {"embedding_decay": 0.0, "learner": "adagrad"}),
    ],
)
def test_what_it_does_not_know_is_left_to_autograd(data: Prepared, composition: Composition, training: dict[str, Any]) -> None:
    assert takes(data, composition, **training) is None
    trained(data, True, composition, **training)


def test_other_models_are_left_to_autograd(data: Prepared) -> None:
    config = cml.Config(embed_dim=4)
    model, procedure = cml.build(config, data), cml.recipe(config, data)
    assert procedure.quick(procedure.objective, model, build_optimizers(model, config.training)) is None


def test_gradients_that_are_to_be_clipped_are_left_to_autograd(data: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object) -> None:
        raise AssertionError("there is nothing to clip")

    monkeypatch.setattr(Paired, "__call__", never)
    trained(data, True, Composition(), grad_clip_norm=0.1, learner="sparse_adam")


def test_a_loss_that_is_no_number_changes_nothing(data: Prepared) -> None:
    model, procedure = made(data, Composition())
    take = procedure.quick(procedure.objective, model, build_optimizers(model, procedure.training))
    with torch.no_grad():
        model.items.weight[:] = torch.nan
    before = model.users.weight.detach().clone()
    from turret.core.contracts import Step

    generator = torch.Generator().manual_seed(0)
    loss = take(next(iter(procedure.batches.epoch(generator))), Step(0, generator), 0.1)
    assert loss.isnan()
    assert torch.equal(model.users.weight, before)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 33), st.integers(1, 7), st.integers(1, 9), st.integers(0, 2**31))
def test_kernels_are_the_inner_products_and_their_gradient(rows: int, candidates: int, width: int, n: int, items: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    user, item = torch.randint(n, (rows,), generator=draw), torch.randint(items, (rows, candidates), generator=draw)
    tables = [torch.randn(count, width, generator=draw) for count in (n, items)]
    exact = [table.double().requires_grad_() for table in tables]
    expected = (exact[0][user][:, None] * exact[1][item]).sum(dim=2)
    found = np.empty((rows, candidates), np.float32)
    where = user.numpy(), item.numpy(), tables[0].numpy(), tables[1].numpy()
    kernels.scores(*where, found)
    torch.testing.assert_close(torch.from_numpy(found).double(), expected.detach(), rtol=1e-5, atol=1e-5)
    of_scores = torch.randn(rows, candidates, generator=draw)
    gradients = torch.autograd.grad(expected, exact, of_scores.double())
    slots = [np.full(count, -1, np.int32) for count in (n, items)]
    sums = np.empty((rows, width), np.float32), np.empty((rows * candidates, width), np.float32)
    got = kernels.gradients(*where, of_scores.numpy(), *slots, *sums)
    for ids, values, gradient, slot in ((got[0], got[1], gradients[0], slots[0]), (got[2], got[3], gradients[1], slots[1])):
        assert len(set(ids.tolist())) == len(ids)
        whole = torch.zeros_like(gradient)
        whole[torch.from_numpy(ids)] = torch.from_numpy(values).double()
        torch.testing.assert_close(whole, gradient, rtol=1e-4, atol=1e-4)
        assert (slot == -1).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(2, 5), st.integers(1, 33), st.booleans(), st.integers(0, 2**31), st.sampled_from([0.1, 1.0, 30.0]))
def test_bpr_in_one_pass_is_the_loss_and_its_gradient(rows: int, candidates: int, width: int, masked: bool, seed: int, size: float) -> None:
    draw = torch.Generator().manual_seed(seed)
    user, item = torch.randint(7, (rows,), generator=draw), torch.randint(9, (rows, candidates), generator=draw)
    tables = [size * torch.randn(count, width, generator=draw) for count in (7, 9)]
    share = torch.rand(rows, generator=draw)
    mask = torch.rand(rows, candidates - 1, generator=draw) < 0.6 if masked else None
    exact = [table.double().requires_grad_() for table in tables]
    scores = (exact[0][user][:, None] * exact[1][item]).sum(dim=2)
    losses = pairwise.bpr(Scored(scores[:, 0], scores[:, 1:], torch.zeros(1), mask))
    gradients = torch.autograd.grad((losses * share).sum(), exact)
    slots = [np.full(count, -1, np.int32) for count in (7, 9)]
    sums = np.empty((rows, width), np.float32), np.empty((rows * candidates, width), np.float32)
    where = user.numpy(), item.numpy(), tables[0].numpy(), tables[1].numpy()
    counts = np.empty((0, 0), np.bool_) if mask is None else mask.numpy()
    loss, *got = kernels.bpr(*where, counts, share.numpy(), *slots, *sums)
    assert loss == pytest.approx((losses * share).sum().item(), rel=1e-4, abs=1e-5)
    for ids, values, gradient, slot in ((got[0], got[1], gradients[0], slots[0]), (got[2], got[3], gradients[1], slots[1])):
        whole = torch.zeros_like(gradient)
        whole[torch.from_numpy(ids)] = torch.from_numpy(values).double()
        # Of margins with an error of size^2 * 1e-6.
        torch.testing.assert_close(whole, gradient, rtol=1e-4, atol=1e-5 * max(size, size**3))
        assert (slot == -1).all()


def test_bpr_with_negatives_that_do_not_count(data: Prepared) -> None:
    assert_alike(data, Composition(negative_count=3, exclude_seen=False))
