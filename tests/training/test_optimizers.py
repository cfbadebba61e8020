"""The row-wise optimizers against torch's own: where theory says they are equal, they must be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn, optim

from turret.nn.tables import Table
from turret.training.config import WITH_MOMENTUM, Learner, Training
from turret.training.optimizers.build import Updates, build_optimizers
from turret.training.optimizers.clip import Clip
from turret.training.optimizers.dense import Dense
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import Adagrad, Adam, MomentumAdagrad, RowwiseAdagrad, Rule, Sgd
from turret.training.optimizers.touched import summed

IDS = [torch.tensor([3, 1, 3, 3, 0]), torch.tensor([[1, 1], [7, 2]]), torch.tensor([5])]


def loss(table: Table, ids: Tensor, step: int) -> Tensor:
    """Something with a different gradient for each occurrence of a row, so that a lost duplicate would show."""
    rows = table[ids]
    scale = torch.arange(1, rows.numel() + 1).view_as(rows) / 10 + step
    return (rows.tanh() * scale).sum() + rows.square().sum()


def train(table: Table, optimizer: RowWise | Dense, touched: list[Tensor]) -> Tensor:
    for step, ids in enumerate(touched):
        table.weight.grad = None
        loss(table, ids, step).backward()
        optimizer.step(0.1)
    return table.weight.detach()


def tables() -> tuple[Table, Table]:
    torch.manual_seed(0)
    sparse = Table(9, 4)
    dense = copy.deepcopy(sparse)
    sparse.sparse = True
    return sparse, dense


def test_sgd_equals_dense() -> None:
    sparse, dense = tables()
    ours = train(sparse, RowWise([sparse.weight], Sgd()), IDS)
    theirs = train(dense, Dense(optim.SGD([dense.weight])), IDS)
    torch.testing.assert_close(ours, theirs)


def test_adagrad_equals_dense() -> None:
    sparse, dense = tables()
    ours = train(sparse, RowWise([sparse.weight], Adagrad()), IDS)
    theirs = train(dense, Dense(optim.Adagrad([dense.weight])), IDS)
    torch.testing.assert_close(ours, theirs)


def test_adam_equals_torch_sparse_adam() -> None:
    sparse, other = tables()
    other.sparse = True
    ours = train(sparse, RowWise([sparse.weight], Adam()), IDS)
    theirs = train(other, Dense(optim.SparseAdam([other.weight])), IDS)
    torch.testing.assert_close(ours, theirs)


def test_adam_equals_dense_where_every_step_touches_every_row() -> None:
    sparse, dense = tables()
    everything = [torch.arange(9), torch.arange(9).flip(0), torch.arange(9).repeat(2)]
    ours = train(sparse, RowWise([sparse.weight], Adam(), weight_decay=0.3), everything)
    theirs = train(dense, Dense(optim.Adam([dense.weight], weight_decay=0.3)), everything)
    torch.testing.assert_close(ours, theirs)


def test_rowwise_adagrad_against_its_definition() -> None:
    sparse, dense = tables()
    ours = train(sparse, RowWise([sparse.weight], RowwiseAdagrad()), IDS)
    weight, total = dense.weight, torch.zeros(9, dtype=torch.float64)
    for step, ids in enumerate(IDS):
        (gradient,) = torch.autograd.grad(loss(dense, ids, step), weight)
        total += gradient.double().square().mean(dim=1)
        with torch.no_grad():
            weight -= (0.1 * gradient / (total.sqrt() + 1e-10)[:, None]).float()
    torch.testing.assert_close(ours, weight.detach())


@pytest.mark.parametrize("rule", [Sgd(), Adagrad(), RowwiseAdagrad(), Adam(), MomentumAdagrad(), MomentumAdagrad(0.4)])
def test_kernels_equal_index_arithmetic(rule: Rule, as_if_elsewhere: Callable[[Tensor], Any]) -> None:
    """Both forms of a rule, with weight decay. The second is the one that other devices run, to which rows may be given several times."""
    torch.manual_seed(1)
    start, rows = torch.randn(9, 4), torch.tensor([2, 8, 0])
    results = []
    for device in ("cpu", "meta"):
        weight = start.clone()
        state = rule.begin(weight)
        for _ in range(3):
            gradient = torch.linspace(-1, 1, 12).view(3, 4)
            if device == "cpu":
                rule.update(weight, rows, gradient, state, 0.05, 0.1)
            else:
                again = torch.tensor([0, 1, 1, 2, 0])
                rule.update(as_if_elsewhere(weight), rows[again], gradient[again], state, 0.05, 0.1)
        results.append(weight)
    torch.testing.assert_close(*results)


def test_sums_of_rows_for_other_devices() -> None:
    """Every id keeps its place in ascending order and has the sum over all of its values."""
    torch.manual_seed(2)
    ids, values = torch.randint(0, 6, (40,)), torch.randn(40, 3)
    rows, sums = summed(ids, values)
    assert rows.tolist() == sorted(ids.tolist())
    for row, total in zip(rows, sums, strict=True):
        torch.testing.assert_close(total, values[ids == row].sum(dim=0))


def test_momentum_adagrad_without_momentum_keeps_no_velocity() -> None:
    assert set(MomentumAdagrad().begin(torch.zeros(2, 2))) == {"total"}


def test_momentum_is_refused_where_it_would_do_nothing() -> None:
    with pytest.raises(ValidationError, match="has no momentum"):
        Training(learner="adam", momentum=0.5)


def test_untouched_rows_stay() -> None:
    sparse, dense = tables()
    for rule in (Sgd(), Adagrad(), RowwiseAdagrad(), Adam()):
        after = train(sparse, RowWise([sparse.weight], rule, weight_decay=0.5), IDS)
        untouched = [4, 6, 8]
        assert torch.equal(after[untouched], dense.weight[untouched])


class Mixed(nn.Module):
    """A table and a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.layer = Table(9, 4), nn.Linear(4, 1)

    def forward(self, ids: Tensor) -> Tensor:
        return self.layer(self.table[ids]).square().sum()


