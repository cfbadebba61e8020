"""A saved model: the same figures after loading, and nothing else taken for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.api import gru4rec
from turret.api.gru4rec import model_file
from turret.core import tensor_file
from turret.core.errors import InputError

CPU = torch.device("cpu")
SETTINGS = {
    "constrained": "layers=6/6,n_epochs=2,n_sample=8,batch_size=8",
    "separate": "layers=6/4,embedding=5,constrained_embedding=False,loss=bpr-max,n_epochs=1,n_sample=8",
    "none": "layers=6,constrained_embedding=False,n_epochs=1,n_sample=0,official_quirks=True",
}


def silent(text: str) -> None:
    pass


@pytest.fixture(scope="module")
def saved(train: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    gru4rec.run(train, parameter_string=SETTINGS["constrained"], save_model=path, device="cpu", say=silent)
    return path


@pytest.mark.parametrize("mode", SETTINGS)
def test_a_loaded_model_has_the_same_figures(train: Path, test: Path, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "model"
    options: dict[str, Any] = {"test": [test], "measure": [1, 3], "device": "cpu", "say": silent}
    before = gru4rec.run(train, parameter_string=SETTINGS[mode], save_model=path, **options)
    after = gru4rec.run(path, load_model=True, **options)
    assert after.fitted.config == before.fitted.config
    assert list(after.fitted.items) == list(before.fitted.items)
    assert after.measured[test].recall == before.measured[test].recall
    assert np.array_equal(after.measured[test].rank, before.measured[test].rank)
    assert 0 < after.measured[test].recall[3] < 1


def test_it_holds_weights_items_and_settings_alone(saved: Path) -> None:
    tensors, header = tensor_file.load(saved)
    assert set(header) == {"format", "settings"}
    assert json.loads(header["settings"])["layers"] == [6, 6]
    assert bytes(tensors["items.data"].numpy())[: int(tensors["items.offsets"][1])].startswith(b"i")
    weights = sum(value.nbytes for name, value in tensors.items() if name.startswith("model."))
    assert weights > 0.7 * sum(value.nbytes for value in tensors.values())
    assert saved.stat().st_size < weights + 12 * 16 + 4096


Change = Callable[[dict[str, Tensor], dict[str, str]], None]


def without_items(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    del tensors["items.data"]


def without_format(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    del header["format"]


def without_settings(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    del header["settings"]


def with_other_settings(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    header["settings"] = header["settings"].replace('"layers":[6,6]', '"layers":[6]')


def with_wider_settings(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    header["settings"] = header["settings"].replace('"layers":[6,6]', '"layers":[7,6]')


def with_wild_settings(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    header["settings"] = header["settings"].replace('"layers":[6,6]', '"layers":"x"')


def with_a_weight_less(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    del tensors["model.items.weight"]


def with_whole_numbers(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    tensors["model.items.weight"] = tensors["model.items.weight"].long()


def with_an_item_less(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    offsets = tensors["items.offsets"][:-1].clone()
    tensors.update({"items.offsets": offsets, "items.data": tensors["items.data"][: int(offsets[-1])].clone()})


def with_offsets_beyond(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    tensors["items.offsets"][-1] += 1


def with_offsets_backwards(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    tensors["items.offsets"][1] = 100


def with_bytes_that_are_no_text(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    tensors["items.data"][0] = 255


def with_an_item_twice(tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    tensors["items.data"][:] = ord("i")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (without_items, "its items cannot be read"),
        (without_format, "no model of GRU4Rec"),
        (without_settings, "settings are none of GRU4Rec"),
        (with_other_settings, "layers.1"),
        (with_wider_settings, "where its settings make"),
        (with_wild_settings, "settings are none of GRU4Rec: layers"),
        (with_a_weight_less, "items.weight is missing"),
        (with_whole_numbers, r"items.weight is int64 \[12, 6\] where its settings make float32 \[12, 6\]"),
        (with_an_item_less, r"\[12, 6\] where its settings make float32 \[11, 6\]|\[12, 1\] where its settings make float32 \[11, 1\]"),
        (with_offsets_beyond, "its items cannot be read"),
        (with_offsets_backwards, "its items cannot be read"),
        (with_bytes_that_are_no_text, "its items cannot be read"),
        (with_an_item_twice, "its items cannot be read"),
    ],
)
def test_what_does_not_fit_together_is_refused(saved: Path, tmp_path: Path, change: Change, part: str) -> None:
    tensors, header = tensor_file.load(saved)
    change(tensors, header)
    path = tmp_path / "changed"
    tensor_file.save(path, tensors, header)
    with pytest.raises(InputError, match=part) as caught:
        model_file.load(path, CPU)
    assert caught.value.path == path


def test_files_that_are_no_models_are_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        model_file.load(tmp_path / "absent", CPU)
    for name, content in {
        "cut": saved.read_bytes()[:-100],
        "short": saved.read_bytes()[:20],
        "empty": b"",
        "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94.",
        "zip": b"PK\x03\x04" + bytes(200),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="it is cut off, or none of ours") as caught:
            model_file.load(tmp_path / name, CPU)
        assert caught.value.hint is not None and "trained again" in caught.value.hint
