"""One seed in, many independent streams out.

A stream is named by what it is for ("split", "epoch", 3), so that drawing more in one place never shifts what another place draws, and a
resumed run finds each stream again without any generator's state having been stored.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def derive(seed: int, *names: str | int) -> int:
    """The 63-bit seed of the stream that `names` name under `seed`."""
    text = "/".join([str(seed), *(str(name) for name in names)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def torch_generator(seed: int, *names: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A `torch.Generator` on `device` for the stream that `names` name."""
    generator = torch.Generator(device=device)
    generator.manual_seed(derive(seed, *names))
    return generator


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """A `numpy.random.Generator` for the stream that `names` name."""
    return np.random.default_rng(derive(seed, *names))


def legacy_generator(seed: int) -> np.random.RandomState:
    """NumPy's generator of old, for numbers that others published with it."""
    return np.random.RandomState(seed)
