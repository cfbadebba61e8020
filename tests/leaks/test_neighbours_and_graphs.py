"""Counts, co-occurrences, neighbours and graphs are those of the choices of the training part, which are worked out here in plain loops."""

from __future__ import annotations

from math import log as ln
from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given

from turret.data.prepared import TRAIN, Prepared
from turret.graphs.bipartite import normalised_bipartite
from turret.graphs.matrix import interaction_matrix
from turret.graphs.propagation import Propagation
from turret.models.general import ease, itemknn, popularity
from turret.models.graph import lightgcn

from .random_logs import WAYS, RandomLog, choices, random_logs, tried
from .training import settings_of, trained


def table(log: RandomLog, prepared: Prepared, way: str) -> np.ndarray:
    """float [U, I] how much each user chose each item among the training rows: the sum of the weights, 1 each where there are none."""
    users, items = list(prepared.users.vocabulary), list(prepared.items.vocabulary)
    found = np.zeros((prepared.n_users, prepared.n_items))
    for row in choices(log, prepared, TRAIN):
        found[users.index(row[WAYS[way].who]), items.index(row["item"])] += row.get("weight", 1.0)
    return found


@pytest.mark.parametrize("way", WAYS)
@tried(6)
@given(log=random_logs())
def test_matrix_and_graph_have_the_edges_of_the_training_part(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    chosen = table(log, prepared, way)
    assert np.array_equal(interaction_matrix(prepared.train).toarray(), chosen.astype(np.float32))
    once = chosen > 0
    for graph in (normalised_bipartite(prepared.train), lightgcn.build(settings_of(lightgcn), prepared).graph):
        assert isinstance(graph, Propagation) and graph.shape == once.shape
        expected = np.zeros(once.shape)
        for user, item in np.argwhere(once):
            expected[user, item] = 1 / sqrt(once[user].sum() * once[:, item].sum())
        dense = graph(torch.eye(prepared.n_items)).numpy()
        assert np.allclose(dense, expected, atol=1e-6)
        assert np.allclose(graph.transposed(torch.eye(prepared.n_users)).numpy(), expected.T, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
@tried(6)
@given(log=random_logs())
def test_popularity_counts_rows_of_the_training_part(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    model, _ = trained(popularity, prepared)
    names = [row["item"] for row in choices(log, prepared, TRAIN)]
    assert model.counts.tolist() == [names.count(item) for item in list(prepared.items.vocabulary)[: prepared.n_items]]


@pytest.mark.parametrize("way", WAYS)
@tried(5)
@given(log=random_logs())
def test_neighbours_are_items_that_one_training_user_chose(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    once = table(log, prepared, way) > 0
    model, _ = trained(itemknn, prepared)
    found = np.zeros((prepared.n_items, prepared.n_items))
    for item in range(prepared.n_items):
        inside = slice(int(model.offsets[item]), int(model.offsets[item + 1]))
        found[item, model.columns[inside].numpy()] = model.similarities[inside].numpy()
    weight = np.array([ln((1 + prepared.n_items) / (1 + row.sum())) ** 2 for row in once])
    both = (once * weight[:, None]).T.astype(float) @ once
    size = np.sqrt(np.outer(both.diagonal(), both.diagonal()))
    expected = np.divide(both, size, out=np.zeros_like(both), where=size > 0)
    np.fill_diagonal(expected, 0)
    assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
@tried(5)
@given(log=random_logs())
def test_weights_between_items_are_of_training_co_occurrences(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    once = (table(log, prepared, way) > 0).astype(float)
    model, _ = trained(ease, prepared)
    inverse = np.linalg.inv(once.T @ once + model.regularization * np.eye(prepared.n_items))
    expected = -inverse / inverse.diagonal()
    np.fill_diagonal(expected, 0)
    assert np.allclose(model.weights.numpy(), expected, atol=1e-4)
