"""Tracking with MLflow itself: an SQLite database, a port where nobody listens, a server that never answers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from lpo.recipe import Recipe
from trainers.run_folder import RunFolder
from trainers.tracking import Tracker, track_run


def recipe_at(folder: Path, uri: str | None, **tracking) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "demo",
            "run_dir": str(folder),
            "model": {"kind": "hub", "id": "a/b"},
            "data": {"source": {"kind": "reasoning_gym", "task": "chain_sum"}},
            "stages": [{"kind": "dft", "steps": 1, "optimizer": {"learning_rate": 0.1}}],
            "tracking": {"uri": uri, "system_metrics": False, **tracking},
        }
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db"


def test_a_whole_run_and_its_resume(tmp_path, database, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    recipe = recipe_at(tmp_path / "run", database, system_metrics=True)
    folder = RunFolder.create(recipe)
    tracker = track_run(recipe, folder)
    for step in (1, 2, 3):
        tracker.log({"reward/mean": step / 10, "time/step": 1.0, "odd%name": 1.0}, step=step, tokens=step * 100)
    rollouts = folder.rollouts / "rl-000001.jsonl"
    rollouts.write_text("{}\n")
    tracker.artifact(rollouts, "rollouts")
    wait_for_system_metrics(tracker, MlflowClient(database))
    assert str(tracker.finish("KILLED")) == "all 3 metric batches tracked"

    client = MlflowClient(database)
    state = folder.read_state()
    run = client.get_run(state["mlflow_run_id"])
    assert run.info.status == "KILLED"
    assert run.info.run_name == "run"
    assert run.data.params["stages.dft.optimizer.learning_rate"] == "0.1"
    assert len(run.data.params) > 50
    assert run.data.tags["recipe"] == "demo"
    assert run.data.metrics["odd_name"] == 1.0
    assert history(client, run, "reward/mean") == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert history(client, run, "by_tokens/reward/mean") == [(100, 0.1), (200, 0.2), (300, 0.3)]
    assert history(client, run, "tokens") == [(1, 100.0), (2, 200.0), (3, 300.0)]
    assert not history(client, run, "by_tokens/time/step")
    assert {item.path for item in client.list_artifacts(run.info.run_id)} == {"recipe.yaml", "rollouts"}
    assert [item.path for item in client.list_artifacts(run.info.run_id, "rollouts")] == ["rollouts/rl-000001.jsonl"]
    assert run.info.artifact_uri.startswith("file://")
    assert tracker.url().endswith(f"/runs/{run.info.run_id}")
    assert tracker.ui_command() == f"mlflow ui --backend-store-uri {database}"

    # Resumed from step 2: step 3 is done again and tracked once, step 4 is new.
    again = track_run(recipe, RunFolder.open(folder.path))
    for step in (3, 4):
        again.log({"reward/mean": step / 10}, step=step, tokens=step * 100)
    assert again.finish("FINISHED").lost == 0
    resumed = client.get_run(run.info.run_id)
    assert again.run_id == run.info.run_id
    assert resumed.info.status == "FINISHED"
    assert history(client, run, "reward/mean") == [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4)]
    assert history(client, run, "by_tokens/reward/mean")[-1] == (400, 0.4)
    assert len(client.search_runs([run.info.experiment_id])) == 1
    assert any(name.startswith("system/") for name in resumed.data.metrics)
    assert "INFO" not in capfd.readouterr().err  # MLflow's own chatter stays out of the display


def test_runs_of_a_sweep_are_children(tmp_path, database):
    parent = track_run(recipe_at(tmp_path / "a", database), RunFolder.create(recipe_at(tmp_path / "a", database)))
    parent.finish("FINISHED")
    recipe = recipe_at(tmp_path / "b", database)
    child = track_run(recipe, RunFolder.create(recipe), parent_run_id=parent.run_id)
    child.finish("FINISHED")
    assert MlflowClient(database).get_run(child.run_id).data.tags["mlflow.parentRunId"] == parent.run_id


def test_a_resume_whose_run_was_deleted_from_the_database_begins_a_new_one(tmp_path, database):
    recipe = recipe_at(tmp_path / "run", database)
    folder = RunFolder.create(recipe)
    folder.write_state(mlflow_run_id="0" * 32)
    tracker = track_run(recipe, folder)
    tracker.log({"reward/mean": 1.0}, step=1, tokens=1)
    assert tracker.finish("FINISHED").lost == 0
    assert folder.read_state()["mlflow_run_id"] == tracker.run_id != "0" * 32


RUN = """
import json, logging, sys
from pathlib import Path
from lpo.recipe import load_recipe
from trainers.run_folder import RunFolder
from trainers.run_log import logged
from trainers.tracking import track_run
recipe = load_recipe(sys.argv[1]).recipe
folder = RunFolder.create(recipe)
with logged(folder.log_file):
    tracker = track_run(recipe, folder)
    tracker._patience_s = 3.0
    for step in range(5):
        folder.append_metrics({"step": step, "stage": "rl", "tokens": step, "reward/mean": 0.5})
        tracker.log({"reward/mean": 0.5}, step=step, tokens=step)
    report = tracker.finish("FINISHED")
    print(json.dumps([report.delivered, report.lost, report.reason]))
