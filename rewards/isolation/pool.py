"""The workers of a run, and how a batch is dealt to them.

A batch is cut into units that a reward may be called with: responses, groups, or the whole. Workers take shares of
what is left, large ones first, so that they finish together. A share whose call fails is taken up again unit by unit,
so that one bad response costs only itself; a worker that is lost is replaced.
"""

from __future__ import annotations

import math
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lpo.recipe.runtime import RewardSpec, RewardWorkers
from rewards.batch import Batch, Outcome, Scope
from rewards.invoke import too_long
from rewards.isolation.messages import BrokenFrameError, decode_outcome
from rewards.isolation.process import START_TIMEOUT_S, RewardWorkerError, WorkerLostError, WorkerProcess
from rewards.isolation.settings import WorkerLimits
from rewards.isolation.shares import Share, Shares
from rewards.resolver import RewardError, refuse_equal_names

MOST_WORKERS = 8
_LEAST_SHARE_S = 0.002
_GRACE_S = 5.0


class Worker(Protocol):
    """A worker on this machine (`WorkerProcess`) or another. Not shared between threads."""

    def load(self, spec: dict[str, Any], base_dir: str, columns: Sequence[str] | None = None) -> dict[str, Any]: ...

    def judge(
        self, spec: dict[str, Any], base_dir: str, parts: Sequence[Batch], timeout_s: float
    ) -> tuple[dict[str, Any], str]: ...

    def alive(self) -> bool: ...

    def close(self) -> None: ...


Start = Callable[[], Worker]
"""Starts a worker somewhere. Raises RewardWorkerError."""


@dataclass(frozen=True)
class IsolatedReward:
    """A reward that lives in the workers of a pool; see `rewards.resolver.ResolvedReward`."""

    name: str
    weight: float
    spec: dict[str, Any]
    takes: frozenset[str] | None
    """Names of lists that it takes, None for all."""
    scope: Scope
    asynchronous: bool
    call_seconds: float | None
    concurrency: int | None
    questions: tuple[int, ...]
    """To a judge, by the size of a group; empty where there is no judge."""
    pool: RewardPool

    def judge(self, batch: Batch) -> Outcome:
        """What the reward says about a batch. Never raises for a fault of the reward."""
        return self.pool.judge(self, batch)


