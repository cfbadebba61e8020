"""Measuring runs, and comparing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from turret.api.job import EVALUATION
from turret.api.options import Section, flatten, named
from turret.api.run import Run, opened
from turret.batches.impressions import ImpressionBuilder
from turret.core.contracts import Catalogue, Retriever
from turret.data.prepared import TEST, Prepared
from turret.data.simulate import ClickedOracle, Oracle, RankingOracle, note_of
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Evaluated
from turret.evaluation.evaluator import Evaluator
from turret.evaluation.next_item import sequential
from turret.evaluation.ranking import RankerEvaluator
from turret.evaluation.sessions import SessionEvaluator
from turret.evaluation.significance import Comparison
from turret.evaluation.significance import compare as compare_evaluations
from turret.models import catalogue


def evaluate(run: str | Path | Run, *, part: str = TEST, **options: Any) -> Evaluated:
    """Measures a run's model again.

    Args:
        run: a run or its directory.
        part: "test" or "valid".
        options: those of evaluation, such as cutoff=(5, 20) or protocol="uniform"; the others are as they were in the run.

    Raises:
        InputError: no such run, an unknown option or a value that is refused.
    """
    run = opened(run)
    section = evaluation_section(run)
    return measure(run, part, section.build(named(flatten((section,)), options)))


def evaluation_section(run: Run) -> Section[Evaluation]:
    """The options of evaluation, by default as they were in a run."""
    return Section(EVALUATION.title, Evaluation, EVALUATION.route, run.job.evaluation)


def measure(run: Run, part: str, config: Evaluation) -> Evaluated:
    """What a run's model reaches on a part."""
    return evaluator_of(run.model, run.prepared, part, config)(run.model)


AnyEvaluator = Evaluator | SessionEvaluator | RankerEvaluator


def evaluator_of(model: nn.Module, prepared: Prepared, part: str, config: Evaluation) -> AnyEvaluator:
    """What measures a model: its ranking of the whole catalogue, once a user or event by event, or its predictions for impressions.

    Raises:
        UnsupportedError: it does not read item by item, and is to be measured so.
    """
    if config.along_sessions:
        sequential(model)
        return SessionEvaluator(prepared, part, config)
    return (Evaluator if isinstance(model, (Retriever, Catalogue)) else RankerEvaluator)(prepared, part, config)


def baselines(run: Run, part: str, config: Evaluation) -> dict[str, Evaluated]:
    """For a simulated dataset, what the oracle reaches on a part and, of whole catalogues, popularity; nothing for real data, nor along
    sessions, where neither can go."""
    note = note_of(run.source)
    if note is None or config.along_sessions:
        return {}
    truth, prepared = note.truth(), run.prepared
    evaluator = evaluator_of(run.model, prepared, part, config.model_copy(update={"bootstrap_samples": 0, "by_group": False}))
    if isinstance(evaluator, RankerEvaluator):
        logit = truth.click_logit if note.log == "clicks" else truth.like_logit
        return {"oracle": evaluator(RankingOracle(truth, prepared, list(ImpressionBuilder(prepared).fields.tokens), logit))}
    oracle = ClickedOracle(truth, prepared) if note.log == "clicks" else Oracle(truth, prepared, part)
    return {"popularity": evaluator(_popularity(prepared)), "oracle": evaluator(oracle)}


def compare(first: str | Path | Run, second: str | Path | Run, *, samples: int = 10_000) -> list[Comparison]:
    """Every per-user metric of the test of two runs: both means, the interval of their difference, and how likely chance alone makes it.

    Args:
        first, second: runs or their directories, on one split of one dataset.
        samples: of the randomisation test.

    Raises:
        InputError: a run has not finished, or they were tested on different data.
    """
    return compare_evaluations(opened(first).tested, opened(second).tested, samples=samples)


def _popularity(prepared: Prepared) -> nn.Module:
    """The model of that name, fitted."""
    module = catalogue.load("popularity")
    config = module.Config()
    model: nn.Module = module.build(config, prepared)
    for _ in module.recipe(config, prepared).fit(model, 0, torch.device("cpu")):
        pass
    return model.eval()
