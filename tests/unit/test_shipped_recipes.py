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
