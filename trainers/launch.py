"""Runs a recipe from start to end, or a run folder from where it stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lpo.recipe import LoadedRecipe, load_recipe
from rollout.reward_hosts import reward_pool
from trainers.checkpoints import Checkpoints, run_state
from trainers.cluster import connected, placed
from trainers.learner_group import LearnerGroup
from trainers.placement import layout
from trainers.plots import plot_run
from trainers.prepare import Prepared, prepare
from trainers.progress import Progress
from trainers.reinforce import train_rl
from trainers.run import Run, RunState
from trainers.run_folder import RunFolder, RunFolderError, check_run_dir
from trainers.run_log import logged
from trainers.stopping import Interrupted, StopSignal
from trainers.supervised import train_supervised
from trainers.tracking import Status, track_run

_log = logging.getLogger(__name__)

STAGES: dict[str, Callable[[Run, Any], None]] = {"dft": train_supervised, "rl": train_rl}


@dataclass(frozen=True)
class Outcome:
    """Where the results of a run are. ``interrupted`` names the signal that ended it early."""

    folder: RunFolder
    model: Path | None
    interrupted: str | None = None


def train(loaded: LoadedRecipe, *, plain: bool | None = None, parent_run_id: str | None = None) -> Outcome:
    """A new run of a recipe."""
    check_run_dir(loaded.recipe)
    prepared = prepare(loaded)
    folder = RunFolder.create(loaded.recipe)
    with folder.locked():
        folder.write_state(data=prepared.data_digest)
        return _run(loaded, prepared, folder, RunState(), None, plain, parent_run_id)


def resume(run_dir: str | Path, *, plain: bool | None = None) -> Outcome:
    """Continues a run from its newest checkpoint, as if it had not stopped.

    Raises:
        RunFolderError: another process trains in the folder, or the data are not those that the run began with.
        CheckpointError: the checkpoint is damaged.
    """
    folder = RunFolder.open(run_dir)
    with folder.locked():
        loaded = load_recipe(folder.recipe_file)
        prepared = prepare(loaded)
        digest = prepared.data_digest
        if folder.read_state().get("data", digest) != digest:
            raise RunFolderError(
                f"{folder.path}: prompts, worked responses or tokens are not those that the run began with; restore "
                "the data and the model's tokenizer, or begin a new run from an exported model (`lpo export`)"
            )
        checkpoint = Checkpoints(folder.checkpoints, loaded.recipe.checkpoints.keep, prepared.model_path).latest()
        state = RunState(**run_state(checkpoint)) if checkpoint else RunState()
        return _run(loaded, prepared, folder, state, checkpoint, plain, None)


def _run(
    loaded: LoadedRecipe,
    prepared: Prepared,
    folder: RunFolder,
    state: RunState,
    checkpoint: Path | None,
    plain: bool | None,
    parent_run_id: str | None,
) -> Outcome:
    recipe = loaded.recipe
    names = [(stage.name, stage.steps) for stage in recipe.stages]
    status: Status = "FAILED"
    outcome = None
    with logged(folder.log_file), Progress(names, plain=plain) as progress, StopSignal(progress.note) as stop:
        tracker = track_run(recipe, folder, parent_run_id)
        try:
            with (
                connected(recipe),
                reward_pool(recipe, loaded.base_dir) as rewards,
                _parts(loaded, prepared, progress) as (learner, fleet),
            ):
                # Only now, when everything has started: what is forgotten is what the next steps write again.
                folder.truncate_to(state.global_step, recipe.stages[state.stage].name)
                run = Run(
                    recipe=recipe,
                    base_dir=loaded.base_dir,
                    folder=folder,
                    tokenizer=prepared.tokenizer,
                    dataset=prepared.dataset,
                    worked=prepared.worked,
                    model_path=prepared.model_path,
                    learner=learner,
                    fleet=fleet,
                    tracker=tracker,
                    progress=progress,
                    checkpoints=Checkpoints(folder.checkpoints, recipe.checkpoints.keep, prepared.model_path),
                    stop=stop,
                    reward_pool=rewards,
                    max_length=prepared.max_length,
                    state=state,
                )
                model = _stages(run, checkpoint)
            status, outcome = "FINISHED", Outcome(folder, model)
        except (Interrupted, KeyboardInterrupt):
            status, outcome = "KILLED", Outcome(folder, None, stop.name or "SIGINT")
        except SystemExit:  # Ray's own handler, for as long as Ray starts
            status, outcome = "KILLED", Outcome(folder, None, stop.name or "SIGTERM")
        except Exception:
            _log.info("the run failed", exc_info=True)  # for run.log; the caller decides what is shown
            raise
        finally:
            for plot in plot_run(folder.metrics_file, folder.plots):
                tracker.artifact(plot, "plots")
            for file in sorted(folder.rollouts.glob("*.jsonl")):
                tracker.artifact(file, "rollouts")
            if folder.metrics_file.exists():
                tracker.artifact(folder.metrics_file)
            report = tracker.finish(status)
        assert outcome is not None
        progress.finish(_closing_lines(outcome, tracker, str(report)))
    return outcome


def _stages(run: Run, checkpoint: Path | None) -> Path:
    """Every stage that is not done yet, the first of them from ``checkpoint`` if there is one."""
    first = run.state.stage
    for index in range(first, len(run.recipe.stages)):
        stage = run.recipe.stages[index]
        reference = stage.kind == "rl" and stage.kl.coefficient > 0
        run.learner.load(str(run.stage_model(index)), stage.optimizer, run.recipe.seed, reference=reference)
        if index == first and run.recipe.device == "cuda":
            engine = run.recipe.engine
            run.learner.connect_engines(run.fleet, engine.workers, engine.tensor_parallel)
        resumed = checkpoint is not None
        if checkpoint is not None:
            run.learner.restore(str(checkpoint / "state"))
            checkpoint = None
        if not run.state.stage_done:
            run.publish(resumed=resumed)
            run.progress.stage(stage.name, run.state.step)
            run.stop.training = True
            STAGES[stage.kind](run, stage)
            run.stop.training = False
        model = run.checkpoints.export(run.checkpoints.model_of(stage.name).name, run.learner)
        run.state.begin(index + 1)
    return model


@contextmanager
def _parts(loaded: LoadedRecipe, prepared: Prepared, progress: Progress) -> Iterator[tuple[LearnerGroup, Any]]:
    """Learner and rollout fleet, started at the same time: each spends seconds on imports."""
    from rollout.fleet import Fleet

    recipe, places = loaded.recipe, layout(loaded.recipe)
    with placed(recipe) as group:
        progress.note("starting learner and rollout workers")
        learner = LearnerGroup(
            recipe.learner,
            recipe.device,
            placement_group=group,
            bundles=places.learner,
            trust_remote_code=recipe.trust_remote_code,
        )
        fleet = None
        try:
            with ThreadPoolExecutor(1) as pool:
                joining = pool.submit(learner.join)
                fleet = Fleet.start(
                    prepared.model_path,
                    recipe.engine,
                    recipe.device,
                    max_model_len=prepared.max_length,
                    trust_remote_code=recipe.trust_remote_code,
                    placement_group=group,
                    bundles=places.rollout,
                    colocated=places.colocated,
                )
                joining.result()
            yield learner, fleet
        finally:
            if fleet is not None:
                fleet.shutdown()
            learner.shutdown()


def _closing_lines(outcome: Outcome, tracker: Any, report: str) -> list[tuple[str, str]]:
    lines = [("run", str(outcome.folder.path))]
    if outcome.interrupted:
        lines.append(("stopped by", outcome.interrupted))
        lines.append(("continue with", f"lpo resume {outcome.folder.path}"))
    if outcome.model:
        lines.append(("model", str(outcome.model)))
    if (latest := outcome.folder.checkpoints / "latest").exists():
        lines.append(("checkpoint", str(latest)))
    lines.extend(("plot", str(plot)) for plot in sorted(outcome.folder.plots.glob("*.png")))
    if tracker.url():
        lines.append(("MLflow run", tracker.url()))
    if tracker.ui_command():
        lines.append(("open it with", tracker.ui_command()))
    if report:
        lines.append(("tracking", report))
    return lines
