"""GRU4Rec as a model: what it promises, how it begins, what it answers, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from turret.batches.history import contexts_of
from turret.core.context import ALL, Context, History, Reads
from turret.core.contracts import Recurrent, Step
from turret.core.errors import TurretError
from turret.core.interactions import Interactions
from turret.models import catalogue
from turret.models.session.gru4rec import Config, GRU4Rec, build, recipe
from turret.nn.gru import GRUCell, InputFreeGRUCell
from turret.training.config import Training

N_ITEMS = 30
KINDS: dict[str, tuple[int, ...] | Any] = {
    "shared": {"layers": (6,), "read_width": None},
    "own vectors": {"layers": (6,), "read_width": 4},
    "no vectors": {"layers": (6,), "read_width": 0},
    "shared, unequal layers": {"layers": (7, 4, 5), "read_width": None},
    "no vectors, two layers": {"layers": (7, 4), "read_width": 0},
}


def model_of(kind: str, seed: int = 0, **more: float) -> GRU4Rec:
    """A model in which no parameter hides its effect."""
    torch.manual_seed(seed)
    model = GRU4Rec(N_ITEMS, **KINDS[kind], **more).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="module")
def log(session_log: Callable[..., Interactions]) -> Interactions:
    draw = np.random.default_rng(0)
    sessions = [draw.integers(0, N_ITEMS, draw.integers(1, 8)) for _ in range(40)]
    return session_log(np.repeat(np.arange(40), [len(of) for of in sessions]), np.concatenate(sessions), None, range(N_ITEMS))


# --- what it promises


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_recurrent(kind: str) -> None:
    model = model_of(kind)
    assert isinstance(model, Recurrent)
    state = model.initial(3)
    assert [tuple(layer.shape) for layer in state] == [(3, width) for width in KINDS[kind]["layers"]]
    assert not any(layer.any() for layer in state)
    vector, after = model.step(torch.tensor([1, 2, 3]), state, model.encode())
    assert torch.equal(vector, after[-1]) and [layer.shape for layer in after] == [layer.shape for layer in state]
    assert not any(layer.any() for layer in state)


def test_it_is_in_the_catalogue() -> None:
    file = catalogue.load("gru4rec")
    assert file.build is build and file.recipe is recipe and file.Config is Config


def test_tables_and_cells_of_each_kind() -> None:
    shared, own, none, stack = (model_of(kind) for kind in ("shared", "own vectors", "no vectors", "no vectors, two layers"))
    assert shared.inputs is None and own.inputs is not None and none.inputs is not None and stack.inputs is not None
    assert (
        own.inputs.weight.shape == (N_ITEMS, 4) and none.inputs.weight.shape == (N_ITEMS, 18) and stack.inputs.weight.shape == (N_ITEMS, 21)
    )
    assert [type(layer) for model in (shared, own, none, stack) for layer in model.layers] == [
        GRUCell,
        GRUCell,
        InputFreeGRUCell,
        InputFreeGRUCell,
        GRUCell,
    ]
    assert stack.items.weight.shape == (N_ITEMS, 4) and stack.biases.weight.shape == (N_ITEMS, 1)


def test_scores_are_inner_products_plus_biases() -> None:
    model, query = model_of("shared"), torch.randn(2, 6)
    expected = query.double() @ model.items.weight.double().T + model.biases.weight.double().squeeze(1)
    torch.testing.assert_close(model.scorer.all(query, model.encode().items.dense()).double(), expected, atol=1e-5, rtol=1e-5)


# --- how it begins


@pytest.mark.parametrize("kind", KINDS)
def test_initial_values(kind: str) -> None:
    """Every matrix of one gate is uniform between plus and minus the root of 6 / (rows + columns); biases are 0."""
    torch.manual_seed(3)
    model = GRU4Rec(2000, (60,) * len(KINDS[kind]["layers"]), KINDS[kind]["read_width"] and 50)
    matrices = [model.items.weight]
    for table in [model.inputs] if model.inputs is not None else []:
        matrices += table.weight.chunk(3 if KINDS[kind]["read_width"] == 0 else 1, dim=1)
    for cell in model.layers:
        matrices += (
            [*cell.weight_ih.chunk(3), *cell.weight_hh.chunk(3)]
            if isinstance(cell, GRUCell)
            else [*cell.weight_rz.chunk(2, dim=1), cell.weight_h]
        )
    for matrix in matrices:
        bound = math.sqrt(6 / sum(matrix.shape))
        values = matrix.detach().flatten()
        assert 0.98 * bound < values.abs().max() <= bound * (1 + 1e-6)
        assert values.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05) and abs(values.mean().item()) < 0.05 * bound
    assert not any(value.any() for name, value in model.named_parameters() if "bias" in name)
    assert sum(matrix.numel() for matrix in matrices) == sum(
        value.numel() for name, value in model.named_parameters() if "bias" not in name
    )


def test_initial_values_follow_the_seed_and_theirs_do_not(log: Interactions, tools: Any) -> None:
    def begun(seed: int, quirks: bool) -> torch.Tensor:
        torch.manual_seed(seed)
        return build(Config(layers=(6,), official_quirks=quirks), tools.prepared_of(log)).items.weight

    np.random.seed(5)
    expected = np.random.random_sample()
    np.random.seed(5)
    assert torch.equal(begun(1, True), begun(2, True)) and not torch.equal(begun(1, False), begun(2, False))
    assert np.random.random_sample() == expected, "somebody else's generator was seeded"


def test_their_initial_values_of_unequal_layers_have_the_right_shapes(log: Interactions, tools: Any) -> None:
    """Their own code cannot: a gate's block is drawn in the shape that it has, and bounded by it."""
    config = Config(layers=(12, 5), constrained_embedding=False, embedding=9, official_quirks=True)
    model = build(config, tools.prepared_of(log))
    first, second = model.layers
    for matrix, rows, columns in ((first.weight_ih, 12, 9), (second.weight_ih, 5, 12), (second.weight_hh, 5, 5)):
        assert matrix.shape == (3 * rows, columns)
        bound = math.sqrt(6 / (rows + columns))
        assert all(0.8 * bound < gate.abs().max() <= bound * (1 + 1e-6) for gate in matrix.chunk(3))


