"""What goes with what, and why the rest does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from turret.training.composition.losses import FULL, LOSSES, SAMPLED, VECTORS, Over, Undrawn
from turret.training.composition.samplers import SAMPLERS, Drawing
from turret.training.composition.scorers import SCORERS, Scoring

if TYPE_CHECKING:
    from turret.training.composition.config import Composition


def reason_against(said: Composition) -> str | None:
    """Why these bricks do not go together; None where they do."""
    return _loss_and_scorer(said) or (_loss_and_sampler(said) if said.loss in SAMPLED else _nothing_drawn(said)) or _sampler(said)


def _loss_and_scorer(said: Composition) -> str | None:
    scorer = SCORERS[said.scorer]
    if said.loss in SAMPLED and SAMPLED[said.loss].bounded and said.scorer != "cosine":
        return f"the margin of {said.loss} is on a cosine, and {said.scorer} has no bounds: the scorer must be cosine"
    if said.loss == "weighted_square" and not scorer.exactly:
        able = _names(name for name, each in SCORERS.items() if each.exactly)
        return f"weighted_square sums over all pairs by an inner product, which {said.scorer} is not; scorers that are: {able}"
    if said.loss in VECTORS and said.scorer not in ("dot", "cosine"):
        return f"{said.loss} compares the directions of vectors, which the scorer {said.scorer} does not look at: dot and cosine do"
    return None


def _nothing_drawn(said: Composition) -> str | None:
    if said.sampler is not None:
        where = "is over all items" if said.loss in FULL else "compares the batch with itself"
        return f"the loss {said.loss} {where} and draws none: the sampler {said.sampler} has nothing to do (--sampler none)"
    return None


def _loss_and_sampler(said: Composition) -> str | None:
    loss, name = SAMPLED[said.loss], said.sampler or "uniform"
    sampler = SAMPLERS[name]
    if loss.uniform and not sampler.uniform:
        return f"{said.loss} reckons with a uniform sample, which {name} does not draw: the sampler must be uniform"
    if loss.positives and not sampler.positives:
        return f"{said.loss} asks how likely right items are as noise, which {name} cannot tell"
    if loss.positives and said.exclude_seen and name not in ("in_batch", "mixed"):
        return f"{said.loss} asks how likely right items are as noise, and exclude_seen makes that 0 (--no-exclude_seen)"
    return None


def _sampler(said: Composition) -> str | None:
    if said.sampler is None:
        return None
    sampler = SAMPLERS[said.sampler]
    if sampler.factored and not SCORERS[said.scorer].factored:
        able = _names(name for name, each in SCORERS.items() if each.factored)
        return f"{said.sampler} quantises vectors whose inner product is the score, and {said.scorer} is none; scorers that are: {able}"
    if said.sample_ahead and not sampler.fixed:
        able = _names(name for name, each in SAMPLERS.items() if each.fixed)
        return f"{said.sampler} draws by what a step knows, so nothing can be drawn ahead; samplers that can: {able}"
    return None


def idle(said: Composition) -> dict[str, str]:
    """The fields that do nothing in a composition, each with the reason."""
    chosen: dict[str, str] = {"loss": said.loss, "sampler": said.sampler or "uniform", "scorer": said.scorer}
    found = {
        field: f"it is of {_names(bricks)}, and the {kind} is {chosen[kind]}"
        for field, (kind, bricks) in OF.items()
        if chosen[kind] not in bricks
    }
    if said.loss not in SAMPLED:
        drawing = ("negative_count", "exclude_seen", "sample_ahead", *(field for field, (kind, _) in OF.items() if kind == "sampler"))
        return found | dict.fromkeys(drawing, f"the loss {said.loss} draws nothing")
    if said.sampler == "in_batch":
        found["negative_count"] = "in_batch takes the right items of the batch, however many there are"
    for field, mass in (("popularity_alpha", "power"), ("popularity_smoothing", "smoothed")):
        if said.popularity_mass != mass:
            found.setdefault(field, f"popularity_mass is {said.popularity_mass}, not {mass}")
    if said.in_batch_frequency == "exact":
        found.setdefault("frequency_rate", "in_batch_frequency is exact")
    return found


def _parameters() -> dict[str, tuple[str, list[str]]]:
    """Of each parameter of bricks their kind and names."""
    bricks: dict[str, Mapping[Any, Over | Undrawn | Drawing | Scoring]] = {"loss": LOSSES, "sampler": SAMPLERS, "scorer": SCORERS}
    found: dict[str, tuple[str, list[str]]] = {}
    for kind, every in bricks.items():
        for name, brick in every.items():
            for field in brick.reads:
                found.setdefault(field, (kind, []))[1].append(name)
    return found


OF = _parameters()
"""The kind and the names of the bricks that each parameter belongs to."""


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)
