"""PPO's pessimistic clip, written as the one-sided bound that it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lpo.objectives.inputs import TokenBatch
from lpo.objectives.ratio import spread
from lpo.recipe.algorithm import ClippedObjective, Grain


@dataclass(frozen=True)
class Surrogate:
    """What an objective returns: ``term`` is to be maximised, the rest to be counted.

    ``grain`` says what a column is: a token (B, T), a sentence (B, S) or the response (B, 1).
    """

    term: Tensor
    ratio: Tensor
    clipped_low: Tensor
    clipped_high: Tensor
    clipped_dual: Tensor | None = None
    grain: Grain = "token"


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


def grouped_surrogate(
    ratio: Tensor, eps_low: float | Tensor, eps_high: float | Tensor, objective: ClippedObjective, batch: TokenBatch
) -> Surrogate:
    """The clipped surrogate of sentences or responses, once for each of them: all its tokens have the same term.

    Only advantages that differ within a response need the terms of single tokens.
    """
    grain = objective.grain
    if batch.advantages.shape[1] > 1:
        ratio = spread(ratio, batch, grain)
        eps_low = spread(eps_low, batch, grain) if isinstance(eps_low, Tensor) else eps_low
        eps_high = spread(eps_high, batch, grain) if isinstance(eps_high, Tensor) else eps_high
        return clipped_surrogate(ratio, batch.advantages, eps_low, eps_high, objective.dual_clip)
    surrogate = clipped_surrogate(ratio, batch.advantages, eps_low, eps_high, objective.dual_clip)
    return replace(surrogate, grain=grain)