# --- what it answers


@pytest.mark.parametrize("kind", KINDS)
def test_a_history_is_read_item_by_item(kind: str) -> None:
    model, histories = model_of(kind), [[3, 1, 4, 1, 5], [7], [], [2, 2]]
    encoded = model.encode()
    found = model.query(contexts_of(histories, model.reads), encoded).vector
    for row, history in enumerate(histories):
        state = model.initial(1)
        for item in history:
            _, state = model.step(torch.tensor([item]), state, encoded)
        torch.testing.assert_close(found[row], state[-1][0])
    assert not found[2].any()


@pytest.mark.parametrize("kind", ["shared", "no vectors, two layers"])
def test_every_step_that_is_asked_about(kind: str) -> None:
    model, histories = model_of(kind), [[3, 1, 4], [7], [2, 2, 8, 1]]
    context = contexts_of(histories, model.reads)
    assert context.history is not None
    asked = context.history.mask.flatten().nonzero().squeeze(1)
    found = model.query(Context(history=context.history, asked=asked.flip(0)), model.encode()).vector.flip(0)
    prefixes = [history[: n + 1] for history in histories for n in range(len(history))]
    torch.testing.assert_close(found, model.query(contexts_of(prefixes, model.reads), model.encode()).vector)


def test_what_stands_in_the_padding_is_never_read() -> None:
    model, context = model_of("shared"), contexts_of([[3, 1, 4], [2]], Reads(history=ALL))
    assert context.history is not None
    items, mask = context.history.items, context.history.mask
    wide = History(torch.nn.functional.pad(items.masked_fill(~mask, 17), (0, 4), value=9), torch.nn.functional.pad(mask, (0, 4)))
    torch.testing.assert_close(model.query(Context(history=wide), model.encode()).vector, model.query(context, model.encode()).vector)


# --- dropout


def test_dropout_drops_with_its_probability_and_only_in_training() -> None:
    """0.9 drops nine in ten; one layer is enough for it to act; what is dropped is gone from the state too."""
    model = model_of("shared", dropout_p_hidden=0.9)
    items, state, encoded = torch.arange(30).repeat(20), model.initial(600), model.encode()
    plain, _ = model.step(items, state, encoded)
    assert plain.all() and torch.equal(plain, model.step(items, state, encoded)[0])
    vector, after = model.train().step(items, state, encoded)
    dropped = vector == 0
    assert 0.87 < dropped.float().mean() < 0.93
    torch.testing.assert_close(vector[~dropped], 10 * plain[~dropped])
    assert torch.equal(after[0], vector)


@pytest.mark.parametrize(("kind", "acts"), [("shared", True), ("own vectors", True), ("no vectors", False)])
def test_what_is_read_is_dropped_where_there_are_vectors(kind: str, acts: bool) -> None:
    model = model_of(kind, dropout_p_embed=0.5)
    items, state, encoded = torch.arange(30), model.initial(30), model.encode()
    plain, _ = model.step(items, state, encoded)
    trained, _ = model.train().step(items, state, encoded)
    assert trained.all() and torch.equal(trained, plain) != acts


# --- training


@pytest.mark.parametrize("bptt", [1, 3])
@pytest.mark.parametrize("loss", ["cross-entropy", "bpr-max"])
@pytest.mark.parametrize("mode", [{}, {"constrained_embedding": False}, {"constrained_embedding": False, "embedding": "layersize"}])
def test_the_gradient_reaches_every_parameter(log: Interactions, tools: Any, mode: dict[str, Any], loss: Any, bptt: int) -> None:
    config = Config(layers=(6, 5), loss=loss, n_sample=20, bptt=bptt, training=Training(batch_size=8), **mode)
    model, procedure = build(config, tools.prepared_of(log)), recipe(config, tools.prepared_of(log))
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(())
    for batch, _ in zip(procedure.batches.epoch(generator), range(2), strict=False):
        total = total + procedure.objective(model, batch, Step(0, generator))
    total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.to_dense().abs().sum() > 0, name


