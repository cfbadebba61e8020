"""YouTubeDNN against its equations, step by step in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import nn

from turret.batches.features import Features
from turret.batches.history import contexts_of
from turret.batches.sides import Side
from turret.core.context import UNKNOWN, Context, History, Reads
from turret.core.contracts import Step
from turret.core.features import Categorical, Schema
from turret.core.interactions import Interactions
from turret.data.columns import Tokens
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.sequential.youtubednn import Config, YouTubeDNN, build, recipe
from turret.scorers.dot import Dot
from turret.training.composition import Composition
from turret.training.composition.samplers import SamplerName

Array = np.ndarray
N_ITEMS, LENGTH = 7, 5
HISTORIES = [[3, 1, 1, 6], [0], [2, 5, 4, 4, 0]]


def side(name: str, kinds: Sequence[int]) -> Side:
    """Users or items of which one category is known."""
    tokens = torch.tensor(kinds, dtype=torch.int32)[:, None]
    return Side(Schema((Categorical(f"{name}.kind", 4),), (), ()), Features(tokens, torch.empty(len(kinds), 0), {}))


USERS, ITEMS = side("user", [1, 3, 2]), side("item", [1, 2, 3, 0, 1, 2, 3])


def model_of(users: Side | None = None, items: Side | None = None) -> YouTubeDNN:
    return YouTubeDNN(N_ITEMS, items, users, 4, LENGTH, (6, 5), 0.0, 0.1, Dot())


def every_step(width: int = LENGTH) -> Context:
    items = torch.tensor([history + [0] * (width - len(history)) for history in HISTORIES])
    mask = torch.arange(width) < torch.tensor([len(history) for history in HISTORIES])[:, None]
    return Context(torch.arange(len(HISTORIES)), History(items, mask), mask.flatten().nonzero().squeeze(1))


@pytest.mark.parametrize("users", [None, USERS], ids=["histories alone", "features of users"])
def test_each_step_is_the_tower_on_the_mean_so_far(
    users: Side | None,
    scattered: Callable[[nn.Module], nn.Module],
    relu_layers: Callable[[nn.Module, Array], Array],
    affine: Callable[[nn.Linear, Array], Array],
) -> None:
    model = scattered(model_of(users))
    assert isinstance(model, YouTubeDNN)
    watched = model.watched.weight.detach().numpy()
    expected = []
    for user, history in enumerate(HISTORIES):
        known = [] if model.user is None else [model.user(torch.tensor([user]))[0].detach().numpy()]
        for step in range(1, len(history) + 1):
            x = np.concatenate([watched[history[:step]].mean(axis=0), *known])
            expected.append(affine(model.out, relu_layers(model.mlp, x)))
    found = model.query(every_step(), model.encode()).vector.detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_asked_for_nothing_in_particular_it_answers_after_the_whole_history() -> None:
    model, context = model_of(USERS), every_step(width=8)
    whole = Context(context.users, context.history)
    last = np.cumsum([len(history) for history in HISTORIES]) - 1
    torch.testing.assert_close(model.query(whole, model.encode()).vector, model.query(context, model.encode()).vector[last])


def test_what_the_features_of_a_user_change() -> None:
    model, context = model_of(USERS), every_step()
    with torch.no_grad():
        model.user.vectors.table.weight.normal_()  # type: ignore[union-attr]
    others = Context(torch.tensor([1, 1, 2]), context.history, context.asked)
    change = (model.query(others, model.encode()).vector - model.query(context, model.encode()).vector).abs().sum(dim=1)
    assert (change > 0).tolist() == [True] * len(HISTORIES[0]) + [False] * len([*HISTORIES[1], *HISTORIES[2]])


def test_whom_it_answers_for_follows_from_what_it_reads() -> None:
    model = model_of()
    assert model.reads == Reads(history=LENGTH)
    assert model_of(USERS).reads == Reads(user=True, history=LENGTH)
    strangers = contexts_of([[3, 1], []], model.reads)
    assert strangers.users is not None and strangers.users.tolist() == [UNKNOWN, UNKNOWN]
    vectors = model.query(strangers, model.encode()).vector
    empty = model.out(model.mlp(torch.zeros(4)))
    torch.testing.assert_close(vectors[1], empty)
    assert not torch.equal(vectors[0], vectors[1])


def test_items_can_be_scored_by_their_features() -> None:
    """Items 0 and 4, 1 and 5, 2 and 6 are of one kind; the tower knows nothing else of them here."""
    model = model_of(items=ITEMS)
    encoded = model.encode()
    vectors = encoded.items.dense()
    assert torch.equal(vectors[:3], vectors[4:])
    assert len({tuple(vector.tolist()) for vector in vectors}) == 4
    query = model.query(every_step(), encoded).vector
    assert model.scorer.all(query, vectors).shape == (sum(map(len, HISTORIES)), N_ITEMS)


def prepared() -> Prepared:
    """The histories above as a log, with a table of users and one of items."""
    kinds = {"kind": Tokens(np.array([1, 3, 2], np.int32), Vocabulary.of("abc"))}
    of_items = {"kind": Tokens(np.array([1, 2, 3, 0, 1, 2, 3], np.int32), Vocabulary.of("abc"))}
    user = np.repeat(np.arange(3, dtype=np.int32), [len(history) for history in HISTORIES])
    item = np.concatenate(HISTORIES).astype(np.int32)
    parts = {"train": Part(Interactions(user, item, 3, N_ITEMS, time=np.arange(len(item), dtype=np.float64)))}
    return Prepared("tiny", 3, N_ITEMS, Entities(Vocabulary.of("xyz"), kinds), Entities(Vocabulary.of("0123456"), of_items), parts)


@pytest.mark.parametrize("features", [{}, {"user_features": True}, {"item_features": True}, {"user_features": True, "item_features": True}])
@pytest.mark.parametrize("sampler", ["uniform", "popularity", "in_batch"])
def test_every_parameter_is_trained_whatever_is_read(features: dict[str, bool], sampler: SamplerName) -> None:
    config = Config(composition=Composition(loss="sampled_softmax", sampler=sampler, negative_count=3), **features)
    model, procedure = build(config, prepared()), recipe(config, prepared())
    generator = torch.Generator().manual_seed(1)
    for batch in procedure.batches.epoch(generator):
        procedure.objective(model, batch, Step(0, generator)).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()] == []
