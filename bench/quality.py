"""Test figures of models over several seeds: mean and standard deviation.

    python bench/quality.py ml-100k bpr ease itemknn popularity wrmf multivae lightgcn [--seeds 1 2 3 4 5] [--set learning_rate=0.01 ...]
    python bench/quality.py lastfm-social lightgcn diffnet mhcn sept --at 20 --metrics recall ndcg --paired

Each seed draws its own split, where none is published, and its own parameters. The protocol is that of the published comparisons on
MovieLens-100K: all ratings are positives, nothing is filtered, 0.8 / 0.1 / 0.1 of each user at random, early stopping by recall on the
validation part, full ranking. With `--paired` each model is compared with the first by a t-test of the seeds' differences.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import ttest_rel

import turret


def main() -> None:
    """One line a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--at", type=int, default=10, help="places that count")
    parser.add_argument("--metrics", nargs="+", default=["recall", "precision", "ndcg", "mrr", "hit", "map"])
    parser.add_argument("--paired", action="store_true", help="compare each model with the first")
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE", dest="options")
    arguments = parser.parse_args()
    options = dict(option.split("=", 1) for option in arguments.options)
    names = [f"{metric}@{arguments.at}" for metric in arguments.metrics]
    all_figures = []
    print(f"{'':12}" + "".join(f"{name:>20}" for name in names) + f"{'seconds':>9}", flush=True)
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
                    cutoff=arguments.at,
                    val_metrics=[f"recall@{arguments.at}"],
                    bootstrap_samples=0,
                    **options,
                )
                figures.append([run.result[f"test.{name}"] for name in names])
                seconds.append(run.result["seconds.total"])
        means, spreads = np.mean(figures, axis=0), np.std(figures, axis=0, ddof=min(1, len(figures) - 1))
        cells = "".join(f"{mean:12.4f} ±{spread:.4f}" for mean, spread in zip(means, spreads, strict=True))
        print(f"{model:12}{cells}{np.mean(seconds):9.1f}", flush=True)
        all_figures.append(figures)
        if arguments.paired and len(all_figures) > 1:
            differences = np.subtract(figures, all_figures[0]).mean(axis=0)
            chances = ttest_rel(figures, all_figures[0]).pvalue
            cells = "".join(f"{each:+12.4f} p={p:.4f}" for each, p in zip(differences, chances, strict=True))
            print(f"{'  less ' + arguments.models[0]:12}{cells}", flush=True)


if __name__ == "__main__":
    main()
