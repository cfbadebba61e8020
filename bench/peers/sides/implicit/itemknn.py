"""Neighbours of items by cosine, by implicit.

Its fit is the same work, to the same neighbours. Its `recommend` sums over the neighbours of the items that a user has, where Turret and
RecBole sum over those neighbours of the item to be scored that the user has, which is another definition of the same name. So that what is
judged is the fit, which is what is measured, lists are made here of the similarities that it publishes, in Turret's way.
"""

import numpy as np
from implicit.nearest_neighbours import CosineRecommender
from stand import Stand, best_of

from data import matrix

stand = Stand()
pairs = matrix(stand)
# It counts an item among its own neighbours.
model = CosineRecommender(K=stand.words["neighbours"] + 1, num_threads=stand.threads)
with stand.measuring():
    model.fit(pairs, show_progress=False)

asked = stand.asked()
rows, items = stand.seen(asked)
lists = np.empty((len(asked), 10), dtype=np.int64)
for start in range(0, len(asked), 200):
    here = (rows >= start) & (rows < start + 200)
    scores = (pairs[asked[start : start + 200]] @ model.similarity.T).toarray()
    lists[start : start + 200] = best_of(scores, (rows[here] - start, items[here]))
stand.tell(stand.seconds[0], stand.judged(lists), note="lists from its similarities, not by its recommend, which defines them otherwise")
