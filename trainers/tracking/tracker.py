"""Tracking that cannot stop or stall a run: calls only put things into a queue, a thread of its own talks to MLflow.

Invariant: ``log``, ``artifact`` and ``start`` return at once whatever the tracker does; ``finish`` returns within its
patience. What the queue has no room for, or the tracker did not take in time, is counted as lost; metrics.jsonl has it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from trainers.tracking.facts import without_password
from trainers.tracking.mlflow_store import MetricBatch, MlflowStore, RejectedError, RunRequest
from trainers.tracking.traces import GroupTrace

logger = logging.getLogger(__name__)

_BATCHES_PER_CALL = 10
Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class _Artifact:
    path: Path
    folder: str | None


@dataclass(frozen=True)
class TrackingReport:
    """How tracking ended: metric batches (steps) and artifacts that reached the tracker, and those that did not."""

    delivered: int
    lost: int
    artifacts_lost: int
    reason: str | None
    """Why something was lost; None when nothing was."""

    def __str__(self) -> str:
        if not self.lost and not self.artifacts_lost:
            return f"all {self.delivered} metric batches tracked"
        return (
            f"{self.lost} of {self.lost + self.delivered} metric batches and {self.artifacts_lost} artifacts "
            f"did not reach the tracker ({self.reason}); the run's metrics.jsonl has all of them"
        )


class Tracker:
    """One tracked run. ``Tracker(None)`` tracks nothing and is used alike."""

    def __init__(
        self,
        request: RunRequest | None,
        *,
        capacity: int = 2000,
        patience_s: float = 30.0,
        retry_s: float = 1.0,
        stalled_after_s: float = 60.0,
    ) -> None:
        self._request = request
        self._capacity, self._patience_s, self._retry_s = capacity, patience_s, retry_s
        self._stalled_after_s = stalled_after_s
        self._store = MlflowStore(request) if request else None
        self._queue: deque[MetricBatch | _Artifact | GroupTrace] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._on_start: Callable[[str], None] | None = None
        self._status: Status | None = None
        self._ended = False
        self._busy_since: float | None = None
        self._reason: str | None = None
        self._logged = self._delivered = self._artifacts = self._artifacts_delivered = 0

    def start(self, on_start: Callable[[str], None] | None = None) -> None:
        """Begin in the background. ``on_start`` gets the run id, from the tracker's thread, as soon as there is one."""
        if self._store is not None and self._thread is None:
            self._on_start = on_start
            self._thread = threading.Thread(target=self._work, name="tracker", daemon=True)
            self._thread.start()

    @property
    def run_id(self) -> str | None:
        """MLflow's id of the run; None as long as the tracker has not answered."""
        return self._store.run_id if self._store else None

    def url(self) -> str | None:
        """Where the run can be looked at: on the tracking server, or on the one that ``ui_command`` starts."""
        if self._request is None or self._store is None or self._store.run_id is None:
            return None
        uri = self._request.uri
        base = without_password(uri).rstrip("/") if uri.startswith("http") else "http://127.0.0.1:5000"
        return f"{base}/#/experiments/{self._store.experiment_id}/runs/{self._store.run_id}"

    def ui_command(self) -> str | None:
        """The command that opens MLflow's pages over a database of ours; None where a server is running already."""
        if self._request is None or self._request.uri.startswith(("http", "databricks")):
            return None
        return f"mlflow ui --backend-store-uri {without_password(self._request.uri)}"

    def log(self, metrics: dict[str, float], step: int, tokens: int) -> None:
        """One step's metrics, by step and by tokens seen so far."""
        self._logged += 1
        self._put(MetricBatch(dict(metrics), step, tokens, int(time.time() * 1000)))

    def trace(self, trace: GroupTrace) -> None:
        """A group of responses as an MLflow trace; one that is lost is not counted, rollouts/ has its responses."""
        self._put(trace)

    def artifact(self, path: str | Path, folder: str | None = None) -> None:
        """A file, or a folder's files, to be kept with the run under ``folder``. It must stay until it is uploaded."""
        self._artifacts += 1
        self._put(_Artifact(Path(path), folder))

    def finish(self, status: Status) -> TrackingReport:
        """Deliver what is queued, end the run with ``status``, and return within the patience given at the start."""
        if self._thread is not None:
            with self._changed:
                self._status = status
                self._changed.notify_all()
            self._thread.join(self._patience_s)
            if self._thread.is_alive():
                self._warn(f"no answer within {self._patience_s:g} s")
            elif not self._ended and self._reason is None:
                self._reason = "the tracker stopped"
        report = self.report()
        logger.log(logging.WARNING if report.lost else logging.INFO, "%s", report)
        return report

    def report(self) -> TrackingReport:
        """What has been delivered until now; what is still queued counts as lost."""
        if self._request is None:
            return TrackingReport(0, 0, 0, None)
        lost, artifacts_lost = self._logged - self._delivered, self._artifacts - self._artifacts_delivered
        return TrackingReport(self._delivered, lost, artifacts_lost, self._reason if lost or artifacts_lost else None)

    def _put(self, item: MetricBatch | _Artifact | GroupTrace) -> None:
        if self._store is None:
            return
        with self._changed:
            if len(self._queue) < self._capacity:
                self._queue.append(item)
                self._changed.notify_all()
                full = False
            else:
                full = True
        busy_since = self._busy_since
        if full:
            self._warn(f"{self._capacity} items are waiting, later ones are not tracked")
        elif busy_since is not None and time.monotonic() - busy_since > self._stalled_after_s:
            self._warn(f"no answer for {time.monotonic() - busy_since:.0f} s")

    def _work(self) -> None:
        begun, delay = False, self._retry_s
        while True:
            last_try = self._status is not None
            self._busy_since = time.monotonic()
            try:
                if not begun:
                    self._begin()
                    begun = True
                self._deliver()
                if last_try and not self._queue:
                    self._end()
                    return
                delay = self._retry_s
            except RejectedError as error:
                self._warn(str(error))
                if last_try or not begun:
                    return
            except Exception as error:  # whatever MLflow, its database or the network can raise must not end tracking
                self._warn(f"{type(error).__name__}: {error}")
                logger.debug("tracking failed", exc_info=True)
                if last_try:
                    return
                self._wait(lambda: self._status is not None, delay)
                delay = min(2 * delay, 60.0)
                continue
            finally:
                self._busy_since = None
            self._wait(lambda: bool(self._queue) or self._status is not None, None)

    def _begin(self) -> None:
        assert self._store is not None
        self._store.begin()
        if self._on_start is not None and self._store.run_id is not None:
            self._on_start(self._store.run_id)

    def _deliver(self) -> None:
        """Send what is queued; an item leaves the queue only when it was taken, or refused for good."""
        assert self._store is not None
        limit = _BATCHES_PER_CALL
        while self._queue:
            with self._changed:
                items: list[Any] = list(self._queue)
            batches = list(takewhile(lambda item: isinstance(item, MetricBatch), items))[:limit]
            try:
                if batches:
                    self._store.log(batches)
                    self._delivered += len(batches)
                elif isinstance(items[0], GroupTrace):
                    self._store.trace(items[0])
                else:
                    self._store.artifact(items[0].path, items[0].folder)
                    self._artifacts_delivered += 1
            except RejectedError as error:
                if len(batches) > 1:
                    limit = 1  # one of them is refused: send them singly
                    continue
                self._warn(str(error))
            with self._changed:
                for _ in range(len(batches) or 1):
                    self._queue.popleft()
            self._busy_since = time.monotonic()

    def _end(self) -> None:
        assert self._store is not None
        assert self._status is not None
        self._store.end(self._status)
        self._ended = True

    def _wait(self, condition: Callable[[], bool], timeout: float | None) -> None:
        with self._changed:
            self._changed.wait_for(condition, timeout)

    def _warn(self, reason: str) -> None:
        """The first time for the user, later ones for the log."""
        first, self._reason = self._reason is None, " ".join(reason.split())[:300]
        uri = without_password(self._request.uri) if self._request else ""
        level = logging.WARNING if first else logging.DEBUG
        logger.log(level, "MLflow at %s: %s. The run goes on; metrics.jsonl has all metrics.", uri, self._reason)
