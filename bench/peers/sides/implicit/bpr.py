"""BPR by implicit: single steps of gradient descent by threads that do not wait for each other.

Not the same work: no batches, no optimizer that remembers, negatives drawn as often as they were taken, and item biases beside the vectors.
It counts an epoch as so many steps as there are pairs, drawn with replacement.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as implicit asks

import numpy as np
from implicit.bpr import BayesianPersonalizedRanking
from stand import Stand

from data import judged, matrix

stand = Stand()
words = stand.words
pairs = matrix(stand)
model = BayesianPersonalizedRanking(
    factors=words["width"],
    learning_rate=words["implicit"],
    regularization=0.001,
    iterations=words["epochs"],
    num_threads=stand.threads,
    use_gpu=False,
    random_state=stand.seed,
)
taken: list[float] = []
with stand.measuring():
    model.fit(pairs, show_progress=False, callback=lambda epoch, seconds, *counts: taken.append(seconds))
stand.tell(float(np.median(taken[1:])), judged(stand, model, pairs), first=taken[0])
