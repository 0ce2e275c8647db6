"""Everything that can be known, made or refused before a process is started."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lpo.errors import InputError
from lpo.recipe import LoadedRecipe, Recipe
from lpo.recipe.stages import DftStage, RlStage
from lpo.samples import Prompt
from lpo.segmentation import segment
from rewards.isolation import RewardPool
from rollout.engine import transfer_backend
from trainers.cluster import check_capacity
from trainers.data import PromptDataset, WorkedSet, build_dataset, load_rows, worked_sets
from trainers.data.worked import response_texts, thinking_texts
from trainers.models import ModelError, inspect_model, prepare_model


class PreparationError(InputError):
    """The recipe's parts do not fit together; the message names field, value and remedy."""


@dataclass(frozen=True)
class Prepared:
    """The checked ingredients of a run. ``max_length`` is the longest prompt plus response that any stage can make."""

    model_path: Path
    tokenizer: Any
    dataset: PromptDataset
    worked: list[WorkedSet]
    max_length: int
    judged: list[str]
    """What the rewards of each stage ask judges, in words."""

    @property
    def data_digest(self) -> str:
        """Of all prompts and worked responses, in tokens: a run can go on with the same ones only."""
        digest = hashlib.sha256()
        for prompts in (self.dataset.train, self.dataset.held_out):
            digest.update(repr([(prompt.id, list(prompt.token_ids)) for prompt in prompts]).encode())
        for worked in self.worked:
            digest.update(repr([(prompt.token_ids, response) for prompt, response in worked.pairs]).encode())
        return digest.hexdigest()[:16]


def prepare(loaded: LoadedRecipe) -> Prepared:
    """Room on the cluster, model folder, tokenizer, prompts, worked responses and rewards.

    Raises ClusterError, ModelError, DataError, RewardError or PreparationError with a message for the user.
    """
    recipe, base_dir = loaded.recipe, loaded.base_dir
    _quieten(recipe.device)
    _check_device(recipe)
    check_capacity(recipe)
    for folder in recipe.reward_workers.writable:
        if not Path(folder).expanduser().is_dir():
            raise PreparationError(
                f"reward_workers.writable names {folder}, which is no folder; make it first, or leave it out"
            )
    one_worker = recipe.reward_workers.model_copy(update={"workers": 1})
    with RewardPool(one_worker, base_dir) as pool:
        return _prepare(recipe, base_dir, pool)


def _prepare(recipe: Recipe, base_dir: Path, pool: RewardPool) -> Prepared:
    for stage in recipe.stages:
        _check_rewards(recipe, stage, pool)
    model_path = prepare_model(
        recipe.model, tokenizer_corpus=lambda: _corpus(recipe, base_dir), seed=recipe.seed, base_dir=base_dir
    )
    facts = inspect_model(model_path)
    tokenizer = _tokenizer(recipe, model_path, facts.vocabulary)
    dataset = build_dataset(recipe.data, tokenizer, base_dir, recipe.seed, facts.max_length)
    worked: list[WorkedSet] = []
    if any(stage.kind == "dft" for stage in recipe.stages):
        worked = worked_sets(recipe.data, dataset, tokenizer, base_dir, facts.max_length)
    columns = sorted({name for prompt in dataset.train[:100] for name in prompt.columns})
    judged: list[str] = []
    for stage in recipe.stages:
        judged += _check_rewards(recipe, stage, pool, columns)
        _check_stage(stage, dataset, tokenizer)
        if stage.kind == "dft":
            for each in worked:
                _check_worked(stage, each.pairs)
    longest = _longest(recipe, dataset, worked)
    if facts.max_length is not None and longest > facts.max_length:
        prompt, stage = _longest_prompt(dataset), max(recipe.stages, key=lambda stage: stage.max_response_tokens)
        raise PreparationError(
            f"the longest prompt has {prompt} tokens and stage '{stage.name}' allows max_response_tokens "
            f"{stage.max_response_tokens} more, but the model takes {facts.max_length} in all; lower "
            f"max_response_tokens to {facts.max_length - prompt} or data.max_prompt_tokens"
        )
    return Prepared(model_path, tokenizer, dataset, worked, longest, judged)


