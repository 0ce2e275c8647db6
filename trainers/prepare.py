"""Everything that can be known, made or refused before a process is started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lpo.recipe import LoadedRecipe, Recipe
from lpo.samples import Prompt
from lpo.segmentation import segment
from rewards.resolver import resolve_all
from trainers.data import PromptDataset, build_dataset, load_rows, worked_responses
from trainers.data.worked import response_texts
from trainers.models import inspect_model, prepare_model


class PreparationError(ValueError):
    """The recipe's parts do not fit together; the message names field, value and remedy."""


@dataclass(frozen=True)
class Prepared:
    """The checked ingredients of a run. ``max_length`` is the longest prompt plus response that any stage can make."""

    model_path: Path
    tokenizer: Any
    dataset: PromptDataset
    worked: list[tuple[Prompt, list[int]]]
    max_length: int


def prepare(loaded: LoadedRecipe) -> Prepared:
    """Model folder, tokenizer, prompts, worked responses and rewards.

    Raises ModelError, DataError, RewardError or PreparationError with a message for the user.
    """
    from transformers import AutoTokenizer

    recipe, base_dir = loaded.recipe, loaded.base_dir
    model_path = prepare_model(
        recipe.model, tokenizer_corpus=lambda: _corpus(recipe, base_dir), seed=recipe.seed, base_dir=base_dir
    )
    facts = inspect_model(model_path)
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    dataset = build_dataset(recipe.data, tokenizer, base_dir, recipe.seed, facts.max_length)
    worked = []
    if any(stage.kind == "dft" for stage in recipe.stages):
        worked = worked_responses(recipe.data, dataset, tokenizer, base_dir, facts.max_length)
    longest = _longest(recipe, dataset, worked)
    if facts.max_length is not None and longest > facts.max_length:
        raise PreparationError(
            f"the longest prompt has {_longest_prompt(dataset)} tokens and stages.max_response_tokens allows "
            f"{longest - _longest_prompt(dataset)} more, but the model takes {facts.max_length} in all; "
            "lower max_response_tokens or data.max_prompt_tokens"
        )
    columns = sorted({name for prompt in dataset.train[:100] for name in prompt.columns})
    for stage in recipe.stages:
        specs = recipe.rewards_of(stage)
        if not specs:
            raise PreparationError(
                f"stage '{stage.name}' has no rewards to judge its evaluations by; add rewards to it"
            )
        resolve_all(specs, base_dir=base_dir, columns=columns)
        if stage.kind == "rl":
            settings = stage.segmentation
            segment([tokenizer.eos_token_id], tokenizer, grain=settings.grain, max_tokens=settings.max_tokens)
        if stage.evaluation.items > len(dataset.held_out):
            raise PreparationError(
                f"stage '{stage.name}': evaluation.items {stage.evaluation.items} is more than the "
                f"{len(dataset.held_out)} held-out prompts; lower it or raise data.held_out"
            )
    return Prepared(model_path, tokenizer, dataset, worked, longest)


def _corpus(recipe: Recipe, base_dir: Path) -> Iterable[str]:
    """What a tokenizer made from scratch learns from: questions and worked responses."""
    rows = load_rows(recipe.data.source, base_dir)
    yield from (str(row.question) for row in rows)
    yield from response_texts(recipe.data, rows, base_dir)


def _longest_prompt(dataset: PromptDataset) -> int:
    return max(len(prompt.token_ids) for prompt in (*dataset.train, *dataset.held_out))


def _longest(recipe: Recipe, dataset: PromptDataset, worked: list[tuple[Prompt, list[int]]]) -> int:
    sampled = _longest_prompt(dataset) + max(stage.max_response_tokens for stage in recipe.stages)
    return max([sampled, *(len(prompt.token_ids) + len(response) for prompt, response in worked)])
