"""Many browsers, on this node or on every node of a Ray cluster, and a memory of what they have judged before."""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import queue
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from typing import Any, ClassVar, Protocol

from rewards.contract import RewardResult
from rewards.frontend.launch import LEAKS, Isolation, cage
from rewards.frontend.worker import Job, Worker

_log = logging.getLogger(__name__)

REMEMBERED = 8192
"""Results that are kept. The same response with the same checks and inputs is not judged twice."""


class Slot(Protocol):
    """Something that judges one job at a time."""

    def judge(self, job: Job) -> RewardResult: ...

    def close(self) -> None: ...


class Farm:
    """``browsers`` on each node; `judge` may be called from several threads."""

    _shared: ClassVar[dict[tuple[int, str], Farm]] = {}
    _shared_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, browsers: int | None = None, isolation: Isolation = "namespace") -> None:
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        self._slots = _slots(browsers or default_browsers(), isolation)
        for slot in self._slots:
            self._free.put(slot)
        self._pool = ThreadPoolExecutor(len(self._slots), thread_name_prefix="browser")
        self._known: OrderedDict[str, RewardResult] = OrderedDict()
        self._lock = threading.Lock()
        if isolation == "best_effort" and cage() is None:
            _log.warning("pages run without a network namespace: %s", "; ".join(LEAKS))

    @classmethod
    def shared(cls, browsers: int | None = None, isolation: Isolation = "namespace") -> Farm:
        """The farm of this process for these arguments, closed when it exits."""
        key = (browsers or default_browsers(), isolation)
        with cls._shared_lock:
            if key not in cls._shared:
                cls._shared[key] = cls(*key)  # type: ignore[arg-type]
                atexit.register(cls._shared[key].close)
            return cls._shared[key]

    def judge(self, jobs: Sequence[Job]) -> list[RewardResult]:
        """Results in the order of the jobs; equal jobs are judged once."""
        keys = [_key(job) for job in jobs]
        with self._lock:
            results = {key: self._known[key] for key in keys if key in self._known}
        wanted = {key: job for key, job in zip(keys, jobs, strict=True) if key not in results}
        submitted = {key: self._pool.submit(self._one, job) for key, job in wanted.items()}
        results |= {key: future.result() for key, future in submitted.items()}
        with self._lock:
            for key, result in results.items():
                if result.invalid is None:
                    self._known[key] = result
                    self._known.move_to_end(key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return [results[key] for key in keys]

    def close(self) -> None:
        """Ends the browsers."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for slot in self._slots:
            slot.close()
        with self._shared_lock:
            for key in [key for key, farm in self._shared.items() if farm is self]:
                del self._shared[key]

    def _one(self, job: Job) -> RewardResult:
        slot = self._free.get()
        try:
            return slot.judge(job)
        finally:
            self._free.put(slot)


def default_browsers() -> int:
    """Half of the cores that this process may use: a page keeps browser, renderer and Python busy in turns."""
    return max(1, len(os.sched_getaffinity(0)) // 2)


def _key(job: Job) -> str:
    return hashlib.sha256(repr(astuple(job)).encode("utf-8", "surrogatepass")).hexdigest()


def _slots(browsers: int, isolation: Isolation) -> list[Slot]:
    nodes = _other_nodes()
    if nodes is None:
        return [Worker(isolation) for _ in range(browsers)]
    return _ray_slots(nodes, browsers, isolation)


def _other_nodes() -> list[str] | None:
    """The nodes of the Ray cluster that this process is in, if there are several; None where there is nothing to spread
    over."""
    import sys

    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return None
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    return nodes if len(nodes) > 1 else None


def _ray_slots(nodes: Sequence[str], browsers: int, isolation: Isolation) -> list[Slot]:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    actor = ray.remote(num_cpus=0, max_restarts=-1)(Worker)
    placed = [
        actor.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(isolation)
        for _ in range(browsers)
        for node in nodes
    ]
    return [_RaySlot(worker) for worker in placed]


class _RaySlot:
    """A worker on some node."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker

    def judge(self, job: Job) -> RewardResult:
        import ray

        try:
            result: RewardResult = ray.get(self._worker.judge.remote(job))
        except ray.exceptions.RayError as cause:
            return RewardResult.unjudged(f"the browser's node failed ({type(cause).__name__})")
        return result

    def close(self) -> None:
        import ray

        if ray.is_initialized():
            ray.kill(self._worker)
