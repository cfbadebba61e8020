"""Retrievers through an index: the sides fit the scorer, and evaluation by lists from an index is evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from turret.core.context import Context, Encoded, Query, Reads
from turret.core.errors import UnsupportedError
from turret.core.interactions import Ragged
from turret.data.prepared import Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Evaluated
from turret.evaluation.evaluator import Evaluator
from turret.evaluation.sides import METRIC, Sides, sample
from turret.index.approximate import Approximate
from turret.index.exact import Exact
from turret.nn.tables import Table
from turret.scorers.biased_dot import BiasedDot
from turret.scorers.cosine import Cosine
from turret.scorers.dot import Dot
from turret.scorers.euclidean import Euclidean
from turret.scorers.gmf import GMF
from turret.scorers.minkowski import Minkowski

pytest.importorskip("faiss")
USERS, ITEMS, WIDTH = 30, 60, 6


class TwoTables(nn.Module):
    """Two tables and any scorer."""

    reads = Reads(user=True)

    def __init__(self, scorer: object, wider: int = 0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.users, self.items, self.scorer = Table(USERS, WIDTH), Table(ITEMS, WIDTH + wider), scorer
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def encode(self) -> Encoded:
        return Encoded(items=self.items, users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])


MODELS = {
    "dot": lambda: TwoTables(Dot()),
    "cosine": lambda: TwoTables(Cosine(0.1)),
    "euclidean": lambda: TwoTables(Euclidean()),
    "gmf": lambda: TwoTables(GMF(WIDTH)),
    "biased_dot": lambda: TwoTables(BiasedDot(), wider=1),
}


@pytest.fixture
def prepared(world: Callable[..., Prepared]) -> Prepared:
    rng = np.random.default_rng(0)
    drawn = [(user, item) for user in range(USERS) for item in rng.permutation(ITEMS)[:12]]
    parts: Mapping[str, Sequence[tuple[int, int]]] = {"train": drawn[::3] + drawn[1::3], "test": drawn[2::3]}
    return world(parts, USERS, ITEMS)


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_an_exact_index_gives_the_lists_of_the_scores(name: str, prepared: Prepared) -> None:
    model = MODELS[name]().eval()
    evaluator = Evaluator(prepared, "test", Evaluation(cutoff=(3, 10), bootstrap_samples=10))
    plain = evaluator(model)
    through = evaluator(model, Exact(Sides(model).items(), METRIC))
    assert plain.lists is not None and np.array_equal(plain.lists, through.lists)
    assert plain.metrics == through.metrics and plain.index is None
    assert through.index is not None and (through.index.index, through.index.recall, through.index.k) == ("exact", 1.0, 10)


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_scores_of_what_an_index_found_are_the_models_own(name: str) -> None:
    model, context = MODELS[name]().eval(), Context(users=torch.arange(5))
    sides = Sides(model)
    items = Exact(sides.items(), METRIC).search(sides.queries(context), ITEMS + 2).items
    scores = model.scorer.all(model.query(context, model.encode()).vector, model.items.dense()).numpy()
    np.testing.assert_allclose(sides.scores(context, items)[:, :ITEMS], -np.sort(-scores, axis=1), atol=1e-5)
    assert (sides.scores(context, items)[:, ITEMS:] == -np.inf).all()


def test_the_recall_of_an_approximate_index_is_that_of_its_lists(prepared: Prepared, tmp_path: Path) -> None:
    model = MODELS["dot"]().eval()
    evaluator = Evaluator(prepared, "test", Evaluation(cutoff=(10,), bootstrap_samples=0))
    plain, through = evaluator(model), evaluator(model, Approximate(Sides(model).items(), METRIC, cells=20, probes=1))
    assert plain.lists is not None and through.lists is not None and through.index is not None
    hits = [len(set(right) & set(found)) / 10 for right, found in zip(plain.lists.tolist(), through.lists.tolist(), strict=True)]
    assert through.index.recall == pytest.approx(np.mean(hits)) and 0.1 < through.index.recall < 1
    through.save(tmp_path / "found.safetensors")
    assert Evaluated.load(tmp_path / "found.safetensors").index == through.index


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"test_metrics": ("recall", "auc")}, "auc compares"),
        ({"ties": "median"}, "ties median"),
        pytest.param({"protocol": "uniform"}, "protocol uniform", marks=pytest.mark.filterwarnings("ignore::UserWarning")),
    ],
)
def test_what_lists_do_not_tell_is_refused(settings: dict[str, object], part: str, prepared: Prepared) -> None:
    model = MODELS["dot"]().eval()
    evaluator = Evaluator(prepared, "test", Evaluation(**settings))  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match=part):
        evaluator(model, Exact(Sides(model).items(), METRIC))


def test_what_no_index_can_search_is_refused(given_scores: Callable[..., object]) -> None:
    with pytest.raises(UnsupportedError, match="no retriever"):
        Sides(given_scores([[1.0]]))
    with pytest.raises(UnsupportedError, match="Minkowski is no inner product"):
        Sides(TwoTables(Minkowski(3.0)))


def test_two_samples_of_users_are_apart_where_there_are_users_enough(prepared: Prepared) -> None:
    sides = Sides(MODELS["dot"]().eval())
    (first, seen), (second, _) = sample(sides, prepared, 10), sample(sides, prepared, 10, 10)
    assert not {row.tobytes() for row in first} & {row.tobytes() for row in second}
    assert len(sample(sides, prepared, 100, 100)[0]) == USERS and len(sample(sides, prepared, 20, 20)[0]) == 20
    assert isinstance(seen, Ragged) and len(seen) == 10 and len(seen.values) == sum(seen.lengths) == 80
