"""Calls the rewards of a stage on a batch of groups, and adds them up."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from lpo.samples import Group
from rewards.batch import Batch, Outcome
from rewards.contract import Reward, RewardResult, TrainerState

_log = logging.getLogger(__name__)
PRINTED_LOGGED = 1000


@dataclass
class RewardReport:
    """What scoring a batch came to.

    ``invalid`` counts, by reward and cause, values that could not be had; ``tracebacks`` keeps the first traceback of
    each exception, under the same keys. ``not_applicable`` counts, by reward, values that were None; ``unrewarded``
    counts samples left without a reward. ``metrics`` and ``extra`` are what rewards logged through ``log_metric`` and
    ``log_extra``.
    """

    samples: int = 0
    unrewarded: int = 0
    invalid: dict[tuple[str, str], int] = field(default_factory=dict)
    tracebacks: dict[tuple[str, str], str] = field(default_factory=dict)
    not_applicable: dict[str, int] = field(default_factory=dict)
    means: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    extra: dict[str, list[Any]] = field(default_factory=dict)
    info: list[dict[str, Any]] = field(default_factory=list)
    """Per sample, in the order of groups and responses: each reward's ``RewardResult.info``, by reward."""
    faults: list[dict[str, str]] = field(default_factory=list)
    """Per sample, likewise: why a reward could not value it."""
    printed: dict[str, str] = field(default_factory=dict)
    """By reward, the beginning of what isolated rewards wrote to stdout and stderr."""

    @property
    def invalid_fraction(self) -> float:
        """The part of the samples that has no reward."""
        return self.unrewarded / self.samples if self.samples else 0.0


def score_groups(
    groups: Sequence[Group],
    rewards: Sequence[Reward],
    trainer_state: Any = None,
    *,
    weights: Sequence[float] | None = None,
) -> RewardReport:
    """Scores every response of ``groups`` in place: sets ``reward`` and ``components``.

    ``reward`` is the sum of weight x value over the rewards that apply. It is None, never 0, where a reward raised,
    took too long, lost its process, returned NaN, an infinity or something else than a number, or where no reward
    applies. Rewards run at the same time. A call that fails is repeated for each response alone (for each group, where
    a reward must see whole groups), so that one bad response costs only itself. ``trainer_state`` is handed to the
    rewards as it is. ``weights`` replaces the rewards' own weights.

    Rewards of a `rewards.isolation.RewardPool` run in its processes, and nothing that they do stops the run: read the
    report. Those of `rewards.resolve` run here, in threads, without limits.
    """
    if not rewards:
        raise ValueError("no rewards; a batch cannot be scored")
    used_weights = [reward.weight for reward in rewards] if weights is None else list(weights)
    if len(used_weights) != len(rewards):
        raise ValueError(f"{len(used_weights)} weights for {len(rewards)} rewards; give one each")
    state = TrainerState() if trainer_state is None else trainer_state
    batch = Batch.of(groups, state)
    with ThreadPoolExecutor(max_workers=len(rewards), thread_name_prefix="reward") as pool:
        outcomes = list(pool.map(lambda reward: _judge(reward, batch), rewards))
    return _combine(groups, rewards, used_weights, outcomes)


def _judge(reward: Reward, batch: Batch) -> Outcome:
    started = perf_counter()
    outcome = reward.judge(batch)
    outcome.seconds = perf_counter() - started
    return outcome


def _combine(
    groups: Sequence[Group], rewards: Sequence[Reward], weights: Sequence[float], outcomes: Sequence[Outcome]
) -> RewardReport:
    report = RewardReport()
    values_by_component: dict[str, list[float]] = {}
    samples = [response for group in groups for response in group.responses]
    report.samples = len(samples)
    for index, sample in enumerate(samples):
        results = [outcome.results[index] for outcome in outcomes]
        sample.components = {}
        for reward, result in zip(rewards, results, strict=True):
            sample.components[reward.name] = result.total
            sample.components.update({f"{reward.name}/{part}": value for part, value in result.components.items()})
            if result.invalid is not None:
                key = (reward.name, result.invalid)
                report.invalid[key] = report.invalid.get(key, 0) + 1
            elif result.total is None:
                report.not_applicable[reward.name] = report.not_applicable.get(reward.name, 0) + 1
        sample.reward = _weighted_sum(results, weights)
        report.unrewarded += sample.reward is None
        report.info.append(
            {reward.name: result.info for reward, result in zip(rewards, results, strict=True) if result.info}
        )
        report.faults.append(
            {
                reward.name: result.invalid
                for reward, result in zip(rewards, results, strict=True)
                if result.invalid is not None
            }
        )
        for name, value in sample.components.items():
            if value is not None:
                values_by_component.setdefault(name, []).append(value)
    report.means = {name: sum(values) / len(values) for name, values in values_by_component.items()}
    for reward, outcome in zip(rewards, outcomes, strict=True):
        report.seconds[reward.name] = outcome.seconds
        report.extra.update(outcome.extra)
        report.metrics.update(outcome.metric_means())
        if outcome.printed:
            report.printed[reward.name] = outcome.printed
            _log.info("reward %s printed: %s", reward.name, outcome.printed[:PRINTED_LOGGED])
        for cause, text in outcome.tracebacks.items():
            report.tracebacks[(reward.name, cause)] = text
    for (name, cause), count in report.invalid.items():
        _log.warning("reward %s: %d of %d samples invalid (%s)", name, count, report.samples, cause)
    return report


def _weighted_sum(results: Sequence[RewardResult], weights: Sequence[float]) -> float | None:
    if any(result.invalid is not None for result in results):
        return None
    applicable = [
        weight * result.total for weight, result in zip(weights, results, strict=True) if result.total is not None
    ]
    return sum(applicable) if applicable else None
