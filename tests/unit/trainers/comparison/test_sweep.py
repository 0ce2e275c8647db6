"""The jobs of a sweep: what is started, what is not started again. Processes are short scripts here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lpo.recipe import LoadedRecipe, load_recipe
from trainers.comparison.plan import Child, SweepError, parse_variants
from trainers.comparison.sweep import Job, Sweep


@pytest.fixture
def loaded() -> LoadedRecipe:
    return load_recipe("quickstart")


def children(names: str, *seeds: int) -> list[Child]:
    return [Child(variant, seed) for seed in seeds for variant in parse_variants(names)]


def finish(job: Job) -> None:
    job.model.mkdir(parents=True)
    (job.model / "manifest.json").write_text("{}")


def scripted(monkeypatch: pytest.MonkeyPatch, script: str) -> list[str]:
    """Jobs run ``script`` with their run folder as argument; the names of those that were started."""
    started: list[str] = []

    def start(_sweep: Sweep, job: Job) -> subprocess.Popen:
        started.append(job.name)
        return subprocess.Popen([sys.executable, "-c", script, str(job.model)])

    monkeypatch.setattr(Sweep, "_start", start)
    monkeypatch.setattr("trainers.comparison.sweep.POLL_S", 0.02)
    return started


DONE = (
    "import pathlib, sys; p = pathlib.Path(sys.argv[1]); p.mkdir(parents=True); (p / 'manifest.json').write_text('{}')"
)


def test_finished_runs_are_not_started_again(tmp_path: Path, loaded: LoadedRecipe, monkeypatch: pytest.MonkeyPatch):
    started = scripted(monkeypatch, DONE)
    chosen = children("lpo,grpo", 0)
    sweep = Sweep.open(tmp_path / "sweep", loaded, chosen, lambda _: "parent")
    jobs = sweep.jobs(chosen, tmp_path / "model")
    finish(jobs[0])
    assert sweep.run(jobs, 1, lambda _: None) is False
    assert started == ["grpo-seed0"]
    assert [job.state for job in jobs] == ["done", "done"]


def test_a_run_that_fails_costs_itself_only(tmp_path: Path, loaded: LoadedRecipe, monkeypatch: pytest.MonkeyPatch):
    scripted(monkeypatch, f"import sys\nif 'grpo' in sys.argv[1]: sys.exit(1)\n{DONE}")
    chosen = children("grpo,lpo", 0)
    sweep = Sweep.open(tmp_path / "sweep", loaded, chosen, lambda _: None)
    jobs = sweep.jobs(chosen, tmp_path / "model")
    assert sweep.run(jobs, 2, lambda _: None) is False
    assert [job.state for job in jobs] == ["failed", "done"]


def test_no_more_than_asked_for_run_at_a_time(tmp_path: Path, loaded: LoadedRecipe, monkeypatch: pytest.MonkeyPatch):
    scripted(monkeypatch, f"import time; time.sleep(0.3)\n{DONE}")
    chosen = children("lpo,grpo,gspo", 0)
    sweep = Sweep.open(tmp_path / "sweep", loaded, chosen, lambda _: None)
    most: list[int] = []
    sweep.run(
        sweep.jobs(chosen, tmp_path / "model"), 2, lambda jobs: most.append(sum(job.state == "running" for job in jobs))
    )
    assert max(most) == 2


def test_a_sweep_grows_but_never_changes_its_recipe(tmp_path: Path, loaded: LoadedRecipe):
    folder = tmp_path / "sweep"
    Sweep.open(folder, loaded, children("lpo", 0), lambda _: "first")
    again = Sweep.open(folder, loaded, children("grpo", 0, 1), lambda _: pytest.fail("it has a parent run"))
    assert again.parent_run_id == "first"
    known = json.loads((folder / "sweep.json").read_text())["runs"]
    assert list(known) == ["lpo-seed0", "grpo-seed0", "grpo-seed1"]
    with pytest.raises(SweepError, match="another recipe"):
        Sweep.open(folder, load_recipe("quickstart", ["stages.rl.steps=3"]), children("lpo", 0), lambda _: None)


def test_a_folder_with_other_things_is_refused(tmp_path: Path, loaded: LoadedRecipe):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SweepError, match="holds no sweep"):
        Sweep.open(tmp_path, loaded, children("lpo", 0), lambda _: None)


JUDGED = """
import json, pathlib, sys
model = pathlib.Path(sys.argv[1])
run = model.parents[1]
model.mkdir(parents=True)
(model / "manifest.json").write_text("{}")
(run / "recipe.yaml").write_text(run.with_name(run.name + ".yaml").read_text())
good = {"lpo-eps-x2-seed0": 0.6, "grpo-eps-x0.5-seed0": 0.4}.get(run.name, 0.2)
records = [{"stage": "rl", "step": s, "tokens": 100 * s, "eval/accuracy": s * good, "time/step": 1.0} for s in (0, 1)]
(run / "metrics.jsonl").write_text("".join(json.dumps(each) + "\\n" for each in records))
"""


def test_the_best_eps_of_each_algorithm_goes_on_with_the_other_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from lpo.recipe import dump_recipe
    from trainers.comparison.command import run_sweep
    from trainers.comparison.plan import Plan

    monkeypatch.setattr("trainers.prepare.prepare", lambda _: None)
    started = scripted(monkeypatch, JUDGED)
    start = Sweep._start

    def with_recipe(sweep: Sweep, job: Job) -> subprocess.Popen:
        job.run_dir.with_name(f"{job.run_dir.name}.yaml").write_text(dump_recipe(job.recipe))
        return start(sweep, job)

    monkeypatch.setattr(Sweep, "_start", with_recipe)
    loaded = load_recipe("smollm2_arithmetic", ["tracking.mlflow=false"])
    plan = Plan(parse_variants("lpo,grpo", [0.5, 2]), [0, 1], tuning=1)
    assert run_sweep(loaded, plan, tmp_path / "sweep", parallel=1, warm_up=True) == 0
    tuned = ["lpo-eps-x0.5-seed0", "lpo-eps-x2-seed0", "grpo-eps-x0.5-seed0", "grpo-eps-x2-seed0"]
    assert started == [*tuned, "lpo-eps-x2-seed1", "grpo-eps-x0.5-seed1"]
    assert set(json.loads((tmp_path / "sweep" / "sweep.json").read_text())["runs"]) == set(started)
    assert (tmp_path / "sweep" / "comparison.html").exists()
    assert run_sweep(loaded, plan, tmp_path / "sweep", parallel=1, warm_up=True) == 0
    assert len(started) == 6  # nothing is run again
