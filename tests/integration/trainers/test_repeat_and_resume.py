"""A run can be repeated, stopped and continued: the metrics do not show it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

LPO = [sys.executable, "-m", "trainers"]
UNREPEATABLE = ("time/", "rate/")


def start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*LPO, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def finished(process: subprocess.Popen) -> tuple[int, str]:
    output, _ = process.communicate(timeout=500)
    return process.returncode, output


def metrics(run: Path) -> list[dict]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if not k.startswith(UNREPEATABLE)} for line in lines]


def assert_same_metrics(found: list[dict], expected: list[dict]) -> None:
    assert [(each["stage"], each["step"]) for each in found] == [(each["stage"], each["step"]) for each in expected]
    for a, b in zip(found, expected, strict=True):
        assert a.keys() == b.keys()
        for name in sorted(a.keys() - {"stage"}):
            assert a[name] == pytest.approx(b[name], abs=1e-5, nan_ok=True), (a["stage"], a["step"], name)


def wait_for_step(process: subprocess.Popen, run: Path, stage: str, step: int) -> None:
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        if (run / "metrics.jsonl").exists():
            records = [
                json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines() if line.endswith("}")
            ]
            if sum(each["stage"] == stage for each in records) >= step:
                return
        time.sleep(0.05)
    raise AssertionError(f"step {step} of {stage} was not reached")


def shared_memory() -> set[str]:
    return set(os.listdir("/dev/shm"))


def family(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def assert_gone(processes: list[psutil.Process], timeout_s: float = 20) -> None:
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    assert [each.cmdline() for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []


@pytest.fixture(scope="module")
def run_dir(small_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "uninterrupted"
    code, output = finished(start("train", str(small_recipe), f"run_dir={run}"))
    assert code == 0, output
    # 8 supervised steps, 6 of reinforcement, and the evaluation before each of the two
    assert len(metrics(run)) == 16
    for record in metrics(run):
        if record["stage"] == "rl" and "policy/loss" in record:
            assert record["mismatch/logp_mean_abs"] < 1e-5
    return run


@pytest.fixture(scope="module")
def uninterrupted(run_dir: Path) -> list[dict]:
    return metrics(run_dir)


def test_its_model_judged_again_is_as_good_as_it_was(run_dir: Path, uninterrupted: list[dict], tmp_path: Path):
    answers, responses = tmp_path / "found.json", tmp_path / "responses.jsonl"
    code, output = finished(start("eval", str(run_dir), "--output", str(answers), "--responses", str(responses)))
    assert code == 0, output
    found, last = json.loads(answers.read_text())["metrics"], uninterrupted[-1]
    for name in ("eval/accuracy", "eval/mean_tokens", "eval/items"):
        assert found[name] == pytest.approx(last[name]), name
    assert len(responses.read_text().splitlines()) == last["eval/items"]


def test_the_same_seed_gives_the_same_metrics(small_recipe: Path, uninterrupted: list[dict], tmp_path: Path):
    code, output = finished(start("train", str(small_recipe), f"run_dir={tmp_path / 'again'}"))
    assert code == 0, output
    assert_same_metrics(metrics(tmp_path / "again"), uninterrupted)


@pytest.mark.slow
def test_another_seed_gives_others(small_recipe: Path, uninterrupted: list[dict], tmp_path: Path):
    run = tmp_path / "other"
    code, output = finished(
        start("train", str(small_recipe), f"run_dir={run}", "seed=4", "stages.dft.steps=2", "stages.rl.steps=1")
    )
    assert code == 0, output
    mine, theirs = (
        next(each["policy/loss"] for each in records if "policy/loss" in each)
        for records in (metrics(run), uninterrupted)
    )
    assert mine != pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize(
    ("sent", "code", "stage", "step"),
    [(signal.SIGTERM, 143, "rl", 4), pytest.param(signal.SIGINT, 130, "dft", 3, marks=pytest.mark.slow)],
)
def test_a_signal_saves_and_resume_continues(
    small_recipe: Path,
    uninterrupted: list[dict],
    tmp_path: Path,
    sent: signal.Signals,
    code: int,
    stage: str,
    step: int,
):
    run, before = tmp_path / "run", shared_memory()
    process = start("train", str(small_recipe), f"run_dir={run}")
    wait_for_step(process, run, stage, step)
    processes = family(process)
    process.send_signal(sent)
    returned, output = finished(process)
    assert returned == code, output
    assert "lpo resume" in output
    assert_gone(processes)
    assert shared_memory() <= before
    assert len(metrics(run)) < len(uninterrupted)
    returned, output = finished(start("resume", str(run)))
    assert returned == 0, output
    assert_same_metrics(metrics(run), uninterrupted)


@pytest.mark.slow
def test_a_killed_run_resumes_from_its_checkpoint(small_recipe: Path, uninterrupted: list[dict], tmp_path: Path):
    run = tmp_path / "run"
    process = start("train", str(small_recipe), f"run_dir={run}")
    wait_for_step(process, run, "rl", 4)  # the start's evaluation and three steps: one beyond the checkpoint
    processes = family(process)
    # Two agents of Ray's, and what they have started, try for 60 s to tell its dead server of the raylet's death.
    agents = [each for each in processes if any("Agent" in part for part in each.cmdline())]
    agents += [child for each in agents for child in each.children(recursive=True)]
    process.kill()
    process.communicate()
    assert_gone([each for each in processes if each not in agents])
    returned, output = finished(start("resume", str(run)))
    assert returned == 0, output
    assert_gone(agents, timeout_s=90)
    assert_same_metrics(metrics(run), uninterrupted)
