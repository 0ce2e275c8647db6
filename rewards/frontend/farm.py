"""Several browsers, and a memory of what they have judged before."""

from __future__ import annotations

import atexit
import hashlib
import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from typing import ClassVar

from rewards.contract import RewardResult
from rewards.frontend.launch import LEAKS, Isolation, cage
from rewards.frontend.worker import Job, Worker

_log = logging.getLogger(__name__)

REMEMBERED = 8192
"""Results that are kept. The same response with the same checks and inputs is not judged twice."""
REMEMBERED_PICTURES = 64
"""Results with pictures that are kept: half a megabyte each, and more."""


class Farm:
    """``browsers`` processes with a browser each; `judge` may be called from several threads."""

    _shared: ClassVar[dict[tuple[int, str], Farm]] = {}
    _shared_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, browsers: int = 1, isolation: Isolation = "namespace") -> None:
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._workers = [Worker(isolation) for _ in range(browsers)]
        for worker in self._workers:
            self._free.put(worker)
        self._pool = ThreadPoolExecutor(len(self._workers), thread_name_prefix="browser")
        self._known: OrderedDict[str, RewardResult] = OrderedDict()
        self._pictured: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        if isolation == "best_effort" and cage() is None:
            _log.warning("pages run without a network namespace: %s", "; ".join(LEAKS))

    @classmethod
    def shared(cls, browsers: int = 1, isolation: Isolation = "namespace") -> Farm:
        """The farm of this process for these arguments, closed when it exits."""
        key = (browsers, isolation)
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
                    if "pictures" in result.info:
                        self._pictured[key] = None
                        self._pictured.move_to_end(key)
            while len(self._pictured) > REMEMBERED_PICTURES:
                self._known.pop(self._pictured.popitem(last=False)[0], None)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return [results[key] for key in keys]

    def close(self) -> None:
        """Ends the browsers."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            worker.close()
        with self._shared_lock:
            for key in [key for key, farm in self._shared.items() if farm is self]:
                del self._shared[key]

    def _one(self, job: Job) -> RewardResult:
        worker = self._free.get()
        try:
            return worker.judge(job)
        finally:
            self._free.put(worker)


def _key(job: Job) -> str:
    return hashlib.sha256(repr(astuple(job)).encode("utf-8", "surrogatepass")).hexdigest()
