"""Measures models on one part of a split: every user's right items against the whole catalogue, a block of users at a time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from turret.batches.history import Histories
from turret.core.context import Reads
from turret.core.contracts import Catalogue
from turret.core.errors import UnsupportedError
from turret.core.interactions import FloatArray, IntArray
from turret.data.prepared import VALID, Prepared
from turret.evaluation import groups, intervals
from turret.evaluation.asked import ask as ask_metrics
from turret.evaluation.catalogue import RetrieverCatalogue, as_catalogue, at_rest, device_of
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Audience, Evaluated
from turret.evaluation.lists import ListMetrics
from turret.evaluation.metrics import CATALOGUE, LISTED, Metric
from turret.evaluation.places import Places, by_comparison, in_lists
from turret.evaluation.protocols import FullRanking, SampledNegatives
from turret.evaluation.questions import Questions, ask
from turret.evaluation.ranked import RANKED, auc
from turret.evaluation.sides import Sides
from turret.evaluation.topk import compare, top_k
from turret.index.contract import Index
from turret.index.recall import Recall, recall
from turret.kernels.parallel import each_alone

VAL_METRICS = ("recall", "ndcg")
TEST_METRICS = ("recall", "precision", "ndcg", "mrr", "hit", "map")
USERS = 512
"""Users scored at a time unless `eval_batch_size` says otherwise; fewer where all their scores are needed at once, ..."""
CELLS = 1 << 22
"""... so that these are no more than 16 MiB."""
JUDGED = 2048
"""The first so many users' lists from an index are compared with exact ones."""


class Unscored(UserWarning):
    """A model gave items no score that it should have scored."""


Compared = tuple[IntArray, IntArray, IntArray]
NOTHING: Compared = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass(frozen=True)
class Ranking:
    """What a model made of the questions.

    Attributes:
        questions: of the users it could answer.
        lists: int32 [U, K] its recommendations, -1 where a list is shorter.
        places: of the right items.
        shares: float64 [U] the AUC of each user, or None where nobody asked for it.
    """

    questions: Questions
    lists: IntArray
    places: Places
    shares: FloatArray | None


