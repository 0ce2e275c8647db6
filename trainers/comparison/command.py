"""What ``lpo sweep`` and ``lpo compare`` do, and what they show while they do it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from lpo.recipe import LoadedRecipe
from trainers.comparison.plan import Child, Plan
from trainers.comparison.report import draw, page, table
from trainers.comparison.runs import ComparisonError, read_runs
from trainers.comparison.summary import VALIDATION, best_variants, compare
from trainers.comparison.sweep import Job, Sweep
from trainers.run_folder import write_atomically
from trainers.tracking.facts import tracking_uri as resolved_uri
from trainers.tracking.mlflow_store import MlflowStore, RunRequest, open_client

_log = logging.getLogger(__name__)


def run_sweep(loaded: LoadedRecipe, plan: Plan, folder: Path, *, parallel: int, warm_up: bool) -> int:
    """Runs or continues a sweep and compares what there is; the exit code."""
    from trainers.prepare import prepare

    console = Console()
    prepare(loaded)  # what is wrong is said before the first run starts

    def opened(children: Sequence[Child]) -> Sweep:
        return Sweep.open(folder, loaded, children, lambda experiment: _parent_run(loaded, experiment, folder))

    sweep = opened(plan.first())
    model = None
    if warm_up and (job := sweep.warm_up(loaded.recipe.seed)) is not None:
        stopped = _watched(sweep, [job], 1, console)
        if stopped or job.state != "done":
            if not stopped:
                _end_parent(loaded, sweep.parent_run_id, "FAILED")
            return _ended(console, [job], stopped)
        model = job.model
    elif not warm_up:
        console.print("every run has a warm-up of its own", highlight=False)
    jobs = sweep.jobs(plan.first(), model)
    stopped = _watched(sweep, jobs, parallel, console)
    if not stopped and (children := plan.then(_chosen(sweep, jobs))):
        console.print(
            f"goes on with {', '.join(dict.fromkeys(each.variant.label for each in children))}", highlight=False
        )
        further = opened(children).jobs(children, model)
        stopped = _watched(sweep, further, parallel, console)
        jobs += further
    code = _ended(console, jobs, stopped)
    if any(job.finished for job in jobs):
        show_comparison([str(sweep.folder)], console=console)
    if not stopped:
        _end_parent(loaded, sweep.parent_run_id, "FINISHED" if code == 0 else "FAILED")
    return code


def show_comparison(
    names: Sequence[str],
    *,
    target: float | None = None,
    out: Path | None = None,
    tracking_uri: str | None = None,
    console: Console | None = None,
) -> None:
    """Table to the terminal; picture and page into a folder, and to the sweep's MLflow run."""
    console = console or Console()
    found = compare(read_runs(names, tracking_uri), target)
    console.print(table(found))
    first = Path(names[0]).expanduser()
    folder = out or (first if (first / "sweep.json").is_file() else Path.cwd())
    if not folder.is_dir():
        raise ComparisonError(f"--out {folder} is no folder; make it first")
    picture = draw(found, folder / "comparison.png")
    html = folder / "comparison.html"
    write_atomically(html, page(found, first.name if len(names) == 1 else f"{len(found.runs)} runs"))
    console.print(f"picture  {picture}\npage     {html}", markup=False, highlight=False, soft_wrap=True)
    _log_to_parent(first, [picture, html])


def _chosen(sweep: Sweep, jobs: Sequence[Job]) -> list[str]:
    """The variant of each algorithm that did best in these jobs, of those whose runs have all finished."""
    names = {job.name for job in jobs}
    runs = [run for run in read_runs([str(sweep.folder)]) if run.name in names] if any(j.finished for j in jobs) else []
    unfinished = {run.label for run in runs if not run.finished}
    runs = [run for run in runs if run.label not in unfinished]
    return best_variants(runs) if runs else []


