"""One call of a reward, in this process: its values as results, its exceptions as causes."""

from __future__ import annotations

import asyncio
import inspect
import math
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rewards.batch import WRONG_LENGTH, Batch, Outcome
from rewards.contract import RewardResult

_LONGEST_CAUSE = 100
_LONGEST_TRACEBACK = 20_000


def invoke(reward: Callable[..., Any], batch: Batch) -> Outcome:
    """Calls ``reward`` with the batch; an async one is run to its end in an event loop of its own."""
    outcome = Outcome([])
    try:
        returned = reward(**_arguments(batch, outcome))
        if inspect.isawaitable(returned):
            returned = asyncio.run(_awaited(returned))
        outcome.results = _results(returned, batch.count, outcome)
    except BaseException as raised:
        return _exception(raised, batch.count)
    return outcome


async def invoke_units(
    reward: Callable[..., Any],
    parts: Sequence[Batch],
    *,
    concurrency: int,
    timeout_s: float | None,
) -> list[Outcome]:
    """Calls an async ``reward`` once for each part, ``concurrency`` at a time, each for at most ``timeout_s``."""
    turns = asyncio.Semaphore(concurrency)

    async def one(batch: Batch) -> Outcome:
        outcome = Outcome([])
        async with turns:
            limit = asyncio.timeout(timeout_s)
            try:
                async with limit:
                    returned = await reward(**_arguments(batch, outcome))
                outcome.results = _results(returned, batch.count, outcome)
            except BaseException as raised:
                if timeout_s is not None and limit.expired() and isinstance(raised, TimeoutError):
                    return Outcome.failure(too_long(timeout_s), batch.count)
                return _exception(raised, batch.count)
        return outcome

    return list(await asyncio.gather(*map(one, parts)))


def too_long(timeout_s: float) -> str:
    return f"took longer than {timeout_s:g} s"


def _arguments(batch: Batch, outcome: Outcome) -> dict[str, Any]:
    def log_metric(name: str, value: float) -> None:
        outcome.metrics.setdefault(str(name), []).append((float(value), batch.count))

    def log_extra(column: str, values: Sequence[Any]) -> None:
        outcome.extra[str(column)] = list(values)

    given = {"trainer_state": batch.trainer_state, "log_metric": log_metric, "log_extra": log_extra}
    return {**batch.lists, **given}


def _results(returned: Any, count: int, outcome: Outcome) -> list[RewardResult]:
    if isinstance(returned, Mapping | set | frozenset):
        raise TypeError(f"the reward returned a {type(returned).__name__}; it must return a list, a value a response")
    values = list(returned)
    if len(values) != count:
        outcome.tracebacks[WRONG_LENGTH] = f"returned {len(values)} values for {count} responses"
        return [RewardResult.unjudged(WRONG_LENGTH)] * count
    results = [as_result(value) for value in values]
    for result in results:
        if result.invalid is not None and "error" in result.info:
            # What a reward says about its own fault stands where a traceback would.
            outcome.tracebacks.setdefault(result.invalid, str(result.info["error"])[:_LONGEST_TRACEBACK])
    return results


def _exception(raised: BaseException, count: int) -> Outcome:
    lines = "".join(traceback.format_exception(raised))
    if isinstance(raised, OSError) and raised.errno in (13, 30):  # EACCES, EROFS
        lines += (
            "Rewards write to tempfile.gettempdir(); reward_workers.writable names other folders that they may use.\n"
        )
    return Outcome.failure(type(raised).__name__[:_LONGEST_CAUSE], count, lines[-_LONGEST_TRACEBACK:])


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


def as_result(value: Any) -> RewardResult:
    """What a reward returned for one response. Whatever is no finite number is invalid; the cause says what it is."""
    if isinstance(value, RewardResult):
        return _checked(value)
    if value is None:
        return RewardResult(None)
    number = _number(value)
    return RewardResult.unjudged(number) if isinstance(number, str) else RewardResult(number)


def _checked(result: RewardResult) -> RewardResult:
    components, cause = {}, result.invalid
    for name, part in result.components.items():
        number = _number(part)
        if isinstance(number, str):
            cause = cause or f"component {name} is no number: {number}"
        else:
            components[str(name)] = number
    total = None
    if result.total is not None and cause is None:
        number = _number(result.total)
        total, cause = (None, number) if isinstance(number, str) else (number, None)
    return RewardResult(total, components, result.info, None if cause is None else str(cause)[:_LONGEST_CAUSE])


def _number(value: Any) -> float | str:
    """The value as a finite float, or the reason why it is none. Text is refused, numpy's and torch's scalars are
    taken."""
    if isinstance(value, str | bytes):
        return f"returned {type(value).__name__}"
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return f"returned {type(value).__name__}"
    return number if math.isfinite(number) else f"returned {number}"
