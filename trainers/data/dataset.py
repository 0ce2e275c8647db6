"""The prompts of a run: distinct, split into two disjoint sets, rendered and of a length that the model takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lpo.recipe.data import Data, FunctionSource, ReasoningGymSource
from lpo.samples import Prompt
from trainers.data.rendering import render_prompts
from trainers.data.rows import DataError, Row
from trainers.data.sources import load_rows
from trainers.data.split import distinct_rows, held_out_keys


@dataclass(frozen=True)
class PromptDataset:
    """Train and held-out prompts. No question of one occurs in the other, by normalised text.

    ``train_rows`` are the rows behind ``train``, one by one. ``held_out`` is in an order drawn from the data's seed, so
    its first n prompts are a random sample of it. ``duplicates`` and ``dropped_long`` count what was left out.
    """

    train: list[Prompt]
    held_out: list[Prompt]
    train_rows: list[Row]
    order_seed: int
    duplicates: int
    dropped_long: int


def build_dataset(
    data: Data, tokenizer: Any, base_dir: Path, seed: int = 0, max_model_len: int | None = None
) -> PromptDataset:
    """Reads, splits and renders the prompts of a recipe.

    The split depends on ``data.seed`` alone, so runs that differ in ``seed`` are judged on the same questions; the
    order of training depends on both. ``max_model_len`` is the model's length in tokens: a prompt must leave room for
    at least one more.

    Raises DataError where the source cannot be read, has too few distinct questions, or holds prompts that are too
    long.
    """
    rows = load_rows(data.source, base_dir)
    distinct = distinct_rows(rows)
    if data.held_out_source is None:
        if len(distinct) <= data.held_out:
            raise DataError(_too_few(data, data.source, len(distinct), len(rows), data.held_out + 1))
        kept_out = {key: distinct[key] for key in held_out_keys(distinct, data.held_out, data.seed)}
        for key in kept_out:
            del distinct[key]
    else:
        try:
            held_out_rows = load_rows(data.held_out_source, base_dir)
        except DataError as error:
            raise DataError(_of_held_out(str(error))) from error
        candidates = distinct_rows(held_out_rows)
        if len(candidates) < data.held_out:
            said = _too_few(data, data.held_out_source, len(candidates), len(held_out_rows), data.held_out)
            raise DataError(_of_held_out(said))
        kept_out = {key: candidates[key] for key in held_out_keys(candidates, data.held_out, data.seed)}
        distinct = {key: row for key, row in distinct.items() if key not in candidates}
        if not distinct:
            raise DataError(
                "every question of data.source also occurs in data.held_out_source; nothing is left to train on"
            )
    train = render_prompts(distinct, data, tokenizer)
    held_out = render_prompts(kept_out, data, tokenizer)
    limit = data.max_prompt_tokens if max_model_len is None else min(data.max_prompt_tokens, max_model_len - 1)
    too_long = [prompt for prompt in (*train, *held_out) if len(prompt.token_ids) > limit]
    if too_long and not data.drop_long_prompts:
        raise DataError(_too_long(too_long, limit, data, max_model_len))
    train_pairs = [pair for pair in zip(train, distinct.values(), strict=True) if len(pair[0].token_ids) <= limit]
    held_out = [prompt for prompt in held_out if len(prompt.token_ids) <= limit]
    if not train_pairs or len(held_out) < 2:
        raise DataError(
            f"{len(train_pairs)} training and {len(held_out)} held-out prompts are at most {limit} tokens long; "
            "at least 1 and 2 are needed: raise data.max_prompt_tokens or shorten the prompts"
        )
    dataset = PromptDataset(
        train=[prompt for prompt, _ in train_pairs],
        held_out=held_out,
        train_rows=[row for _, row in train_pairs],
        order_seed=data.seed * 1_000_003 + seed,
        duplicates=len(rows) - len(distinct_rows(rows)),
        dropped_long=len(too_long),
    )
    _assert_disjoint(dataset)
    return dataset


def _assert_disjoint(dataset: PromptDataset) -> None:
    shared = {prompt.id for prompt in dataset.train} & {prompt.id for prompt in dataset.held_out}
    if shared:
        raise AssertionError(f"{len(shared)} questions are in the training set and held out; the split is broken")


def _too_few(data: Data, source: Any, distinct: int, total: int, needed: int) -> str:
    if isinstance(source, ReasoningGymSource):
        from trainers.data.procedural import widening_hint

        origin, remedy = f"reasoning-gym's {source.task}", widening_hint(source)
    elif isinstance(source, FunctionSource):
        origin, remedy = f"function '{source.function}'", "raise data.source.size or let it make more that differ"
    else:
        origin, remedy = source.path or "the shipped tasks", "add rows"
    training = "" if needed == data.held_out else " and at least 1 to train on"
    return (
        f"data.source: {origin} gave {total} rows with {distinct} distinct questions, but data.held_out {data.held_out}"
        f"{training} need {needed}; {remedy}, or lower data.held_out"
    )


def _of_held_out(message: str) -> str:
    return message.replace("data.source", "data.held_out_source")


def _too_long(too_long: list[Prompt], limit: int, data: Data, max_model_len: int | None) -> str:
    longest = max(too_long, key=lambda prompt: len(prompt.token_ids))
    bound = (
        f"data.max_prompt_tokens {data.max_prompt_tokens}"
        if limit == data.max_prompt_tokens
        else f"the model's length of {max_model_len} tokens, one of them for the response"
    )
    return (
        f"{len(too_long)} prompts are longer than {bound}; the longest has {len(longest.token_ids)} tokens and begins "
        f"{longest.question!r:.80}. Raise the limit, shorten the prompts or set data.drop_long_prompts: true"
    )
