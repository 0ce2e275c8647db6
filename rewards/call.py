"""Calls the rewards of a stage on a batch of groups, and adds them up."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from lpo.samples import Group, Prompt
from rewards.contract import Reward, RewardResult, TrainerState

_log = logging.getLogger(__name__)


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

    @property
    def invalid_fraction(self) -> float:
        """The part of the samples that has no reward."""
        return self.unrewarded / self.samples if self.samples else 0.0


@dataclass
class _Outcome:
    """What one reward said about a batch of n samples."""

    results: list[RewardResult]
    tracebacks: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    extra: dict[str, list[Any]] = field(default_factory=dict)
    seconds: float = 0.0


def score_groups(
    groups: Sequence[Group],
    rewards: Sequence[Reward],
    trainer_state: Any = None,
    *,
    weights: Sequence[float] | None = None,
) -> RewardReport:
    """Scores every response of ``groups`` in place: sets ``reward`` and ``components``.

    ``reward`` is the sum of weight x value over the rewards that apply. It is None, never 0, where a reward raised,
    returned NaN, an infinity or something else than a number, or where no reward applies. Rewards run at the same time,
    each in a thread of its own; each gets the whole batch in one call. If that call raises, it is repeated group by
    group, so that one bad response costs its own group only. ``trainer_state`` is handed to the rewards as it is.
    ``weights`` replaces the rewards' own weights.

    Nothing that a reward does stops the run: read the report.
    """
    if not rewards:
        raise ValueError("no rewards; a batch cannot be scored")
    used_weights = [reward.weight for reward in rewards] if weights is None else list(weights)
    if len(used_weights) != len(rewards):
        raise ValueError(f"{len(used_weights)} weights for {len(rewards)} rewards; give one each")
    state = TrainerState() if trainer_state is None else trainer_state
    with ThreadPoolExecutor(max_workers=len(rewards), thread_name_prefix="reward") as pool:
        outcomes = list(pool.map(lambda reward: _judge(reward, groups, state), rewards))
    return _combine(groups, rewards, used_weights, outcomes)


def call_arguments(groups: Sequence[Group], trainer_state: Any) -> dict[str, Any]:
    """The keyword arguments of a reward: lists with one entry per response, and the trainer's state.

    As TRL passes them: ``completions`` are message lists where the prompt is one, and columns that some prompts lack
    are None there.
    """
    prompts: list[Prompt] = [group.prompt for group in groups for _ in group.responses]
    responses = [response for group in groups for response in group.responses]
    texts = [response.text for response in responses]
    columns = dict.fromkeys(name for group in groups for name in group.prompt.columns)
    return {
        **{name: [prompt.columns.get(name) for prompt in prompts] for name in columns},
        "prompts": [prompt.content for prompt in prompts],
        "responses": texts,
        "completions": [
            text if isinstance(prompt.content, str) else [{"role": "assistant", "content": text}]
            for prompt, text in zip(prompts, texts, strict=True)
        ],
        "completion_ids": [list(response.token_ids) for response in responses],
        "group_ids": [index for index, group in enumerate(groups) for _ in group.responses],
        "trainer_state": trainer_state,
    }


def _judge(reward: Reward, groups: Sequence[Group], state: Any) -> _Outcome:
    started = perf_counter()
    outcome = _call(reward, groups, state)
    if outcome.tracebacks and len(groups) > 1:
        _log.warning("reward %s failed on the batch and is called again group by group", reward.name)
        outcome = _merge([_call(reward, [group], state) for group in groups])
    outcome.seconds = perf_counter() - started
    return outcome


def _call(reward: Reward, groups: Sequence[Group], state: Any) -> _Outcome:
    count = sum(len(group.responses) for group in groups)
    outcome = _Outcome([])

    def log_metric(name: str, value: float) -> None:
        outcome.metrics.setdefault(name, []).append(float(value))

    def log_extra(column: str, values: Sequence[Any]) -> None:
        outcome.extra[column] = list(values)

    try:
        returned = reward(**call_arguments(groups, state), log_metric=log_metric, log_extra=log_extra)
        if inspect.isawaitable(returned):
            returned = asyncio.run(_awaited(returned))
        values = list(returned)
    except Exception as raised:
        cause = type(raised).__name__
        return _Outcome([RewardResult.unjudged(cause)] * count, {cause: traceback.format_exc()})
    if len(values) != count:
        outcome.results = [RewardResult.unjudged(f"returned {len(values)} values for {count} responses")] * count
    else:
        outcome.results = [_as_result(value) for value in values]
    return outcome


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


def _merge(outcomes: Sequence[_Outcome]) -> _Outcome:
    merged = _Outcome([])
    for outcome in outcomes:
        merged.results.extend(outcome.results)
        merged.tracebacks = {**outcome.tracebacks, **merged.tracebacks}
        for name, values in outcome.metrics.items():
            merged.metrics.setdefault(name, []).extend(values)
        for column, entries in outcome.extra.items():
            merged.extra.setdefault(column, []).extend(entries)
    return merged


def _as_result(value: Any) -> RewardResult:
    if isinstance(value, RewardResult):
        if value.total is None or value.invalid is not None:
            return value
        total = _number(value.total)
        if isinstance(total, str):
            return RewardResult(None, value.components, value.info, total)
        return RewardResult(total, value.components, value.info)
    if value is None:
        return RewardResult(None)
    number = _number(value)
    return RewardResult.unjudged(number) if isinstance(number, str) else RewardResult(number)


def _number(value: Any) -> float | str:
    """The value as a finite float, or the reason why it is none. Text is refused, numpy's and torch's scalars are "
    "taken."""
    if isinstance(value, str | bytes):
        return f"returned {type(value).__name__}"
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        return f"returned {type(value).__name__}"
    return number if math.isfinite(number) else f"returned {number}"


def _combine(
    groups: Sequence[Group], rewards: Sequence[Reward], weights: Sequence[float], outcomes: Sequence[_Outcome]
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
        for name, value in sample.components.items():
            if value is not None:
                values_by_component.setdefault(name, []).append(value)
    report.means = {name: sum(values) / len(values) for name, values in values_by_component.items()}
    for reward, outcome in zip(rewards, outcomes, strict=True):
        report.seconds[reward.name] = outcome.seconds
        report.extra.update(outcome.extra)
        report.metrics.update({name: sum(values) / len(values) for name, values in outcome.metrics.items()})
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
