"""The frontier's picture goes to the runs in a real MLflow store."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from trainers.cli import app

RECORD = {"stage": "rl", "step": 0, "tokens": 0, "eval/accuracy": 0.5, "eval/mean_tokens": 28.0}


def run_folder(folder: Path, **state: str) -> Path:
    folder.mkdir()
    (folder / "recipe.yaml").write_text("name: demo\n")
    (folder / "metrics.jsonl").write_text(json.dumps(RECORD) + "\n")
    (folder / "run.json").write_text(json.dumps(state))
    return folder


def test_the_command_adds_the_picture_to_the_runs_in_mlflow(tmp_path: Path):
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("e", artifact_location=str(tmp_path / "artifacts"))
    run_id = client.create_run(experiment).info.run_id
    tracked = run_folder(tmp_path / "tracked", mlflow_uri=uri, mlflow_run_id=run_id)
    gone = run_folder(tmp_path / "gone", mlflow_uri=uri, mlflow_run_id="0" * 32)
    picture = tmp_path / "frontier.png"
    result = CliRunner().invoke(app, ["frontier", str(tracked), str(gone), "--output", str(picture)])
    assert result.exit_code == 0, result.output
    assert [each.path for each in client.list_artifacts(run_id, "plots")] == ["plots/frontier.png"]
    assert "gone: MLflow did not take the picture" in result.output
