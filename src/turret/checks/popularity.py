"""Concentration on popular items: what a list that is the same for everybody gets right."""

from __future__ import annotations

import numpy as np

from turret.checks.finding import Finding, absent, number, of, verdict
from turret.checks.subject import Subject

NAME = "popularity"


def check(subject: Subject) -> Finding:
    """The share of test rows in training's 10 most frequent items, and what popularity reaches."""
    if subject.unasked:
        return absent(NAME, subject.unasked)
    top = np.argsort(-subject.train.item_counts, kind="stable")[:10]
    inside = int(np.count_nonzero(np.isin(subject.test.item, top)))
    popular, near = subject.of_popularity, subject.of_neighbours
    low, high = subject.interval(popular.per_user["recall@10"])
    figures = {
        "test_rows_in_top_10": inside / len(subject.test),
        "recall@10": popular.metrics["recall@10"],
        "recall@10.low": low,
        "recall@10.high": high,
        "ndcg@10": popular.metrics["ndcg@10"],
        "recall@10.neighbours": near.metrics["recall@10"],
    }
    found = f"{of(inside, len(subject.test), 'test rows')} are of the {len(top)} items that are most frequent in training."
    effect = (
        f"the same list for everybody, less what each user had, reaches recall@10 {number(figures['recall@10'])} (95 % interval "
        f"{number(low)} to {number(high)}) and nDCG@10 {number(figures['ndcg@10'])}; item neighbours (ItemKNN) reach recall@10 "
        f"{number(figures['recall@10.neighbours'])}."
    )
    mark = verdict(figures["test_rows_in_top_10"], note=0.1, warning=0.5)
    advice = (
        ""
        if mark == "ok"
        else "Put popularity beside every model, and read metrics by item popularity (`--mode detail`), not the mean alone."
    )
    return Finding(NAME, mark, found, effect, advice, figures)
