"""Models of a knowledge graph by Turret, of RecBole's sizes, at the rate and batches of all."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from looks import Looks
from stand import Stand

from data import prepared
from turret.data.beside import Triples
from turret.data.prepared import TEST, TRAIN, VALID
from turret.data.vocabulary import Vocabulary
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator
from turret.models.knowledge import cfkg, cke, kgat, kgcn, kgin, kgnnls, ktup, mkr, ripplenet

MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "cke": (cke, {}),
    "cfkg": (cfkg, {}),
    "ktup": (ktup, {"knowledge_weight": 1.0}),
    "kgat": (kgat, {"layer_widths": (64,), "fact_batch_size": 8192}),
    "kgin": (kgin, {"layers": 2, "message_dropout": 0.0}),
    "mkr": (mkr, {}),
    "ripplenet": (ripplenet, {"embed_dim": 64, "ripple_size": 16}),
    "kgcn": (kgcn, {"embed_dim": 64, "hops": 1}),
    "kgnnls": (kgnnls, {"embed_dim": 64, "hops": 1, "smoothness_weight": 0.5}),
}
ROUNDS = {"kgat": (2, 1), "mkr": (4, 3)}
"""Of so many rounds of turns so many are epochs of pairs, as RecBole counts them."""

stand = Stand()
looks = Looks(stand)
facts = stand.facts
head, relation, tail = (np.ascontiguousarray(column, dtype=np.int32) for column in stand.array("triples").T)
others = Vocabulary.of(str(entity) for entity in range(facts["items"], facts["entities"]))
relations = Vocabulary.of(str(each) for each in range(facts["relations"]))
data = replace(prepared(stand, (TRAIN, VALID, TEST)), triples=Triples(head, relation, tail, facts["items"], others, relations))
module, shape = MODELS[stand.words["model"]]
default = module.Config().training
training = default.model_copy(update={"learning_rate": stand.words["rate"], "batch_size": 2048, "epochs": 100_000})
config = module.Config(**shape, training=training)
torch.manual_seed(stand.seed)
model = module.build(config, data)
rounds = module.recipe(config, data).fit(model, stand.seed, torch.device("cpu"))
evaluators = {part: Evaluator(data, part, Evaluation(cutoff=10, by_group=False, bootstrap_samples=0)) for part in (VALID, TEST)}
turns, epochs = ROUNDS.get(stand.words["model"], (1, 1))


def lists(part: str) -> np.ndarray:
    """The lists of those who have something to find in a part."""
    found = evaluators[part](model).lists
    assert found is not None
    return found


taken = 0
while True:
    with stand.measuring():
        due = (len(stand.seconds) + 1) * turns // epochs
        for _ in range(due - taken):
            next(rounds)
        taken = due
    if looks.over(lists):
        break
looks.tell()
