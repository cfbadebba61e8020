"""The case's impressions as Turret holds them, and a ranker's training on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from stand import Stand, label_quality

from turret.batches.impressions import ImpressionBatches
from turret.core.interactions import Interactions
from turret.data.columns import Tokens
from turret.data.prepared import TEST, TRAIN, Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.training.config import Training


def prepared(stand: Stand) -> Prepared:
    """A log of surroundings alone, without users and items, as `prepare` makes it of such columns."""

    def nameless(count: int) -> Vocabulary:
        return Vocabulary(np.empty(0, np.uint8), np.zeros(count + 1, np.int64))

    def part(name: str) -> Part:
        ids, label = stand.array(f"{name}_ids"), stand.array(f"{name}_label")
        columns = {f"C{field}": Tokens(ids[:, field].copy(), nameless(size - 1)) for field, size in enumerate(stand.facts["sizes"])}
        nobody = np.zeros(len(label), dtype=np.int32)
        return Part(Interactions(nobody, nobody, 1, 1, label=label), columns)

    nothing = Entities(nameless(1))
    return Prepared("bench", 0, 0, nothing, nothing, {TRAIN: part("train"), TEST: part("test")})


def training(stand: Stand) -> Training:
    """The optimizer and its settings, in rounds of as many steps as the case says."""
    words = stand.words
    return Training(
        epochs=1_000,
        round_steps=words["round"] or None,
        batch_size=words["batch"],
        learner="sparse_adam",
        learning_rate=words["rate"],
        embedding_decay=words["l2"],
        grad_clip_norm=words["clip"],
    )


def measured(stand: Stand, module: Any, config: Callable[[str], Any]) -> None:
    """Trains the model of `module` with products of float32, which is what is measured, then a new one with products of bfloat16.

    Args:
        stand: the job.
        module: of `turret.models`.
        config: its settings, given the type of the products.
    """
    data = prepared(stand)
    first, seconds, quality = _trained(stand, module, config("float32"), data, stand.measuring)
    _, shorter, rounded = _trained(stand, module, config("bfloat16"), data, nullcontext)
    note = f"with products of bfloat16 {shorter:.3g} s, AUC {rounded['auc']:.4f}"
    stand.tell(seconds, quality, note, first=first, bfloat16_seconds=shorter, bfloat16_auc=rounded["auc"])


def _trained(
    stand: Stand, module: Any, config: Any, data: Prepared, measuring: Callable[[], AbstractContextManager[None]]
) -> tuple[float, float, dict[str, float]]:
    """Seconds of the first round, seconds for 1,000,000 rows of the others, and the quality after them."""
    torch.manual_seed(stand.seed)
    model = module.build(config, data)
    rounds = module.recipe(config, data).fit(model, stand.seed, torch.device("cpu"))
    start = time.perf_counter()
    next(rounds)
    begun = time.perf_counter()
    with measuring():
        for _ in range(stand.words["measured"]):
            next(rounds)
    ended = time.perf_counter()
    rows = stand.words["measured"] * (stand.words["round"] * stand.words["batch"] or stand.facts["rows"])
    return begun - start, (ended - begun) / rows * 1e6, _judged(model, data)


@torch.no_grad()
def _judged(model: Any, data: Prepared) -> dict[str, float]:
    model.eval()
    batches = list(ImpressionBatches(data, 8192, TEST).in_order())
    predicted = torch.cat([torch.sigmoid(model(batch).flatten()) for batch in batches])
    return label_quality(torch.cat([batch.labels[:, 0] for batch in batches]).numpy(), predicted.double().numpy())
