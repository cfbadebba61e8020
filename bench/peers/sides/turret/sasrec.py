"""SASRec by Turret: the latest window of each user, all its steps at once, in batches without padding to the longest of all."""

import torch
from race import Race
from stand import Stand

from data import prepared
from turret.data.prepared import TEST
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator
from turret.models.sequential import sasrec
from turret.training.composition import Composition
from turret.training.config import Training

stand = Stand()
data, race = prepared(stand), Race(stand)
torch.manual_seed(stand.seed)
steps = -(-stand.facts["users"] // stand.words["batch"])
round_steps = -(-steps // stand.words["looks"])
training = Training(learning_rate=0.001, batch_size=stand.words["batch"], epochs=10_000, round_steps=round_steps)
shape = {"embed_dim": 64, "max_length": 50, "layers": 2, "heads": 2, "dropout": 0.2}
config = sasrec.Config(**shape, composition=Composition(loss="softmax"), training=training)
model = sasrec.build(config, data)
evaluator = Evaluator(data, TEST, Evaluation(cutoff=10, test_metrics=("ndcg",), by_group=False, bootstrap_samples=0))
evaluator.questions = evaluator.questions[: len(race.asked)]
rounds_of_training = sasrec.recipe(config, data).fit(model, stand.seed, torch.device("cpu"))
while True:
    with stand.measuring():
        next(rounds_of_training)
    if race.over(evaluator(model).lists, (len(race.curve) + 1) / -(-steps // round_steps)):
        break
race.tell()
