"""One run in MLflow, by blocking calls. Only the tracker's own thread comes here; MLflow is imported on first use."""

from __future__ import annotations

import getpass
import logging
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainers.tracking.traces import GroupTrace, write_trace

logger = logging.getLogger(__name__)

MAX_BATCH = 1000  # entities that MLflow takes in one log_batch; params and tags are limited to 100 each
MAX_PARAMS = 100
BY_TOKENS = ("reward/", "eval/", "response/", "policy/", "groups/")


class RejectedError(Exception):
    """MLflow answered, and will not take this item; sending it again would not help."""


@dataclass(frozen=True)
class MetricBatch:
    """What one step logs; ``timestamp`` in milliseconds."""

    metrics: dict[str, float]
    step: int
    tokens: int
    timestamp: int


@dataclass(frozen=True)
class RunRequest:
    """The run to begin, or to go on with when ``run_id`` is given."""

    uri: str
    experiment: str
    name: str
    params: dict[str, str]
    tags: dict[str, str]
    run_id: str | None = None
    parent_run_id: str | None = None
    system_metrics: bool = True


class MlflowStore:
    """Begins a run and writes to it. Any exception but ``RejectedError`` means: try again later."""

    def __init__(self, request: RunRequest) -> None:
        self.run_id: str | None = None
        self.experiment_id: str | None = None
        self._request = request
        self._client: Any = None
        self._monitor: Any = None
        self._params_logged = False
        self._tracked_until: dict[str, int] | None = None
        """By metric, the last step that a resumed run has tracked; None for a new run."""

    def begin(self) -> None:
        """Create the run, or set it going again. May be called again after it failed."""
        if self._client is None:
            self._client = open_client(self._request.uri)
        if self.run_id is None:
            self._open_run()
        self._log_params()
        if self._request.system_metrics and self._monitor is None:
            self._monitor = self._system_metrics()

    def log(self, batches: Sequence[MetricBatch]) -> None:
        """Write the batches, in as few calls as MLflow's limits allow."""
        points = [point for batch in batches for point in self._points(batch)]
        for start in range(0, len(points), MAX_BATCH):
            self._call("log_batch", self.run_id, metrics=points[start : start + MAX_BATCH])

    def artifact(self, path: Path, folder: str | None) -> None:
        """Upload a file, or all files of a folder."""
        if not path.exists():
            raise RejectedError(f"artifact {path} does not exist")
        self._call("log_artifacts" if path.is_dir() else "log_artifact", self.run_id, str(path), folder)

    def trace(self, trace: GroupTrace) -> None:
        """Write a trace of the run. MLflow's exporter keeps failures to its log: a trace may be lost, not the run."""
        import mlflow

        # Its own queue would be a second one behind the tracker's, and would be cut off where the process ends.
        os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
        if mlflow.get_tracking_uri() != self._request.uri:
            mlflow.set_tracking_uri(self._request.uri)
        assert self.experiment_id is not None
        assert self.run_id is not None
        write_trace(trace, self.experiment_id, self.run_id)

    def end(self, status: str) -> None:
        """FINISHED, FAILED or KILLED."""
        if self._monitor is not None:
            monitor, self._monitor = self._monitor, None
            monitor.finish()
        self._call("set_terminated", self.run_id, status)

    def _open_run(self) -> None:
        request = self._request
        if request.run_id is not None:
            try:
                run = self._call("get_run", request.run_id)
                self._call("update_run", request.run_id, status="RUNNING")
            except RejectedError as error:
                logger.warning("MLflow does not know run %s any more (%s); a new one begins", request.run_id, error)
            else:
                self._tracked_until = {}
                self.run_id, self.experiment_id = run.info.run_id, run.info.experiment_id
                return
        self.experiment_id = self._experiment()
        tags = {**request.tags, "mlflow.user": _user(), "mlflow.source.name": "lpo", "mlflow.source.type": "JOB"}
        if request.parent_run_id:
            tags["mlflow.parentRunId"] = request.parent_run_id
        run = self._call("create_run", self.experiment_id, run_name=request.name, tags=tags)
        self.run_id = run.info.run_id

    def _experiment(self) -> str:
        name = self._request.experiment
        found = self._call("get_experiment_by_name", name)
        if found is None:
            try:
                return str(
                    self._call("create_experiment", name, artifact_location=_artifacts_beside(self._request.uri))
                )
            except RejectedError:  # another run made it in between
                found = self._call("get_experiment_by_name", name)
        if found is None or found.lifecycle_stage != "active":
            raise RejectedError(
                f"experiment '{name}' is deleted in MLflow; restore it, or set tracking.experiment to another name"
            )
        return str(found.experiment_id)

    def _log_params(self) -> None:
        from mlflow.entities import Param

        params = {} if self._params_logged else self._request.params
        if params and self._tracked_until is not None:
            known = self._call("get_run", self.run_id).data.params
            params = {key: value for key, value in params.items() if key not in known}
        named = {_key(name): value for name, value in params.items()}  # cut names may be equal
        entities = [Param(name, value) for name, value in named.items()]
        for start in range(0, len(entities), MAX_PARAMS):
            self._call("log_batch", self.run_id, params=entities[start : start + MAX_PARAMS])
        self._params_logged = True

    def _points(self, batch: MetricBatch) -> list[Any]:
        """MLflow has one integer axis: every metric goes by step, those of interest also by tokens under by_tokens/."""
        from mlflow.entities import Metric

        by_step = {**batch.metrics, "tokens": float(batch.tokens)}
        by_tokens = {f"by_tokens/{name}": v for name, v in batch.metrics.items() if name.startswith(BY_TOKENS)}
        points = []
        for metrics, step in ((by_step, batch.step), (by_tokens, batch.tokens)):
            for name, value in metrics.items():
                if value is not None and not math.isinf(value) and step > self._last_tracked(_key(name)):
                    points.append(Metric(_key(name), float(value), batch.timestamp, step))
        return points

    def _last_tracked(self, key: str) -> int:
        """Where an interrupted run left a metric, so that steps done again after a resume are not tracked twice."""
        if self._tracked_until is None:
            return -1
        if key not in self._tracked_until:
            history = self._call("get_metric_history", self.run_id, key)
            self._tracked_until[key] = max((point.step for point in history), default=-1)
        return self._tracked_until[key]

    def _system_metrics(self) -> Any:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        resumed = self._tracked_until is not None
        monitor = SystemMetricsMonitor(self.run_id, resume_logging=resumed, tracking_uri=self._request.uri)
        monitor.start()
        return monitor

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return getattr(self._client, name)(*args, **kwargs)
        except MlflowException as error:
            code = error.get_http_status_code()
            if 400 <= code < 500 and code not in (408, 429):
                raise RejectedError(f"{name}: {error.message}") from error
            raise


def open_client(uri: str) -> Any:
    """MLflow's client of a tracking URI, with short patience and without output of its own."""
    # MLflow's own patience is minutes; the tracker has a queue and tries again. Both can be set from outside.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic", "sqlalchemy.engine", "huey"):
        # MLflow writes these to stderr, across a live display; they go where everything else is logged.
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    return MlflowClient(tracking_uri=uri)


def _artifacts_beside(uri: str) -> str | None:
    """Artifacts of a local database lie beside it and not in the working directory; a server has a place of its own."""
    if not uri.startswith("sqlite:///"):
        return None
    return (Path(uri.removeprefix("sqlite:///")).absolute().parent / "mlflow-artifacts").as_uri()


def _key(name: str) -> str:
    return re.sub(r"[^\w\-. :/]", "_", name)[:250]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return str(os.getuid())
