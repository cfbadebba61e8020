"""Tensors come back as they were written, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from turret.core import tensor_file
from turret.core.errors import InputError

TENSORS = {
    "weights": torch.arange(12, dtype=torch.float32).reshape(3, 4).t(),
    "state": torch.tensor([True, False]),
    "half": torch.tensor([1.5, float("nan")], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "none": torch.empty(0, 5, dtype=torch.int32),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tensors") / "x.safetensors"
    tensor_file.save(path, TENSORS, {"standing": "three"})
    return path


def test_what_is_read_is_what_was_written(written: Path) -> None:
    tensors, notes = tensor_file.load(written)
    assert notes == {"standing": "three"}
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype and torch.equal(tensors[name].nan_to_num(), value.nan_to_num())


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unseen(written: Path, place: int, bit: int) -> None:
    content = bytearray(written.read_bytes())
    content[place % len(content)] ^= 1 << bit
    other = written.with_name("flipped")
    other.write_bytes(content)
    try:
        tensors, notes = tensor_file.load(other)
    except InputError as error:
        assert error.path == other
    else:  # Such as a space of the header's padding turned into another that means the same.
        assert notes == {"standing": "three"}
        assert all(torch.equal(tensors[name].nan_to_num(), value.nan_to_num()) for name, value in TENSORS.items())


@given(length=st.integers(0, 10_000))
def test_no_cut_goes_unseen(written: Path, length: int) -> None:
    content = written.read_bytes()
    other = written.with_name("cut")
    other.write_bytes(content[: length % len(content)])
    with pytest.raises(InputError, match="cut off"):
        tensor_file.load(other)


def test_others_may_read_it_as_any_file(written: Path) -> None:
    written.with_name("any").touch()
    assert written.stat().st_mode == written.with_name("any").stat().st_mode


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    safetensors.torch.save_file(TENSORS | {"weights": TENSORS["weights"].contiguous()}, tmp_path / "theirs")
    (tmp_path / "pickle").write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    for name, words in (("theirs", "no checksum"), ("pickle", "none of ours"), ("absent", "missing"), (".", "missing")):
        with pytest.raises(InputError, match=words):
            tensor_file.load(tmp_path / name)
