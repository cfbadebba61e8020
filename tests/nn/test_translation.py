"""The four translations against their equations, with every matrix written out, and what they are of each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.nn.translation import (
    BALL,
    BALLS,
    FREE,
    TRANSLATIONS,
    UNIT,
    Reached,
    Translation,
    trans_d,
    trans_e,
    trans_h,
    trans_r,
)

N, R, D, K = 7, 3, 4, 5
Numbers = np.ndarray
MAKERS: dict[str, Callable[..., Translation]] = {
    "transe": lambda **given: trans_e(N, R, D, **given),
    "transh": lambda **given: trans_h(N, R, D, **given),
    "transr": lambda **given: trans_r(N, R, D, K, **given),
    "transr narrower": lambda **given: trans_r(N, R, D, 2, **given),
    "transd": lambda **given: trans_d(N, R, D, K, **given),
    "transd narrower": lambda **given: trans_d(N, R, D, 2, **given),
}


def scattered(translation: Translation) -> Translation:
    """In float64, of lengths above and below 1."""
    generator = torch.Generator().manual_seed(3)
    translation = translation.double()
    with torch.no_grad():
        for parameter in translation.parameters():
            parameter.copy_(0.6 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return translation


def ball(vector: Numbers) -> Numbers:
    return vector / max(1.0, float(np.linalg.norm(vector)))


def unit(vector: Numbers) -> Numbers:
    return vector / np.linalg.norm(vector)


def same(vector: Numbers) -> Numbers:
    return vector


def naive(name: str, translation: Translation, head: int, relation: int, tail: int, bounded: bool) -> float:
    """d(h, r, t) by the papers' equations."""
    kind = name.split()[0]
    held = {key: value.detach().numpy() for key, value in translation.named_parameters()}
    entity_bound = {"transe": unit}.get(kind, ball) if bounded else same
    other_bound = ball if bounded and kind in ("transr", "transd") else same
    h, t = (entity_bound(held["entities.weight"][entity]) for entity in (head, tail))
    r = other_bound(held["relations.weight"][relation])
    of_head = of_tail = np.eye(len(r), len(h))
    if kind == "transh":
        w = unit(held["projection.normals.weight"][relation])
        of_head = of_tail = np.eye(len(h)) - np.outer(w, w)
        r = of_head @ r
    elif kind == "transr":
        of_head = of_tail = held["projection.weight"][relation]
    elif kind == "transd":
        second, along = held["projection.of_entities.weight"], held["projection.of_relations.weight"][relation]
        of_head, of_tail = (np.outer(along, second[entity]) + np.eye(len(r), len(h)) for entity in (head, tail))
    difference = other_bound(of_head @ h) + r - other_bound(of_tail @ t)
    return float(difference @ difference)


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("name", MAKERS)
def test_distances(name: str, bounded: bool) -> None:
    translation = scattered(MAKERS[name]() if bounded else MAKERS[name](bounds=FREE))
    generator = torch.Generator().manual_seed(0)
    heads, tails = (torch.randint(N, (6, 4), generator=generator) for _ in range(2))
    relations = torch.tensor([[2], [0], [1], [1], [0], [2]])
    expected = [
        [naive(name, translation, int(heads[row, at]), int(relations[row, 0]), int(tails[row, at]), bounded) for at in range(4)]
        for row in range(6)
    ]
    found = translation.distance(heads, relations, tails)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(translation.score_triples(heads, relations, tails), -found)
    one_head = translation.distance(heads[:, :1], relations, tails)
    torch.testing.assert_close(one_head, translation.distance(heads[:, :1].expand(-1, 4), relations.expand(-1, 4), tails))
    flat = translation.distance(heads[:, 1], relations[:, 0], tails[:, 1])
    torch.testing.assert_close(flat, found[:, 1])


