"""What an objective did to a batch, in numbers that add up over micro-batches and ranks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

Count = Tensor | float


@dataclass(frozen=True)
class LossStatistics:
    """Sums (and one maximum) over segments, as tensors without shape: nothing waits for the device until one is read.

    ``a + b`` joins two disjoint parts of a batch. Across ranks: ``sums()`` through a summing all-reduce, ``ratio_max``
    through a maximum, then ``from_sums``.
    """

    responses: Count = 0.0
    """Responses with at least one token."""
    empty_responses: Count = 0.0
    """Responses without a token: invalid reward or masked truncation."""
    segments: Count = 0.0
    """Tokens, sentences or responses: whatever has one ratio."""
    tokens: Count = 0.0
    ratio_sum: Count = 0.0
    clipped_low: Count = 0.0
    """Segments that lost their gradient below 1 - eps_low (negative advantage)."""
    clipped_high: Count = 0.0
    """Segments that lost it above 1 + eps_high (positive advantage), or whose weight was capped (CISPO)."""
    clipped_dual: Count = 0.0
    """Segments that lost it above the dual clip (negative advantage)."""
    saturated: Count = 0.0
    """Tokens with a log-ratio beyond 20, where ratios are held: the policy has run away from the one that sampled."""
    old_kl_sum: Count = 0.0
    """Sum over tokens of (log pi_theta - log pi_old)^2 / 2, which estimates KL(pi_old, pi_theta)."""
    ratio_max: Count = 0.0

    @property
    def clip_fraction(self) -> float:
        """Part of the segments where the clip changed the gradient."""
        return self._per_segment(self.clipped_low + self.clipped_high + self.clipped_dual)

    @property
    def clip_fraction_low(self) -> float:
        return self._per_segment(self.clipped_low)

    @property
    def clip_fraction_high(self) -> float:
        return self._per_segment(self.clipped_high)

    @property
    def ratio_mean(self) -> float:
        """Mean ratio of the segments; 1 for a batch without any."""
        return float(self.ratio_sum) / float(self.segments) if float(self.segments) else 1.0

    @property
    def segments_per_response(self) -> float:
        return float(self.segments) / max(float(self.responses), 1.0)

    @property
    def tokens_per_segment(self) -> float:
        return float(self.tokens) / max(float(self.segments), 1.0)

    @property
    def old_kl(self) -> float:
        """How far the policy has moved from the one that sampled, in nats a token."""
        return float(self.old_kl_sum) / max(float(self.tokens), 1.0)

    def __add__(self, other: LossStatistics) -> LossStatistics:
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMS}
        largest = torch.maximum(torch.as_tensor(self.ratio_max), torch.as_tensor(other.ratio_max).to(_device(self)))
        return LossStatistics(**sums, ratio_max=largest)

    @staticmethod
    def merge(parts: Iterable[LossStatistics]) -> LossStatistics:
        """Joins any number of disjoint parts."""
        total: LossStatistics | None = None
        for part in parts:
            total = part if total is None else total + part
        return total or LossStatistics()

    def sums(self) -> Tensor:
        """Everything additive as one float64 vector, in the order of the fields."""
        return torch.stack([torch.as_tensor(getattr(self, name), dtype=torch.float64) for name in _SUMS])

    @staticmethod
    def from_sums(sums: Tensor, ratio_max: Count) -> LossStatistics:
        """The inverse of ``sums``."""
        return LossStatistics(**dict(zip(_SUMS, sums.unbind(), strict=True)), ratio_max=ratio_max)

    def _per_segment(self, count: Count) -> float:
        return float(count) / max(float(self.segments), 1.0)


def _device(statistics: LossStatistics) -> torch.device:
    return statistics.ratio_max.device if isinstance(statistics.ratio_max, Tensor) else torch.device("cpu")


_SUMS = [field.name for field in fields(LossStatistics) if field.name != "ratio_max"]
