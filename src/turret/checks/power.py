"""Power: how small a difference between two models the test part can tell from chance.

For a two-sided paired test at level alpha, the smallest true mean difference that is found with probability p among n users whose
differences have the deviation s is

    d = (z_{1 - alpha/2} + z_p) s / sqrt(n),    and to find d takes    n = ((z_{1 - alpha/2} + z_p) s / d)^2    users

(J. Cohen. "Statistical Power Analysis for the Behavioral Sciences." 2nd edition, 1988, chapter 2, in the normal approximation; the other
side of the test, where the sign would be wrong, is left out as negligible.) s is that of popularity and item neighbours, in nDCG@10. Two
models that are more alike have a smaller one.
"""

from __future__ import annotations

import math

from turret.checks.finding import Finding, absent, number
from turret.checks.subject import Subject

NAME = "power"


def check(subject: Subject) -> Finding:
    """The smallest difference that the test can find, and how many users the stated difference takes."""
    if subject.unasked:
        return absent(NAME, subject.unasked)
    config, n = subject.config, len(subject.questions)
    differences = subject.of_neighbours.per_user["ndcg@10"] - subject.of_popularity.per_user["ndcg@10"]
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    if not spread:
        return absent(NAME, "popularity and item neighbours do not differ on any test user, so there is no spread to go by")
    smallest = smallest_difference(spread, n, config.alpha, config.power)
    needed = users_needed(spread, config.difference, config.alpha, config.power)
    figures = {
        "users": n,
        "deviation": spread,
        "smallest_difference": smallest,
        "users_needed": needed,
        "ndcg@10.popularity": subject.of_popularity.metrics["ndcg@10"],
        "ndcg@10.neighbours": subject.of_neighbours.metrics["ndcg@10"],
    }
    found = (
        f"{n:,} test users. Popularity has nDCG@10 {number(figures['ndcg@10.popularity'])}, item neighbours "
        f"{number(figures['ndcg@10.neighbours'])}; their difference varies from user to user by {number(spread)} (standard deviation)."
    )
    effect = (
        f"two models that differ by less than {number(smallest)} in nDCG@10 are told apart with a probability below {config.power:g} "
        f"(paired test at level {config.alpha:g}). A difference of {config.difference:g} takes {needed:,} users."
    )
    if n >= needed:
        return Finding(NAME, "ok", found, effect, figures=figures)
    advice = "Do not read smaller differences as progress; `turret compare` tests them. A larger test part finds smaller ones."
    return Finding(NAME, "warning", found, effect, advice, figures)


def smallest_difference(spread: float, n: int, alpha: float, power: float) -> float:
    """The smallest true difference that n users find with a probability of `power`."""
    return _distance(alpha, power) * spread / math.sqrt(n)


def users_needed(spread: float, difference: float, alpha: float, power: float) -> int:
    """How many users find a true difference with a probability of `power`."""
    return max(2, math.ceil((_distance(alpha, power) * spread / difference) ** 2))


def _distance(alpha: float, power: float) -> float:
    """How many standard errors a difference must have."""
    from scipy.special import ndtri

    return max(0.0, float(ndtri(1 - alpha / 2) + ndtri(power)))
