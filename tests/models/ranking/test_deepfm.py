"""DeepFM against another implementation and against its equations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from turret.batches.impressions import ImpressionBatches, ImpressionBuilder
from turret.core.context import Context, Impressions
from turret.core.errors import UnsupportedError
from turret.core.features import Categorical, Schema, Tags
from turret.core.interactions import Interactions
from turret.data.columns import Tokens
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models.ranking import deepfm
from turret.models.ranking.score_all import RankerCatalogue
from turret.training.config import Training

LENGTHS = torch.tensor([2, 1, 3, 1, 2])
BATCH = Impressions(
    tokens=torch.tensor([[0, 2, 5], [3, 1, 0], [1, 0, 3], [2, 2, 4], [3, 0, 1]]),
    floats=torch.tensor([[0.5, -1.0], [0.0, 2.0], [1.5, 0.3], [-0.7, 0.0], [0.1, 0.2]]),
    sets={"tags": (torch.tensor([[1, 2, 0], [4, 0, 0], [3, 2, 1], [0, 0, 0], [2, 4, 0]]), torch.arange(3) < LENGTHS[:, None])},
    labels=torch.zeros(5, 1),
)
SCHEMA = Schema(tuple(Categorical(name, size) for name, size in (("a", 4), ("b", 3), ("c", 6))), (Tags("tags", 5),), ("x", "y"))


def waves(model: deepfm.DeepFM) -> deepfm.DeepFM:
    """Fills parameter k with 0.5 sin(0.7 j + k), j counting its elements: weights that another program can be given too."""
    with torch.no_grad():
        for phase, parameter in enumerate(model.parameters()):
            steps = torch.arange(parameter.numel(), dtype=torch.float32)
            parameter.copy_((torch.sin(steps * 0.7 + phase) * 0.5).view_as(parameter))
    return model.eval()


def test_agrees_with_deepctr_torch() -> None:
    """The logits of deepctr-torch 0.3.0 (DeepFM with three SparseFeat and a mean-pooled VarLenSparseFeat) under the same weights."""
    model = waves(deepfm.DeepFM(replace(SCHEMA, numbers=()), 3, (7, 4), 0.0, 0.01))
    expected = torch.tensor([2.1952648162841797, -0.6702808141708374, 1.8918323516845703, 0.7367111444473267, -0.3035051226615906])
    torch.testing.assert_close(model(replace(BATCH, floats=torch.zeros(5, 0))).squeeze(1), expected, atol=1e-6, rtol=1e-6)


def test_is_the_sum_of_its_equations() -> None:
    """Equations 1 to 4 written out over the one-hot vector x: a 1 for a category, 1/n for each of a set of n, the number itself."""
    model = waves(deepfm.DeepFM(SCHEMA, 3, (7, 4), 0.5, 0.01))
    w, v = model.first_order.weights.table.weight.detach().numpy().astype(np.float64)[:, 0], model.vectors.table.weight.detach().numpy()
    starts = [0, 4, 7, 13, 18, 19]
    for row, logit in enumerate(model(BATCH).squeeze(1).tolist()):
        fields = [{starts[field] + int(token): 1.0} for field, token in enumerate(BATCH.tokens[row])]
        ids, mask = BATCH.sets["tags"]
        members = ids[row][mask[row]].tolist()
        fields.append({})
        for member in members:
            fields[-1][starts[3] + member] = fields[-1].get(starts[3] + member, 0.0) + 1 / len(members)
        fields += [{starts[4 + place]: float(BATCH.floats[row, place])} for place in range(2)]
        y = sum(x * w[i] for field in fields for i, x in field.items())
        for a, one in enumerate(fields):
            for other in fields[a + 1 :]:
                y += sum(x * z * float(v[i] @ v[j]) for i, x in one.items() for j, z in other.items())
        a = np.concatenate([sum((x * v[i] for i, x in field.items()), np.zeros(3)) for field in fields])
        for layer in (model.mlp.layers[0], model.mlp.layers[3]):
            a = np.maximum(layer.weight.detach().numpy() @ a + layer.bias.detach().numpy(), 0)
        y += float(model.out.weight.detach().numpy()[0] @ a) + float(model.out.bias.detach())
        assert logit == pytest.approx(y, abs=1e-5)


def shown(n: int, seed: int, contextual: bool) -> Prepared:
    """Clicks of known probability: of two kinds of users and items each likes its own, more at night. `rating` is the true logit."""
    rng = np.random.default_rng(seed)
    n_users, n_items = 40, 30
    user, item, hour = np.sort(rng.integers(0, n_users, n)), rng.integers(0, n_items, n), rng.integers(0, 2, n)
    truth = np.where(user % 2 == item % 2, 2.0, -2.0) + (3.0 * hour - 1.5) * contextual
    label = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(np.float32)
    cut = rng.random(n) < 0.8
    parts = {}
    for name, rows in (("train", cut), ("test", ~cut)):
        hours = Tokens((hour[rows] + 1).astype(np.int32), Vocabulary.of(["day", "night"]))
        log = Interactions(user[rows], item[rows], n_users, n_items, label=label[rows], rating=truth[rows])
        parts[name] = Part(log, {"hour": hours} if contextual else {})
    tokens = [Vocabulary.of(f"{kind}{index}" for index in range(size)) for kind, size in (("u", n_users), ("i", n_items))]
    return Prepared("shown", n_users, n_items, Entities(tokens[0]), Entities(tokens[1]), parts)


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """The share of (clicked, not clicked) pairs in the right order, ties counting half."""
    difference = score[label > 0.5][:, None] - score[label < 0.5][None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


@pytest.mark.parametrize("contextual", [False, True])
def test_comes_near_the_auc_of_the_true_probabilities(contextual: bool) -> None:
    prepared = shown(12000, 5, contextual)
    config = deepfm.Config(mlp_layers=(32, 32), training=Training(epochs=12, batch_size=256, learning_rate=0.003))
    torch.manual_seed(0)
    model = deepfm.build(config, prepared)
    losses = [progress.measures["loss"] for progress in deepfm.recipe(config, prepared).fit(model, 1, torch.device("cpu"))]
    assert losses[-1] < losses[0] < math.log(2) * 1.1
    model.eval()
    with torch.inference_mode():
        (impressions,) = ImpressionBatches(prepared, 10**6, "test").in_order()
        answered = model(impressions).squeeze(1).numpy()
    log = prepared.interactions("test")
    assert log.label is not None and log.rating is not None
    best, reached = auc(log.rating, log.label), auc(answered, log.label)
    assert 0.5 + 0.95 * (best - 0.5) < reached < best + 0.005


def test_a_ranker_scores_the_catalogue_as_it_scores_impressions() -> None:
    prepared = shown(500, 3, contextual=False)
    torch.manual_seed(0)
    model = deepfm.build(deepfm.Config(), prepared).eval()
    builder = ImpressionBuilder(prepared)
    users = torch.tensor([3, 39, 3])
    with torch.inference_mode():
        answers = RankerCatalogue(model, builder, prepared.n_items, block=7).score_all(Context(users=users))
        assert answers.shape == (3, prepared.n_items)
        for row, user in enumerate(users.tolist()):
            for item in (0, 11, 29):
                one = model(builder.pairs(torch.tensor([user]), torch.tensor([item])))
                torch.testing.assert_close(answers[row, item], one[0, 0])


def test_a_ranker_that_reads_surroundings_says_why_it_cannot_recommend() -> None:
    prepared = shown(500, 3, contextual=True)
    with pytest.raises(UnsupportedError, match="hour"):
        RankerCatalogue(deepfm.build(deepfm.Config(), prepared), ImpressionBuilder(prepared), prepared.n_items)
