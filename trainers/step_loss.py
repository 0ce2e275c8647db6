"""The loss of one micro-batch: a part of the optimiser step's, as its weights are those of the whole step."""

from __future__ import annotations

import torch
from torch import Tensor

from lpo.kl import kl_estimate
from lpo.mismatch import correction_weights, mismatch_statistics
from lpo.objectives import policy_loss, response_outcome, weighted_sum
from trainers.learner_batch import LossSettings, StepStatistics
from trainers.packing import MicroBatch


def micro_batch_loss(
    batch: MicroBatch, logp: Tensor, entropy: Tensor, settings: LossSettings, statistics: StepStatistics
) -> Tensor:
    """A scalar with gradient; what there is to know about it is added to ``statistics``.

    ``logp`` and ``entropy`` are (N,), of the response tokens at ``settings.temperature``.
    """
    logp, entropy = batch.scatter(logp), batch.scatter(entropy)
    weights, mask = batch.per_response("weight"), batch.mask()
    if not weights.any():
        return (logp * 0.0).sum()  # an idle rank still takes part in the collectives of a backward pass
    statistics.add_tokens(batch, mask, entropy)
    if settings.objective is None:
        loss = -weighted_sum(logp, mask, weights)
    else:
        loss = _policy_loss(batch, logp, entropy, settings, statistics, weights, mask)
    if settings.kl_coefficient > 0:
        divergence = kl_estimate(settings.kl_estimator, logp, batch.per_token("reference_logprobs"))
        statistics.kl_sum += (divergence.detach() * mask).sum()
        loss = loss + settings.kl_coefficient * weighted_sum(divergence, mask, weights)
    if settings.entropy_bonus > 0:
        loss = loss - settings.entropy_bonus * weighted_sum(entropy, mask, weights)
    statistics.loss += loss.detach()
    return loss


def _policy_loss(
    batch: MicroBatch,
    logp: Tensor,
    entropy: Tensor,
    settings: LossSettings,
    statistics: StepStatistics,
    weights: Tensor,
    mask: Tensor,
) -> Tensor:
    assert settings.objective is not None
    on_policy = batch.samples[0].old_logprobs is None
    old_logp = logp.detach() if on_policy else batch.per_token("old_logprobs")
    engine_logp = batch.per_token("engine_logprobs")
    correction = None
    if settings.mismatch.kind != "off":
        mismatch = settings.mismatch
        correction = correction_weights(
            mismatch.kind, old_logp, engine_logp, mask, cap=mismatch.cap, low=mismatch.low, high=mismatch.high
        )
    if settings.measure_mismatch:
        learner_logp = logp.detach() if settings.old_from_engine else old_logp
        statistics.mismatch += mismatch_statistics(learner_logp, engine_logp, mask, correction)
    result = policy_loss(
        settings.objective,
        logp,
        old_logp,
        batch.per_response("advantage"),
        mask,
        segment_ids=batch.per_token("segment_ids", torch.long, -1) if settings.objective.needs_segments else None,
        weights=weights,
        correction=correction,
        entropy=entropy.detach(),
    )
    statistics.policy += result.statistics
    for row, sample in enumerate(batch.samples):
        if sample.watch:
            outcome = response_outcome(result, settings.objective.grain, row)
            statistics.watched[sample.group, sample.member] = outcome
    return result.loss
