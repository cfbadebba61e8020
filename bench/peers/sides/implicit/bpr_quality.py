"""BPR by implicit until its lists are good enough, at the settings that were best on a validation part."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as implicit asks

import numpy as np
from implicit.bpr import BayesianPersonalizedRanking
from stand import Stand

from data import judged, matrix

stand = Stand()
words, settings = stand.words, stand.words["implicit"]
pairs = matrix(stand)
model = BayesianPersonalizedRanking(
    factors=words["width"],
    learning_rate=settings["learning_rate"],
    regularization=settings["regularization"],
    iterations=settings["every"],
    num_threads=stand.threads,
    use_gpu=False,
    random_state=np.random.default_rng(stand.seed),  # goes on from one call to the next
)
taken: list[float] = []
quality: dict[str, float] = {}
for _ in range(settings["looks"]):
    with stand.measuring():
        # Goes on from the vectors of the call before. Of what the call does, its epochs alone are counted.
        model.fit(pairs, show_progress=False, callback=lambda epoch, seconds, *counts: taken.append(seconds))
    quality = judged(stand, model, pairs)
    if quality["ndcg@10"] >= words["level"]:
        break
note = "" if quality["ndcg@10"] >= words["level"] else "the level was not reached"
stand.tell(sum(taken), quality, note, epochs=len(taken), first=taken[0])
