"""The streaming objective on a recurrence that can be written down: h' = a h + v_x, scored against the items' vectors and biases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.batches.sessions import SessionParallel
from turret.core.context import Context, Encoded, Query, Reads, Streams
from turret.core.contracts import Recurrent, State, Step
from turret.core.interactions import Interactions
from turret.losses.shared import BprMax, CrossEntropy, SharedLoss, Weights
from turret.nn.tables import Biased, Table
from turret.sampling.shared import SharedPopularity
from turret.scorers.biased_dot import BiasedDot
from turret.training.config import Training
from turret.training.objectives.streaming import Streaming
from turret.training.procedures import Gradient
from turret.training.replay import Replayed

N_ITEMS, COUNTS = 7, np.array([3, 1, 4, 1, 5, 9, 2])
LOSSES = [CrossEntropy(), BprMax(0.7, 0.5), BprMax(0.7, 0.0)]


class Leaky(nn.Module):
    """The simplest model with a state."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.reads, self.scorer = Reads(history=9), BiasedDot()
        self.items, self.biases, self.inputs = Table(N_ITEMS, 3, std=1), Table(N_ITEMS, 1, std=1), Table(N_ITEMS, 3, std=1)
        self.a = nn.Parameter(torch.tensor(0.6))
        self.began = list[int]()

    def encode(self) -> Encoded:
        return Encoded(items=Biased(self.items, self.biases))

    def query(self, context: Context, encoded: Encoded) -> Query:
        raise NotImplementedError

    def initial(self, rows: int) -> State:
        self.began.append(rows)
        return (self.items.weight.new_zeros(rows, 3),)

    def step(self, items: Tensor, state: State, encoded: Encoded) -> tuple[Tensor, State]:
        h = self.a * state[0] + self.inputs[items]
        return h, (h,)


class Drawn:
    """The same sample every time."""

    def __init__(self, *items: int) -> None:
        self.items = torch.tensor(items)

    def draw(self, generator: torch.Generator) -> Tensor:
        return self.items


def streams(
    items: Sequence[Sequence[int]], target: Sequence[Sequence[int]], fresh: Sequence[Sequence[int]], kept: Any = None, first: bool = False
) -> Streams:
    return Streams(
        torch.tensor(items), torch.tensor(target), torch.tensor(fresh).bool(), None if kept is None else torch.tensor(kept), first
    )


def objective_of(
    loss: SharedLoss, size: int = 3, sample: Sequence[int] = (5, 5, 2, 0), kappa: float = 1.0, full: bool = False
) -> Streaming:
    sampler: Any = Drawn(*sample) if sample else None
    return Streaming(loss, Weights(COUNTS, 0.75, kappa if isinstance(loss, CrossEntropy) else 0.0), sampler, size, full)


def expected_loss(model: Leaky, loss: SharedLoss, states: Tensor, target: list[int], sample: list[int], boundary: int) -> Tensor:
    """The sum over rows, in the precision of the model, over all columns as drawn; row i's target is column i."""
    columns = target + sample
    scores = states @ model.items.weight[columns].T + model.biases.weight[columns, 0]
    own = torch.eye(*scores.shape, dtype=torch.bool)
    if isinstance(loss, CrossEntropy):
        q = [float(COUNTS[item]) ** (1 if n < boundary else 0.75) for n, item in enumerate(columns)]
        return -(torch.softmax(scores - torch.tensor(q, dtype=scores.dtype).log(), dim=1).diagonal() + 1e-24).log().sum()
    assert isinstance(loss, BprMax)
    o = torch.nn.functional.elu(scores, loss.elu_param) if loss.elu_param else scores
    w = torch.softmax(o.masked_fill(own, -torch.inf), dim=1)
    better = (w * torch.sigmoid(o.diagonal()[:, None] - o)).sum(dim=1)
    return (-(better + 1e-24).log() + loss.bpreg * (w * o.square()).sum(dim=1)).sum()


def assert_gradients(model: Leaky, found: Tensor, exact: Leaky, expected: Tensor) -> None:
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=1e-6)
    found.backward()
    expected.backward()
    for (name, ours), theirs in zip(model.named_parameters(), exact.parameters(), strict=True):
        assert (ours.grad is None) == (theirs.grad is None), name
        if ours.grad is not None:
            torch.testing.assert_close(
                ours.grad.to_dense().double(), theirs.grad, atol=3e-6, rtol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
            )


