"""The checks that need no model: device, rewards, stages against data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lpo.recipe import LoadedRecipe, Recipe
from lpo.samples import Prompt
from rewards.resolver import RewardError
from tests.unit.lpo.small_tokenizers import byte_level
from trainers import prepare as preparing
from trainers.data import PromptDataset, WorkedSet
from trainers.placement import ClusterError
from trainers.prepare import PreparationError, Prepared, prepare

RATE = {"learning_rate": 1e-3}
RL: dict[str, Any] = {
    "kind": "rl", "steps": 1, "algorithm": "lpo", "rewards": [{"reward": "math"}], "optimizer": RATE,
    "evaluation": {"items": 2},
}  # fmt: skip
DFT: dict[str, Any] = {"kind": "dft", "steps": 1, "optimizer": RATE, "evaluation": {"items": 2}}


def recipe(stages: list[dict[str, Any]], **sections: Any) -> Recipe:
    data = {"source": {"kind": "jsonl", "path": "/d"}}
    return Recipe.model_validate(
        {"name": "r", "model": {"kind": "local", "path": "/m"}, "data": data, "stages": stages} | sections
    )


def prompts(*lengths: int) -> list[Prompt]:
    return [Prompt(id=str(i), token_ids=[1] * n, content="q", question="q", columns={}) for i, n in enumerate(lengths)]


def dataset(train: list[Prompt], held_out: list[Prompt]) -> PromptDataset:
    return PromptDataset(train, held_out, train_rows=[], order_seed=0, duplicates=0, dropped_long=0)


def refused(run: Recipe, tmp_path: Path) -> str:
    with pytest.raises((PreparationError, RewardError, ClusterError)) as caught:
        prepare(LoadedRecipe(run, tmp_path, run.model_dump()))
    return str(caught.value)


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch):
    def unwanted(*_: Any, **__: Any) -> None:
        raise AssertionError("a model was prepared before the cheap checks were done")

    monkeypatch.setattr(preparing, "prepare_model", unwanted)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def test_what_the_machine_cannot_hold(tmp_path: Path):
    assert "needs 99999 CPU" in refused(recipe([RL], learner={"threads": 99999}), tmp_path)


def test_folders_for_rewards_exist(tmp_path: Path):
    said = refused(recipe([RL], reward_workers={"writable": ["/nowhere/at/all"]}), tmp_path)
    assert "reward_workers.writable names /nowhere/at/all, which is no folder" in said


def test_the_digest_is_of_prompts_and_responses():
    given = prompts(3, 4)
    pairs = [(given[0], [1, 2])]

    def digest(train: list[Prompt], worked: list[tuple[Prompt, list[int]]]) -> str:
        sets = [WorkedSet("instant", worked)]
        return Prepared(Path("/m"), None, dataset(train, prompts(5)), sets, 9, []).data_digest

    assert digest(given, pairs) == digest(prompts(3, 4), [(prompts(3)[0], [1, 2])])
    assert len({digest(given, pairs), digest(prompts(4, 3), pairs), digest(given, [(given[0], [2, 1])])}) == 3


def test_settings_of_gpus_on_cpus(tmp_path: Path):
    assert "engine.transfer is 'nccl', which needs GPUs" in refused(recipe([RL], engine={"transfer": "nccl"}), tmp_path)
    said = refused(recipe([RL], learner={"offload_optimizer": True, "zero_stage": 1}), tmp_path)
    assert said.startswith("learner.offload_optimizer true")


def test_a_stage_without_rewards(tmp_path: Path):
    assert "stage 'dft' has no rewards" in refused(recipe([DFT], learner={"threads": 1}), tmp_path)


def test_a_supervised_stage_is_judged_by_the_rewards_of_the_next_rl_stage(tmp_path: Path):
    later = RL | {"rewards": [{"reward": "maths"}]}
    assert "did you mean 'math'?" in refused(recipe([DFT, later], learner={"threads": 1}), tmp_path)


def test_more_evaluation_items_than_held_out_prompts():
    stage = recipe([RL | {"evaluation": {"items": 4}}]).stages[0]
    with pytest.raises(PreparationError, match=r"stage 'rl': evaluation.items 4 is more than the 3 held-out prompts"):
        preparing._check_stage(stage, dataset(prompts(3), prompts(2, 2, 2)), None)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def cut(text):\n    return [1\n", "SyntaxError"),
        ("import no_such_module\n", "no_such_module"),
        ("def slice(text):\n    return []\n", "no function 'cut'"),
        ("def cut():\n    return []\n", "TypeError"),
        ("def cut(text):\n    return ['a']\n", "ValueError"),
    ],
)
def test_a_grain_that_cannot_be_used(tmp_path: Path, source: str, said: str):
    file = tmp_path / "grains.py"
    file.write_text(source)
    stage = recipe([RL | {"segmentation": {"grain": f"{file}:cut"}}]).stages[0]
    with pytest.raises(PreparationError, match=r"stage 'rl': segmentation: grain") as caught:
        preparing._check_stage(stage, dataset(prompts(3), prompts(2, 2)), byte_level())
    assert said in str(caught.value)


def test_the_longest_sequence_is_the_longest_prompt_and_the_longest_response():
    run = recipe([DFT | {"max_response_tokens": 10}, RL | {"max_response_tokens": 20}])
    data = dataset(prompts(3, 7), prompts(9))
    assert preparing._longest(run, data, []) == 9 + 20
    [prompt] = prompts(5)
    assert preparing._longest(run, data, [WorkedSet("thinking", [(prompt, [1] * 30)])]) == 5 + 30


def test_worked_responses_fit_their_stage():
    stage = recipe([DFT | {"max_response_tokens": 3}, RL]).stages[0]
    [prompt] = prompts(3)
    preparing._check_worked(stage, [(prompt, [1, 2, 3])])
    with pytest.raises(PreparationError, match=r"max_response_tokens is 3, but the worked response .* has 4 tokens"):
        preparing._check_worked(stage, [(prompt, [1, 2, 3]), (prompt, [1, 2, 3, 4])])
