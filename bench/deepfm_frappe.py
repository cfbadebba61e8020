"""DeepFM on frappe's published split, beside deepctr-torch's on the very same batches' fields, in one run.

    pip install deepctr-torch          # in an environment of its own
    TURRET_DATA=DIR OMP_WAIT_POLICY=PASSIVE python bench/deepfm_frappe.py --seeds 3

Both: vectors of width 10, layers 400-400-400, dropout 0.5, Adam at 0.001, batch 2,048, no L2 term; the epoch with the best validation AUC
counts, of a part held out from the published training file. Prints AUC and log loss on the test file and seconds an epoch.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from turret.batches.impressions import ImpressionBatches, ImpressionBuilder
from turret.core.context import Impressions
from turret.core.seeds import derive, torch_generator
from turret.data import Prepared, prepare
from turret.data.prepared import TEST, VALID
from turret.evaluation.config import Evaluation
from turret.evaluation.ranking import RankerEvaluator
from turret.models.ranking import deepfm
from turret.training.config import Training

TRAINING = Training(epochs=60, batch_size=2048, learning_rate=0.001)
PATIENCE = 5


class Reference(nn.Module):
    """A model of deepctr-torch, which takes one matrix and gives probabilities, as a ranker."""

    tasks = 1

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float64 [B, 1]."""
        probability: Tensor = self.model(impressions.tokens.float())
        return probability.double().clamp(1e-12, 1 - 1e-12).logit()


def ours(prepared: Prepared, seed: int) -> tuple[nn.Module, Iterator[object]]:
    """Turret's model and its epochs."""
    config = deepfm.Config(training=TRAINING)
    torch.manual_seed(derive(seed, "parameters"))
    model = deepfm.build(config, prepared)
    return model, deepfm.recipe(config, prepared).fit(model, seed, torch.device("cpu"))


def theirs(prepared: Prepared, seed: int) -> tuple[nn.Module, Iterator[object]]:
    """The same of deepctr-torch, in a loop as bare as ours."""
    from deepctr_torch.inputs import SparseFeat
    from deepctr_torch.models import DeepFM

    sizes = ImpressionBuilder(prepared).fields.tokens
    columns = [SparseFeat(f"field{place}", size, embedding_dim=10) for place, size in enumerate(sizes.values())]
    options = {"dnn_hidden_units": (400, 400, 400), "dnn_dropout": 0.5, "l2_reg_linear": 0, "l2_reg_embedding": 0}
    model = DeepFM(columns, columns, **options, seed=seed)
    batches, optimizer = ImpressionBatches(prepared, TRAINING.batch_size), torch.optim.Adam(model.parameters(), TRAINING.learning_rate)

    def epochs() -> Iterator[object]:
        for epoch in range(TRAINING.epochs):
            model.train()
            for batch in batches.epoch(torch_generator(seed, "epoch", epoch)):
                optimizer.zero_grad()
                F.binary_cross_entropy(model(batch.tokens.float()), batch.labels).backward()
                optimizer.step()
            yield epoch

    return Reference(model), epochs()


def best(model: nn.Module, epochs: Iterator[object], valid: RankerEvaluator, test: RankerEvaluator) -> dict[str, float]:
    """The test figures of the epoch with the best validation AUC."""
    found: dict[str, float] = {}
    highest, since, seconds, start = 0.0, 0, [], time.perf_counter()
    for number, _ in enumerate(epochs, 1):
        seconds.append(time.perf_counter() - start)
        reached = valid.measures(model)["auc"]
        since += 1
        if reached > highest:
            highest, since = reached, 0
            found = {"valid auc": reached, **test.measures(model), "epoch": number}
        if since == PATIENCE:
            break
        start = time.perf_counter()
    return {**found, "s/epoch": float(np.median(seconds))}


def main() -> None:
    """Runs both, turn by turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    prepared = prepare(Path(os.environ["TURRET_DATA"]) / "frappe")
    evaluators = [RankerEvaluator(prepared, part, Evaluation()) for part in (VALID, TEST)]
    for seed in range(options.seeds):
        for name, way in (("turret", ours), ("deepctr-torch", theirs)):
            found = best(*way(prepared, seed), *evaluators)
            print(f"seed {seed}  {name:14}" + "".join(f"  {key} {value:.4g}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