@pytest.mark.parametrize(
    "learner",
    [*(name for name in get_args(Learner) if name not in WITH_MOMENTUM), *((name, 0.5) for name in WITH_MOMENTUM), "adagrad_momentum"],
)
def test_every_learner_updates_everything_and_resumes_exactly(learner: Any) -> None:
    name, momentum = learner if isinstance(learner, tuple) else (learner, 0.0)
    training = Training(learner=name, weight_decay=0.01, momentum=momentum)

    def steps(model: Mixed, optimizers: list[Updates], batches: list[Tensor]) -> None:
        for ids in batches:
            model.zero_grad(set_to_none=True)
            model(ids).backward()
            for optimizer in optimizers:
                optimizer.step(0.05)

    torch.manual_seed(0)
    straight = Mixed()
    before = copy.deepcopy(straight.state_dict())
    optimizers = build_optimizers(straight, training)
    steps(straight, optimizers, IDS[:2])
    halfway, remembered = copy.deepcopy(straight.state_dict()), copy.deepcopy([optimizer.state() for optimizer in optimizers])
    steps(straight, optimizers, IDS[2:])
    resumed = Mixed()
    resumed.load_state_dict(halfway)
    fresh = build_optimizers(resumed, training)
    for optimizer, state in zip(fresh, remembered, strict=True):
        optimizer.restore(state)
    steps(resumed, fresh, IDS[2:])
    for name, value in straight.state_dict().items():
        assert not torch.equal(value, before[name]), name
        assert torch.equal(value, resumed.state_dict()[name]), name


@pytest.mark.parametrize("limit", [0.1, 1e9])
def test_clipping_sparse_gradients_equals_clipping_dense_ones(limit: float) -> None:
    torch.manual_seed(0)
    dense = Mixed()
    sparse = copy.deepcopy(dense)
    sparse.table.sparse = True
    for model in (dense, sparse):
        model(IDS[0]).backward()
    nn.utils.clip_grad_norm_(dense.parameters(), limit)
    Clip(limit)(list(sparse.parameters()))
    assert sparse.table.weight.grad is not None and sparse.table.weight.grad.is_sparse
    for ours, theirs in zip(sparse.parameters(), dense.parameters(), strict=True):
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad.to_dense(), theirs.grad)


def test_a_run_with_row_wise_updates_can_clip() -> None:
    torch.manual_seed(0)
    model = Mixed()
    optimizers = build_optimizers(model, Training(learner="sparse_adam"))
    model(IDS[0]).backward()
    Clip(0.1)(list(model.parameters()))
    before = model.table.weight.detach().clone()
    for optimizer in optimizers:
        optimizer.step(0.1)
    assert not torch.equal(model.table.weight, before)


class Every(nn.Module):
    """A table, a layer with a bias, a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.layer, self.norm = Table(9, 4), nn.Linear(4, 4), nn.LayerNorm(4)


@pytest.mark.parametrize("learner", ["sgd", "sparse_sgd"])
def test_the_l2_term_spares_biases_and_normalisations_and_has_a_factor_of_its_own_for_tables(learner: Learner) -> None:
    """With no gradient but the L2 term's, a step of rate 1 takes that term away."""
    torch.manual_seed(0)
    model = Every()
    optimizers = build_optimizers(model, Training(learner=learner, weight_decay=0.1, embedding_decay=0.3))
    before = copy.deepcopy(model.state_dict())
    ids = torch.arange(9)
    (model.norm(model.layer(model.table[ids])).sum() * 0).backward()
    for optimizer in optimizers:
        optimizer.step(1.0)
    kept = {name: value / before[name] for name, value in model.state_dict().items() if bool((before[name] != 0).all())}
    for name, share in {"table.weight": 0.7, "layer.weight": 0.9, "layer.bias": 1.0, "norm.weight": 1.0}.items():
        torch.testing.assert_close(kept[name], torch.full_like(kept[name], share))


def test_tables_decay_as_layers_do_unless_told_otherwise() -> None:
    optimizers = build_optimizers(Every(), Training(learner="sparse_adam", weight_decay=0.1))
    rows = optimizers[0]
    assert isinstance(rows, RowWise)
    assert rows.weight_decay == 0.1
