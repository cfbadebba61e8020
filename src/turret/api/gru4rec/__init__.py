"""GRU4Rec with the options of its authors' command lines, as Python functions.

`run` trains or loads a model, saves it and measures it on test sessions; `paropt` looks for the best parameters.
"""

from turret.api.gru4rec.fitted import Fitted
from turret.api.gru4rec.paropt import Found, paropt
from turret.api.gru4rec.run import Outcome, run

__all__ = ["Fitted", "Found", "Outcome", "paropt", "run"]