def _watched(sweep: Sweep, jobs: list[Job], parallel: int, console: Console) -> bool:
    """Runs jobs under a live table, or with a line for each change where there is no terminal."""
    told: dict[str, str] = {}
    live = Live(console=console, refresh_per_second=2) if console.is_terminal else None

    def watch(now: Sequence[Job]) -> None:
        if live is not None:
            live.update(_overview(now))
            return
        for job in now:
            if told.get(job.name) != job.state:
                told[job.name] = job.state
                if job.state != "waiting":
                    line = f"{job.name}: {job.state}{_facts(job)}"
                    console.print(line, markup=False, highlight=False, soft_wrap=True)

    with live or nullcontext():
        return sweep.run(jobs, parallel, watch)


def _overview(jobs: Sequence[Job]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for name in ("run", "state", "step", "accuracy", "time left"):
        shown.add_column(name, justify="left" if name in ("run", "state") else "right")
    colours = {"running": "cyan", "done": "green", "failed": "red", "interrupted": "yellow"}
    for job in jobs:
        records = job.records() if job.state == "running" else []
        total = sum(stage.steps for stage in job.recipe.stages)
        done = records[-1]["step"] if records else 0
        state = f"[{colours[job.state]}]{job.state}[/]" if job.state in colours else job.state
        shown.add_row(
            job.name, state, f"{done}/{total}" if records else "", _accuracy(records), _left(job, done, total)
        )
    return shown


def _left(job: Job, done: int, total: int) -> str:
    if job.state != "running" or done == 0:
        return ""
    seconds = (time.monotonic() - job.started) / done * (total - done)
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f}"


def _accuracy(records: Sequence[dict[str, Any]]) -> str:
    known = [record[VALIDATION] for record in records if record.get(VALIDATION) is not None]
    return f"{known[-1]:.1%}" if known else ""


def _facts(job: Job) -> str:
    if job.state == "done":
        return f", held-out accuracy {_accuracy(job.records()) or 'not measured'}"
    return f", see {job.log}" if job.state == "failed" else ""


def _ended(console: Console, jobs: Sequence[Job], stopped: bool) -> int:
    failed = [job for job in jobs if job.state == "failed"]
    for job in failed:
        said = escape(f"{job.name}: {_last_line(job.log)}\n        whole output: {job.log}")
        console.print(f"[red]failed[/]  {said}", soft_wrap=True)
    if stopped:
        console.print("stopped; the same command continues", highlight=False)
        return 130
    return 1 if failed else 0


def _last_line(file: Path) -> str:
    lines = [line for line in file.read_text(errors="replace").splitlines() if line.strip()] if file.exists() else []
    return lines[-1] if lines else "no output"


def _parent_run(loaded: LoadedRecipe, experiment: str, folder: Path) -> str | None:
    """MLflow's run that the sweep's runs are children of; None where there is no MLflow, which stops nothing."""
    tracking = loaded.recipe.tracking
    if not tracking.mlflow:
        return None
    request = RunRequest(
        uri=resolved_uri(tracking),
        experiment=experiment,
        name=folder.name,
        params={},
        tags={"sweep": str(folder.absolute()), "recipe": loaded.recipe.name},
        system_metrics=False,
    )
    store = MlflowStore(request)
    try:
        store.begin()
    except Exception as error:  # whatever MLflow, its database or the network can raise must not stop a sweep
        _log.warning("MLflow: %s. The sweep goes on without a parent run.", error)
    return store.run_id


def _end_parent(loaded: LoadedRecipe, run_id: str | None, status: str) -> None:
    if run_id is not None:
        _tell_mlflow(lambda client: client.set_terminated(run_id, status), resolved_uri(loaded.recipe.tracking))


def _log_to_parent(folder: Path, files: Sequence[Path]) -> None:
    sweep = folder / "sweep.json"
    known = json.loads(sweep.read_text()) if sweep.is_file() else {}
    if run_id := known.get("parent_run_id"):
        uri = known["tracking_uri"]  # of where the sweep was made; a relative one would be another here
        for file in files:
            _tell_mlflow(lambda client, file=file: client.log_artifact(run_id, str(file)), uri)


def _tell_mlflow(what: Any, uri: str) -> None:
    try:
        what(open_client(uri))
    except Exception as error:  # as above: what MLflow does not take is in the folder
        _log.warning("MLflow at %s: %s", uri, error)
