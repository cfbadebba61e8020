"""Measuring runs, and comparing them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from turret.api.indexing import IndexKind, Say, index_of
from turret.api.job import EVALUATION
from turret.api.machine import settled
from turret.api.options import Section, flatten, named
from turret.api.run import Run, opened
from turret.batches.schema import schema_of
from turret.core.context import Reads
from turret.core.contracts import Catalogue, Retriever
from turret.core.errors import InputError, UnsupportedError
from turret.data.prepared import TEST, Prepared
from turret.data.simulate import ClickedOracle, Oracle, RankingOracle, note_of
from turret.evaluation import plots
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Evaluated
from turret.evaluation.evaluator import Evaluator
from turret.evaluation.next_item import sequential
from turret.evaluation.ranking import RankerEvaluator
from turret.evaluation.sessions import SessionEvaluator
from turret.evaluation.significance import Comparison
from turret.evaluation.significance import compare as compare_evaluations
from turret.models import catalogue


def evaluate(
    run: str | Path | Run, *, part: str = TEST, plot: str | Path | None = None, index: IndexKind | None = None, **options: Any
) -> Evaluated:
    """Measures a run's model again.

    Args:
        run: a run or its directory.
        part: "test" or "valid".
        plot: PNG file that gets a ranker's reliability: its predictions against the share of clicks.
        index: takes the lists from an index of the run (`turret.build_index`), which is built if need be, and reports its recall; None
            scores every item.
        options: those of evaluation, such as cutoff=(5, 20) or protocol="uniform"; the others are as they were in the run.

    Raises:
        InputError: no such run, an unknown option or a value that is refused.
        UnsupportedError: a plot of a model without probabilities, or without matplotlib; an index where none can be made, or where lists
            alone do not tell what is asked for.
    """
    run = opened(run)
    section = evaluation_section(run)
    config = section.build(named(flatten((section,)), options))
    return measure(run, part, config, None if plot is None else Path(plot), index)


def evaluation_section(run: Run) -> Section[Evaluation]:
    """The options of evaluation, by default as they were in a run."""
    return Section(EVALUATION.title, Evaluation, EVALUATION.route, run.job.evaluation)


def measure(
    run: Run, part: str, config: Evaluation, plot: Path | None = None, index: IndexKind | None = None, say: Say | None = None
) -> Evaluated:
    """What a run's model reaches on a part, its reliability drawn to `plot`, its lists taken from an index if one is named.

    Raises:
        UnsupportedError: the model cannot be measured so, or there is nothing to draw or nothing to draw with.
        InputError: a setting does not fit, or the plot cannot be written.
    """
    evaluator = evaluator_of(run.model, run.prepared, part, config)
    if plot is not None:
        if not isinstance(evaluator, RankerEvaluator):
            raise UnsupportedError(f"{run.job.model} ranks a catalogue and gives no probabilities, whose reliability is what a plot shows")
        plots.can_draw(plot)
    with settled(run.job.running):
        found = evaluator(run.model) if index is None else by_lists(evaluator)(run.model, index_of(run, index, say))
    if plot is not None:
        plots.reliability(found.reliability, plot, f"{run.job.model} on {run.prepared.name}, {part} part")
    return found


AnyEvaluator = Evaluator | SessionEvaluator | RankerEvaluator


def by_lists(evaluator: AnyEvaluator) -> Evaluator:
    """An evaluator to which recommended lists are enough.

    Raises:
        UnsupportedError: it, or what is asked of it, needs more.
    """
    if isinstance(evaluator, SessionEvaluator):
        raise UnsupportedError("along sessions the next item is compared with all others, and an index gives the best items alone")
    if isinstance(evaluator, RankerEvaluator):
        raise UnsupportedError("a ranker predicts impressions one by one: it has no vectors that an index could hold")
    evaluator.by_lists_alone()
    return evaluator


def evaluator_of(model: nn.Module, prepared: Prepared, part: str, config: Evaluation) -> AnyEvaluator:
    """What measures a model: its ranking of the whole catalogue, once a user or event by event, or its predictions for impressions.

    Raises:
        UnsupportedError: it does not read item by item, and is to be measured so.
        InputError: a setting is of another kind of model.
    """
    if config.along_sessions:
        sequential(model)
    elif not isinstance(model, (Retriever, Catalogue)):
        return RankerEvaluator(prepared, part, config, getattr(model, "reads", Reads()), getattr(model, "tasks", ()))
    if config.slices:
        raise InputError("slices are of impressions, and this model ranks a catalogue", hint="by_group reports by activity and popularity.")
    return (SessionEvaluator if config.along_sessions else Evaluator)(prepared, part, config)


def baselines(run: Run, part: str, config: Evaluation) -> dict[str, Mapping[str, float]]:
    """For a simulated dataset, what the oracle reaches on a part (or is expected to, on the whole log) and, of whole catalogues,
    popularity; nothing for real data, nor along sessions, where neither can go."""
    note = note_of(run.source)
    if note is None or config.along_sessions:
        return {}
    if note.ceiling is not None:
        return {"oracle": {str(metric): value for metric, value in note.ceiling.items()}}
    truth, prepared = note.truth(), run.prepared
    bare = config.model_copy(update={"bootstrap_samples": 0, "by_group": False, "slices": None})
    with settled(run.job.running):
        evaluator = evaluator_of(run.model, prepared, part, bare)
        if isinstance(evaluator, RankerEvaluator):
            logit = truth.click_logit if note.log == "clicks" else truth.like_logit
            names = [feature.name for feature in schema_of(prepared).categorical]
            return {"oracle": evaluator(RankingOracle(truth, prepared, names, logit)).metrics}
        oracle = ClickedOracle(truth, prepared) if note.log == "clicks" else Oracle(truth, prepared, part)
        return {"popularity": evaluator(_popularity(prepared)).metrics, "oracle": evaluator(oracle).metrics}


def compare(first: str | Path | Run, second: str | Path | Run, *, samples: int = 10_000) -> list[Comparison]:
    """Every per-user metric of the test of two runs: both means, the interval of their difference, and how likely chance alone makes it.

    Args:
        first, second: runs or their directories, on one split of one dataset.
        samples: of the randomisation test.

    Raises:
        InputError: a run has not finished, or they were tested on different data.
    """
    mine, theirs = opened(first), opened(second)
    with settled(mine.job.running):
        return compare_evaluations(mine.tested, theirs.tested, samples=samples)


def _popularity(prepared: Prepared) -> nn.Module:
    """The model of that name, fitted."""
    module = catalogue.load("popularity")
    config = module.Config()
    model: nn.Module = module.build(config, prepared)
    for _ in module.recipe(config, prepared).fit(model, 0, torch.device("cpu")):
        pass
    return model.eval()