def step() -> Step:
    return Step(0, torch.Generator().manual_seed(0))


FIRST = streams([[1, 4, 0]], [[2, 0, 2]], [[1, 1, 1]], first=True)


def test_the_model_keeps_the_contract() -> None:
    assert isinstance(Leaky(), Recurrent)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("size", [3, 5])
def test_the_sum_over_rows_divided_by_the_full_batch(loss: SharedLoss, size: int) -> None:
    model, exact = Leaky(), Leaky().double()
    found = objective_of(loss, size)(model, FIRST, step())
    expected = expected_loss(exact, loss, exact.inputs.weight[[1, 4, 0]], [2, 0, 2], [5, 5, 2, 0], 3) / size
    assert model.a.grad is None and model.began == [3]
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=1e-6)
    found.backward()
    assert model.a.grad is not None and model.a.grad == 0  # of a state that is 0
    expected.backward()
    for ours, theirs in ((model.items, exact.items), (model.biases, exact.biases), (model.inputs, exact.inputs)):
        torch.testing.assert_close(ours.weight.grad.double(), theirs.weight.grad, atol=3e-6, rtol=1e-5)  # type: ignore[union-attr]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_states_go_on_and_begin_anew_and_the_gradient_ends_at_the_batch(loss: SharedLoss) -> None:
    """The second batch: row 0 goes on, row 1 is a new session, and row 2 is gone; the third is of other order."""
    model, exact, objective = Leaky(), Leaky().double(), objective_of(loss)
    objective(model, FIRST, step())
    before = exact.inputs.weight[[1, 4, 0]].detach()
    found = objective(model, streams([[3, 6]], [[1, 5]], [[0, 1]], kept=[0, 1]), step())
    carried = torch.stack([before[0], torch.zeros(3)])
    states = exact.a * carried + exact.inputs.weight[[3, 6]]
    assert_gradients(model, found, exact, expected_loss(exact, loss, states, [1, 5], [5, 5, 2, 0], 2) / 3)
    model.zero_grad(set_to_none=True)
    exact.zero_grad(set_to_none=True)
    found = objective(model, streams([[2]], [[6]], [[0]], kept=[1]), step())
    states = exact.a * states.detach()[1:] + exact.inputs.weight[[2]]
    assert_gradients(model, found, exact, expected_loss(exact, loss, states, [6], [5, 5, 2, 0], 1) / 3)


def test_an_epoch_begins_with_new_states() -> None:
    model, objective = Leaky(), objective_of(CrossEntropy())
    one = objective(model, FIRST, step())
    objective(model, streams([[3, 6, 1]], [[1, 5, 0]], [[0, 0, 0]]), step())
    assert torch.equal(objective(model, FIRST, step()), one) and model.began == [3, 3]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("double", [False, True], ids=["compiled", "plain"])
def test_through_several_steps(loss: SharedLoss, double: bool) -> None:
    """All targets share the sample and are each other's negatives; nothing of a session reaches the one that follows it in its row."""
    model, exact, objective = Leaky(), Leaky().double(), objective_of(loss)
    model = model.double() if double else model
    objective(model, FIRST, step())
    h = exact.inputs.weight[[1, 4, 0]].detach()
    batch = streams([[3, 6, 1], [2, 2, 5], [0, 1, 1]], [[2, 2, 5], [0, 3, 6], [4, 1, 2]], [[0, 0, 1], [0, 1, 0], [0, 0, 0]])
    states = []
    for items, fresh in zip(batch.items, batch.fresh, strict=True):
        h = exact.a * torch.where(fresh[:, None], 0.0, h) + exact.inputs.weight[items]
        states.append(h)
    target = batch.target.flatten().tolist()
    expected = expected_loss(exact, loss, torch.cat(states), target, [5, 5, 2, 0], 9) / 9
    assert_gradients(model, objective(model, batch, step()), exact, expected)
    after = objective(model, streams([[4, 4, 4]], [[1, 2, 3]], [[0, 0, 0]]), step())
    states_after = exact.a.detach() * h.detach() + exact.inputs.weight[[4, 4, 4]]
    torch.testing.assert_close(
        after.double(), expected_loss(exact, loss, states_after, [1, 2, 3], [5, 5, 2, 0], 3) / 3, atol=1e-6, rtol=1e-6
    )


