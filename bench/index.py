"""Approximate search beside exact search: recall, queries a second, time to build, bytes kept.

    python bench/index.py [--items 1000000] [--width 64] [--threads 2] [--only trained] [--metric inner_product]

Two kinds of vectors. Clustered: normal around 1,000 centres, queries too. Trained: BPR on a simulated log of ten choices an item, whose
users choose from four of 2,000 topics and sometimes at random; the queries are users, whom the index was not tuned by. Exact search is
`turret.index.Exact` (blocks of products that are ranked in the cache), and FAISS's own flat index for reference; all in one run with the
same threads, the best of several repetitions each, in turn. `times` is the quotient of the queries a second, `processor` that of the
processor time a query, which tells the two apart on a busy machine too. Each case is a process of its own, so that its peak memory is its
own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.index.approximate import Approximate
from turret.index.recall import share
from turret.models.general import bpr

K, TUNED, ASKED = 20, 1000, 4096
METRICS = ("inner_product", "cosine", "euclidean")
SPREAD = 0.4
"""Standard deviation around a centre, whose own coordinates have 1."""


def clustered(items: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Items and queries around the same centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((1000, width), dtype=np.float32)

    def around(count: int) -> np.ndarray:
        return centres[rng.integers(0, 1000, count)] + SPREAD * rng.standard_normal((count, width), dtype=np.float32)

    return around(items), around(TUNED + ASKED)


def trained(items: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The item side and the users of BPR after eight passes over a simulated log."""
    prepared = simulated(users=items // 5, items=items, rows=10 * items)
    training = bpr.Config().training.model_copy(update={"epochs": 8, "batch_size": 8192, "learning_rate": 0.005})
    config = bpr.Config(embed_dim=width, training=training)
    torch.manual_seed(0)
    model = bpr.build(config, prepared)
    for progress in bpr.recipe(config, prepared).fit(model, 0, torch.device("cpu")):
        print(f"  trained for {progress.seconds:.0f} s, loss {progress.measures['loss']:.3f}", file=sys.stderr)
    with torch.no_grad():
        encoded = model.encode()
        assert encoded.users is not None
        users, vectors = encoded.users.dense().numpy(), encoded.items.dense().numpy()
    return vectors, users[np.random.default_rng(1).permutation(len(users))[: TUNED + ASKED]]


def simulated(users: int, items: int, rows: int, topics: int = 2000) -> Prepared:
    """Users who choose from four topics each, by popularity inside a topic, and from everything now and then."""
    rng = np.random.default_rng(0)
    size = 1 / np.sqrt(np.arange(1, topics + 1))
    topic = rng.choice(topics, items, p=size / size.sum())
    popularity = 1 / (np.arange(items) + 50.0) ** 0.8
    rng.shuffle(popularity)
    by_topic = np.argsort(topic, kind="stable")
    reached = np.concatenate([[0], np.cumsum(popularity[by_topic])])
    first = reached[np.searchsorted(topic[by_topic], np.arange(topics + 1))]
    user = np.repeat(np.arange(users, dtype=np.int32), rows // users)
    liked = rng.choice(topics, (users, 4), p=size / size.sum())[user, rng.integers(0, 4, len(user))]
    at = first[liked] + rng.random(len(user)) * (first[liked + 1] - first[liked])
    anything = rng.random(len(user)) < 0.15
    at[anything] = rng.random(int(anything.sum())) * reached[-1]
    item = by_topic[np.minimum(np.searchsorted(reached, at, side="right") - 1, items - 1)].astype(np.int32)
    nobody = Entities(Vocabulary.of(["-"]))
    return Prepared("simulated", users, items, nobody, nobody, {"train": Part(Interactions(user, item, users, items))})


def best_of(works: dict[str, Callable[[], Any]], repetitions: int = 5) -> dict[str, tuple[float, float]]:
    """The least seconds of each, in turn, so that a busy moment of the machine is nobody's alone; and the least processor seconds."""
    seconds = dict.fromkeys(works, (float("inf"), float("inf")))
    for _ in range(repetitions):
        for name, work in works.items():
            start, used = time.perf_counter(), time.process_time()
            work()
            wall, processor = seconds[name]
            seconds[name] = min(wall, time.perf_counter() - start), min(processor, time.process_time() - used)
    return seconds


def measure(vectors: np.ndarray, queries: np.ndarray, metric: Any, label: str) -> None:
    """Prints a line."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    start = time.perf_counter()
    index = Approximate.tuned(vectors, metric, queries[:TUNED], K)
    built = time.perf_counter() - start
    asked = queries[TUNED:]
    flat = faiss.IndexFlat(vectors.shape[1], faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT)
    flat.add(index.exact.vectors)
    recall = share(index.search(asked, K), index.exact.search(asked, K))
    few = asked[: ASKED // 4]  # exact search needs no more to be timed: a piece of work for each of two threads
    seconds = best_of(
        {"index": lambda: index.search(asked, K), "exact": lambda: index.exact.search(few, K), "flat": lambda: flat.search(few, K)}
    )
    counts = {"index": len(asked), "exact": len(few), "flat": len(few)}
    speed = {name: counts[name] / wall for name, (wall, _) in seconds.items()}
    work = {name: processor / counts[name] for name, (_, processor) in seconds.items()}
    with tempfile.TemporaryDirectory() as folder:
        index.save(folder)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        start = time.perf_counter()
        Approximate.load(folder)
        loaded = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    speeds = f"{speed['index']:>9,.0f} {speed['exact']:>7,.0f} {speed['flat']:>7,.0f}"
    times = f"{speed['index'] / speed['exact']:>7.1f} {work['exact'] / work['index']:>9.1f}"
    costs = f"{index.probes:>4} of {index.cells.count:<5} {built:>7.1f} {size / 1e6:>6.0f} {loaded:>6.2f} {peak:>6.1f}"
    print(f"{label:<10} {metric:<14} {recall:>6.4f} {speeds} {times} {costs}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=["clustered", "trained"])
    parser.add_argument("--metric", choices=METRICS)
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.case:
        file, label, metric = options.case
        with np.load(file) as arrays:
            measure(arrays["vectors"], arrays["queries"], metric, label)
        return
    print(f"{options.items:,} x {options.width}, recall@{K}, {options.threads} threads")
    print("vectors    metric         recall   index/s exact/s  flat/s   times processor     probes  build s     MB load s   GB")
    for label, make in (("clustered", clustered), ("trained", trained)):
        if options.only not in (None, label):
            continue
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "vectors.npz"
            vectors, queries = make(options.items, options.width)
            np.savez(file, vectors=vectors, queries=queries)
            for metric in METRICS if options.metric is None else (options.metric,):
                case = ["--case", str(file), label, metric, "--threads", str(options.threads)]
                subprocess.run([sys.executable, __file__, *case], check=True)


if __name__ == "__main__":
    main()