def test_bounds_are_the_papers() -> None:
    entities, relations = torch.arange(N), torch.arange(N) % R

    def lengths(vectors: Tensor) -> Numbers:
        return vectors.detach().norm(dim=-1).numpy()

    e, h, r, d = (scattered(MAKERS[name]()) for name in ("transe", "transh", "transr", "transd"))
    assert (e.bounds, h.bounds, r.bounds, d.bounds) == (UNIT, BALL, BALLS, BALLS)
    np.testing.assert_allclose(lengths(e.vectors(entities)), 1)
    for translation in (h, r, d):
        raw, read = translation.entities.weight, translation.vectors(entities)
        long = raw.norm(dim=-1) > 1
        assert long.any() and not long.all()
        np.testing.assert_allclose(lengths(read[long]), 1)
        assert torch.equal(read[~long], raw[~long])
        assert (lengths(translation.projected(entities, relations)) <= 1 + 1e-9).all()
    normals: Any = h.projection
    w = torch.nn.functional.normalize(normals.normals.weight, dim=-1)[relations]
    moved = normals.moved(h.relations[relations], relations)
    np.testing.assert_allclose((w * moved).sum(dim=-1).detach().numpy(), 0, atol=1e-12)  # r lies in the hyperplane


def test_begins_at_length_one_and_near_the_identity() -> None:
    for name in ("transe", "transh", "transr", "transd"):
        torch.manual_seed(0)
        translation = MAKERS[name]()
        for table in (translation.entities, translation.relations):
            torch.testing.assert_close(table.weight.norm(dim=1), torch.ones(len(table.weight)))
    equal = trans_r(N, R, D)
    ids = torch.arange(N)
    torch.testing.assert_close(equal.projected(ids, ids % R), equal.entities.weight)


def test_transr_with_the_identity_and_transd_without_second_vectors_are_transe() -> None:
    plain = scattered(trans_e(N, R, D, bounds=FREE))
    by_matrix, dynamic = trans_r(N, R, D, bounds=FREE).double(), trans_d(N, R, D, bounds=FREE).double()
    with torch.no_grad():
        dynamic.projection.of_entities.weight.zero_()  # type: ignore[attr-defined]
        for other in (by_matrix, dynamic):
            other.entities.weight.copy_(plain.entities.weight)
            other.relations.weight.copy_(plain.relations.weight)
    heads, relations, tails = torch.tensor([0, 3, 5]), torch.tensor([1, 0, 2]), torch.tensor([6, 2, 5])
    for other in (by_matrix, dynamic):
        torch.testing.assert_close(other.distance(heads, relations, tails), plain.distance(heads, relations, tails))


@pytest.mark.parametrize("name", MAKERS)
def test_gradients(name: str) -> None:
    translation = scattered(MAKERS[name]())
    heads, relations, tails = (
        torch.tensor([[0], [3], [5], [1]]),
        torch.tensor([[1], [0], [2], [1]]),
        torch.tensor([[6, 2], [5, 5], [0, 4], [2, 0]]),
    )
    names, parameters = zip(*translation.named_parameters(), strict=True)

    def distances(*held: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(
            _Distance(translation), {f"translation.{key}": value for key, value in zip(names, held, strict=True)}, (heads, relations, tails)
        )
        return found

    assert torch.autograd.gradcheck(distances, parameters)
    translation.distance(heads, relations, tails).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in parameters)


class _Distance(torch.nn.Module):
    def __init__(self, translation: Translation) -> None:
        super().__init__()
        self.translation = translation

    def forward(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        return self.translation.distance(heads, relations, tails)


@pytest.mark.parametrize("name", MAKERS)
def test_what_a_relation_leads_to_as_a_table(name: str) -> None:
    translation = scattered(MAKERS[name]())
    table, ids = Reached(translation, relation=1, n=4), torch.tensor([[2, 0], [3, 3]])
    assert table.dense().shape == (4, translation.relations.weight.shape[1])
    torch.testing.assert_close(table[ids], table.dense()[ids])
    assert torch.equal(table.free(ids), translation.entities.weight[ids])
    query = translation.translated(torch.tensor([5]), torch.tensor([1]))
    distances = (query - table.dense()).square().sum(dim=1)
    expected = translation.distance(torch.tensor([5]), torch.tensor([1]), torch.arange(4))
    torch.testing.assert_close(distances, expected)


def test_by_name() -> None:
    assert set(TRANSLATIONS) == {"transe", "transh", "transr", "transd"}
    for make in TRANSLATIONS.values():
        assert make(N, R, D).bounds != FREE
        assert make(N, R, D, bounds=FREE).bounds == FREE
