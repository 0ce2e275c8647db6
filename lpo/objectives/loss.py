"""The policy loss of any objective of the family: loss = sum of weights * -term."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lpo.objectives import cispo, dapo, dr_grpo, grpo, gspo, gspo_token, lpo
from lpo.objectives.aggregation import response_weights
from lpo.objectives.clip import Surrogate
from lpo.objectives.inputs import TokenBatch, token_batch
from lpo.objectives.ratio import MAX_LOG_RATIO, group_sizes, grouped_sum, spread
from lpo.objectives.statistics import LossStatistics
from lpo.recipe.algorithm import Grain, Objective, algorithm_by_name

SURROGATES: dict[str, Callable[[Any, TokenBatch], Surrogate]] = {
    "lpo": lpo.surrogate,
    "grpo": grpo.surrogate,
    "dapo": dapo.surrogate,
    "dr_grpo": dr_grpo.surrogate,
    "gspo": gspo.surrogate,
    "gspo_token": gspo_token.surrogate,
    "cispo": cispo.surrogate,
}


@dataclass(frozen=True)
class PolicyLoss:
    """A loss to minimise, and what there is to know about it."""

    loss: Tensor
    """A scalar with gradient. Losses of the micro-batches of one step add up to the step's loss."""
    statistics: LossStatistics
    surrogate: Surrogate
    """What the objective computed, detached, in its own layout."""
    batch: TokenBatch

    @property
    def ratio(self) -> Tensor:
        """(B, T), detached: the ratio of each token's segment, 1 outside the mask."""
        ratio = spread(self.surrogate.ratio, self.batch, self.surrogate.grain)
        return ratio.masked_fill(~self.batch.mask, 1.0)

    @property
    def clipped(self) -> Tensor:
        """(B, T) bool: tokens whose segment lost its gradient to the clip (or had its weight capped)."""
        clipped = self.surrogate.clipped_low | self.surrogate.clipped_high
        if self.surrogate.clipped_dual is not None:
            clipped = clipped | self.surrogate.clipped_dual
        return spread(clipped, self.batch, self.surrogate.grain) & self.batch.mask

    @property
    def clip_fraction(self) -> float:
        return self.statistics.clip_fraction

    @property
    def clip_fraction_low(self) -> float:
        return self.statistics.clip_fraction_low

    @property
    def clip_fraction_high(self) -> float:
        return self.statistics.clip_fraction_high

    @property
    def ratio_mean(self) -> float:
        return self.statistics.ratio_mean

    @property
    def ratio_max(self) -> float:
        return float(self.statistics.ratio_max)


def policy_loss(
    algorithm: str | Objective,
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    segment_ids: Tensor | None = None,
    group_ids: Tensor | None = None,
    weights: Tensor | None = None,
    max_length: int | None = None,
    *,
    correction: Tensor | None = None,
    entropy: Tensor | None = None,
) -> PolicyLoss:
    """The loss of a batch of responses, one a row (log-probabilities of packed rows are scattered back first).

    Args:
        algorithm: ``lpo``, ``grpo``, ``dapo``, ``dr_grpo``, ``gspo``, ``gspo_token``, ``cispo`` (defaults of each), or
            a configured objective.
        logp: (B, T) log-probabilities under the policy that learns, in nats, with gradient.
        old_logp: (B, T) under the policy that sampled.
        advantages: (B,) one a response, or (B, T).
        mask: (B, T) 1 on the response's tokens. A row of zeros is a response that counts nowhere.
        segment_ids: (B, T) the segment of each token, 0, 1, 2, ... along a row; needed by ``lpo``, ignored by others.
        group_ids: (B,) equal within a group; needed where groups are normalised and ``weights`` are not given. None:
            one group.
        weights: (B, T) of ``aggregation_weights`` or (B,) of ``response_weights``, computed over all responses of the
            optimiser step. None: the responses given are the whole step.
        max_length: tokens; needed by ``dr_grpo`` when ``weights`` are not given.
        correction: (B, T) trainer/engine weights of ``lpo.mismatch.correction_weights``; multiplies the terms.
        entropy: (B, T) of the policy, in nats; needed by ``lpo`` with ``entropy_clip``.

    Returns:
        The loss, with statistics that add up like the losses do. A batch in which no response counts has loss 0.

    Raises:
        TypeError: something is no tensor, or segment ids are no integers.
        ValueError: shapes differ, a value on a response token is not finite, or something needed is missing.
    """
    objective = algorithm_by_name(algorithm) if isinstance(algorithm, str) else algorithm
    if objective.needs_segments and segment_ids is None:
        raise ValueError(
            f"segment_ids are missing: algorithm '{objective.name}' has one ratio per segment; "
            "make them with lpo.segmentation.segment"
        )
    batch = token_batch(logp, old_logp, advantages, mask, segment_ids if objective.needs_segments else None, entropy)
    surrogate = SURROGATES[objective.name](objective, batch)
    if weights is None:
        weights = response_weights(objective, batch.lengths, group_ids, max_length)
    factors = _factors(weights, correction, surrogate.grain, batch)
    if not bool(torch.isfinite(factors).all()):
        raise ValueError("weights or correction are not finite on a response token")
    loss = -(factors * surrogate.term).sum()
    with torch.no_grad():
        return PolicyLoss(
            loss=loss,
            statistics=_statistics(surrogate, objective.grain, batch),
            surrogate=replace(surrogate, term=surrogate.term.detach()),
            batch=replace(batch, logp=batch.logp.detach(), log_ratio=batch.log_ratio.detach()),
        )


