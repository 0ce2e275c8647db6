"""The whole loop learns; and the test that says so fails when a part of the loop is broken on purpose."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import ray

from lpo.recipe import load_recipe
from trainers import reinforce
from trainers.launch import train
from trainers.run import Run

OVERRIDES = [
    "stages.dft.steps=8",
    "stages.dft.evaluation.every=8",
    "stages.rl.steps=16",
    "stages.rl.prompts_per_step=8",
    "stages.rl.group_size=8",
    "stages.rl.minibatches=1",
    "stages.rl.temperature=1.0",
    "stages.rl.kl.coefficient=0.0",
    "stages.rl.optimizer.learning_rate=3e-3",
    "stages.rl.optimizer.schedule=constant",
    "stages.rl.evaluation.every=null",
    "checkpoints.every=100",
]


@pytest.fixture(scope="module", autouse=True)
def local_ray():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    yield
    ray.shutdown()


def rewards_of_a_run(recipe: Path, run_dir: Path) -> list[float]:
    train(load_recipe(recipe, [*OVERRIDES, f"run_dir={run_dir}"]), plain=True)
    records = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [record["reward/mean"] for record in records if "reward/mean" in record]


def learned(rewards: list[float]) -> bool:
    """The mean reward of the last four steps is at least half again that of the first two."""
    return sum(rewards[-4:]) / 4 > 1.5 * sum(rewards[:2]) / 2


def test_the_loop_learns(small_recipe: Path, tmp_path: Path):
    rewards = rewards_of_a_run(small_recipe, tmp_path / "run")
    assert len(rewards) == 16
    assert learned(rewards), rewards


def scaled_advantages(factor: float) -> Callable:
    original = reinforce.assign_advantages

    def assign(groups, stage):
        summary = original(groups, stage)
        for group in groups:
            for response in group.responses:
                response.advantage *= factor
        return summary

    return assign


@pytest.mark.parametrize("factor", [-1.0, 0.0], ids=["sign flipped", "zero"])
def test_wrong_advantages_do_not_learn(factor: float, small_recipe: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(reinforce, "assign_advantages", scaled_advantages(factor))
    rewards = rewards_of_a_run(small_recipe, tmp_path / "run")
    assert not learned(rewards), rewards


def test_an_engine_that_is_never_updated_does_not_learn(small_recipe: Path, tmp_path: Path, monkeypatch):
    def pretend(run: Run, clock: object = None, *, resumed: bool = False) -> None:
        run.state.version += 1

    monkeypatch.setattr(Run, "publish", pretend)
    rewards = rewards_of_a_run(small_recipe, tmp_path / "run")
    assert not learned(rewards), rewards
