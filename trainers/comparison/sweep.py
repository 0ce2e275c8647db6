"""A sweep: one warm-up, then a run for each algorithm and seed from the same weights. What is done is not done again.

The folder of a sweep::

    sweep.json            the recipe, the runs, MLflow's parent run
    warm-up/              run folder of the stages before rl
    lpo-seed0/ ...        a run folder for each algorithm and seed
    lpo-seed0.yaml, .log  its recipe and its output
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lpo.recipe import LoadedRecipe, Recipe, dump_recipe
from trainers.checkpoints import stage_model
from trainers.comparison.plan import Child, SweepError, child_recipe, warm_up_recipe
from trainers.run_folder import RunFolder, write_atomically
from trainers.tracking.facts import tracking_uri

WARM_UP = "warm-up"
POLL_S = 0.5
State = Literal["waiting", "running", "done", "failed", "interrupted"]


@dataclass
class Job:
    """One process of a sweep. ``run_dir`` is its run folder, beside its recipe and its log."""

    name: str
    run_dir: Path
    recipe: Recipe
    state: State = "waiting"
    process: subprocess.Popen | None = None
    started: float = 0.0
    _known: tuple[int, list[dict[str, Any]]] = field(default=(0, []), repr=False)
    """Size of metrics.jsonl and what it held."""

    @property
    def log(self) -> Path:
        return self.run_dir.with_name(f"{self.run_dir.name}.log")

    @property
    def model(self) -> Path:
        """What the run leaves behind when it has finished."""
        return stage_model(self.folder.checkpoints, self.recipe.stages[-1].name)

    @property
    def finished(self) -> bool:
        return (self.model / "manifest.json").exists()

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.run_dir)

    def records(self) -> list[dict[str, Any]]:
        """Its metrics so far; read again only when there are more."""
        file = self.folder.metrics_file
        size = file.stat().st_size if file.exists() else 0
        if size != self._known[0]:
            self._known = size, self.folder.metrics()
        return self._known[1]


Watch = Callable[[Sequence[Job]], None]
"""Called whenever the jobs may have changed."""


class Sweep:
    """The jobs of a sweep folder. ``open`` makes the folder or continues it."""

    def __init__(self, folder: Path, resolved: dict[str, Any], experiment: str, parent_run_id: str | None) -> None:
        self.folder, self.resolved = folder, resolved
        self.experiment, self.parent_run_id = experiment, parent_run_id

    @classmethod
    def open(
        cls, folder: Path, loaded: LoadedRecipe, children: Sequence[Child], parent: Callable[[str], str | None]
    ) -> Sweep:
        """``parent`` makes MLflow's parent run in an experiment, where the sweep has none yet.

        Raises:
            SweepError: the folder holds a sweep of another recipe, or something else.
        """
        file = folder / "sweep.json"
        if file.exists():
            known = json.loads(file.read_text())
            if known["recipe"] != json.loads(json.dumps(loaded.resolved)):
                raise SweepError(
                    f"--folder {folder} holds a sweep of another recipe, or of this one with other settings; "
                    "name another folder"
                )
        elif folder.exists() and any(folder.iterdir()):
            raise SweepError(f"--folder {folder} is not empty and holds no sweep; name one that is new or empty")
        else:
            experiment = loaded.recipe.tracking.experiment or folder.name
            known = {
                "recipe": loaded.resolved,
                "experiment": experiment,
                "runs": {},
                "parent_run_id": parent(experiment),
                "tracking_uri": tracking_uri(loaded.recipe.tracking),
            }
        known["runs"] |= {
            child.name: {"label": child.variant.label, "family": child.variant.family, "seed": child.seed}
            for child in children
        }
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(known, indent=1) + "\n")
        return cls(folder.absolute(), loaded.resolved, known["experiment"], known["parent_run_id"])

    def warm_up(self, seed: int) -> Job | None:
        """The stages that all runs share; None where there are none."""
        run_dir = self.folder / WARM_UP
        recipe = warm_up_recipe(self.resolved, seed, run_dir, self.experiment)
        return None if recipe is None else Job(WARM_UP, run_dir, recipe)

    def jobs(self, children: Sequence[Child], model: Path | None) -> list[Job]:
        """The runs themselves: their rl stages from the warm-up's model, or every stage without one."""
        return [
            Job(
                child.name,
                self.folder / child.name,
                child_recipe(self.resolved, child, model, self.folder / child.name, self.experiment),
            )
            for child in children
        ]

    def run(self, jobs: Sequence[Job], parallel: int, watch: Watch) -> bool:
        """Runs what has not finished, ``parallel`` at a time; whether the user has interrupted it.

        A job that fails costs itself only. Ctrl-C lets every running job save, and ends the sweep.
        """
        with _Interruption() as interruption:
            while True:
                for job in jobs:
                    self._advance(job, start=not interruption.asked and len(_running(jobs)) < parallel)
                interruption.pass_on(_running(jobs))
                watch(jobs)
                if not _running(jobs) and (interruption.asked or not any(job.state == "waiting" for job in jobs)):
                    return interruption.asked
                time.sleep(POLL_S)

    def _advance(self, job: Job, *, start: bool) -> None:
        if job.state == "waiting" and job.finished:
            job.state = "done"
        elif job.state == "waiting" and start:
            job.process, job.state, job.started = self._start(job), "running", time.monotonic()
        elif job.state == "running" and job.process is not None and job.process.poll() is not None:
            stopped = job.process.returncode in (130, 143)
            job.state = "done" if job.finished else "interrupted" if stopped else "failed"

    def _start(self, job: Job) -> subprocess.Popen:
        recipe = job.run_dir.with_name(f"{job.run_dir.name}.yaml")
        command = ["resume", str(job.run_dir)]
        if not job.folder.recipe_file.exists():
            write_atomically(recipe, dump_recipe(job.recipe))
            command = ["train", str(recipe)]
            if self.parent_run_id:
                command += ["--parent-run", self.parent_run_id]
        with job.log.open("a") as log:
            # A session of its own: Ctrl-C reaches the sweep, which passes it on once.
            return subprocess.Popen(
                [sys.executable, "-m", "trainers", *command, "--plain"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _running(jobs: Sequence[Job]) -> list[Job]:
    return [job for job in jobs if job.state == "running"]


class _Interruption:
    """SIGINT or SIGTERM to the sweep, handed on to its jobs once, so that each finishes its step and saves."""

    def __init__(self) -> None:
        self.asked = False
        self._passed_on = False

    def pass_on(self, jobs: Sequence[Job]) -> None:
        if self.asked and not self._passed_on:
            self._passed_on = True
            for job in jobs:
                assert job.process is not None
                job.process.send_signal(signal.SIGINT)

    def __enter__(self) -> _Interruption:
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        self.asked = True
