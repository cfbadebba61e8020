"""Field vectors against one embedding a field."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from turret.core.context import Impressions
from turret.core.features import Categorical, Schema, Tags
from turret.nn.fields import FieldVectors

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
