"""Field vectors against one embedding a field."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from turret.core.context import Behaviours, Impressions
from turret.core.features import Categorical, Pooling, Schema, Tags, Vectors
from turret.nn.fields import FieldVectors, FirstOrder

SCHEMA = Schema((Categorical("first", 4), Categorical("second", 3)), (Tags("tags", 5),), ("number",))


def impressions() -> Impressions:
    return Impressions(
        tokens=torch.tensor([[0, 2], [3, 1], [1, 0]]),
        floats=torch.tensor([[0.5], [-2.0], [0.0]]),
        sets={"tags": (torch.tensor([[1, 2], [4, 0], [0, 0]]), torch.tensor([[True, True], [True, False], [False, False]]))},
        labels=torch.zeros(3, 1),
    )


def filled() -> FieldVectors:
    fields = FieldVectors(SCHEMA, width=6, std=1.0)
    torch.nn.init.normal_(fields.table.weight)
    return fields


def test_each_field_has_its_own_rows() -> None:
    fields, batch = filled(), impressions()
    first, second, tags, number = fields.table.weight.split([4, 3, 5, 1])
    vectors = fields(batch)
    assert vectors.shape == (3, fields.count, 6)
    torch.testing.assert_close(vectors[:, 0], F.embedding(batch.tokens[:, 0], first))
    torch.testing.assert_close(vectors[:, 1], F.embedding(batch.tokens[:, 1], second))
    torch.testing.assert_close(vectors[:, 2], torch.stack([tags[[1, 2]].mean(dim=0), tags[4], torch.zeros(6)]))
    torch.testing.assert_close(vectors[:, 3], torch.stack([0.5 * number[0], -2.0 * number[0], torch.zeros(6)]))


def test_unseen_values_begin_without_influence() -> None:
    fields = FieldVectors(SCHEMA, width=6, std=1.0)
    assert fields.table.weight[[0, 4, 7]].abs().max() == 0
    assert (fields.table.weight[[1, 2, 3, 5, 6, 8, 9, 10, 11, 12]].abs().sum(dim=1) > 0).all()


def test_sparse_gradients_touch_the_rows_of_the_batch_alone() -> None:
    fields, batch = filled(), impressions()
    fields(batch).sum().backward()
    dense = fields.table.weight.grad
    fields.table.weight.grad, fields.table.sparse = None, True
    fields(batch).sum().backward()
    sparse = fields.table.weight.grad
    assert sparse is not None and sparse.is_sparse
    torch.testing.assert_close(sparse.to_dense(), dense)


def test_padding_of_sets_changes_nothing() -> None:
    fields, batch = filled(), impressions()
    ids, mask = batch.sets["tags"]
    wider = {"tags": (F.pad(ids, (0, 3), value=2), F.pad(mask, (0, 3)))}
    torch.testing.assert_close(fields(Impressions(batch.tokens, batch.floats, wider, batch.labels)), fields(batch))


OWNER = Categorical("item", 5)
SHARING = Schema(
    (OWNER, Categorical("last", 5, Vectors(shared_with="item"))), (Tags("earlier", 5, Vectors(shared_with="item")),), ("price",)
)
TOKENS = torch.tensor([[1, 4], [0, 1], [3, 3]])
EARLIER = (torch.tensor([[2, 3], [1, 0], [0, 0]]), torch.tensor([[True, True], [True, False], [False, False]]))


def sharing(schema: Schema) -> tuple[FieldVectors, torch.Tensor]:
    """The layer, its parameters drawn, and its vectors of three impressions."""
    fields = FieldVectors(schema, width=6, std=1.0)
    for parameter in fields.parameters():
        torch.nn.init.normal_(parameter)
    return fields, fields(Impressions(TOKENS, torch.tensor([[1.0], [2.0], [0.0]]), {"earlier": EARLIER}, torch.zeros(3, 1)))


def test_features_that_share_have_one_table() -> None:
    fields, vectors = sharing(SHARING)
    items, price = fields.table.weight.split([5, 1])
    torch.testing.assert_close(vectors[:, :2], items[TOKENS])
    torch.testing.assert_close(vectors[:, 2], torch.stack([(items[2] + items[3]) / 2, items[1], torch.zeros(6)]))
    torch.testing.assert_close(vectors[:, 3], torch.stack([price[0], 2 * price[0], torch.zeros(6)]))


def test_a_width_of_its_own_is_projected_to_the_common_one() -> None:
    """So is that of the features that share it; the common table is left with the rows of the others."""
    fields, vectors = sharing(replace(SHARING, categorical=(replace(OWNER, vectors=Vectors(width=2)), SHARING.categorical[1])))
    shapes = {name: tuple(parameter.shape) for name, parameter in fields.named_parameters()}
    assert shapes == {"table.weight": (1, 6), "projected.0.table.weight": (5, 2), "projected.0.projection.weight": (6, 2)}
    items = fields.projected[0].table.weight @ fields.projected[0].projection.weight.T
    torch.testing.assert_close(vectors[:, :2], items[TOKENS])
    torch.testing.assert_close(vectors[:, 2], torch.stack([(items[2] + items[3]) / 2, items[1], torch.zeros(6)]))
    torch.testing.assert_close(vectors[:, 3], fields.table.weight * torch.tensor([[1.0], [2.0], [0.0]]))


@pytest.mark.parametrize("narrow", ["first", "second"])
def test_features_of_several_widths_keep_apart(narrow: str) -> None:
    schema = replace(SCHEMA, categorical=tuple(replace(f, vectors=Vectors(width=2 if f.name == narrow else 6)) for f in SCHEMA.categorical))
    fields, batch = FieldVectors(schema, width=6, std=1.0), impressions()
    own = fields.projected[0].table.weight @ fields.projected[0].projection.weight.T
    common = fields.table.weight[: 3 if narrow == "first" else 4]
    expected = (
        [own[batch.tokens[:, 0]], common[batch.tokens[:, 1]]]
        if narrow == "first"
        else [common[batch.tokens[:, 0]], own[batch.tokens[:, 1]]]
    )
    torch.testing.assert_close(fields(batch)[:, :2], torch.stack(expected, dim=1))
    assert own[0].abs().max() == 0


@pytest.mark.parametrize("width", [6, 2])
def test_pretrained_vectors_are_what_training_begins_with(width: int) -> None:
    """Where they are NaN, rows are drawn; another feature's are drawn throughout."""
    values = np.arange(5 * width, dtype=np.float32).reshape(5, width)
    values[[0, 3]] = np.nan
    first, pretrained = Categorical("first", 4), Categorical("item", 5, Vectors(width=width, pretrained=values))
    fields = FieldVectors(Schema((first, pretrained)), width=6, std=1.0)
    rows = fields.table.weight[4:] if width == 6 else fields.projected[0].table.weight
    torch.testing.assert_close(rows[[1, 2, 4]], torch.from_numpy(values[[1, 2, 4]]))
    assert rows[0].abs().max() == 0
    assert rows[3].isfinite().all()
    assert rows[3].abs().min() > 0
    assert fields.table.weight[1:4].abs().max() < 6
    assert all(parameter.requires_grad for parameter in fields.parameters())


