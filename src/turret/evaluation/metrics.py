"""The metrics by name: which there are, what each is a function of, and in which direction it is better.

Definitions, and where implementations of this field disagree, are in `docs/metrics.md`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from turret.core.errors import InputError

RANKED = ("recall", "precision", "f1", "hit", "mrr", "map", "ndcg")
"""Of the places of a user's right items, at a cutoff."""
LISTED = ("coverage", "gini", "novelty", "popularity", "diversity")
"""Of the recommended lists themselves, at a cutoff."""
CATALOGUE = (*RANKED, *LISTED, "auc")
"""Of a model that ranks the whole catalogue."""
LABELLED = ("auc", "gauc", "logloss", "rmse", "mae")
"""Of a ranker: its logits against the labels of impressions."""
LOWER_IS_BETTER = frozenset({"gini", "popularity", "logloss", "rmse", "mae"})


@dataclass(frozen=True)
class Metric:
    """A metric as it is asked for.

    Attributes:
        name: `recall`.
        cutoff: 10 for `recall@10`; None for metrics that have none.
    """

    name: str
    cutoff: int | None = None

    def __str__(self) -> str:
        return self.name if self.cutoff is None else f"{self.name}@{self.cutoff}"

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller value is the better one."""
        return self.name in LOWER_IS_BETTER


def parse(names: Iterable[str], cutoffs: Sequence[int], among: Sequence[str] = (*CATALOGUE, *LABELLED)) -> list[Metric]:
    """The metrics behind `names`, each once: `ndcg@20` is one, and `ndcg` is one at each of `cutoffs`.

    Raises:
        InputError: there is no such metric among `among`, or its cutoff is no positive whole number; says which name comes nearest.
    """
    found: dict[Metric, None] = {}
    for text in names:
        name, at, cutoff = text.strip().lower().partition("@")
        if name not in among:
            known = dict.fromkeys((*CATALOGUE, *LABELLED))
            near = difflib.get_close_matches(name, among, n=1, cutoff=0.5)
            problem = f"{text!r} does not fit this kind of model" if name in known else f"there is no metric {text!r}"
            suggestion = f"did you mean {near[0]}{at}{cutoff}? " if near and name not in known else ""
            raise InputError(problem, hint=f"{suggestion}The metrics are: {', '.join(dict.fromkeys(among))}.")
        if name not in (*RANKED, *LISTED):
            if at:
                raise InputError(f"{text!r}: {name} is over the whole ranking and has no cutoff", hint=f"Write {name}.")
            found[Metric(name)] = None
        elif not at:
            found.update(dict.fromkeys(Metric(name, k) for k in cutoffs))
        elif cutoff.isdecimal() and int(cutoff) > 0:
            found[Metric(name, int(cutoff))] = None
        else:
            raise InputError(f"{text!r}: the cutoff {cutoff!r} is no positive whole number", hint=f"Write {name}@10, for example.")
    return list(found)
