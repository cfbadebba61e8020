"""A trained GRU4Rec as one safetensors file: weights, the items' tokens and, in the header, the settings. Nothing in it can run.

model.NAME      the parameters, as the model names them
items.data      uint8 [bytes] the tokens, UTF-8, end to end in the order of the item ids
items.offsets   int64 [I + 1] where each begins

header: format = turret-gru4rec-2, settings = JSON of the model's config
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from turret.api.gru4rec.fitted import Fitted
from turret.api.gru4rec.parameters import MODEL
from turret.api.run import blank
from turret.core import tensor_file
from turret.core.errors import InputError
from turret.core.interactions import Interactions
from turret.data.prepared import TRAIN, Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.models import catalogue

NAME, FORMAT = "turret-gru4rec", 2
WEIGHTS, DATA, OFFSETS = "model.", "items.data", "items.offsets"
TRAIN_AGAIN = "`turret gru4rec run -s` writes such files; a model that the authors' code pickled has to be trained again"


def save(fitted: Fitted, path: Path) -> None:
    """Writes a trained model."""
    tensors = {WEIGHTS + name: value.detach().cpu().contiguous() for name, value in fitted.model.state_dict().items()}
    tensors[DATA] = torch.from_numpy(np.array(fitted.items.data, dtype=np.uint8))
    tensors[OFFSETS] = torch.from_numpy(np.array(fitted.items.offsets, dtype=np.int64))
    tensor_file.save(path, tensors, {"format": f"{NAME}-{FORMAT}", "settings": fitted.config.model_dump_json()})


def load(path: Path, device: torch.device) -> Fitted:
    """Reads a trained model.

    Raises:
        InputError: there is no such file, it is cut off, something else, or its parts do not fit together.
    """
    header, tensors = _opened(path)
    config, items = _config(header, path), _items(tensors, path)
    nothing = np.zeros(0, dtype=np.int32)
    parts = {TRAIN: Part(Interactions(nothing, nothing, 0, len(items), time=nothing.astype(np.float64)))}
    prepared = Prepared(path.stem, 0, len(items), Entities(Vocabulary.of([])), Entities(items), parts)
    weights = {name.removeprefix(WEIGHTS): value for name, value in tensors.items() if name.startswith(WEIGHTS)}
    # Nothing is allocated before it is known that the file has as much.
    if _least(config, len(items)) > sum(value.numel() for value in weights.values()):
        raise InputError("its settings make a model that is larger than the one in it", path=path)
    model = blank(MODEL, config, prepared, seed=0)
    _fits(weights, model.state_dict(), path)
    model.load_state_dict(weights)
    return Fitted(config, model.to(device).eval(), items)


def _opened(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    tensors, header = tensor_file.load(path, TRAIN_AGAIN)
    name, _, number = header.get("format", "").rpartition("-")
    if name != NAME:
        raise InputError("this is no model of GRU4Rec", path=path, hint=TRAIN_AGAIN)
    if number != str(FORMAT):
        raise InputError(f"the model has format {number}, and format {FORMAT} is read here", path=path, hint=TRAIN_AGAIN)
    return header, tensors


def _config(header: dict[str, str], path: Path) -> Any:
    try:
        return catalogue.load(MODEL).Config.model_validate_json(header.get("settings", ""))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"its settings are none of GRU4Rec: {place}: {first['msg']}", path=path) from None


def _items(tensors: dict[str, Tensor], path: Path) -> Vocabulary:
    data, offsets = tensors.get(DATA), tensors.get(OFFSETS)
    wrong = InputError("its items cannot be read", path=path, hint=TRAIN_AGAIN)
    if (
        data is None
        or offsets is None
        or data.dtype != torch.uint8
        or offsets.dtype != torch.int64
        or data.dim() != 1
        or offsets.dim() != 1
    ):
        raise wrong
    bounds = offsets.numpy()
    if len(bounds) < 2 or bounds[0] != 0 or bounds[-1] != len(data) or np.any(np.diff(bounds) < 1):
        raise wrong
    items = Vocabulary(data.numpy(), bounds)
    try:
        distinct = len(set(items))
    except UnicodeDecodeError:
        raise wrong from None
    if distinct < len(items):
        raise wrong
    return items


def _least(config: Any, n_items: int) -> int:
    """Numbers that a model of these settings has at least: vectors of items, and three square matrices a layer."""
    read = config.read_width or 0
    return int(sum(3 * width * width for width in config.layers) + n_items * (config.layers[-1] + read) + 3 * read * config.layers[0])


def _fits(found: dict[str, Tensor], expected: dict[str, Tensor], path: Path) -> None:
    for name in sorted(found.keys() | expected.keys()):
        if name not in found or name not in expected:
            raise InputError(f"the parameter {name} is {'missing' if name in expected else 'none of its settings'}", path=path)
        mine, its = found[name], expected[name]
        if mine.shape != its.shape or mine.dtype != its.dtype:
            shapes = f"{_shape(mine)} where its settings make {_shape(its)}"
            raise InputError(f"the parameter {name} is {shapes}", path=path)


def _shape(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