def _factors(weights: Tensor, correction: Tensor | None, grain: Grain, batch: TokenBatch) -> Tensor:
    """Everything that multiplies the terms of a surrogate of that grain, exactly 0 outside the mask.

    The tokens of a segment share its term, so their factors are added.
    """
    rows, width = batch.mask.shape
    if weights.shape not in ((rows,), (rows, width)):
        raise ValueError(
            f"weights have shape {tuple(weights.shape)}; they must be ({rows},) or ({rows}, {width}): slice the step's "
            "weights to these responses, and pad or cut them to this width"
        )
    if correction is not None and correction.shape != batch.mask.shape:
        raise ValueError(f"correction has shape {tuple(correction.shape)}; it must be ({rows}, {width})")
    factors = weights.detach().to(batch.log_ratio)
    if factors.dim() == 1:
        factors = factors.unsqueeze(1)
        if correction is None:
            return factors * group_sizes(batch, grain)
    else:
        lost = (batch.mask & (factors == 0)).any(1) & (factors > 0).any(1)
        if bool(lost.any()):
            raise ValueError(
                f"response {int(lost.nonzero()[0])} has weight 0 on some of its tokens; where its tokens do not "
                "stand at the start of the row give the (B,) weights of response_weights; drop tokens by the mask"
            )
    if correction is not None:
        factors = factors * correction.detach().to(batch.log_ratio)
    zero = torch.zeros((), dtype=factors.dtype, device=factors.device)
    return grouped_sum(torch.where(batch.mask, factors, zero), batch, grain)


def _statistics(surrogate: Surrogate, grain: Grain, batch: TokenBatch) -> LossStatistics:
    counted = _counted(surrogate, grain, batch)
    ratio = torch.where(counted, surrogate.ratio, torch.zeros((), dtype=surrogate.ratio.dtype, device=counted.device))
    squared = batch.log_ratio.detach().square()
    responses = batch.lengths.count_nonzero()
    dual = surrogate.clipped_dual
    return LossStatistics(
        responses=responses,
        empty_responses=len(batch.lengths) - responses,
        segments=counted.count_nonzero(),
        tokens=batch.lengths.sum(),
        ratio_sum=ratio.sum(),
        clipped_low=(surrogate.clipped_low & counted).count_nonzero(),
        clipped_high=(surrogate.clipped_high & counted).count_nonzero(),
        clipped_dual=0.0 if dual is None else (dual & counted).count_nonzero(),
        saturated=(squared > MAX_LOG_RATIO**2).count_nonzero(),
        old_kl_sum=squared.sum() / 2,
        ratio_max=ratio.max() if ratio.numel() else torch.zeros_like(ratio.sum()),
    )


def _counted(surrogate: Surrogate, grain: Grain, batch: TokenBatch) -> Tensor:
    """Where a segment is counted, bool in the surrogate's layout: once each, on its first token if that is tokens."""
    if surrogate.grain == grain:
        return group_sizes(batch, grain) > 0
    position = batch.mask.cumsum(1)
    if grain == "response":
        return batch.mask & (position == 1)
    # A segment starts where the tokens before it are as many as its predecessors hold.
    sizes = group_sizes(batch, grain)
    before = spread(sizes.cumsum(1) - sizes, batch, grain)
    return batch.mask & (position == before + 1)
