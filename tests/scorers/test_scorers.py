"""Every scorer: the formula of its docstring by loops, both methods against each other, gradients, and the inner product behind it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.core.contracts import InnerProduct, Scorer
from turret.scorers import mlp
from turret.scorers.biased_dot import BiasedDot
from turret.scorers.both_biased import BothBiased
from turret.scorers.cosine import Cosine
from turret.scorers.dot import Dot
from turret.scorers.euclidean import Euclidean
from turret.scorers.gmf import GMF
from turret.scorers.minkowski import Minkowski
from turret.scorers.mlp import MLPScorer
from turret.scorers.neumf import NeuMF

Vector = np.ndarray


def scattered(module: nn.Module) -> nn.Module:
    """Parameters at which no term vanishes."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return module


MAKE: dict[str, Callable[[int], Scorer]] = {
    "dot": lambda width: Dot(),
    "biased_dot": lambda width: BiasedDot(),
    "both_biased": lambda width: BothBiased(),
    "cosine": lambda width: Cosine(0.2),
    "euclidean": lambda width: Euclidean(),
    "manhattan": lambda width: Minkowski(1),
    "minkowski 1.5": lambda width: Minkowski(1.5),
    "minkowski 2": lambda width: Minkowski(2),
    "chebyshev": lambda width: Minkowski(float("inf")),
    "gmf": lambda width: scattered(GMF(width)),
    "mlp": lambda width: scattered(MLPScorer(width, (5, 3))),
    "mlp of one layer": lambda width: scattered(MLPScorer(width, (4,))),
    "neumf": lambda width: scattered(NeuMF(width, (5, 3))),
}
SMOOTH = ["dot", "biased_dot", "both_biased", "euclidean", "gmf"]
INNER = ["dot", "biased_dot", "both_biased", "cosine", "euclidean", "gmf"]


