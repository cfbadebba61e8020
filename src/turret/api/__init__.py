"""What Turret does, as Python functions: the same verbs as on the command line, the same options by the same names."""

from turret.api.answering import Recommendation, recommend
from turret.api.datasets import prepare, simulate
from turret.api.describing import FeatureReport, features
from turret.api.fitting import resume, train
from turret.api.run import Run, load
from turret.api.testing import compare, evaluate

__all__ = [
    "FeatureReport",
    "Recommendation",
    "Run",
    "compare",
    "evaluate",
    "features",
    "load",
    "prepare",
    "recommend",
    "resume",
    "simulate",
    "train",
]
