"""Items sorted into buckets, and draws from inside a bucket."""

from __future__ import annotations

import torch
from torch import Tensor


class Buckets:
    """The items of each of C buckets end to end, each with the mass of all up to it.

    Args:
        bucket: int64 [I] the bucket of each item.
        count: C.
        mass: float64 [I] each item's share in its bucket, in proportion.

    Attributes:
        mass: float64 [C] of each bucket; 0 of one that is empty or has nothing that may be drawn.
    """

    def __init__(self, bucket: Tensor, count: int, mass: Tensor) -> None:
        device, bucket, mass = bucket.device, bucket.cpu(), mass.cpu()  # where the order of additions is the same each time
        order = bucket.argsort(stable=True)
        ends = bucket.bincount(minlength=count).cumsum(dim=0)
        upper = torch.cat([torch.zeros(1, dtype=torch.float64), mass[order].cumsum(dim=0)])
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), ends])
        self._items, self._offsets, self._upper = (part.to(device) for part in (order, offsets, upper))
        self.mass = self._upper[self._offsets].diff()

    def draw(self, bucket: Tensor, uniform: Tensor) -> Tensor:
        """An item of each of `bucket`, int64 [T, N] with positive mass, at `uniform`, float64 [T, N] in [0, 1): int64 [T, N]."""
        if bucket.device.type != "cpu":
            return self.draw_by_search(bucket, uniform)
        from turret.kernels.buckets import draw
        from turret.kernels.parallel import over_rows

        items = torch.empty_like(bucket)
        arrays = [tensor.numpy() for tensor in (bucket.ravel(), uniform.ravel(), self._offsets, self._upper, self._items, items.view(-1))]
        over_rows(lambda start, stop: draw(start, stop, *arrays), bucket.numel(), 1 << 12)
        return items

    def draw_by_search(self, bucket: Tensor, uniform: Tensor) -> Tensor:
        """The same on any device, by one search over all buckets."""
        low, high = self._upper[self._offsets[bucket]], self._upper[self._offsets[bucket + 1]]
        value = torch.minimum(low + uniform * (high - low), torch.nextafter(high, low))
        return self._items[torch.searchsorted(self._upper, value, right=True) - 1]