def vectors(name: str, queries: int, items: int, width: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(queries + 100 * width)
    beside = {"biased_dot": (0, 1), "both_biased": (1, 1)}.get(name, (0, 0))
    shapes = [(count, width + bias) for count, bias in zip((queries, items), beside, strict=True)]
    draw = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    return draw[0], draw[1]


def network(scorer: MLPScorer, q: Vector, i: Vector) -> float:
    """Equation of section 3.3 of NCF with the first layer's matrix in one piece."""
    weight = np.hstack([scorer.of_query.weight.detach().numpy(), scorer.of_item.weight.detach().numpy()])
    hidden = np.maximum(weight @ np.concatenate([q, i]) + scorer.of_query.bias.detach().numpy(), 0)
    for layer in (each for each in scorer.rest.modules() if isinstance(each, nn.Linear)):
        hidden = np.maximum(layer.weight.detach().numpy() @ hidden + layer.bias.detach().numpy(), 0)
    return float(scorer.output.weight.detach().numpy()[0] @ hidden)


def formula(name: str, scorer: Scorer, q: Vector, i: Vector) -> float:
    match name:
        case "dot":
            return q @ i
        case "biased_dot":
            return q @ i[:-1] + i[-1]
        case "both_biased":
            return q[:-1] @ i[:-1] + q[-1] + i[-1]
        case "cosine":
            return q @ i / np.sqrt((q @ q) * (i @ i)) / 0.2
        case "euclidean":
            return -(np.linalg.norm(q - i) ** 2)
        case "manhattan":
            return -np.linalg.norm(q - i, 1)
        case "minkowski 1.5":
            return -((np.abs(q - i) ** 1.5).sum() ** (1 / 1.5))
        case "minkowski 2":
            return -np.linalg.norm(q - i)
        case "chebyshev":
            return -np.linalg.norm(q - i, np.inf)
        case "gmf":
            return (scorer.weight.detach().numpy() * q * i).sum()
        case "neumf":
            half = len(q) // 2
            head = (scorer.gmf.weight.detach().numpy() * q[:half] * i[:half]).sum()
            return head + network(scorer.mlp, q[half:], i[half:])
        case _:
            return network(scorer, q, i)


@pytest.mark.parametrize("name", MAKE)
def test_is_what_it_says(name: str) -> None:
    scorer = MAKE[name](6)
    query, items = vectors(name, 3, 4, 6)
    expected = [[formula(name, scorer, q, i) for i in items.numpy()] for q in query.numpy()]
    np.testing.assert_allclose(scorer.all(query, items).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize(("queries", "items", "width"), [(1, 7, 4), (7, 7, 4), (1, 1, 1), (5, 3, 1), (60, 40, 16), (0, 3, 2)])
def test_pairs_and_all_agree(name: str, queries: int, items: int, width: int) -> None:
    """Q = 1 and I = Q are where a guessed shape would show."""
    scorer = MAKE[name](width)
    query, catalogue = vectors(name, queries, items, width)
    ids = torch.randint(items, (queries, 9), generator=torch.Generator().manual_seed(1))
    every = scorer.all(query, catalogue)
    assert every.shape == (queries, items)
    torch.testing.assert_close(scorer.pairs(query, catalogue[ids]), every.gather(1, ids), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", MAKE)
def test_gradients_of_both_agree_with_finite_differences(name: str) -> None:
    scorer = MAKE[name](4)
    if isinstance(scorer, nn.Module):
        scorer.double()
    query, catalogue = (each.requires_grad_() for each in vectors(name, 3, 4, 4, torch.float64))
    candidates = catalogue.detach()[torch.tensor([[0, 1], [2, 1], [3, 3]])].requires_grad_()
    assert torch.autograd.gradcheck(scorer.all, (query, catalogue))
    assert torch.autograd.gradcheck(scorer.pairs, (query, candidates))


def parameters_of(scorer: Scorer) -> list[Tensor]:
    return list(scorer.parameters()) if isinstance(scorer, nn.Module) else []


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("where", ["zeros", "zero queries", "zero items", "equal vectors"])
def test_scores_and_gradients_are_finite_at_zero_and_where_vectors_meet(name: str, where: str) -> None:
    scorer = MAKE[name](4)
    query, catalogue = vectors(name, 3, 3, 4)
    if where == "equal vectors":
        catalogue[:, : query.shape[1]] = query
    if where in ("zeros", "zero queries"):
        query.zero_()
    if where in ("zeros", "zero items"):
        catalogue.zero_()
    query.requires_grad_()
    catalogue.requires_grad_()
    free = [query, catalogue, *parameters_of(scorer)]
    every = scorer.all(query, catalogue)
    pairs = scorer.pairs(query, catalogue.expand(3, *catalogue.shape).contiguous())
    torch.testing.assert_close(pairs, every, atol=1e-5, rtol=1e-5)
    for scores in (every, pairs):
        assert scores.isfinite().all()
        for gradient in torch.autograd.grad(scores.sum(), free, retain_graph=True):
            assert gradient.isfinite().all()
            assert gradient.abs().max() < 1e4


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_right_at_zero_and_where_vectors_meet(name: str) -> None:
    scorer = MAKE[name](3)
    if isinstance(scorer, nn.Module):
        scorer.double()
    query, catalogue = vectors(name, 2, 3, 3, torch.float64)
    catalogue[0, : query.shape[1]], catalogue[1] = query[0], 0
    query[1] = 0
    candidates = catalogue.expand(2, *catalogue.shape).contiguous().requires_grad_()
    query.requires_grad_()
    assert torch.autograd.gradcheck(scorer.pairs, (query, candidates))
    assert torch.autograd.gradcheck(scorer.all, (query, catalogue.requires_grad_()))


def test_who_is_an_inner_product() -> None:
    assert [name for name, make in MAKE.items() if isinstance(make(4), InnerProduct)] == INNER


@pytest.mark.parametrize("name", INNER)
def test_sides_give_the_score_but_for_something_of_the_query_alone(name: str) -> None:
    scorer = MAKE[name](5)
    query, catalogue = vectors(name, 4, 6, 5)
    rest = scorer.all(query, catalogue) - scorer.query_side(query) @ scorer.item_side(catalogue).T
    torch.testing.assert_close(rest, rest[:, :1].expand_as(rest), atol=1e-5, rtol=1e-5)
    assert (rest.abs().max() < 1e-5) == (name != "euclidean")  # the others are an inner product exactly
    shaped = catalogue.view(2, 3, -1)
    torch.testing.assert_close(scorer.item_side(shaped).flatten(0, 1), scorer.item_side(catalogue), atol=0, rtol=0)


def test_a_vector_without_a_direction_has_a_cosine_of_nought_and_stays() -> None:
    query = torch.zeros(1, 3, requires_grad=True)
    items = torch.eye(3)
    scores = Cosine(0.1).all(query, items)
    assert scores.tolist() == [[0.0, 0.0, 0.0]]
    assert torch.autograd.grad(scores.sum(), query)[0].tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("make", [lambda: MLPScorer(4, (5, 3)), lambda: NeuMF(4, (5, 3))], ids=["mlp", "neumf"])
def test_blocks_change_nothing(make: Callable[[], nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = scattered(make()).double()
    query, catalogue = vectors("mlp", 6, 11, 4, torch.float64)
    free = [query.requires_grad_(), catalogue.requires_grad_(), *scorer.parameters()]

    def scores_and_gradients() -> list[Tensor]:
        scores = scorer.all(query, catalogue)
        return [scores, *torch.autograd.grad(scores.square().sum(), free)]

    whole = scores_and_gradients()
    monkeypatch.setattr(mlp, "BLOCK", 60)  # two items
    torch.testing.assert_close(scores_and_gradients(), whole)


def test_layers_of_all_pairs_never_exist_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither forward nor backward meets a tensor as large as Q * I * H."""
    scorer = MLPScorer(4, (8, 3))
    query, catalogue = (each.requires_grad_() for each in vectors("mlp", 16, 64, 4))
    monkeypatch.setattr(mlp, "BLOCK", 16 * 8 * 4)
    sizes: list[int] = []

    class Watching(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            out = func(*args, **(kwargs or {}))
            sizes.extend(each.numel() for each in (out if isinstance(out, tuple | list) else [out]) if isinstance(each, Tensor))
            return out

    with Watching():
        scorer.all(query, catalogue).sum().backward()
    assert max(sizes) <= 16 * 64
