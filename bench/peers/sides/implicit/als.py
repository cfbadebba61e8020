"""Alternating least squares by implicit: three steps of conjugate gradients, float32."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as implicit asks: its own threads and those of a BLAS would get in each other's way

import numpy as np
from factorization import explained
from implicit.als import AlternatingLeastSquares
from stand import Stand

from data import judged, matrix

stand = Stand()
words = stand.words
pairs = matrix(stand)
model = AlternatingLeastSquares(
    factors=words["width"],
    regularization=words["regularization"],
    alpha=1 + words["alpha"],  # its alpha is the whole confidence of a pair
    iterations=words["iterations"],
    num_threads=stand.threads,
    use_gpu=False,
    random_state=stand.seed,
)
# The start that Turret draws, rather than its own of numbers from 0 to 0.01: so both come as far.
draw = np.random.default_rng(stand.seed)
model.item_factors = draw.standard_normal((pairs.shape[1], words["width"]), dtype=np.float32) * np.float32(0.1 / words["width"] ** 0.5)
model.user_factors = np.zeros((pairs.shape[0], words["width"]), dtype=np.float32)
taken: list[float] = []
with stand.measuring():
    model.fit(pairs, show_progress=False, callback=lambda iteration, seconds, loss: taken.append(seconds))

user, item = stand.array("train_user"), stand.array("train_item")
reached = explained(user, item, model.user_factors, model.item_factors, words["alpha"], words["regularization"])
# Turret asks with a user's vector solved anew and exactly, so this does too.
quality = judged(stand, model, pairs, recalculate_user=True)
stand.tell(float(np.median(taken[1:])), {**quality, "explained": reached}, first=taken[0], whole=stand.seconds[0])