def _quieten(device: str) -> None:
    """Libraries that show progress bars or warn of accelerators while a model is read or written."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    # Saving a model makes transformers import DeepSpeed, which looks for GPUs and warns where there are none.
    os.environ.setdefault("DS_ACCELERATOR", device)


def _check_device(recipe: Recipe) -> None:
    try:
        transfer_backend(recipe.engine, recipe.device)
    except ValueError as cause:
        raise PreparationError(str(cause)) from cause
    if recipe.device == "cpu" and recipe.learner.offload_optimizer:
        raise PreparationError(
            "learner.offload_optimizer true moves optimiser states out of GPUs; leave it out with device: cpu"
        )


def _check_rewards(
    recipe: Recipe, stage: DftStage | RlStage, pool: RewardPool, columns: Sequence[str] | None = None
) -> list[str]:
    """Refuses what cannot be used; says what a step asks judges."""
    specs = recipe.rewards_of(stage)
    if not specs:
        raise PreparationError(f"stage '{stage.name}' has no rewards to judge its evaluations by; add rewards to it")
    rewards = pool.resolve_all(specs, columns)
    size, prompts = (stage.group_size, stage.prompts_per_step) if stage.kind == "rl" else (0, 0)
    return [
        f"stage '{stage.name}': {reward.name} asks {reward.questions[size]} questions about a group, "
        f"{reward.questions[size] * prompts} a step"
        for reward in rewards
        if size < len(reward.questions) and reward.questions[size]
    ]


def _tokenizer(recipe: Recipe, model_path: Path, vocabulary: int) -> Any:
    from transformers import AutoConfig, AutoTokenizer

    trusted = recipe.trust_remote_code
    try:
        AutoConfig.from_pretrained(model_path, trust_remote_code=trusted)
        tokenizer = AutoTokenizer.from_pretrained(model_path, trust_remote_code=trusted)
    except Exception as cause:
        # transformers and tokenizers raise many types here; each means that the folder's files cannot be used.
        if not trusted and "auto_map" in (model_path / "config.json").read_text():
            raise ModelError(
                f"model folder {model_path} brings Python code of its own, which is run only where the recipe says "
                "model.trust_remote_code: true; read the code first"
            ) from cause
        raise ModelError(
            f"model folder {model_path}: configuration or tokenizer cannot be loaded ({_said(cause)}); save both again "
            "with save_pretrained, or use a model that the installed transformers knows"
        ) from cause
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"model folder {model_path}: the tokenizer has no end token, so a response could never stop; set eos_token "
            "in its tokenizer_config.json"
        )
    largest = max(tokenizer.get_vocab().values(), default=0)
    if largest >= vocabulary:
        raise ModelError(
            f"model folder {model_path}: the tokenizer has tokens up to id {largest}, and the model knows "
            f"{vocabulary}; resize the model's embeddings, or save the tokenizer that belongs to it"
        )
    return tokenizer


def _check_stage(stage: DftStage | RlStage, dataset: PromptDataset, tokenizer: Any) -> None:
    settings = stage.evaluation
    if settings.items + settings.test_items > len(dataset.held_out):
        asked = f"evaluation.items {settings.items}"
        asked += f" and test_items {settings.test_items} are" if settings.test_items else " is"
        raise PreparationError(
            f"stage '{stage.name}': {asked} more than the {len(dataset.held_out)} held-out prompts; "
            "lower it or raise data.held_out"
        )
    if stage.kind == "dft":
        return
    grain = stage.segmentation.grain
    sample = [*dataset.train[0].token_ids, tokenizer.eos_token_id]
    try:
        segment(sample, tokenizer, grain=grain, max_tokens=stage.segmentation.max_tokens)
    except Exception as cause:
        # A grain may be a plug-in, which fails in its own ways; lpo's own errors begin with the grain's name.
        reason = str(cause) if str(cause).startswith("grain") else f"grain '{grain}' fails: {_said(cause)}"
        raise PreparationError(f"stage '{stage.name}': segmentation: {reason}") from cause


def _check_worked(stage: DftStage, worked: list[tuple[Prompt, list[int]]]) -> None:
    prompt, response = max(worked, key=lambda pair: len(pair[1]))
    if len(response) > stage.max_response_tokens:
        raise PreparationError(
            f"stage '{stage.name}': max_response_tokens is {stage.max_response_tokens}, but the worked response to "
            f"{prompt.question!r:.80} has {len(response)} tokens; raise the limit or shorten the responses"
        )


def _said(cause: Exception) -> str:
    return f"{type(cause).__name__}: {' '.join(str(cause).split()):.300}"


def _corpus(recipe: Recipe, base_dir: Path) -> Iterable[str]:
    """What a tokenizer made from scratch learns from: questions and worked responses."""
    rows = load_rows(recipe.data.source, base_dir)
    yield from (str(row.question) for row in rows)
    instant = response_texts(recipe.data, rows, base_dir)
    yield from instant
    if (modes := recipe.data.modes) is not None:
        yield from thinking_texts(modes.thinking, rows, instant, base_dir)
        yield from [modes.instant.system_prompt, modes.thinking.system_prompt] * len(rows)


def _longest_prompt(dataset: PromptDataset) -> int:
    return max(len(prompt.token_ids) for prompt in (*dataset.train, *dataset.held_out))


def _longest(recipe: Recipe, dataset: PromptDataset, worked: Sequence[WorkedSet]) -> int:
    sampled = _longest_prompt(dataset) + max(stage.max_response_tokens for stage in recipe.stages)
    imitated = (len(prompt.token_ids) + len(response) for each in worked for prompt, response in each.pairs)
    return max([sampled, *imitated])
