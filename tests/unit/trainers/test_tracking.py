"""The tracker's queue, with a store of the test's own: nothing it does stops or stalls, and what is lost is counted."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from lpo.recipe import Recipe
from lpo.recipe.runtime import Tracking
from trainers.tracking import RunRequest, Tracker
from trainers.tracking.facts import params_of, tags_of, tracking_uri, without_password
from trainers.tracking.mlflow_store import RejectedError

REQUEST = RunRequest(uri="http://tracker", experiment="e", name="n", params={}, tags={})


class Store:
    """Stands in for MLflow: fails as often as told, refuses what it is told to, or never answers."""

    def __init__(self, failures: int = 0, refuse: int | None = None, gate: threading.Event | None = None) -> None:
        self.run_id, self.experiment_id = None, "1"
        self.failures, self.refuse, self.gate = failures, refuse, gate
        self.steps: list[int] = []
        self.calls: list[list[int]] = []
        self.artifacts: list[str] = []
        self.status: str | None = None

    def begin(self) -> None:
        if self.gate is not None:
            self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("refused")
        self.run_id = "run"

    def log(self, batches) -> None:
        steps = [batch.step for batch in batches]
        if self.refuse in steps:
            raise RejectedError(f"step {self.refuse}")
        self.calls.append(steps)
        self.steps += steps

    def artifact(self, path, folder) -> None:
        self.artifacts.append(f"{folder}/{path}")

    def end(self, status) -> None:
        self.status = status


def tracker(store: Store, **settings) -> Tracker:
    made = Tracker(REQUEST, retry_s=0.001, **settings)
    made._store = store
    return made


def test_all_is_delivered_in_order_and_the_run_ended():
    store, ids = Store(), []
    tracked = tracker(store)
    tracked.start(on_start=ids.append)
    for step in range(25):
        tracked.log({"a": 1.0}, step=step, tokens=step)
    tracked.artifact(Path("recipe.yaml"), "files")
    tracked.log({"a": 1.0}, step=25, tokens=25)
    report = tracked.finish("FAILED")
    assert store.steps == list(range(26))
    assert (store.artifacts, store.status, ids) == (["files/recipe.yaml"], "FAILED", ["run"])
    assert (report.delivered, report.lost, report.artifacts_lost, report.reason) == (26, 0, 0, None)
    assert tracked.url() == "http://tracker/#/experiments/1/runs/run"


def test_queued_batches_share_calls():
    gate = threading.Event()
    store = Store(gate=gate)
    tracked = tracker(store)
    tracked.start()
    for step in range(25):
        tracked.log({"a": 1.0}, step=step, tokens=step)
    gate.set()
    tracked.finish("FINISHED")
    assert [len(call) for call in store.calls] == [10, 10, 5]


def test_a_tracker_that_comes_back_gets_everything(caplog):
    store = Store(failures=3)
    tracked = tracker(store)
    tracked.start()
    tracked.log({"a": 1.0}, step=1, tokens=1)
    while tracked.run_id is None:
        threading.Event().wait(0.005)
    report = tracked.finish("FINISHED")
    assert store.steps == [1]
    assert (report.lost, report.reason) == (0, None)
    assert [record.levelname for record in caplog.records if record.levelno >= logging.WARNING] == ["WARNING"]


def test_a_tracker_that_is_down_warns_once_and_the_lost_batches_are_counted(caplog):
    tracked = tracker(Store(failures=10**9))
    tracked.start()
    for step in range(3):
        tracked.log({"a": 1.0}, step=step, tokens=step)
    tracked.artifact("x")
    report = tracked.finish("FINISHED")
    assert (report.delivered, report.lost, report.artifacts_lost) == (0, 3, 1)
    assert "3 of 3 metric batches and 1 artifacts did not reach the tracker (ConnectionError: refused)" in str(report)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len([record for record in warnings if "The run goes on" in record.message]) == 1
    assert tracked.url() is None


def test_a_tracker_that_never_answers_is_left_after_the_patience():
    gate = threading.Event()
    tracked = tracker(Store(gate=gate), capacity=2, patience_s=0.05)
    tracked.start()
    for step in range(5):
        tracked.log({"a": 1.0}, step=step, tokens=step)
    report = tracked.finish("KILLED")
    assert report.lost == 5
    assert report.reason == "no answer within 0.05 s"
    gate.set()


def test_a_full_queue_keeps_the_first_and_counts_the_rest():
    gate = threading.Event()
    store = Store(gate=gate)
    tracked = tracker(store, capacity=2)
    tracked.start()
    for step in range(5):
        tracked.log({"a": 1.0}, step=step, tokens=step)
    gate.set()
    report = tracked.finish("FINISHED")
    assert store.steps == [0, 1]
    assert (report.delivered, report.lost) == (2, 3)
    assert store.status == "FINISHED"


def test_one_refused_batch_costs_only_itself():
    gate = threading.Event()
    store = Store(refuse=2, gate=gate)
    tracked = tracker(store)
    tracked.start()
    for step in range(5):
        tracked.log({"a": 1.0}, step=step, tokens=step)
    gate.set()
    report = tracked.finish("FINISHED")
    assert store.steps == [0, 1, 3, 4]
    assert (report.delivered, report.lost, report.reason) == (4, 1, "step 2")


def test_a_tracker_that_is_off_does_nothing():
    tracked = Tracker(None)
    tracked.start()
    tracked.log({"a": 1.0}, step=1, tokens=1)
    tracked.artifact("x")
    assert tracked.finish("FINISHED").lost == 0
    assert (tracked.run_id, tracked.url(), tracked.ui_command()) == (None, None, None)


@pytest.fixture
def recipe() -> Recipe:
    values = {
        "name": "demo",
        "description": "x" * 7000,
        "model": {"kind": "hub", "id": "a/b"},
        "data": {"source": {"kind": "reasoning_gym", "task": "chain_sum", "params": {"min_terms": 2}}},
        "stages": [
            {
                "kind": "rl",
                "name": "polish",
                "steps": 1,
                "optimizer": {"learning_rate": 0.1},
                "algorithm": "gspo",
                "rewards": [{"reward": "correctness"}],
            }
        ],
        "tracking": {"uri": "http://me:secret@host:5000"},
    }
    return Recipe.model_validate(values)


def test_params_have_the_addresses_of_overrides(recipe):
    params = params_of(recipe)
    assert params["stages.polish.optimizer.learning_rate"] == "0.1"
    assert params["stages.polish.rewards.0.reward"] == "correctness"
    assert params["stages.polish.optimizer.betas"] == "[0.9, 0.999]"
    assert params["data.source.params.min_terms"] == "2"
    assert params["run_dir"] == "null"
    assert params["engine.prepack"] == "true"
    assert params["stages.polish.epochs"] == "1"
    assert len(params["description"]) == 6000
    assert params["tracking.uri"] == "http://me:***@host:5000"


def test_tags_name_versions_revision_and_algorithm(recipe):
    tags = tags_of(recipe)
    assert (tags["recipe"], tags["algorithm"], tags["device"]) == ("demo", "gspo", "cpu")
    assert {"version.lpo", "version.torch", "version.ray", "version.deepspeed", "version.transformers"} <= set(tags)
    assert len(tags["git.sha"]) == 40
    assert tags["git.dirty"] in ("true", "false")


def test_the_uri_of_the_recipe_then_of_the_environment_then_sqlite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri(Tracking()) == f"sqlite:///{tmp_path}/runs/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host")
    assert tracking_uri(Tracking()) == "http://host"
    assert tracking_uri(Tracking(uri="sqlite:///a.db")) == f"sqlite:///{tmp_path}/a.db"
    assert tracking_uri(Tracking(uri="sqlite:////a.db")) == "sqlite:////a.db"


def test_passwords_are_not_shown():
    assert without_password("http://me:secret@host:5000/x") == "http://me:***@host:5000/x"
    assert without_password("http://host/x") == "http://host/x"