@pytest.mark.parametrize("how", ["sum", "max", "attention", "concat"])
def test_members_of_a_set_are_pooled_as_the_schema_says(how: Pooling) -> None:
    tags = Tags("tags", 5, pooling=how, target="second" if how == "attention" else None, length=3 if how == "concat" else None)
    fields, batch = FieldVectors(replace(SCHEMA, tags=(tags,)), width=6, std=1.0), impressions()
    torch.nn.init.normal_(fields.table.weight)
    _, second, rows, _ = fields.table.weight.split([4, 3, 5, 1])
    vectors = fields(batch)
    assert vectors.shape == (3, fields.count, 6) == (3, 6 if how == "concat" else 4, 6)
    one, two, nothing = rows[1], rows[2], torch.zeros(6)
    strengths = [math.exp((second[2] @ row).item() / math.sqrt(6)) for row in (one, two)]
    expected = {
        "sum": [one + two],
        "max": [torch.maximum(one, two)],
        "attention": [(strengths[0] * one + strengths[1] * two) / sum(strengths)],
        "concat": [one, two, nothing],
    }[how]
    torch.testing.assert_close(vectors[0, 2:-1], torch.stack(expected))
    torch.testing.assert_close(vectors[1, 2], rows[4])
    assert vectors[2, 2:-1].abs().max() == 0


@pytest.mark.parametrize("width", [None, 2])
def test_earlier_choices_have_the_vectors_of_the_shown_item(width: int | None) -> None:
    """What was chosen before, looked up as if it were shown: the columns of the item's features, in the order of `behaviour`."""
    kind = Categorical("item.kind", 4, Vectors(width=width))
    schema = Schema((Categorical("user", 3), Categorical("item", 5), kind), behaviour=("item.kind", "item"))
    fields = FieldVectors(schema, width=6, std=1.0)
    earlier = torch.tensor([[[3, 1], [1, 4]], [[2, 2], [0, 0]]])
    vectors = fields.behaviours(Behaviours(earlier, torch.tensor([[True, True], [True, False]])))
    assert vectors.shape == (2, 2, 2, 6)
    for row in range(2):
        for step in range(2):
            token = torch.tensor([[0, earlier[row, step, 1], earlier[row, step, 0]]])
            shown = fields(Impressions(token, torch.empty(1, 0), {}, torch.zeros(1, 1)))[0]
            torch.testing.assert_close(vectors[row, step], shown[schema.behaviour_places])


def test_first_order_weights_are_plain() -> None:
    """A weight a category, shared where vectors are, summed over a set where vectors are summed, else averaged; none is pretrained."""
    item = replace(OWNER, vectors=Vectors(width=2, pretrained=np.ones((5, 2), dtype=np.float32)))
    averaged = Tags("earlier", 5, Vectors(shared_with="item"), pooling="concat", length=2)
    schema = Schema((item, SHARING.categorical[1]), (averaged, Tags("words", 4, pooling="sum")), ("price",))
    first_order = FirstOrder(schema, std=1.0)
    items, words, price = (each.squeeze(1) for each in first_order.weights.table.weight.split([5, 4, 1]))
    assert not (items == 1).any()
    batch = Impressions(TOKENS, torch.tensor([[1.0], [2.0], [0.0]]), {"earlier": EARLIER, "words": EARLIER}, torch.zeros(3, 1))
    expected = [
        items[1] + items[4] + (items[2] + items[3]) / 2 + words[2] + words[3] + price[0],
        items[0] + items[1] + items[1] + words[1] + 2 * price[0],
        items[3] + items[3],
    ]
    torch.testing.assert_close(first_order(batch), torch.stack(expected))
