"""Does a model learn from a graph what the log alone did not teach it? The demo's graphs, on logs of the demo's settings and other seeds.

    python bench/beside.py bpr socialmf cke,knowledge_weight=0 cke [--logs 1 2 3 4 5] [--set eval_every=4 ...]

Each log is simulated anew (`turret.simulate`, seeds from 1 on; the demo is seed 0), and each model trained on it with the same seed. Every
model is compared with the first: on each log by a paired t-test over its users, and over all logs by one of the logs' differences.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import ttest_rel

import turret

METRIC = "ndcg@10"


def main() -> None:
    """One line a model and log, then one a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--logs", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="their seeds")
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE", dest="options")
    arguments = parser.parse_args()
    options = given(arguments.options)
    figures = np.array([on_log(seed, arguments.models, options) for seed in arguments.logs])
    for model, of_model in zip(arguments.models, figures.T, strict=True):
        compared = ""
        if model != arguments.models[0] and len(figures) > 1:
            difference = of_model - figures[:, 0]
            compared = f"  {difference.mean():+.4f} ± {difference.std(ddof=1):.4f}  p = {ttest_rel(of_model, figures[:, 0]).pvalue:.2g}"
        print(f"all logs  {model:24} {METRIC} {of_model.mean():.4f}{compared}", flush=True)


def given(words: list[str]) -> dict[str, str]:
    """OPTION=VALUE each."""
    return dict(word.split("=", 1) for word in words)


def on_log(seed: int, models: list[str], options: dict[str, str]) -> list[float]:
    """Each model's figure on the test part of one log."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / f"log{seed}"
        turret.simulate(log, seed=seed)
        runs = []
        for number, model in enumerate(models):
            name, *own = model.split(",")
            run = turret.train(name, log, run_dir=Path(folder) / f"run{number}", bootstrap_samples=0, **options | given(own))
            line = f"log {seed}  {model:24} {METRIC} {run.result[f'test.{METRIC}']:.4f}"
            if runs:
                found = next(each for each in turret.compare(run, runs[0]) if each.metric == METRIC)
                line += f"  {found.first - found.second:+.4f}  p = {found.t_test:.2g}"
            print(line, flush=True)
            runs.append(run)
        print(f"log {seed}  {'oracle':24} {METRIC} {runs[0].result[f'oracle.{METRIC}']:.4f}", flush=True)
        return [float(run.result[f"test.{METRIC}"]) for run in runs]


if __name__ == "__main__":
    main()
