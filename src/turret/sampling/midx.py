"""Items drawn by an inverted multi-index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from turret.core.contracts import Step, Targets
from turret.core.interactions import FloatArray
from turret.sampling import categorical
from turret.sampling.quantised import Quantised

THIN = 1e-280
"""A sum of exponentials, the greatest of them 1, that is less than this may have lost terms to underflow that count in it."""


@dataclass(frozen=True, slots=True)
class _Mixture:
    """For each query the probabilities of codewords.

    Attributes:
        first, second: float64 [T, K] the scores <q1, c1> and <q2, c2>.
        inside: float64 [T, K] of each first codeword, the log of the sum over second ones of W[k1, k2] exp(<q2, c2>).
        total: float64 [T, 1] the log of the sum of exp(first + inside).
    """

    first: Tensor
    second: Tensor
    inside: Tensor
    total: Tensor


class Midx:
    """A `Distribution` near the softmax of the model's scores: P(i | q) in proportion to mass_i exp(<q1, c1 of i> + <q2, c2 of i>).

    Vectors are split in half and each half is rounded to one of K codewords c1 or c2; items with the same two are a bucket. The first
    codeword is drawn from the sum over the second ones, the second given the first, and an item of the bucket in proportion to its mass:
    J. Chen, D. Lian, B. Jin, X. Huang, K. Zheng and E. Chen, "Fast Variational AutoEncoder with Inverted Multi-Index for Collaborative
    Filtering", WWW 2022, where mass 1 for each item and the popularity are the two inner distributions that are proposed. The cost of a
    query is that of K^2 products, whatever the number of items; with as many codewords as there are different halves of vectors it is the
    softmax itself. Deviations: the codewords are found again every so many steps, from where they were, on a sample of the vectors; and
    sums are taken so that scores of any size neither overflow nor lose a bucket.

    Args:
        mass: float64 [I], not negative. Items without any are never drawn.
        codewords: K, of each half.
        refresh_steps: how many steps the codewords serve.
    """

    def __init__(self, mass: FloatArray, codewords: int, refresh_steps: int) -> None:
        self._quantised = Quantised(mass, codewords, 2, refresh_steps)
        self.codewords = self._quantised.count

    def refresh(self, targets: Targets, step: Step) -> None:
        """Quantises the item vectors where that is due."""
        self._quantised.refresh(targets, step)

    @torch.no_grad()
    def draw(self, targets: Targets, count: int, generator: torch.Generator) -> Tensor:
        """int64 [T, `count`]."""
        uniform = torch.rand((3, len(targets), count), generator=generator, device=generator.device, dtype=torch.float64)
        mixture = self._mixture(targets)
        first = categorical.draw(torch.exp(mixture.first + mixture.inside - mixture.total), uniform[0])
        bucket = (self._bucket_compiled if first.device.type == "cpu" else self._bucket)(mixture, first, uniform[1])
        return self._quantised.buckets.draw(bucket, uniform[2])

    @torch.no_grad()
    def log_prob(self, targets: Targets, items: Tensor) -> Tensor:
        """float32 [T, C] of `items` int64 [T, C]."""
        mixture, items = self._mixture(targets), items.expand(len(targets), -1)
        return (self._log_prob_compiled if items.device.type == "cpu" else self._log_prob)(mixture, items)

    def state(self) -> dict[str, Tensor]:
        """The codewords, each item's two, and when they were found."""
        return self._quantised.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        self._quantised.restore(state)

    def _weights(self) -> Tensor:
        """float64 [K, K] the mass of each bucket."""
        return self._quantised.buckets.mass.view(self.codewords, self.codewords)

    def _mixture(self, targets: Targets) -> _Mixture:
        """Sums over second codewords as a matrix product of exponentials, and once more, as logs, where it was too small."""
        first, second = self._quantised.scores(targets)
        weights = self._weights()
        top = second.amax(dim=1, keepdim=True)
        sums = torch.exp(second - top) @ weights.T
        inside = sums.log() + top
        thin = ((sums < THIN) & (weights > 0).any(dim=1)).nonzero()
        for part in categorical.blocks(len(thin), self.codewords):
            row, word = thin[part].unbind(dim=1)
            inside[row, word] = torch.logsumexp(second[row] + weights[word].log(), dim=1)
        return _Mixture(first, second, inside, torch.logsumexp(first + inside, dim=1, keepdim=True))

    def _log_prob_compiled(self, mixture: _Mixture, items: Tensor) -> Tensor:
        """float32 [T, C] of `items` [T, C]."""
        from turret.kernels.midx import log_probs
        from turret.kernels.parallel import over_rows

        out = torch.empty(items.shape)
        given = (items.contiguous(), self._quantised.words, self._quantised.log_mass, mixture.first, mixture.second, mixture.total, out)
        arrays = [tensor.numpy() for tensor in given]
        over_rows(lambda start, stop: log_probs(start, stop, *arrays), len(items))
        return out

    def _log_prob(self, mixture: _Mixture, items: Tensor) -> Tensor:
        """The same on any device."""
        first, second = self._quantised.words[:, items]
        scores = mixture.first.gather(1, first) + mixture.second.gather(1, second)
        return (scores - mixture.total + self._quantised.log_mass[items]).float()

    def _bucket_compiled(self, mixture: _Mixture, first: Tensor, uniform: Tensor) -> Tensor:
        """int64 [T, N] the bucket at `uniform` [T, N], given its first codeword [T, N]."""
        from turret.kernels.midx import second_codewords
        from turret.kernels.parallel import over_rows

        top = mixture.second.amax(dim=1, keepdim=True)
        given = (first, uniform, self._weights(), mixture.second, mixture.inside, torch.exp(mixture.second - top), top)
        out = torch.empty_like(first)
        arrays = [tensor.numpy() for tensor in (*given, out)]
        over_rows(lambda start, stop: second_codewords(start, stop, *arrays), len(first))
        return out

    def _bucket(self, mixture: _Mixture, first: Tensor, uniform: Tensor) -> Tensor:
        """The same on any device."""
        rows, count = first.shape
        log_weights, parts = self._weights().log(), []
        for part in categorical.blocks(rows, count * self.codewords):
            logits = mixture.second[part, None] + log_weights[first[part]]
            weights = torch.exp(logits - mixture.inside[part].gather(1, first[part])[..., None])
            second = categorical.draw(weights.flatten(0, 1), uniform[part].reshape(-1, 1))
            parts.append(first[part] * self.codewords + second.view(-1, count))
        return torch.cat(parts)
