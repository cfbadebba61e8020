"""BPR by LightFM: single steps by Adagrad, its default, by threads that do not wait for each other.

Not the same work: no batches, and biases beside the vectors.
"""

import numpy as np
from lightfm import LightFM
from stand import Stand

from data import judged, matrix

stand = Stand()
words = stand.words
pairs = matrix(stand)
model = LightFM(no_components=words["width"], loss="bpr", random_state=stand.seed)
for _ in range(words["epochs"]):
    with stand.measuring():
        model.fit_partial(pairs, epochs=1, num_threads=stand.threads)
stand.tell(float(np.median(stand.seconds[1:])), judged(stand, model), first=stand.seconds[0])
