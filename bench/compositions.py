"""Quality over training time of one model put together in several ways, on real data: a table, and the figure of docs/composition.md.

    python bench/compositions.py [--dataset gowalla] [--seconds 180] [--figure docs/compositions.svg] [NAME ...]

All are matrix factorisation of 64 numbers, trained by row-wise Adam in batches of 2,048 from the same seed, for the same seconds of
training (measuring is not counted). The test part is measured now and then, by full ranking; nothing is chosen by it. Compositions take
turns, so that what else the machine does falls on all of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import turret
from turret.api.run import blank
from turret.core.contracts import Progress
from turret.data.prepared import TEST, Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator
from turret.models.general import bpr
from turret.training.composition import Composition

SEED = 1
COMPOSITIONS: dict[str, dict[str, Any]] = {
    "bpr, uniform": {},
    "bpr, popularity": {"sampler": "popularity"},
    "bpr, dns 8": {"sampler": "dns", "pool": 8},
    "warp, uniform 8": {"loss": "warp", "negative_count": 8},
    "sampled softmax, uniform 16": {"loss": "sampled_softmax", "negative_count": 16},
    "sampled softmax, midx 16": {"loss": "sampled_softmax", "sampler": "midx_uni", "negative_count": 16},
    "sampled softmax, in batch, cosine": {"loss": "sampled_softmax", "sampler": "in_batch", "scorer": "cosine", "temperature": 0.15},
    "cosine contrastive, uniform 16": {
        "loss": "cosine_contrastive",
        "scorer": "cosine",
        "negative_count": 16,
        "margin": 0.4,
        "negative_weight": 16.0,
    },
}


@dataclass
class Line:
    """One composition as it trains.

    Attributes:
        name: of it.
        rounds: trains an epoch at a time.
        model: what is trained.
        seconds: of training so far.
        points: seconds and recall@20.
    """

    name: str
    rounds: Iterator[Progress]
    model: Any
    seconds: float = 0.0
    measured: float = 0.0
    points: list[tuple[float, float]] = field(default_factory=list)


def begun(name: str, prepared: Prepared) -> Line:
    """A composition before its first round."""
    said = COMPOSITIONS[name]
    training = bpr.Config().training.model_copy(update={"epochs": 100_000})
    config = bpr.Config(composition=Composition(**said), training=training)
    model = blank("bpr", config, prepared, SEED)
    return Line(name, iter(bpr.recipe(config, prepared).fit(model, SEED, torch.device("cpu"))), model)


def main() -> None:
    """Trains all in turns, and tells what each reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(COMPOSITIONS), metavar="NAME")
    parser.add_argument("--dataset", default="gowalla")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    prepared = turret.prepare(arguments.dataset)
    evaluator = Evaluator(prepared, TEST, Evaluation(cutoff=(20,), test_metrics=("recall", "ndcg"), bootstrap_samples=0, by_group=False))
    lines = [begun(name, prepared) for name in arguments.names]
    while (line := min(lines, key=lambda line: line.seconds)).seconds < arguments.seconds:
        line.seconds += next(line.rounds).seconds
        if line.seconds - line.measured >= arguments.seconds / arguments.points or line.seconds >= arguments.seconds:
            line.measured = line.seconds
            line.points.append((line.seconds, evaluator.measures(line.model)["recall@20"]))
            print(f"{line.name:40} {line.seconds:8.1f} s  recall@20 {line.points[-1][1]:.4f}", flush=True)
    print()
    base = lines[0].points[-1][1]
    for line in lines:
        best = max(value for _, value in line.points)
        last = line.points[-1][1]
        print(f"{line.name:40} recall@20 after {line.seconds:6.1f} s: {last:.4f} ({last / base - 1:+.1%}), best {best:.4f}", flush=True)
    if arguments.figure is not None:
        draw(lines, arguments.figure, prepared.name)


def draw(lines: list[Line], path: Path, dataset: str) -> None:
    """Recall over seconds of training, a curve each."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.6), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    colours = ("#333333", "#8c8c8c", "#1f5fa8", "#7fb2e5", "#b8860b", "#c1440e", "#2e8b57", "#7b4ea3")
    for line, colour in zip(lines, colours, strict=False):
        seconds, values = zip(*line.points, strict=True)
        axes.plot(seconds, values, color=colour, linewidth=1.6, marker="o", markersize=2.5, label=line.name)
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("recall@20, test part")
    axes.set_title(f"{dataset}: matrix factorisation, put together in {len(lines)} ways", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    FigureCanvasSVG(figure).print_svg(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
