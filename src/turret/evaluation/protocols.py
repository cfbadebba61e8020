"""Which items compete with the right ones.

Full ranking is the default. Ranking the right items among a few drawn ones is cheaper and common in older papers, but its metrics do not
estimate those of the full ranking and can order models differently (W. Krichene, S. Rendle. "On Sampled Metrics for Item
Recommendation." KDD 2020), which is why it warns.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from turret.core.context import Context
from turret.core.contracts import Catalogue
from turret.core.interactions import IntArray
from turret.core.seeds import numpy_generator
from turret.evaluation.catalogue import score_blocks
from turret.evaluation.questions import Questions
from turret.evaluation.topk import top_k

BLOCK = 256
"""Users whose negatives are drawn at a time."""


class BiasedProtocol(UserWarning):
    """Metrics among sampled negatives were asked for."""


class FullRanking:
    """All items compete that the user has not had before."""

    name = "full"

    def scores(self, catalogue: Catalogue, context: Context, start: int) -> Iterator[Tensor]:
        """The scores [B, W] of B users, those of the questions from row `start` on, as they are, a block of items at a time."""
        return score_blocks(catalogue, context)


class SampledNegatives:
    """The right items of a user compete with items drawn for that user, once for all models: without replacement, none of them right, none
    of them had before.

    Args:
        questions: all users.
        count: items to draw for each user; fewer where there are not so many.
        seed: of the draws.
        popularity: int [I] how often training has each item, and items are drawn in proportion to it; None draws uniformly.
    """

    def __init__(self, questions: Questions, count: int, seed: int, popularity: IntArray | None = None) -> None:
        self.name = "uniform" if popularity is None else "popularity"
        self.truth = questions.in_catalogue
        generator = numpy_generator(seed, "sampled negatives")
        log_weight = _log(np.ones(questions.n_items) if popularity is None else popularity).astype(np.float32)
        blocks = [np.empty((0, count), dtype=np.int32)]
        for start in range(0, len(questions), BLOCK):
            asked = questions[start : start + BLOCK]
            # The items whose exponential clocks of rate w_i ring first are a draw in proportion to w_i without replacement.
            clocks = generator.standard_exponential((len(asked), questions.n_items), dtype=np.float32)
            right = asked.in_catalogue
            clocks[np.repeat(np.arange(len(right)), right.lengths), right.values] = np.inf
            blocks.append(top_k([torch.from_numpy(log_weight - _log(clocks))], count, asked.taken))
        self.negatives = np.concatenate(blocks)
        warnings.warn(
            f"metrics are among {count} sampled negatives ({self.name}): they are biased, depend on the sample, and compare only with "
            "figures of the same protocol; protocol full ranks all items",
            BiasedProtocol,
            stacklevel=3,
        )

    def scores(self, catalogue: Catalogue, context: Context, start: int) -> Iterator[Tensor]:
        """The scores [B, I] of B users, those of the questions from row `start` on; minus infinity for items that do not compete."""
        scores = catalogue.score_all(context)
        stop = start + len(scores)
        negatives = self.negatives[start:stop]
        rows = np.nonzero(negatives >= 0)[0]
        offsets = self.truth.offsets[start : stop + 1]
        rows = np.concatenate([rows, np.repeat(np.arange(stop - start), np.diff(offsets))])
        items = np.concatenate([negatives[negatives >= 0], self.truth.values[offsets[0] : offsets[-1]]]).astype(np.int64)
        at = torch.as_tensor(rows, device=scores.device), torch.as_tensor(items, device=scores.device)
        kept = torch.full_like(scores, -torch.inf)
        kept[at] = scores[at]
        yield kept


def _log(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The natural logarithms, of 0 minus infinity."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))