"""


@pytest.mark.parametrize("listening", [False, True], ids=["nobody listens", "never answers"])
def test_a_tracker_that_is_not_there_costs_the_run_nothing(tmp_path, listening):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()  # the kernel accepts; nobody reads
            uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        else:
            uri = "http://127.0.0.1:9"
        recipe_file = tmp_path / "recipe.yaml"
        recipe_file.write_text(json.dumps(recipe_at(tmp_path / "run", uri).model_dump()))
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(recipe_file)], capture_output=True, text=True, timeout=120, check=True
        )
    delivered, lost, reason = json.loads(done.stdout)
    assert (delivered, lost) == (0, 5)
    assert reason
    assert done.stderr.count("The run goes on") == 1
    assert "5 of 5 metric batches" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(RunFolder.open(tmp_path / "run").metrics()) == 5


def wait_for_system_metrics(tracker: Tracker, client: MlflowClient) -> None:
    """They come from a thread of MLflow's; a run that ends before its first interval has none."""
    for _ in range(600):
        if tracker.run_id and any(key.startswith("system/") for key in client.get_run(tracker.run_id).data.metrics):
            return
        time.sleep(0.05)


def history(client: MlflowClient, run, key: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)]


def test_groups_appear_as_traces_of_the_run(tmp_path, database):
    import mlflow

    from lpo.objectives import ResponseOutcome
    from lpo.samples import Group, Prompt, Response
    from trainers.tracking.traces import trace_of

    recipe = recipe_at(tmp_path / "traced", database, experiment="traced")
    tracker = track_run(recipe, RunFolder.create(recipe))
    responses = [
        Response(
            [5, 6], [-0.1, -0.2], text, "stop", 4, reward=reward, components={"right": reward}, advantage=advantage
        )
        for text, reward, advantage in (("It is 2.", 1.0, 0.5), ("It is 3.", 0.0, -0.5))
    ]
    responses[0].outcome = ResponseOutcome("segment", [1.05], ["high"])
    group = Group(Prompt("p1", [1, 2], "1+1?", "1+1?"), responses)
    for number in range(2):
        tracker.trace(trace_of("rl", 7, number, group, time.time_ns()))
    assert str(tracker.finish("FINISHED")) == "all 0 metric batches tracked"

    mlflow.set_tracking_uri(database)
    client = MlflowClient(database)
    experiment = client.get_run(tracker.run_id).info.experiment_id
    traces = client.search_traces(locations=[experiment], run_id=tracker.run_id)
    assert sorted(trace.info.tags["mlflow.traceName"] for trace in traces) == [
        "rl step 7 prompt 1",
        "rl step 7 prompt 2",
    ]
    spans = {span.span_id: span for span in traces[0].data.spans}
    by_parent: dict[str | None, list[str]] = {}
    for span in spans.values():
        by_parent.setdefault(spans[span.parent_id].name if span.parent_id else None, []).append(span.name)
    assert by_parent[None] == [root.name for root in spans.values() if root.parent_id is None]
    assert sorted(by_parent["response 1"]) == ["advantage", "rewards", "rollout"]
    assert sorted(by_parent["response 2"]) == ["advantage", "rewards", "rollout"]
    rewards = [span for span in spans.values() if span.name == "rewards"]
    assert sorted(span.outputs["reward"] for span in rewards) == [0.0, 1.0]
    [clipped] = [span for span in spans.values() if span.name == "advantage" and "clips" in span.outputs]
    assert clipped.outputs == {"advantage": 0.5, "ratios": [1.05], "clips": ["high"]}
