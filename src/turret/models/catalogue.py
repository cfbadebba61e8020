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
    "slim": "turret.models.general.slim",
    "wrmf": "turret.models.general.wrmf",
    "bpr": "turret.models.general.bpr",
    "cml": "turret.models.general.cml",
    "logisticmf": "turret.models.general.logisticmf",
    "pmf": "turret.models.general.pmf",
    "gmf": "turret.models.general.gmf",
    "mlp": "turret.models.general.mlp",
    "neumf": "turret.models.general.neumf",
    "simplex": "turret.models.general.simplex",
    "directau": "turret.models.general.directau",
    "irgan": "turret.models.general.irgan",
    "dssm": "turret.models.general.dssm",
    "multivae": "turret.models.general.multivae",
    "multidae": "turret.models.general.multidae",
    "recvae": "turret.models.general.recvae",
    "enmf": "turret.models.general.enmf",
    "lightgcn": "turret.models.graph.lightgcn",
    "ngcf": "turret.models.graph.ngcf",
    "sgl": "turret.models.graph.sgl",
    "simgcl": "turret.models.graph.simgcl",
    "xsimgcl": "turret.models.graph.xsimgcl",
    "ncl": "turret.models.graph.ncl",
    "ultragcn": "turret.models.graph.ultragcn",
    "cke": "turret.models.knowledge.cke",
    "cfkg": "turret.models.knowledge.cfkg",
    "ktup": "turret.models.knowledge.ktup",
    "mkr": "turret.models.knowledge.mkr",
    "kgat": "turret.models.knowledge.kgat",
    "kgin": "turret.models.knowledge.kgin",
    "ripplenet": "turret.models.knowledge.ripplenet",
    "kgcn": "turret.models.knowledge.kgcn",
    "kgnnls": "turret.models.knowledge.kgnnls",
    "socialmf": "turret.models.social.socialmf",
    "diffnet": "turret.models.social.diffnet",
    "mhcn": "turret.models.social.mhcn",
    "sept": "turret.models.social.sept",
    "diffnetpp": "turret.models.social.diffnetpp",
    "trustsvd": "turret.models.social.trustsvd",
    "sasrec": "turret.models.sequential.sasrec",
    "youtubednn": "turret.models.sequential.youtubednn",
    "gru4rec": "turret.models.session.gru4rec",
    "lr": "turret.models.ranking.lr",
    "fm": "turret.models.ranking.fm",
    "ffm": "turret.models.ranking.ffm",
    "fwfm": "turret.models.ranking.fwfm",
    "fmfm": "turret.models.ranking.fmfm",
    "afm": "turret.models.ranking.afm",
    "nfm": "turret.models.ranking.nfm",
    "pnn": "turret.models.ranking.pnn",
    "widedeep": "turret.models.ranking.widedeep",
    "deepfm": "turret.models.ranking.deepfm",
    "dcn": "turret.models.ranking.dcn",
    "dcnv2": "turret.models.ranking.dcnv2",
    "xdeepfm": "turret.models.ranking.xdeepfm",
    "autoint": "turret.models.ranking.autoint",
    "fibinet": "turret.models.ranking.fibinet",
    "onn": "turret.models.ranking.onn",
    "afn": "turret.models.ranking.afn",
    "dlrm": "turret.models.ranking.dlrm",
    "deepcrossing": "turret.models.ranking.deepcrossing",
    "ccpm": "turret.models.ranking.ccpm",
    "fgcnn": "turret.models.ranking.fgcnn",
    "fignn": "turret.models.ranking.fignn",
    "interhat": "turret.models.ranking.interhat",
    "masknet": "turret.models.ranking.masknet",
    "edcn": "turret.models.ranking.edcn",
    "finalmlp": "turret.models.ranking.finalmlp",
    "gdcn": "turret.models.ranking.gdcn",
    "din": "turret.models.ranking.din",
    "dien": "turret.models.ranking.dien",
    "bst": "turret.models.ranking.bst",
    "dmin": "turret.models.ranking.dmin",
    "sim": "turret.models.ranking.sim",
    "sharedbottom": "turret.models.multitask.sharedbottom",
    "esmm": "turret.models.multitask.esmm",
    "mmoe": "turret.models.multitask.mmoe",
    "ple": "turret.models.multitask.ple",
    "aitm": "turret.models.multitask.aitm",
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
