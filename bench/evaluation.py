"""Full ranking against the floor: how much longer it takes than the bare products of users and items, and how much memory it needs.

    python bench/evaluation.py --users 50000 --items 50000 --width 64 --topk 20

The products are timed in the same run, in turns, in the same blocks and in blocks of whole rows. Recall and NDCG are computed a
second time by `torch.topk` on a sample of the users and must be equal.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from turret.core.context import Context, Encoded, Query, Reads
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.evaluation.catalogue import CACHE_CELLS
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import USERS, Evaluator
from turret.nn.tables import Table
from turret.scorers.dot import Dot

CHECKED = 500


class TwoTables(nn.Module):
    """Random vectors."""

    reads = Reads(user=True)
    scorer = Dot()

    def __init__(self, users: int, items: int, width: int) -> None:
        super().__init__()
        self.users, self.items = Table(users, width, std=1.0), Table(items, width, std=1.0)

    def encode(self) -> Encoded:
        return Encoded(self.items, self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        assert encoded.users is not None and context.users is not None
        return Query(encoded.users[context.users])


def prepared(users: int, items: int, seen: int, asked: int, generator: np.random.Generator) -> Prepared:
    """A dataset in which every user has `seen` items in training and `asked` other ones in the test."""
    first = generator.integers(0, items, (users, 1))
    steps = np.sort(generator.integers(1, items // (2 * (seen + asked)), (users, seen + asked)).cumsum(axis=1), axis=1)
    taken = (first + steps) % items
    split = generator.permutation(seen + asked)

    def part(columns: np.ndarray) -> Part:
        rows = np.repeat(np.arange(users, dtype=np.int32), len(columns))
        return Part(Interactions(rows, taken[:, columns].astype(np.int32).ravel(), users, items))

    nameless = [Entities(Vocabulary(np.empty(0, np.uint8), np.zeros(n + 1, np.int64))) for n in (users, items)]
    return Prepared("bench", users, items, *nameless, {"train": part(split[:seen]), "test": part(split[seen:])})


def peak() -> float:
    """The most memory that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def products(model: TwoTables, rows: int, columns: int) -> None:
    """All products of users and items, a block of `rows` users and `columns` items at a time."""
    users, items = model.users.weight.detach().split(rows), model.items.weight.detach().split(columns)
    for queries in users:
        for block in items:
            _ = queries @ block.T


def by_torch(model: TwoTables, data: Prepared, topk: int) -> dict[str, float]:
    """Recall and NDCG of the first users, the plain way."""
    recalls, ndcgs = [], []
    discount = 1 / torch.log2(torch.arange(2, topk + 2, dtype=torch.float64))
    for user in range(CHECKED):
        scores: Tensor = model.items.weight.detach() @ model.users.weight.detach()[user]
        scores[torch.from_numpy(data.train.by_user[user]).long()] = -torch.inf
        truth = torch.from_numpy(data.interactions("test").by_user[user])
        right = torch.isin(scores.topk(topk).indices, truth).double()
        recalls.append(right.sum() / len(truth))
        ndcgs.append((right @ discount) / discount[: min(len(truth), topk)].sum())
    return {f"recall@{topk}": float(torch.stack(recalls).mean()), f"ndcg@{topk}": float(torch.stack(ndcgs).mean())}


def fastest(repeats: int, *works: Callable[[], object]) -> list[tuple[float, float]]:
    """The least seconds of each, by the clock and of the processor, taken in turns so that a busy machine is busy for all."""
    taken: list[list[tuple[float, float]]] = [[] for _ in works]
    for _ in range(repeats):
        for work, seconds in zip(works, taken, strict=True):
            clock, processor = time.perf_counter(), time.process_time()
            work()
            seconds.append((time.perf_counter() - clock, time.process_time() - processor))
    return [(min(clock for clock, _ in seconds), min(processor for _, processor in seconds)) for seconds in taken]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("users", 50_000), ("items", 50_000), ("width", 64), ("topk", 20), ("seen", 50), ("asked", 5), ("repeats", 3)):
        options.add_argument(f"--{name}", type=int, default=default)
    given = options.parse_args()
    torch.manual_seed(0)
    data = prepared(given.users, given.items, given.seen, given.asked, np.random.default_rng(0))
    model = TwoTables(given.users, given.items, given.width)
    with torch.no_grad():
        for log, pull in ((data.train, 0.05), (data.interactions("test"), 0.2)):
            for column in log.item.reshape(given.users, -1).T:
                model.users.weight += pull * model.items.weight[torch.from_numpy(column).long()]
    names = (f"recall@{given.topk}", f"ndcg@{given.topk}")
    evaluator = Evaluator(data, "test", Evaluation(cutoff=given.topk, test_metrics=names))
    before = peak()
    evaluator.measures(model)
    after = peak()

    some = Evaluator(data, "test", Evaluation(cutoff=given.topk, test_metrics=names))
    some.questions = some.questions[:CHECKED]
    found, expected = some.measures(model), by_torch(model, data, given.topk)
    if any(abs(found[name] - expected[name]) > 1e-12 for name in names):
        sys.exit(f"metrics differ: {found} here, {expected} by torch.topk")

    blocks = {"in the same blocks": (USERS, CACHE_CELLS // USERS), "in blocks of whole rows": (256, given.items)}
    works = [partial(evaluator.measures, model), *(partial(products, model, *block) for block in blocks.values())]
    (clock, processor), *floors = fastest(given.repeats, *works)
    print(f"{given.users} users x {given.items} items, d {given.width}, top {given.topk}, {torch.get_num_threads()} threads")
    print(f"metrics as by torch.topk on {CHECKED} users: {found}")
    print(f"full ranking  {clock:7.2f} s by the clock, {processor:7.2f} s of the processor")
    for name, (bare_clock, bare_processor) in zip(blocks, floors, strict=True):
        ratios = f"ratios {clock / bare_clock:.2f} and {processor / bare_processor:.2f}"
        print(f"bare products {bare_clock:7.2f} s by the clock, {bare_processor:7.2f} s of the processor {name}: {ratios}")
    print(f"peak memory   {after:7.0f} MiB in all, {before:.0f} MiB of them before (libraries, vectors, log)")


if __name__ == "__main__":
    main()
