"""Experiment tracking with MLflow, behind a queue."""

from __future__ import annotations

from lpo.recipe import Recipe
from trainers.run_folder import RunFolder
from trainers.tracking.facts import params_of, tags_of, tracking_uri
from trainers.tracking.mlflow_store import RunRequest
from trainers.tracking.tracker import Status, Tracker, TrackingReport

__all__ = ["RunRequest", "Status", "Tracker", "TrackingReport", "track_run"]


MADE_WITH = ("version.", "git.")
"""Prefixes of the tags that say what made a run."""


def track_run(recipe: Recipe, folder: RunFolder, parent_run_id: str | None = None) -> Tracker:
    """The started tracker of a run: a new MLflow run, or the one that run.json names when the folder is resumed.

    Keeps the run id and the tracking URI in run.json, and uploads recipe.yaml. A disabled tracker where the recipe says
    ``tracking.mlflow: false``.
    """
    tags = tags_of(recipe)
    made_with = {name.removeprefix("version."): value for name, value in tags.items() if name.startswith(MADE_WITH)}
    folder.write_state(versions=made_with)
    if not recipe.tracking.mlflow:
        return Tracker(None)
    state = folder.read_state()
    uri = state.get("mlflow_uri") or tracking_uri(recipe.tracking)
    folder.write_state(mlflow_uri=uri)
    tracker = Tracker(
        RunRequest(
            uri=uri,
            experiment=recipe.tracking.experiment or recipe.name,
            name=folder.path.name,
            params=params_of(recipe),
            tags=tags | {"run_dir": str(folder.path)},
            run_id=state.get("mlflow_run_id"),
            parent_run_id=parent_run_id,
            system_metrics=recipe.tracking.system_metrics,
        )
    )
    tracker.start(on_start=lambda run_id: folder.write_state(mlflow_run_id=run_id))
    tracker.artifact(folder.recipe_file)
    return tracker
