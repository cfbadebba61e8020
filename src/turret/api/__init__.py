"""What Turret does, as Python functions: the same verbs as on the command line, the same options by the same names."""

from turret.api.answering import Recommendation, recommend
from turret.api.checking import Checked, check
from turret.api.datasets import export, prepare, simulate
from turret.api.describing import FeatureReport, features
from turret.api.fitting import resume, train
from turret.api.indexing import build_index
from turret.api.predicting import Predicted, predict
from turret.api.reasons import Reason
from turret.api.run import Run, load
from turret.api.testing import compare, evaluate

__all__ = [
    "Checked",
    "FeatureReport",
    "Predicted",
    "Reason",
    "Recommendation",
    "Run",
    "build_index",
    "check",
    "compare",
    "evaluate",
    "export",
    "features",
    "load",
    "predict",
    "prepare",
    "recommend",
    "resume",
    "simulate",
    "train",
]