def test_no_gradient_passes_a_beginning() -> None:
    """Of two sessions in one row the first does not read what the second asks about."""
    model, objective = Leaky().double(), objective_of(CrossEntropy(), 1)
    objective(model, streams([[0]], [[0]], [[1]], first=True), step())
    batch = streams([[1], [3]], [[2], [4]], [[0], [1]])
    inner = list[Tensor]()

    def watched(items: Tensor, state: State, encoded: Encoded) -> tuple[Tensor, State]:
        inner.append(state[0])
        return Leaky.step(model, items, state, encoded)

    model.step = watched  # type: ignore[method-assign]
    objective(model, batch, step()).backward()
    assert inner[0].any() and not inner[0].requires_grad, "the gradient ends where the batch begins"
    assert not inner[1].any()
    gradient = model.inputs.weight.grad
    assert gradient is not None and not gradient[0].any() and gradient[1].any() and gradient[3].any()


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_without_a_sample_the_other_rows_are_the_negatives(loss: SharedLoss) -> None:
    model, exact = Leaky(), Leaky().double()
    found = objective_of(loss, sample=())(model, FIRST, step())
    expected = expected_loss(exact, loss, exact.inputs.weight[[1, 4, 0]], [2, 0, 2], [], 3) / 3
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(("full", "boundary"), [(False, 2), (True, 4)])
def test_where_targets_end_in_a_smaller_batch(full: bool, boundary: int) -> None:
    model, exact, loss = Leaky(), Leaky().double(), CrossEntropy()
    batch = streams([[1, 4]], [[2, 0]], [[1, 1]], first=True)
    found = objective_of(loss, 4, full=full)(model, batch, step())
    expected = expected_loss(exact, loss, exact.inputs.weight[[1, 4]], [2, 0], [5, 5, 2, 0], boundary) / 4
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=1e-6)


def test_draws_come_from_the_steps_generator() -> None:
    def losses(seed: int) -> list[float]:
        model, generator = Leaky(), torch.Generator().manual_seed(seed)
        objective = Streaming(CrossEntropy(), Weights(COUNTS, 0.5, 0.0), SharedPopularity(COUNTS, 4, 0.5), 3)
        return [objective(model, FIRST, Step(0, generator)).item() for _ in range(3)]

    assert losses(1) == losses(1) != losses(2) and len(set(losses(1))) == 3


# --- steps that are recorded


class Addresses:
    """Records as a GPU does: the work is done again in the memory that the objective had when it was recorded, Python learns nothing."""

    def __init__(self, objective: Streaming) -> None:
        self.objective, self.replayed = objective, 0

    @contextmanager
    def aside(self) -> Iterator[None]:
        yield

    def record(self, work: Callable[[], Tensor], generator: torch.Generator) -> Callable[[], Tensor]:
        remembered = dict(vars(self.objective))

        def again() -> Tensor:
            self.replayed += 1
            now = dict(vars(self.objective))
            vars(self.objective).update(remembered)
            loss = work()
            vars(self.objective).update(now)
            return loss

        return again


def test_what_it_remembers_stays_in_its_place_from_epoch_to_epoch() -> None:
    """Fewer rows at the end of an epoch must not leave the recordings of full batches with a memory that nothing else knows."""
    draw = np.random.default_rng(3)
    lengths = draw.integers(2, 9, 40)
    log = Interactions(np.repeat(np.arange(40), lengths), draw.integers(0, N_ITEMS, lengths.sum()), 40, N_ITEMS)

    def losses(replayed: bool) -> tuple[list[float], int]:
        objective = Streaming(CrossEntropy(), Weights(COUNTS, 0.5, 1.0), SharedPopularity(COUNTS, 6, 0.5), 4)
        procedure = Gradient(SessionParallel(log, 4), objective, Training(learner="adagrad_momentum", learning_rate=0.1, epochs=3))
        recorder, take = Addresses(objective), procedure._take
        if replayed:
            procedure._take = lambda model, device: Replayed(take(model, device), recorder, warm_up=5)  # type: ignore[method-assign]
        found = [progress.measures["loss"] for progress in procedure.fit(Leaky(), 7, torch.device("cpu"))]
        return found, recorder.replayed

    plain, again = losses(False), losses(True)
    assert again[1] > 60
    assert again[0] == pytest.approx(plain[0], rel=1e-6)