@pytest.mark.parametrize("loss", ["cross-entropy", "bpr-max"])
@pytest.mark.parametrize("learner", ["adagrad_momentum", "adam", "sparse_adam"])
def test_other_learners_and_losses_learn(session_log: Callable[..., Interactions], tools: Any, loss: Any, learner: Any) -> None:
    """What follows an item is the next item, always."""
    items = (np.arange(40)[:, None] + np.arange(6)) % N_ITEMS
    log = session_log(np.repeat(np.arange(40), 6), items.ravel(), None, range(N_ITEMS))
    training = Training(batch_size=8, epochs=12, learner=learner, learning_rate=0.1 if learner == "adagrad_momentum" else 0.01)
    config = Config(layers=(16,), loss=loss, n_sample=20, training=training)
    torch.manual_seed(0)
    model, procedure = build(config, tools.prepared_of(log)), recipe(config, tools.prepared_of(log))
    assert len(list(procedure.fit(model, 1, torch.device("cpu")))) == 12
    vector = model.eval().query(contexts_of([[item] for item in range(N_ITEMS)], model.reads), model.encode()).vector
    best = model.scorer.all(vector, model.encode().items.dense()).argmax(dim=1)
    assert (best == (torch.arange(N_ITEMS) + 1) % N_ITEMS).float().mean() > 0.9


@pytest.mark.parametrize("loss", ["cross-entropy", "bpr-max"])
def test_a_loss_that_is_no_number_stops_training(log: Interactions, tools: Any, loss: Any) -> None:
    config = Config(layers=(6,), loss=loss, n_sample=20, training=Training(batch_size=8, epochs=3, learner="adagrad_momentum"))
    model, procedure = build(config, tools.prepared_of(log)), recipe(config, tools.prepared_of(log))
    with torch.no_grad():
        model.items.weight[3, 2] = torch.nan
    with pytest.raises(TurretError, match="loss is nan"):
        list(procedure.fit(model, 1, torch.device("cpu")))


@pytest.mark.parametrize("loss", [{"logq": 0.8}, {"loss": "bpr-max", "elu_param": 0.0}, {"loss": "bpr-max", "bpreg": 1.95}])
@pytest.mark.parametrize("mode", [{}, {"constrained_embedding": False}, {"constrained_embedding": False, "embedding": 5}])
def test_torch_operations_and_compiled_ones_agree(log: Interactions, tools: Any, mode: dict[str, Any], loss: dict[str, Any]) -> None:
    """What other devices and other precisions compute, here double, against the kernels."""
    config = Config(layers=(6, 4), n_sample=20, bptt=2, training=Training(batch_size=8), **mode, **loss)
    results = []
    for dtype in (torch.float32, torch.float64):
        torch.manual_seed(2)
        model, procedure = build(config, tools.prepared_of(log)).to(dtype), recipe(config, tools.prepared_of(log))
        generator, total = torch.Generator().manual_seed(0), torch.zeros((), dtype=dtype)
        for batch in procedure.batches.epoch(generator):
            total = total + procedure.objective(model, batch, Step(0, generator))
        gradients = torch.autograd.grad(total, list(model.parameters()))
        results.append([total.detach().double(), *(gradient.to_dense().double() for gradient in gradients)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=2e-5)


# --- what it refuses


@pytest.mark.parametrize(
    "wrong",
    [
        {"constrained_embedding": True, "embedding": 32},
        {"constrained_embedding": True, "embedding": "layersize"},
        {"constrained_embedding": False, "embedding": -1},
        {"layers": ()},
        {"layers": (0,)},
        {"loss": "top1"},
        {"n_sample": -1},
        {"dropout_p_hidden": 1.0},
        {"logq": -0.1},
        {"bptt": 0},
    ],
    ids=str,
)
def test_settings_without_meaning_are_errors(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config(**wrong)


def test_defaults_are_the_authors() -> None:
    config = Config()
    assert (config.layers, config.loss, config.n_sample, config.sample_alpha) == ((100,), "cross-entropy", 2048, 0.5)
    assert (config.constrained_embedding, config.embedding, config.bpreg, config.elu_param, config.logq) == (True, 0, 1.0, 0.5, 0.0)
    assert (config.dropout_p_embed, config.dropout_p_hidden, config.bptt) == (0.0, 0.0, 1)
    training = config.training
    assert (training.epochs, training.batch_size, training.learning_rate, training.momentum) == (10, 64, 0.05, 0.0)
    assert (training.learner, training.grad_clip_norm, training.weight_decay, training.scheduler) == ("adagrad_momentum", None, 0.0, "none")
