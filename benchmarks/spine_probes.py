"""How long engines, learner and weight copy work inside their processes: actors that note it in a file.

The actors are the project's own with a clock around three methods. ``install`` makes a run in this process start them
instead of the plain ones.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rollout.worker
import trainers.learner_group
from rollout.worker import RolloutWorker
from trainers.learner import LearnerRank

FILE = "LPO_BENCHMARK_PROBES"


class ProbedWorker(RolloutWorker):
    """Notes the seconds that vLLM's engine steps take while sampling, and those of loading weights."""

    def __init__(self, *args: Any, **options: Any) -> None:
        with _noted("start/engine"):
            super().__init__(*args, **options)
        engine = self._engine
        self._stepping = 0.0
        step = engine._engine.step

        def timed_step() -> Any:
            started = time.perf_counter()
            try:
                return step()
            finally:
                self._stepping += time.perf_counter() - started

        engine._engine.step = timed_step
        engine._load_chunks = _around(engine._load_chunks, "copy/engine")  # type: ignore[method-assign]

    def generate(self, requests: Any) -> Iterator[Any]:
        self._stepping = 0.0
        yield from super().generate(requests)
        _note("generate", self._stepping)


class ProbedRank(LearnerRank):
    """Notes the seconds of forward, backward and optimiser, and those of sending weights."""

    def join(self, host: str, port: int) -> None:
        with _noted("start/learner_join"):
            super().join(host, port)

    def load(self, *args: Any, **options: Any) -> dict[str, Any]:
        with _noted("start/learner_load"):
            return super().load(*args, **options)

    def step(self, *args: Any, **options: Any) -> Any:
        statistics = super().step(*args, **options)
        _note("learn", statistics.seconds)
        return statistics

    def push(self) -> Any:
        with _noted("copy/learner"):
            return super().push()


def install() -> None:
    """Runs of this process start probed actors from now on."""
    rollout.worker.RolloutWorker = ProbedWorker  # type: ignore[misc]
    trainers.learner_group.LearnerRank = ProbedRank  # type: ignore[misc]


def take(folder: Path) -> dict[str, float]:
    """What was noted since the last call. Engines work side by side, so the busiest one counts."""
    file = folder / "probes.jsonl"
    noted = defaultdict[str, list[float]](list)
    for line in file.read_text().splitlines() if file.exists() else []:
        each = json.loads(line)
        noted[each["name"]].append(each["seconds"])
    file.write_text("")
    return {
        "work/generate": max(noted["generate"], default=0.0),
        "work/generate_mean_engine": sum(noted["generate"]) / max(1, len(noted["generate"])),
        "work/learn": sum(noted["learn"]),
        "work/copy": sum(noted["copy/learner"]) + max(noted["copy/engine"], default=0.0),
    }


def _around(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def timed(*args: Any, **options: Any) -> Any:
        with _noted(name):
            return function(*args, **options)

    return timed


@contextmanager
def _noted(name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    _note(name, time.perf_counter() - started)


def _note(name: str, seconds: float) -> None:
    with open(os.environ[FILE], "a") as file:
        file.write(json.dumps({"name": name, "seconds": seconds, "at": time.time()}) + "\n")
