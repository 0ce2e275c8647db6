"""PPO's pessimistic clip, written as the one-sided bound that it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Surrogate:
    """What an objective returns: ``term`` (B, T) is to be maximised, the rest (broadcast to (B, T)) to be counted."""

    term: Tensor
    ratio: Tensor
    clipped_low: Tensor
    clipped_high: Tensor
    clipped_dual: Tensor | None = None


def clipped_surrogate(
    ratio: Tensor, advantages: Tensor, eps_low: float | Tensor, eps_high: float | Tensor, dual_clip: float | None = None
) -> Surrogate:
    """min(r A, clip(r, 1 - eps_low, 1 + eps_high) A); with a dual clip, where A < 0, max of that and ``dual_clip`` * A.

    The minimum lets only one side of the clip act: the upper one where A > 0, the lower one where A < 0. So the term is
    A times r bounded on that side, and a segment counts as clipped exactly where it lost its gradient.

    Args:
        ratio: (B, T) or (B, 1), with gradient.
        advantages: (B, T) or (B, 1).
        eps_low: distance of the lower bound from 1, or a tensor of them that broadcasts to (B, T).
        eps_high: distance of the upper bound.
        dual_clip: largest ratio where A < 0 (arXiv 1912.09729); None: unbounded.
    """
    positive, negative = advantages > 0, advantages < 0
    unbounded = torch.full((), torch.inf, dtype=ratio.dtype, device=ratio.device)
    nothing = torch.zeros((), dtype=ratio.dtype, device=ratio.device)
    lowest = torch.where(negative, 1 - eps_low, nothing)
    highest = torch.where(positive, 1 + eps_high, unbounded)
    if dual_clip is not None:
        highest = torch.where(negative, dual_clip, highest)
    term = ratio.clamp(lowest, highest) * advantages
    value = ratio.detach()
    above = value > highest
    if dual_clip is None:
        return Surrogate(term, value, value < lowest, above)
    return Surrogate(term, value, value < lowest, above & positive, above & negative)
