"""How fast rewards are through the isolated runner, and how well slow ones share its workers.

``python -m benchmarks.rewards`` prints, for two workers and batches of 256: trivial rewards a second, called here and
in workers, in turns; what the workers add to shipped rewards; and the seconds that 64 calls of one second take, async
and not. Figures are medians over the turns. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from lpo.recipe.runtime import RewardSpec, RewardWorkers
from lpo.samples import Group, Prompt, Response
from rewards import Reward, resolve, score_groups
from rewards.isolation import RewardPool

GROUPS, GROUP_SIZE, TOKENS = 32, 8, 128


def trivial(responses: Sequence[str], **columns: Any) -> list[float]:
    """Takes everything that a reward may take, and does next to nothing with it."""
    return [float(len(text)) for text in responses]


def lean(responses: Sequence[str]) -> list[float]:
    """The same, of the responses alone."""
    return [float(len(text)) for text in responses]


def slow(responses: Sequence[str]) -> list[float]:
    values = []
    for text in responses:
        time.sleep(1.0)
        values.append(float(len(text)))
    return values


async def slow_async(responses: Sequence[str]) -> list[float]:
    values = []
    for text in responses:
        await asyncio.sleep(1.0)
        values.append(float(len(text)))
    return values


def batch(groups: int) -> list[Group]:
    text = "<answer>4</answer> because two and two make four. " * 8
    metadata = {"source_dataset": "basic_arithmetic", "source_index": 0, "num_terms": 2, "num_digits": 1}
    columns = {"question": "2 + 2 =", "answer": "4", "metadata": metadata}
    return [
        Group(
            Prompt(str(number), [1] * 32, "2 + 2 =", "2 + 2 =", columns),
            [Response(list(range(TOKENS)), [0.0] * TOKENS, text, "stop", 0) for _ in range(GROUP_SIZE)],
        )
        for number in range(groups)
    ]


def seconds(groups: list[Group], reward: Reward) -> float:
    started = time.perf_counter()
    report = score_groups(groups, [reward])
    taken = time.perf_counter() - started
    if report.unrewarded:
        raise SystemExit(f"{reward.name} failed: {report.invalid} {report.tracebacks}")
    return taken


def rates(pool: RewardPool, name: str, turns: int, **params: Any) -> dict[str, float]:
    """Rewards a second of one reward, called here and in the workers, in turns."""
    spec, groups = RewardSpec(reward=name, params=params), batch(GROUPS)
    here, there = resolve(spec), pool.resolve(spec)
    pool.warm([there])
    taken: dict[str, list[float]] = {"here": [], "isolated": []}
    for turn in range(turns + 1):
        for place, reward in (("here", here), ("isolated", there)):
            spent = seconds(groups, reward)
            if turn:  # the first turn imports
                taken[place].append(spent)
    size = GROUPS * GROUP_SIZE
    result = {f"{place}_per_s": size / statistics.median(each) for place, each in taken.items()}
    result["isolated_best_per_s"] = size / min(taken["isolated"])
    extra = [there - here for here, there in zip(taken["here"], taken["isolated"], strict=True)]
    return result | {"added_ms_per_batch": 1000 * statistics.median(extra)}


def shared(workers: int, name: str) -> dict[str, float]:
    """Seconds for 64 calls of one second each, and the bound that they should keep."""
    with RewardPool(RewardWorkers(workers=workers)) as pool:
        reward = pool.resolve(RewardSpec(reward=name))
        pool.warm([reward])
        taken = seconds(batch(64 // GROUP_SIZE), reward)
    return {"seconds": taken, "bound": 2.0 if "async" in name else 1.3 * math.ceil(64 / workers)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of tables")
    options = parser.parse_args()
    figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "workers": 2, "batch": GROUPS * GROUP_SIZE}
    with RewardPool(RewardWorkers(workers=2)) as pool:
        figures["rates"] = {
            "trivial, all arguments": rates(pool, "benchmarks.rewards:trivial", options.turns),
            "trivial, responses only": rates(pool, "benchmarks.rewards:lean", options.turns),
            "soft_overlong": rates(pool, "soft_overlong", options.turns, max_tokens=256, buffer=64),
            "reasoning_gym": rates(pool, "reasoning_gym", options.turns),
        }
    slow_ones: list[tuple[str, Callable[[], dict[str, float]]]] = [
        ("async, 2 workers", lambda: shared(2, "benchmarks.rewards:slow_async")),
        ("sync, 8 workers", lambda: shared(8, "benchmarks.rewards:slow")),
        ("sync, 5 workers", lambda: shared(5, "benchmarks.rewards:slow")),
        ("sync, 2 workers", lambda: shared(2, "benchmarks.rewards:slow")),
    ]
    figures["64 calls of 1 s"] = {name: run() for name, run in slow_ones}
    if options.json:
        print(json.dumps(figures))
        return
    print(f"{figures['cores']} cores, 2 workers, batches of {figures['batch']}\n")
    print(f"{'reward':28}{'here /s':>12}{'isolated /s':>14}{'best /s':>12}{'added ms a batch':>20}")
    for name, each in figures["rates"].items():
        print(
            f"{name:28}{each['here_per_s']:12,.0f}{each['isolated_per_s']:14,.0f}"
            f"{each['isolated_best_per_s']:12,.0f}{each['added_ms_per_batch']:20.2f}"
        )
    print(f"\n{'64 calls of 1 s':28}{'seconds':>12}{'bound':>14}")
    for name, each in figures["64 calls of 1 s"].items():
        print(f"{name:28}{each['seconds']:12.2f}{each['bound']:14.2f}")


if __name__ == "__main__":
    main()
