"""What ``lpo eval`` does: a model's accuracy on the held-out questions of a recipe, by engines, without a learner."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lpo.errors import InputError
from lpo.recipe import LoadedRecipe, Recipe, load_recipe
from lpo.recipe.stages import DftStage, RlStage
from trainers.checkpoints import model_in_run
from trainers.evaluation import judged, metrics_of, verdicts
from trainers.run_folder import RunFolder, write_atomically


class EvaluationError(InputError):
    """The model cannot be evaluated as asked; the message names the option, its value and the remedy."""


@dataclass(frozen=True)
class Question:
    """What is asked of a model. None: as the recipe says."""

    model: str | None = None
    """A folder, or ``final``, ``best`` or a stage's name where a run is evaluated."""
    stage: str | None = None
    """Whose prompts, temperature, response length and rewards; None: the last one's."""
    items: int | None = None
    samples: int | None = None
    greedy: bool | None = None


def load(target: str, overrides: list[str], question: Question) -> tuple[LoadedRecipe, RlStage | DftStage]:
    """The recipe with the model that is asked about, and the stage that says how.

    Raises:
        EvaluationError: no such stage, or more items than the recipe holds out.
    """
    folder = Path(target).expanduser()
    if (folder / "recipe.yaml").is_file():
        file = RunFolder.open(folder).recipe_file
        loaded = load_recipe(file, overrides)
        own, asked = load_recipe(file, check_files=False).recipe.data, loaded.recipe.data
        if asked.source == own.source and (asked.held_out, asked.seed) != (own.held_out, own.seed):
            raise EvaluationError(
                f"data.held_out={asked.held_out} data.seed={asked.seed}: the run held out {own.held_out} questions "
                f"by seed {own.seed}, and was trained on the others; leave both alone, or name another data.source"
            )
        model: Path | None = _model_of_run(folder, question.model or "final")
    else:
        loaded = load_recipe(target, overrides)
        model = None if question.model is None else _folder(question.model)
    recipe = loaded.recipe
    if model is None and recipe.model.kind == "scratch":
        raise EvaluationError(
            f"recipe {recipe.name} begins with random weights; name a trained model with --model, or give the "
            "folder of a run"
        )
    stage = _stage(recipe, question.stage)
    rewards = [spec.model_dump() for spec in recipe.rewards_of(stage)]
    settings = {
        name: value for name in ("items", "samples", "greedy") if (value := getattr(question, name)) is not None
    } | {"test_items": 0}
    stage = stage.model_copy(update={"evaluation": stage.evaluation.model_copy(update=settings)})
    if stage.evaluation.items > recipe.data.held_out:
        raise EvaluationError(
            f"--items {stage.evaluation.items}: the recipe holds out {recipe.data.held_out} prompts; ask for no more: "
            "others may have been trained on"
        )
    # A stage of its own, so that nothing is prepared that only training needs.
    changed = recipe.model_dump() | {"stages": [stage.model_dump() | {"rewards": rewards}]}
    if model is not None:
        trusted = recipe.trust_remote_code
        changed["model"] = {"kind": "local", "path": str(model), "trust_remote_code": trusted}
    alone = Recipe.model_validate(changed)
    return replace(loaded, recipe=alone, resolved=alone.model_dump()), alone.stages[0]


def evaluate_model(
    loaded: LoadedRecipe, stage: RlStage | DftStage, *, output: Path | None = None, responses: Path | None = None
) -> dict[str, float]:
    """The metrics of one evaluation, shown and written to ``output`` (JSON); ``responses`` gets the texts (JSONL)."""
    for file in (output, responses):
        if file is not None and not file.absolute().parent.is_dir():
            raise EvaluationError(f"{file}: there is no folder {file.absolute().parent}; make it first")
    from rollout.fleet import Fleet
    from rollout.reward_hosts import reward_pool
    from trainers.cluster import connected
    from trainers.prepare import prepare

    recipe, console = loaded.recipe, Console()
    prepared = prepare(loaded)
    prompts = prepared.dataset.held_out[: stage.evaluation.items]
    with connected(recipe):
        with console.status("starting rollout workers"):
            fleet = Fleet.start(
                prepared.model_path,
                recipe.engine,
                recipe.device,
                max_model_len=prepared.max_length,
                trust_remote_code=recipe.trust_remote_code,
            )
        try:
            with reward_pool(recipe, loaded.base_dir) as pool:
                rewards = pool.resolve_all(recipe.rewards_of(stage))
                with console.status(f"{len(prompts)} prompts"):
                    groups, greedy, invalid = judged(fleet, rewards, stage, prompts)
        finally:
            fleet.shutdown()
    found = metrics_of(groups, greedy) | {"eval/invalid": invalid}
    console.print(_table(recipe, stage, found))
    if output is not None:
        facts: dict[str, Any] = {"model": str(prepared.model_path), "recipe": recipe.name, "metrics": found}
        write_atomically(output, json.dumps(facts | {"prompts": verdicts(groups)}, indent=1) + "\n")
    if responses is not None:
        rows = [
            {"prompt": group.prompt.content, "response": each.text, "components": each.components}
            for group in groups
            for each in group.responses
        ]
        write_atomically(responses, "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows))
    return found


def _table(recipe: Recipe, stage: RlStage | DftStage, found: dict[str, float]) -> Table:
    shown = Table(title=f"{recipe.name}: {found['eval/items']:.0f} held-out prompts", box=None, show_header=False)
    low, high = found["eval/accuracy_low"], found["eval/accuracy_high"]
    sampled = f"accuracy at temperature {stage.temperature:g}"
    shown.add_row(sampled, f"{found['eval/accuracy']:.1%}", f"95% interval {low:.1%} to {high:.1%}")
    if "eval/accuracy_greedy" in found:
        shown.add_row("accuracy, greedy", f"{found['eval/accuracy_greedy']:.1%}", "")
    limit = f"limit {stage.max_response_tokens}, reached by {found['eval/truncated']:.1%}"
    shown.add_row("tokens a response", f"{found['eval/mean_tokens']:.1f}", limit)
    if found["eval/invalid"]:
        shown.add_row("could not be judged", f"{found['eval/invalid']:.1%}", "")
    return shown


def _stage(recipe: Recipe, name: str | None) -> RlStage | DftStage:
    if name is None:
        return recipe.stages[-1]
    for stage in recipe.stages:
        if stage.name == name:
            return stage
    raise EvaluationError(f"--stage {name}: the recipe has {', '.join(stage.name for stage in recipe.stages)}")


def _folder(model: str) -> Path:
    path = Path(model).expanduser().absolute()
    if not (path / "config.json").is_file():
        raise EvaluationError(f"--model {model} is no model folder: it has no config.json")
    return path


def _model_of_run(run_dir: Path, which: str) -> Path:
    return _folder(which) if Path(which).is_dir() else model_in_run(run_dir, which)
