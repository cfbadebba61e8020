"""Which models there are, each known by where its file is, so that naming one imports no other."""

from __future__ import annotations

import difflib
import importlib
from types import ModuleType

from turret.core.errors import InputError

MODELS: dict[str, str] = {
    "popularity": "turret.models.general.popularity",
    "itemknn": "turret.models.general.itemknn",
    "ease": "turret.models.general.ease",
    "wrmf": "turret.models.general.wrmf",
    "bpr": "turret.models.general.bpr",
    "multivae": "turret.models.general.multivae",
    "lightgcn": "turret.models.graph.lightgcn",
    "sasrec": "turret.models.sequential.sasrec",
    "gru4rec": "turret.models.session.gru4rec",
    "deepfm": "turret.models.ranking.deepfm",
}


def load(name: str) -> ModuleType:
    """The file of the model `name`: a module with `Config`, the model's class, `build` and `recipe`.

    Raises:
        InputError: no model has that name; says which comes nearest.
    """
    key = name.lower().replace("-", "").replace("_", "")
    if key not in MODELS:
        near = difflib.get_close_matches(key, MODELS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"there is no model named {name!r}", hint=f"{hint}The models are: {', '.join(MODELS)}.")
    return importlib.import_module(MODELS[key])
