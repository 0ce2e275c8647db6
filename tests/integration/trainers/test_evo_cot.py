"""Two modes in one supervised stage, then Evo-CoT on the instant one: stopped and continued, and nothing shows it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.integration.trainers.test_repeat_and_resume import (
    assert_same_metrics,
    finished,
    metrics,
    start,
    wait_for_step,
)

REWARD = '''
def even(responses, **columns):
    """Right for about every second response of any model, differently from prompt to prompt."""
    return [float(len(text) % 2 == 0) for text in responses]
'''
OVERRIDES = [
    "data.modes={instant: {weight: 1.0}, thinking: {weight: 1.0}}",
    "model.max_length=192",
    "stages.dft.steps=2",
    "stages.dft.max_response_tokens=120",
    "stages.dft.evaluation.every=2",
    "stages.rl.steps=8",
    "stages.rl.rollout_tokens=100000",
    "stages.rl.rewards=[{reward: 'even.py:even'}]",
    "stages.rl.curriculum={kind: evo_cot, hard_share: 0.5, retire_after: 1, recheck_after: 2, prior_weight: 1.0}",
]


@pytest.mark.slow
def test_a_stopped_run_goes_on_with_its_curriculum(small_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "even.py").write_text(REWARD)
    monkeypatch.chdir(tmp_path)  # files in overrides are relative to the working directory
    code, output = finished(start("train", str(small_recipe), f"run_dir={tmp_path / 'whole'}", *OVERRIDES))
    assert code == 0, output
    whole = metrics(tmp_path / "whole")
    steps = [each for each in whole if "curriculum/alpha" in each]
    assert len(steps) == 8
    assert steps[-1]["curriculum/seen"] > 4
    assert any(each["reward/evo_cot/length"] != 0 for each in steps)

    run = tmp_path / "stopped"
    process = start("train", str(small_recipe), f"run_dir={run}", *OVERRIDES)
    wait_for_step(process, run, "rl", 4)
    process.send_signal(signal.SIGTERM)
    assert finished(process)[0] == 143
    state = json.loads((run / "checkpoints" / "latest" / "run_state.json").read_text())
    assert state["order"]["curriculum"]["prompts"]
    code, output = finished(start("resume", str(run)))
    assert code == 0, output
    assert_same_metrics(metrics(run), whole)


@pytest.mark.slow
def test_a_stage_ends_when_its_tokens_are_spent(small_recipe: Path, tmp_path: Path):
    run = tmp_path / "run"
    short = [
        "stages.dft.steps=1",
        "stages.rl.steps=50",
        "stages.rl.rollout_tokens=700",
        "stages.rl.evaluation.every=50",
    ]
    code, output = finished(start("train", str(small_recipe), f"run_dir={run}", *short))
    assert code == 0, output
    state = json.loads((run / "checkpoints" / "latest" / "run_state.json").read_text())
    steps = [each for each in metrics(run) if each["stage"] == "rl" and "policy/loss" in each]
    assert state["stage_done"]
    assert 700 <= state["stage_tokens"] <= 700 + 4 * 4 * 24  # one batch of 16 responses of at most 24 tokens beyond
    assert len(steps) == state["step"] < 50
    assert "eval/accuracy" in steps[-1]
