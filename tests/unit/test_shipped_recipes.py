"""Every recipe that ships can be read, says what it is for, and survives being written down."""

from pathlib import Path

import pytest

from lpo.recipe import dump_recipe, load_recipe, shipped_recipes


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_a_shipped_recipe_is_valid(name: str, tmp_path: Path):
    recipe = load_recipe(name).recipe
    assert recipe.name == name
    assert recipe.description
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_recipe(recipe))
    assert load_recipe(copy).recipe == recipe


def test_the_smollm2_recipes_differ_in_their_objective_only():
    recipes = {name: load_recipe(f"smollm2_arithmetic{name}").recipe.model_dump() for name in ("", "_grpo", "_gspo")}
    objectives = []
    for recipe in recipes.values():
        objectives.append(recipe["stages"][0].pop("algorithm")["name"])
        del recipe["name"], recipe["description"]
    assert objectives == ["lpo", "grpo", "gspo"]
    assert recipes[""] == recipes["_grpo"] == recipes["_gspo"]


def test_the_evo_cot_quickstart_starts_as_the_quickstart_and_differs_from_its_control_in_the_curriculum_only():
    recipes = {name: load_recipe(name).recipe.model_dump() for name in ("quickstart", "quickstart_lpo")}
    assert recipes["quickstart"]["model"] == recipes["quickstart_lpo"]["model"]
    assert recipes["quickstart"]["stages"][0] == recipes["quickstart_lpo"]["stages"][0]
    control, evo_cot = recipes["quickstart_lpo"], load_recipe("quickstart_evo_cot").recipe.model_dump()
    assert control["stages"][1].pop("curriculum") == {"kind": "none"}
    assert evo_cot["stages"][1].pop("curriculum")["kind"] == "evo_cot"
    for recipe in (control, evo_cot):
        del recipe["name"], recipe["description"]
    assert control == evo_cot


def test_smollm2_learns_both_modes_and_is_reinforced_in_the_instant_one():
    recipe = load_recipe("smollm2_evo_cot").recipe
    assert recipe.data.modes is not None
    assert recipe.data.usual_system_prompt == recipe.data.modes.instant.system_prompt == "detailed think off"
    assert [stage.kind for stage in recipe.stages] == ["dft", "rl"]
    assert recipe.stages[1].advantage_kind == "group_mean"
