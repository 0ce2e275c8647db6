"""The numbers of one reinforcement step, under the names that metrics.jsonl and MLflow share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from lpo.mismatch import MismatchStatistics
from lpo.objectives import LossStatistics
from lpo.recipe.stages import RlStage
from lpo.samples import Group
from trainers.learner_batch import StepStatistics
from trainers.sampling import SamplingReport
from trainers.schedule import learning_rate
from trainers.training_batch import AdvantageSummary


def rollout_metrics(
    groups: Sequence[Group], report: SamplingReport, summary: AdvantageSummary, stage: RlStage
) -> dict[str, float]:
    """What was sampled and what it was worth."""
    responses = [response for group in groups for response in group.responses]
    count = max(1, len(responses))
    valid = [response.reward for response in responses if response.reward is not None]
    components: dict[str, list[float]] = defaultdict(list)
    for response in responses:
        for name, value in response.components.items():
            if value is not None:
                components[name].append(value)
    tokens = sum(len(response.token_ids) for response in responses)
    sentences = sum(response.segment_ids[-1] + 1 for response in responses if response.segment_ids)
    metrics = {
        "reward/mean": _mean(valid),
        "reward/std": _std(valid),
        "reward/invalid": (len(responses) - len(valid)) / count,
        **{f"reward/{name}": _mean(values) for name, values in components.items()},
        **{f"reward_log/{name}": _mean(values) for name, values in report.logged.items()},
        "response/tokens": tokens / count,
        "response/sentences": sentences / count,
        "response/tokens_per_sentence": tokens / max(1, sentences),
        "response/truncated": sum(response.truncated for response in responses) / count,
        "groups/zero_variance": summary.zero_variance / max(1, summary.groups),
        "groups/masked": summary.masked / count,
        "groups/dropped": float(report.dropped_groups),
        "groups/missing": float(report.missing_groups),
    }
    if stage.kl.coefficient > 0 and stage.kl.place == "reward":
        penalised = [response for response in responses if response.components.get("kl") is not None]
        nats = -sum(components["kl"]) / stage.kl.coefficient
        metrics["policy/kl"] = nats / max(1, sum(len(response.token_ids) for response in penalised))
    return metrics


def statistics_metrics(steps: Sequence[StepStatistics], stage: RlStage, progress: tuple[int, int]) -> dict[str, float]:
    """What learning did, over all optimiser steps of the batch. ``progress``: optimiser steps before it, and in all."""
    if not steps:
        return {}
    policy = LossStatistics.merge(step.policy for step in steps)
    mismatch = MismatchStatistics.merge(step.mismatch for step in steps)
    tokens = sum(float(step.tokens) for step in steps)
    metrics = {
        "policy/loss": sum(float(step.loss) for step in steps) / len(steps),
        "policy/grad_norm": max(step.grad_norm for step in steps),
        "policy/updates": float(len(steps)),
        "policy/learning_rate": learning_rate(stage.optimizer, *progress),
        "policy/tokens": tokens,
        "pad/fraction": max(step.pad_fraction for step in steps),
    }
    if tokens == 0:
        return metrics  # every group had equal rewards: there is nothing that these could be the means of
    metrics |= {
        "policy/clip_fraction": policy.clip_fraction,
        "policy/clip_fraction_low": policy.clip_fraction_low,
        "policy/clip_fraction_high": policy.clip_fraction_high,
        "policy/ratio_mean": policy.ratio_mean,
        "policy/ratio_max": float(policy.ratio_max),
        "policy/old_kl": policy.old_kl,
        "policy/saturated": float(policy.saturated) / max(1.0, float(policy.segments)),
        "policy/entropy": sum(step.entropy * float(step.tokens) for step in steps) / tokens,
        "mismatch/logp_mean_abs": mismatch.mean_abs,
        "mismatch/logp_max_abs": mismatch.abs_max,
        "mismatch/dropped": mismatch.dropped_fraction,
    }
    if stage.kl.coefficient > 0 and stage.kl.place == "loss":
        metrics["policy/kl"] = sum(step.kl for step in steps) / len(steps)
    return metrics


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _std(values: Sequence[float]) -> float:
    mean = _mean(values)
    return _mean([(value - mean) ** 2 for value in values]) ** 0.5
