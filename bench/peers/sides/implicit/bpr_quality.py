"""BPR by implicit, at the settings that were best on a validation part."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as implicit asks

import numpy as np
from implicit.bpr import BayesianPersonalizedRanking
from race import Race
from stand import Stand

from data import lists, matrix

stand = Stand()
race, settings = Race(stand), stand.words["implicit"]
pairs = matrix(stand)
model = BayesianPersonalizedRanking(
    factors=stand.words["width"],
    learning_rate=settings["learning_rate"],
    regularization=settings["regularization"],
    iterations=settings["every"],
    num_threads=stand.threads,
    use_gpu=False,
    random_state=np.random.default_rng(stand.seed),  # goes on from one call to the next
)
taken: list[float] = []
while True:
    with stand.measuring():
        # Goes on from the vectors of the call before. Of what the call does, its epochs alone are counted.
        model.fit(pairs, show_progress=False, callback=lambda epoch, seconds, *counts: taken.append(seconds))
    if race.over(lists(stand, model, pairs), len(taken), sum(taken)):
        break
race.tell()
