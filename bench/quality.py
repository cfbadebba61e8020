"""Test figures of models over several seeds: mean and standard deviation.

    python bench/quality.py ml-100k bpr ease itemknn popularity wrmf multivae lightgcn [--seeds 1 2 3 4 5] [--set learning_rate=0.01 ...]

Each seed draws its own split and its own parameters. The protocol is that of the published comparisons on MovieLens-100K: all ratings are
positives, nothing is filtered, 0.8 / 0.1 / 0.1 of each user at random, early stopping by recall@10 on the validation part, full ranking.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import turret

METRICS = ("recall@10", "precision@10", "ndcg@10", "mrr@10", "hit@10", "map@10")


def main() -> None:
    """One line a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE", dest="options")
    arguments = parser.parse_args()
    options = dict(option.split("=", 1) for option in arguments.options)
    print(f"{'':12}" + "".join(f"{name:>20}" for name in METRICS) + f"{'seconds':>9}", flush=True)
    for model in arguments.models:
        figures, seconds = [], []
        for seed in arguments.seeds:
            with tempfile.TemporaryDirectory() as folder:
                run = turret.train(
                    model,
                    arguments.dataset,
                    seed=seed,
                    split_seed=seed,
                    run_dir=Path(folder) / "run",
                    val_metrics=["recall@10"],
                    bootstrap_samples=0,
                    **options,
                )
                figures.append([run.result[f"test.{name}"] for name in METRICS])
                seconds.append(run.result["seconds.total"])
        means, spreads = np.mean(figures, axis=0), np.std(figures, axis=0, ddof=min(1, len(figures) - 1))
        cells = "".join(f"{mean:12.4f} ±{spread:.4f}" for mean, spread in zip(means, spreads, strict=True))
        print(f"{model:12}{cells}{np.mean(seconds):9.1f}", flush=True)


if __name__ == "__main__":
    main()
