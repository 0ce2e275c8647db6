"""Reads the runs that are to be compared: of a sweep's folder, of an MLflow experiment, or named one by one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lpo.errors import InputError
from lpo.recipe import RecipeError, load_recipe
from lpo.recipe.algorithm import VARIANTS, algorithm_by_name
from trainers.checkpoints import stage_model
from trainers.comparison.sweep import WARM_UP
from trainers.run_folder import RunFolder

Record = dict[str, Any]


class ComparisonError(InputError):
    """There is nothing to compare under the name that was given."""


@dataclass(frozen=True)
class Run:
    """One run: its algorithm, its seed, and the metrics of its reinforcement stages."""

    name: str
    label: str
    family: str
    seed: int
    recipe: dict[str, Any]
    records: list[Record]
    finished: bool
    versions: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None

    def points(self, metric: str) -> list[tuple[int, float]]:
        """(response tokens so far, value) wherever the metric was logged and is a number."""
        start = self.records[0]["tokens"] if self.records else 0
        logged = [(each["tokens"] - start, each.get(metric)) for each in self.records]
        return [(spent, value) for spent, value in logged if value is not None and math.isfinite(value)]

    def at(self, metric: str, tokens: float) -> float | None:
        """The metric where it was last logged within so many response tokens."""
        within = [value for spent, value in self.points(metric) if spent <= tokens]
        return within[-1] if within else None


def read_runs(names: Sequence[str], tracking_uri: str | None = None) -> list[Run]:
    """The runs of sweep folders, run folders or MLflow experiments, each once, however often it is named.

    Raises:
        ComparisonError: a name is none of these, or no run has metrics yet.
    """
    runs = [run for name in names for run in _runs_of(name, tracking_uri) if run.records]
    if not runs:
        raise ComparisonError(f"{', '.join(names)}: no run has logged a step of an rl stage yet")
    return sorted({run.folder: run for run in runs}.values(), key=lambda run: run.seed)


def _runs_of(name: str, tracking_uri: str | None) -> Iterator[Run]:
    folder = Path(name).expanduser()
    if (folder / "sweep.json").is_file():
        known = json.loads((folder / "sweep.json").read_text())["runs"]
        for child, facts in known.items():
            if (folder / child / "recipe.yaml").is_file():
                yield _run(folder / child, facts["label"], facts["family"])
    elif (folder / "recipe.yaml").is_file():
        yield _run(folder)
    else:
        yield from _runs_of_experiment(name, tracking_uri)


def _runs_of_experiment(name: str, tracking_uri: str | None) -> Iterator[Run]:
    """MLflow says where the run folders of an experiment are; they are read, and not MLflow's copy of them."""
    from lpo.recipe.runtime import Tracking
    from trainers.tracking.facts import tracking_uri as resolved_uri
    from trainers.tracking.mlflow_store import open_client

    uri = resolved_uri(Tracking(uri=tracking_uri))
    client = open_client(uri)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        known = ", ".join(each.name for each in client.search_experiments()) or "none"
        raise ComparisonError(
            f"'{name}' is neither the folder of a sweep or run, nor an experiment of MLflow at {uri}; it has: {known}"
        )
    for found in client.search_runs([experiment.experiment_id]):
        folder = Path(found.data.tags.get("run_dir", ""))
        if folder.name != WARM_UP and (folder / "recipe.yaml").is_file():
            known_as = _labels_of_sweep(folder)
            yield _run(folder, *known_as)


def _labels_of_sweep(folder: Path) -> tuple[str, str] | tuple[()]:
    file = folder.parent / "sweep.json"
    facts = json.loads(file.read_text())["runs"].get(folder.name) if file.is_file() else None
    return (facts["label"], facts["family"]) if facts else ()


def _run(folder: Path, label: str | None = None, family: str | None = None) -> Run:
    run = RunFolder(folder)
    try:
        recipe = load_recipe(run.recipe_file, check_files=False).recipe
    except RecipeError as cause:
        raise ComparisonError(f"{folder}: its recipe cannot be read: {cause}") from None
    stages = [stage for stage in recipe.stages if stage.kind == "rl"]
    names = {stage.name for stage in stages}
    records = [record for record in run.metrics() if record["stage"] in names]
    if label is None:
        label = _label(stages[-1].algorithm) if stages else recipe.name
    return Run(
        name=folder.name,
        label=label,
        family=family or label.partition(" ")[0],
        seed=recipe.seed,
        recipe=recipe.model_dump(),
        records=records,
        finished=bool(stages) and stage_model(run.checkpoints, recipe.stages[-1].name).is_dir(),
        versions=run.read_state().get("versions", {}),
        folder=folder.resolve(),
    )


def _label(objective: Any) -> str:
    """The algorithm's name, and what of it is not its default."""
    if known := next((name for name, variant in VARIANTS.items() if variant == objective), None):
        return known
    usual = algorithm_by_name(objective.name).model_dump()
    changed = {name: value for name, value in objective.model_dump().items() if usual[name] != value}
    return " ".join([objective.name, *(f"{name}={value}" for name, value in changed.items())])
