"""What a run shows, live and plain."""

from __future__ import annotations

import io
import logging
import sys

import pytest
from rich.console import Console

from trainers.progress import Progress
from trainers.run_folder import RunFolder
from trainers.run_log import logged

STEP = {"reward/mean": 0.5, "response/tokens": 34.0, "policy/clip_fraction": 0.02, "rate/tokens_per_s": 3000.0}
TIMES = {"time/rollout": 3.0, "time/learn": 1.0, "time/transfer": 0.0}


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)


def text_of(progress: Progress) -> str:
    with progress._console.capture() as capture:
        progress._console.print(progress._panel())
    return capture.get()


def test_plain_output_is_one_line_a_step():
    out = console(terminal=False)
    with Progress([("dft", 2), ("rl", 9)], console=out) as progress:
        assert progress.plain
        progress.stage("rl")
        progress.update(1, STEP | TIMES)
        progress.update(2, STEP | {"eval/accuracy": 0.25})
        progress.note("SIGTERM: finishing [this] step")
        progress.finish([("checkpoint", "runs/x")])
    lines = out.file.getvalue().splitlines()
    assert lines[0] == "stage rl: 9 steps"
    assert lines[1].startswith(
        "rl 1/9 | reward 0.500 | response tokens 34.0 | clip fraction 2.00% | tokens/s 3,000 | rollout 3.0s learn 1.0s"
    )
    assert "held-out accuracy 25.0%" in lines[2]
    assert lines[3:] == ["SIGTERM: finishing [this] step", "checkpoint: runs/x"]


@pytest.mark.parametrize(("ci", "plain"), [("true", True), ("1", True), ("", False), ("false", False)])
def test_ci_is_plain_even_in_a_terminal(monkeypatch, ci, plain):
    monkeypatch.setenv("CI", ci)
    assert Progress([("rl", 1)], console=console(terminal=True)).plain is plain


def test_the_panel_shows_stage_steps_and_metrics():
    progress = Progress([("dft", 2), ("rl", 9)], plain=False, console=console(terminal=True))
    progress.stage("rl")
    progress.update(0, {"eval/accuracy": 0.33, "eval/accuracy_low": 0.27, "eval/accuracy_high": 0.4})
    progress.update(1, STEP | TIMES)
    progress.update(2, STEP | TIMES | {"reward/mean": 0.75})
    text = text_of(progress)
    assert "stage 2/2 rl" in text
    assert "2/9" in text
    assert "held-out accuracy 33.0% (27.0% to 40.0%)" in text
    assert "reward 0.750 from 0.500" in text
    assert "rollout 75%" in text
    assert "learn 25%" in text


def test_shares_count_what_is_in_no_phase_as_other():
    progress = Progress([("rl", 9)], plain=True, console=console(terminal=False))
    progress._durations.append(10.0)
    progress._phases.append({"rollout": 6.0, "learn": 2.0, "reward": 0.0, "transfer": 0.0, "eval": 0.0})
    assert progress.shares() == pytest.approx({"rollout": 0.6, "learn": 0.2, "other": 0.2})


def test_time_left_is_the_median_step_times_the_steps_left():
    progress = Progress([("rl", 10)], plain=True, console=console(terminal=False))
    assert progress.seconds_left() is None
    progress._durations.extend([2.0, 2.0, 50.0])  # one slow step does not move the median
    progress._step = 3
    assert progress.seconds_left() == 7 * 2.0


def test_a_resumed_stage_does_not_count_the_steps_it_did_before():
    progress = Progress([("rl", 10)], plain=True, console=console(terminal=False))
    progress.stage("rl", step=6)
    progress.update(7, STEP)
    assert len(progress._durations) == 1


def test_a_new_stage_keeps_accuracy_and_forgets_the_rest():
    progress = Progress([("dft", 2), ("rl", 9)], plain=False, console=console(terminal=True))
    progress.update(1, {"policy/loss": 1.5, "eval/accuracy": 0.5})
    progress.stage("rl")
    text = text_of(progress)
    assert "50.0%" in text
    assert "1.5" not in text


def test_text_that_others_print_appears_above_the_live_panel(monkeypatch, tmp_path):
    out = console(terminal=True)
    folder = RunFolder(tmp_path)
    with logged(folder.log_file), Progress([("rl", 2)], plain=False, console=out) as progress:
        print("(worker pid=7) loaded [red]weights")
        print("to stderr", file=sys.stderr)
        logging.getLogger("x").warning("careful")
        progress.update(1, STEP)
        progress.finish([("plot", "curves.png"), ("open with", "mlflow ui")])
    text = out.file.getvalue()
    for line in ("(worker pid=7) loaded [red]weights", "to stderr", "WARNING x: careful", "curves.png", "mlflow ui"):
        assert line in text
    assert sys.stdout is not out.file


def test_an_error_takes_the_panel_down():
    out = console(terminal=True)
    progress = Progress([("rl", 2)], plain=False, console=out)
    with pytest.raises(RuntimeError), progress:
        raise RuntimeError
    assert progress._live is None
    assert out.file.getvalue().endswith("\x1b[?25h")  # the cursor is visible again


def test_metrics_without_a_value_are_left_out():
    out = console(terminal=False)
    with Progress([("rl", 2)], console=out) as progress:
        progress.update(1, {"reward/mean": None, "policy/entropy": 0.5})
    assert out.file.getvalue().startswith("rl 1/2 | entropy 0.500")