class RewardPool:
    """Processes that rewards run in; started when first needed, ended by ``close``, by leaving a ``with`` block, and
    by the kernel when the run dies.

    ``elsewhere`` starts further workers, on other machines. Raises RewardWorkerError where processes cannot be started
    at all.
    """

    def __init__(
        self,
        settings: RewardWorkers | None = None,
        base_dir: Path | None = None,
        elsewhere: Sequence[Start] = (),
    ) -> None:
        self._settings = settings or RewardWorkers()
        self._base_dir = str(base_dir or Path.cwd())
        limits = WorkerLimits.of(self._settings)
        here = self._settings.workers or min(MOST_WORKERS, len(os.sched_getaffinity(0)))
        # The last are taken first: those of this machine answer soonest.
        starts: list[Start] = [*elsewhere, *[lambda: WorkerProcess(limits)] * here]
        self.workers = len(starts)
        self._idle: queue.LifoQueue[tuple[Start, Worker | None]] = queue.LifoQueue()
        for start in starts:
            self._idle.put((start, None))
        self._seconds_per_unit: dict[str, float] = {}

    def __enter__(self) -> RewardPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every worker that is not in a call."""
        for start, worker in [self._idle.get() for _ in range(self._idle.qsize())]:
            if worker is not None:
                worker.close()
            self._idle.put((start, None))

    def resolve(self, spec: RewardSpec, columns: Sequence[str] | None = None) -> IsolatedReward:
        """As `rewards.resolver.resolve`, but the plug-in is imported in a worker only."""
        given = spec.model_dump()
        try:
            with self._worker() as worker:
                facts = worker.load(given, self._base_dir, columns)
        except WorkerLostError as lost:
            limit = self._settings.import_timeout_s
            reason = str(lost) or f"{too_long(limit)} (reward_workers.import_timeout_s); raise it, or import less"
            raise RewardError(f"reward '{spec.reward}' does not load: its process {reason}\n{lost.printed}") from None
        if "refused" in facts:
            raise RewardError(facts["refused"])
        if facts["problem"]:
            raise RewardError(f"reward '{spec.reward}' {facts['problem']}")
        call_seconds, limit = facts["call_seconds"], self._settings.timeout_s
        if call_seconds is not None and call_seconds > limit:
            raise RewardError(
                f"reward '{spec.reward}' may need {call_seconds:g} s for a response, but reward_workers.timeout_s is "
                f"{limit:g}; raise it, or lower the reward's own limits"
            )
        return IsolatedReward(
            name=facts["name"],
            weight=spec.weight,
            spec=given,
            takes=None if facts["takes"] is None else frozenset(facts["takes"]),
            scope=facts["scope"],
            asynchronous=facts["asynchronous"],
            call_seconds=call_seconds,
            concurrency=facts["concurrency"],
            questions=tuple(facts["questions"]),
            pool=self,
        )

    def resolve_all(self, specs: Sequence[RewardSpec], columns: Sequence[str] | None = None) -> list[IsolatedReward]:
        """As `rewards.resolver.resolve_all`."""
        resolved = [self.resolve(spec, columns) for spec in specs]
        refuse_equal_names(specs, [reward.name for reward in resolved])
        return resolved

    def warm(self, rewards: Sequence[IsolatedReward]) -> None:
        """Starts every worker and imports ``rewards`` in it, so that no call has to wait for that."""

        everyone = threading.Barrier(self.workers)

        def load() -> None:
            with suppress(WorkerLostError, RewardWorkerError, threading.BrokenBarrierError), self._worker() as worker:
                for reward in rewards:
                    worker.load(reward.spec, self._base_dir)
                # A worker that is done first must not be taken again.
                everyone.wait(START_TIMEOUT_S + self._settings.import_timeout_s)

        with ThreadPoolExecutor(self.workers) as executor:
            for _ in range(self.workers):
                executor.submit(load)

    def judge(self, reward: IsolatedReward, batch: Batch) -> Outcome:
        """Calls ``reward`` about the whole batch, on as many workers as that takes."""
        needed = batch if reward.takes is None else batch.only(reward.takes)
        shares = Shares(batch.units(reward.scope), lambda left: self._share_size(reward, left))
        threads = 1 if reward.asynchronous else min(self.workers, shares.left)

        def work() -> None:
            while share := shares.take():
                try:
                    self._call(reward, needed, share, shares)
                except BaseException:
                    shares.abandon()  # nobody must wait for what will not come
                    raise

        if threads <= 1:
            work()
        else:
            with ThreadPoolExecutor(threads, thread_name_prefix=f"reward-{reward.name}") as executor:
                for future in [executor.submit(work) for _ in range(threads)]:
                    future.result()
        return shares.outcome()

    def _share_size(self, reward: IsolatedReward, left: int) -> int:
        if reward.asynchronous:
            return left
        size = math.ceil(left / (2 * self.workers))
        pace = self._seconds_per_unit.get(reward.name)
        if pace:
            size = max(size, int(_LEAST_SHARE_S / pace))
            size = min(size, int(self._settings.timeout_s / 4 / pace))
        if reward.call_seconds:
            size = min(size, int(self._settings.timeout_s / reward.call_seconds))
        return max(1, size)

    def _call(self, reward: IsolatedReward, batch: Batch, share: Share, shares: Shares) -> None:
        if reward.asynchronous:
            parts = [batch.part(*unit) for unit in share.units]
            rounds = math.ceil(len(parts) / min(self._settings.concurrency, reward.concurrency or len(parts)))
            limit = self._settings.timeout_s * rounds + _GRACE_S
        else:
            parts, limit = [batch.part(share.start, share.stop)], self._settings.timeout_s
        try:
            with self._worker() as worker:
                worker.load(reward.spec, self._base_dir)
                started = time.monotonic()
                reply, printed = worker.judge(reward.spec, self._base_dir, parts, limit)
                outcomes = _decoded(reply, parts)
                if reply.get("spent"):
                    worker.close()  # it says so itself: it failed, and left processes behind
            outcomes[0].printed = printed
            self._seconds_per_unit[reward.name] = (time.monotonic() - started) / len(share.units)
            shares.done(share, outcomes)
        except (WorkerLostError, RewardWorkerError) as error:
            printed = error.printed if isinstance(error, WorkerLostError) else ""
            shares.lost(share, str(error) or too_long(self._settings.timeout_s), printed)

    @contextmanager
    def _worker(self) -> Iterator[Worker]:
        """A worker of its own for the ``with`` block; one that is lost in it is replaced when next needed."""
        start, worker = self._idle.get()
        try:
            if worker is not None and not worker.alive():
                worker.close()
                worker = None
            if worker is None:
                worker = start()
            yield worker
        except BaseException:
            if worker is not None:
                worker.close()  # whatever it was at, nobody waits for it
                worker = None
            raise
        finally:
            self._idle.put((start, worker))


def _decoded(reply: dict[str, Any], parts: Sequence[Batch]) -> list[Outcome]:
    try:
        return [decode_outcome(each, part.count) for each, part in zip(reply["outcomes"], parts, strict=True)]
    except (KeyError, TypeError, ValueError, BrokenFrameError) as cause:
        raise WorkerLostError("sent something that is no reply") from cause
