"""The recipe: the only configuration of a run. Importable without torch, ray, vllm or deepspeed."""

from lpo.recipe.layers import RecipeError, shipped_recipes
from lpo.recipe.load import LoadedRecipe, dump_recipe, load_recipe, relocate_files
from lpo.recipe.schema import Recipe

__all__ = [
    "LoadedRecipe",
    "Recipe",
    "RecipeError",
    "dump_recipe",
    "load_recipe",
    "relocate_files",
    "shipped_recipes",
]
