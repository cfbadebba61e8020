"""Every legal composition trains; every other one is refused with a reason; the documents say which is which."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.core.seeds import derive, torch_generator
from turret.data.beside import Social, Triples
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models import catalogue
from turret.training.composition import Composition, table
from turret.training.composition.losses import LossName
from turret.training.composition.matching import OF
from turret.training.composition.samplers import SAMPLERS
from turret.training.composition.scorers import SCORERS
from turret.training.procedures import Gradient

LOSSES = get_args(LossName)
DOCUMENT = Path(__file__).parents[3] / "docs" / "composition.md"
COMPOSED = [name for name in catalogue.MODELS if "composition" in catalogue.load(name).Config.model_fields]
"""Models that are put together so."""


@pytest.fixture(scope="module")
def tiny() -> Prepared:
    """Twelve users who took three of nine items each."""
    draw = np.random.default_rng(0)
    user = np.repeat(np.arange(12, dtype=np.int32), 3)
    item = np.concatenate([draw.choice(9, 3, replace=False) for _ in range(12)]).astype(np.int32)
    time = np.arange(36, dtype=np.float64)
    rating = np.ones(36, dtype=np.float32)
    users, items = (Entities(Vocabulary.of(f"{side}{n}" for n in range(count))) for side, count in (("u", 12), ("i", 9)))
    part = Part(Interactions(user, item, 12, 9, time=time, rating=rating))
    # Each item is of one of three kinds, and each user follows the next.
    head, next_user = np.arange(9, dtype=np.int32), np.roll(np.arange(12, dtype=np.int32), -1)
    kinds, relations = Vocabulary.of(["k0", "k1", "k2"]), Vocabulary.of(["kind"])
    graph = Triples(head, np.zeros(9, dtype=np.int32), 9 + head % 3, 9, kinds, relations)
    return Prepared("tiny", 12, 9, users, items, {"train": part}, triples=graph, social=Social(np.arange(12, dtype=np.int32), next_user))


def trained(model: str, prepared: Prepared, **bricks: Any) -> float:
    """The loss of the second epoch."""
    file = catalogue.load(model)
    default = file.Config()
    said = Composition(**{**default.composition.model_dump(exclude_unset=True), "sampler": None, **bricks})
    training = default.training.model_copy(update={"epochs": 2, "batch_size": 12})
    config = default.model_copy(update={"composition": said, "training": training})
    torch.manual_seed(derive(0, "build"))
    fitted, procedure = file.build(config, prepared), file.recipe(config, prepared)
    losses = [progress.measures["loss"] for progress in procedure.fit(fitted, 0, torch.device("cpu"))]
    assert all(parameter.isfinite().all() for parameter in fitted.parameters())
    return losses[-1]


@pytest.mark.parametrize("loss", LOSSES)
def test_every_legal_pair_trains_and_every_other_composition_is_refused(loss: str, tiny: Prepared) -> None:
    """Each loss with each sampler, each of both with each scorer."""
    for sampler, scorer, exclude_seen in product((None, *SAMPLERS), SCORERS, (True, False)):
        bricks = {"loss": loss, "scorer": scorer, "sampler": sampler, "exclude_seen": exclude_seen}
        if not table.legal(bricks):
            with pytest.raises(ValidationError, match=r"\w+ \w+ \w+"):
                Composition(**bricks)
        elif scorer == "dot" or sampler is None or (loss == "sampled_softmax" and exclude_seen):
            assert np.isfinite(trained("bpr", tiny, **bricks, negative_count=2, clusters=2, pool=2)), bricks


SOME = (
    {"loss": "softmax"},
    {"loss": "sampled_softmax", "sampler": "midx_pop", "scorer": "dot", "negative_count": 4, "clusters": 2},
    {"loss": "bpr", "sampler": "dns"},
    {"loss": "cosine_contrastive", "scorer": "cosine", "sampler": "mixed", "negative_count": 3},
    {"loss": "nce", "sampler": "in_batch", "scorer": "euclidean"},
    {"loss": "binary_cross_entropy", "sampler": "popularity", "sample_ahead": True},
)


@pytest.mark.parametrize("bricks", SOME, ids=lambda bricks: bricks["loss"])
@pytest.mark.parametrize("model", COMPOSED)
def test_every_retriever_trains_with_them(model: str, bricks: dict[str, Any], tiny: Prepared) -> None:
    assert np.isfinite(trained(model, tiny, **bricks))


def test_most_retrievers_are_put_together_so() -> None:
    assert {"bpr", "lightgcn", "sasrec", "multivae", "dssm", "youtubednn"} <= set(COMPOSED)


@pytest.mark.parametrize(
    ("bricks", "reason"),
    [
        ({"loss": "softmax", "sampler": "uniform"}, "draws none"),
        ({"loss": "gbce", "sampler": "popularity"}, "uniform sample"),
        ({"loss": "nce"}, "--no-exclude_seen"),
        ({"loss": "nce", "sampler": "dns", "exclude_seen": False}, "cannot tell"),
        ({"loss": "bpr", "sampler": "midx_uni", "scorer": "mlp"}, "scorers that are: dot, cosine"),
        ({"loss": "cosine_contrastive", "scorer": "dot"}, "must be cosine"),
        ({"loss": "weighted_square", "scorer": "euclidean"}, "scorers that are: dot"),
        ({"loss": "alignment_uniformity", "scorer": "gmf"}, "directions"),
        ({"sampler": "in_batch", "sample_ahead": True}, "samplers that can: uniform, popularity"),
    ],
)
def test_reasons(bricks: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Composition(**bricks)


def test_what_does_nothing_beside_the_rest() -> None:
    every = set(Composition.model_fields) - {"loss", "sampler", "scorer", "negative_count", "exclude_seen", "sample_ahead"}
    assert set(OF) == every
    assert set(Composition(loss="softmax").idle()) >= {"negative_count", "exclude_seen", "sample_ahead", "pool", "margin", "temperature"}
    busy = Composition(loss="warp", scorer="cosine", sampler="uniform", negative_count=4)
    assert not {"margin", "temperature", "negative_count"} & set(busy.idle())
    assert "negative_count" in Composition(sampler="in_batch").idle()
    assert "popularity_alpha" in Composition(sampler="popularity", popularity_mass="log").idle()
    assert {"popularity_alpha", "frequency_rate"} - set(Composition(sampler="midx_pop").idle()) == {"popularity_alpha"}


TABLES = (table.losses, table.samplers, table.scorers, table.losses_and_samplers, table.losses_and_scorers, table.samplers_and_scorers)


@pytest.mark.parametrize("rows", TABLES)
def test_the_document_has_the_tables_of_the_code(rows: Any) -> None:
    """`turret bricks --markdown` prints them."""
    assert table.markdown(rows()) in DOCUMENT.read_text()


@pytest.mark.parametrize("sampler", ["midx_pop", "cluster_uni", "in_batch", "mixed", "uniform", "own"])
def test_a_resumed_training_ends_as_one_that_was_not_interrupted(sampler: str, tiny: Prepared) -> None:
    """Also where what a sampler carries is older than the epoch that it is resumed in."""
    file = catalogue.load("bpr")
    said = Composition(loss="sampled_softmax", sampler=sampler, clusters=2, refresh_steps=7, in_batch_frequency="streaming")
    default = file.Config()
    config = default.model_copy(
        update={"composition": said, "training": default.training.model_copy(update={"epochs": 4, "batch_size": 12})}
    )

    def fresh() -> tuple[Any, Gradient]:
        torch.manual_seed(derive(0, "build"))
        return file.build(config, tiny), file.recipe(config, tiny)

    whole, procedure = fresh()
    for _ in procedure.fit(whole, 0, torch.device("cpu")):
        pass
    part, procedure = fresh()
    rounds = procedure.fit(part, 0, torch.device("cpu"))
    next(rounds), next(rounds)
    state = {name: value.clone() for name, value in procedure.state().items()}
    weights = {name: value.clone() for name, value in part.state_dict().items()}
    again, procedure = fresh()
    again.load_state_dict(weights)
    procedure.restore(state)
    for _ in procedure.fit(again, 0, torch.device("cpu")):
        pass
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in whole.state_dict().items())


def test_negatives_drawn_ahead_are_the_same_in_every_epoch(tiny: Prepared) -> None:
    file = catalogue.load("bpr")
    said = Composition(sample_ahead=True, negative_count=3)
    config = file.Config().model_copy(update={"composition": said})
    sampled = file.recipe(config, tiny)
    objective, batches = sampled.objective, sampled.batches
    model = file.build(config, tiny)
    drawn: list[dict[int, list[int]]] = []
    for seed in (1, 2):
        generator, rows = torch_generator(seed, "epoch"), {}
        for batch in batches.epoch(generator):
            encoded = model.encode()
            targets = Targets(batch.target, batch.context.users, batch.context.users[:, None].float(), encoded, model.scorer, batch.places)
            negatives = objective.sampler(targets, Step(0, generator))
            rows |= dict(zip(batch.places.tolist(), negatives.items.tolist(), strict=True))
        drawn.append(rows)
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == len(tiny.train)
