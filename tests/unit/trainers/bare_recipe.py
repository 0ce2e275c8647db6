"""The least that is a recipe, for tests of what it asks of a cluster."""

from lpo.recipe import Recipe

MODEL = {"kind": "local", "path": "/model"}
DATA = {"source": {"kind": "jsonl", "path": "/data.jsonl"}}
RATE = {"learning_rate": 1e-3}
STAGE = {"kind": "rl", "steps": 1, "algorithm": "lpo", "rewards": [{"reward": "math"}], "optimizer": RATE}


def recipe(**sections: object) -> Recipe:
    """With other sections, or more of them."""
    return Recipe.model_validate({"name": "r", "model": MODEL, "data": DATA, "stages": [STAGE], **sections})