class Evaluator:
    """Measures retrievers and catalogues. Made once for a part, used on any number of models.

    Args:
        prepared: the dataset.
        part: "valid" or "test".
        config: metrics, ties, protocol.

    Raises:
        InputError: the part cannot be evaluated, or a metric is unknown or meant for rankers.
    """

    def __init__(self, prepared: Prepared, part: str, config: Evaluation) -> None:
        self.prepared, self.part, self.config = prepared, part, config
        names = (config.val_metrics or VAL_METRICS) if part == VALID else (config.test_metrics or TEST_METRICS)
        self.asked = ask_metrics(config, part, names, CATALOGUE)
        self.metrics = self.asked.metrics
        self.questions = ask(prepared, part, config.repeat_consumption)
        self.length = config.topk or max([*config.cutoff, *(metric.cutoff or 0 for metric in self.metrics)])
        self.protocol = self._protocol()
        self._histories: dict[tuple[Reads, torch.device], Histories] = {}

    @property
    def decides(self) -> Metric:
        """The metric that early stopping goes by."""
        return self.asked.decides

    def measures(self, model: Any) -> dict[str, float]:
        """The metrics alone, for validation: nothing is computed that is not asked for.

        Raises:
            UnsupportedError: the model does not score a whole catalogue.
        """
        return self.asked.completed(self._metrics(self._rank(model))[0])

    def __call__(self, model: Any, index: Index | None = None) -> Evaluated:
        """Metrics with what stands behind them: values per user, intervals, groups, lists.

        Args:
            model: to be measured.
            index: of the model's item vectors, which the lists then come from; None computes all scores.

        Raises:
            UnsupportedError: the model does not score a whole catalogue, or lists alone do not tell what is asked for.
        """
        start = time.perf_counter()
        if index is not None:
            self.by_lists_alone()
        ranking = self._rank(model, index)
        self._note_unscored(ranking)
        metrics, per_user = self._metrics(ranking)
        return Evaluated(
            dataset=self.prepared.hash,
            part=self.part,
            protocol=self.protocol.name,
            metrics=metrics,
            users=ranking.questions.users,
            per_user=per_user,
            audience=self._audience(ranking.questions),
            intervals=intervals.of_means(per_user, self.config.bootstrap_samples, self.config.eval_seed),
            groups=self._groups(ranking, per_user) if self.config.by_group else {},
            lists=ranking.lists,
            index=None if index is None else self._judged(model, index, ranking.questions),
            seconds=time.perf_counter() - start,
        )

    def by_lists_alone(self) -> None:
        """Makes sure that recommended lists tell all that is asked for, since an index gives no more.

        Raises:
            UnsupportedError: a setting needs the scores of all items.
        """
        instead = "an index gives the best items and not the scores of all\n  Evaluate without --index."
        if self.config.protocol != "full":
            raise UnsupportedError(f"the protocol {self.protocol.name} ranks items that were drawn; {instead}")
        if self.config.ties != "listed":
            raise UnsupportedError(f"ties {self.config.ties} compares every right item with all others; {instead}")
        if self._comparing:
            raise UnsupportedError(f"auc compares every right item with all others; {instead}")

    def _protocol(self) -> FullRanking | SampledNegatives:
        if self.config.protocol == "full":
            return FullRanking()
        popularity = self.prepared.train.item_counts if self.config.protocol == "popularity" else None
        return SampledNegatives(self.questions, self.config.eval_negative_count, self.config.eval_seed, popularity)

    def _rank(self, model: Any, index: Index | None = None) -> Ranking:
        with at_rest(model):
            catalogue, device = as_catalogue(model), device_of(model)
            sides = None if index is None else Sides(model)
            # Users whom training never saw have the highest ids, so the others come first.
            seen = int(np.searchsorted(self.questions.users, self.prepared.n_users))
            questions = self.questions[: seen if catalogue.reads.user else len(self.questions)]
            histories, rows = self._history(catalogue.reads, device), self._rows(catalogue)

            @torch.no_grad()  # which holds for one thread alone
            def rank(start: int) -> tuple[IntArray, Compared]:
                asked = questions[start : start + rows]
                context = histories.context(torch.from_numpy(asked.users))
                if index is not None and sides is not None:
                    return index.search(sides.queries(context), self.length, asked.taken).items, NOTHING
                blocks: Iterable[Tensor] = self._checked(self.protocol.scores(catalogue, context, start), len(asked))
                compared = NOTHING
                if self._comparing:
                    scores = torch.cat(list(blocks), dim=1)
                    blocks = [scores]
                    compared = compare(scores, asked.in_catalogue, asked.taken)
                return top_k(blocks, self.length, asked.taken), compared

            starts = range(0, len(questions), rows)
            ranked = each_alone(rank, starts) if device.type == "cpu" else [rank(start) for start in starts]
        lists, compared = zip((np.empty((0, self.length), dtype=np.int32), NOTHING), *ranked, strict=True)
        return self._placed(questions, np.concatenate(lists), *(np.concatenate(column) for column in zip(*compared, strict=True)))

    def _note_unscored(self, ranking: Ranking) -> None:
        """Warns where lists are shorter than there are items to name, which is so where scores are no numbers."""
        free = ranking.questions.n_items - ranking.questions.taken.lengths
        short = int(((ranking.lists >= 0).sum(axis=1) < np.minimum(free, self.length)).sum())
        if short and isinstance(self.protocol, FullRanking):
            told = f"the lists of {short:,} of {len(ranking.questions):,} users are shorter than the items that could be named"
            why = "the model gave the others no score, but NaN or minus infinity; unless it means to, training has diverged"
            warnings.warn(f"{told}: {why}", Unscored, stacklevel=3)

    def _judged(self, model: Any, index: Index, questions: Questions) -> Recall:
        """The index beside exact search, on what some of the users ask."""
        with at_rest(model):
            asked, sides = questions[:JUDGED], Sides(model)
            context = self._history(sides.reads, sides.device).context(torch.from_numpy(asked.users))
            return recall(index, index.exact, sides.queries(context), self.length, asked.taken)

    def _placed(self, questions: Questions, lists: IntArray, above: IntArray, level: IntArray, candidates: IntArray) -> Ranking:
        """Lists and comparisons, read as places."""
        listed, shares = self.config.ties == "listed", None
        if self._comparing:
            counted = by_comparison(questions.truth, questions.in_catalogue, above, level, "median" if listed else self.config.ties)
            shares = auc(counted, candidates)
        places = in_lists(lists, questions.truth) if listed else counted
        return Ranking(questions, lists, places, shares)

    @property
    def _comparing(self) -> bool:
        """Whether right items must be compared with all others, rather than found in the lists."""
        return self.config.ties != "listed" or Metric("auc") in self.metrics

    def _rows(self, catalogue: Catalogue) -> int:
        """Users to score at a time."""
        if self.config.eval_batch_size is not None:
            return self.config.eval_batch_size
        in_blocks = isinstance(catalogue, RetrieverCatalogue) and isinstance(self.protocol, FullRanking) and not self._comparing
        return USERS if in_blocks else min(USERS, max(16, CELLS // max(1, self.prepared.n_items)))

    def _checked(self, blocks: Iterable[Tensor], rows: int) -> Iterator[Tensor]:
        """The blocks, once it is certain that they are of these users and, at the end, of all items."""
        width = 0
        for scores in blocks:
            width += scores.shape[1]
            if len(scores) != rows or width > self.prepared.n_items:
                raise ValueError(f"scores {tuple(scores.shape)} do not fit {rows} users and {self.prepared.n_items} items")
            yield scores
            del scores  # which is the asker's alone, and its place soon the next one's
        if width != self.prepared.n_items:
            raise ValueError(f"{width} scores a user do not fit {self.prepared.n_items} items")

    def _history(self, reads: Reads, device: torch.device) -> Histories:
        if (reads, device) not in self._histories:
            known = self.prepared.before(self.part, validation=self._validation_known)
            self._histories[reads, device] = Histories(known, reads, self.prepared.n_users, self.prepared.n_items, device)
        return self._histories[reads, device]

    @property
    def _validation_known(self) -> bool:
        return self.config.knows_validation(self.prepared.time_ordered)

    def _metrics(self, ranking: Ranking) -> tuple[dict[str, float], dict[str, FloatArray]]:
        """Values over all users, and those of each user where a metric has them."""
        metrics: dict[str, float] = {}
        per_user: dict[str, FloatArray] = {}
        for metric in self.metrics:
            value = self._value(metric, ranking)
            if isinstance(value, np.ndarray):
                per_user[str(metric)] = value
                value = float(value[np.isfinite(value)].mean()) if np.isfinite(value).any() else float("nan")
            if len(ranking.questions) and not np.isnan(value):
                metrics[str(metric)] = value
        return metrics, per_user

    def _value(self, metric: Metric, ranking: Ranking) -> float | FloatArray:
        if metric.name in RANKED:
            assert metric.cutoff is not None
            return RANKED[metric.name](ranking.places, metric.cutoff)
        if metric.name in LISTED:
            return self._list_metrics.value(metric.name, ranking.lists[:, : metric.cutoff])
        assert ranking.shares is not None
        return ranking.shares

    @cached_property
    def _list_metrics(self) -> ListMetrics:
        return ListMetrics(self.prepared.train)

    def _audience(self, answered: Questions) -> Audience:
        known = self.prepared.before(self.part, validation=self._validation_known)
        counts = np.bincount(known.user, minlength=len(self.prepared.users.vocabulary))
        return Audience(
            users=len(answered),
            unserved=len(self.questions) - len(answered),
            without_history=int((counts[answered.users] == 0).sum()),
            truths=len(answered.truth.values),
            truths_unseen=int((answered.truth.values >= answered.n_items).sum()),
            truths_known=answered.known,
        )

    def _groups(self, ranking: Ranking, per_user: dict[str, FloatArray]) -> dict[str, dict[str, dict[str, float]]]:
        activity = groups.by_activity(self.prepared.train, len(self.prepared.users.vocabulary))
        popularity = groups.by_popularity(self.prepared.train, len(self.prepared.items.vocabulary))
        cutoffs = {str(metric): (metric.name, metric.cutoff) for metric in self.metrics if metric.name in RANKED and metric.cutoff}
        return {
            groups.USER_ACTIVITY: groups.of_users(activity, ranking.questions.users, per_user),
            groups.ITEM_POPULARITY: groups.of_items(popularity, ranking.places, ranking.questions.truth, cutoffs),
        }
