"""What is evaluated, by which stage, and what is refused before an engine starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lpo.errors import InputError
from lpo.recipe import dump_recipe, load_recipe
from trainers.model_evaluation import Question, evaluate_model, load


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    return tmp_path / "model"


def test_one_stage_is_left_with_the_model_and_the_settings_asked_for(model: Path):
    asked = Question(model=str(model), stage="dft", items=7, samples=3, greedy=True)
    loaded, stage = load("quickstart", ["seed=5"], asked)
    assert (loaded.recipe.model.kind, loaded.recipe.seed, len(loaded.recipe.stages)) == ("local", 5, 1)
    assert (stage.name, stage.evaluation.items, stage.evaluation.samples) == ("dft", 7, 3)
    assert [spec.reward for spec in loaded.recipe.rewards_of(stage)] == ["reasoning_gym"]  # those of the rl stage
    _, last = load("quickstart", [], Question(model=str(model)))
    assert (last.name, last.evaluation.items) == ("rl", 500)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Question(), "begins with random weights; name a trained model with --model"),
        (Question(model="/nowhere"), "--model /nowhere is no model folder"),
        (Question(model="here", stage="sft"), "--stage sft: the recipe has dft, rl"),
        (Question(model="here", items=5000), "--items 5000: the recipe holds out 1000 prompts"),
    ],
)
def test_what_cannot_be_asked_is_refused(model: Path, asked: Question, said: str):
    given = Question(**{**vars(asked), "model": str(model) if asked.model == "here" else asked.model})
    with pytest.raises(InputError, match=said):
        load("quickstart", [], given)


def test_questions_that_a_run_was_trained_on_are_not_asked(model: Path, tmp_path: Path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.yaml").write_text(dump_recipe(load_recipe("quickstart").recipe))
    asked = Question(model=str(model), items=1500)
    with pytest.raises(InputError, match="the run held out 1000 questions by seed 0, and was trained on the others"):
        load(str(run), ["data.held_out=2000"], asked)
    _, stage = load(str(run), ["data.source.params.max_digits=2", "data.held_out=2000"], asked)
    assert stage.evaluation.items == 1500


def test_a_file_in_no_folder_is_refused_first(model: Path, tmp_path: Path):
    loaded, stage = load("quickstart", [], Question(model=str(model)))
    with pytest.raises(InputError, match=r"there is no folder .*; make it first"):
        evaluate_model(loaded, stage, output=tmp_path / "none" / "found.json")
