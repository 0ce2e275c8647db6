"""Worked responses: what a supervised stage imitates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lpo.plugins import PluginError, load_callable
from lpo.recipe.base import unknown_name
from lpo.recipe.data import Data, ThinkingMode
from lpo.samples import Prompt
from trainers.data.dataset import PromptDataset
from trainers.data.rendering import render_prompts
from trainers.data.rows import DataError, Row

SOLUTIONS = {
    "chain_sum": "trainers.data.solutions:chain_sum",
    "chain_sum_chatty": "trainers.data.solutions:chain_sum_chatty",
    "chain_sum_thoughts": "trainers.data.solutions:chain_sum_thoughts",
}
"""Writers of solutions and thoughts that a recipe can name without a path."""


@dataclass(frozen=True)
class WorkedSet:
    """Training prompts of one mode, each with the token ids of its worked response, end token included."""

    mode: str
    pairs: list[tuple[Prompt, list[int]]]
    weight: float = 1.0
    """Share of the responses of a supervised stage, against those of other modes."""


def worked_sets(
    data: Data, dataset: PromptDataset, tokenizer: Any, base_dir: Path, max_model_len: int | None = None
) -> list[WorkedSet]:
    """The worked responses to the training prompts: one set, or with ``data.modes`` one for each mode.

    Instant responses come from the source's ``response_field`` or from ``data.solutions``; those of the thinking mode
    are ``<think>thoughts</think><answer>answer</answer>``. Raises DataError where the recipe names no source of
    responses or two, a writer fails, an answer is missing, or prompt and response together exceed ``max_model_len``
    tokens.
    """
    if tokenizer.eos_token_id is None:
        raise DataError(
            "the model's tokenizer has no end token, so a response could never stop; set eos_token in its folder"
        )
    instant = response_texts(data, dataset.train_rows, base_dir)
    if data.modes is None:
        sets = [WorkedSet("instant", _pairs(dataset.train, instant, tokenizer))]
    else:
        thinking = thinking_texts(data.modes.thinking, dataset.train_rows, instant, base_dir)
        rows = dict(zip((prompt.id for prompt in dataset.train), dataset.train_rows, strict=True))
        prompts = render_prompts(rows, data, tokenizer, data.modes.thinking.system_prompt)
        sets = [
            WorkedSet("instant", _pairs(dataset.train, instant, tokenizer), data.modes.instant.weight),
            WorkedSet("thinking", _pairs(prompts, thinking, tokenizer), data.modes.thinking.weight),
        ]
    for each in sets:
        _check_length(each.pairs, max_model_len)
    return sets


def _pairs(prompts: list[Prompt], texts: list[str], tokenizer: Any) -> list[tuple[Prompt, list[int]]]:
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return [(prompt, [*response, tokenizer.eos_token_id]) for prompt, response in zip(prompts, ids, strict=True)]


def _check_length(pairs: list[tuple[Prompt, list[int]]], max_model_len: int | None) -> None:
    prompt, response = max(pairs, key=lambda pair: len(pair[0].token_ids) + len(pair[1]))
    length = len(prompt.token_ids) + len(response)
    if max_model_len is not None and length > max_model_len:
        raise DataError(
            f"the prompt {prompt.question!r:.80} and its worked response have {length} tokens together, the model "
            f"takes {max_model_len}; shorten the responses or use a longer model"
        )


def response_texts(data: Data, rows: list[Row], base_dir: Path) -> list[str]:
    """The worked response of each row as text, from the rows themselves or from ``data.solutions``."""
    response_field = getattr(data.source, "response_field", None)
    if data.solutions is None:
        if response_field is None:
            raise DataError(
                "a supervised stage needs worked responses: set data.source.response_field, or data.solutions to a "
                "function"
            )
        return [str(row.response) for row in rows]
    if response_field is not None:
        raise DataError(
            f"data.source.response_field '{response_field}' and data.solutions '{data.solutions}' both give worked "
            "responses; keep one"
        )
    return _written(data.solutions, rows, base_dir, "data.solutions")


def thinking_texts(mode: ThinkingMode, rows: list[Row], instant: list[str], base_dir: Path) -> list[str]:
    """The worked response of each row in the thinking mode; ``instant`` holds those of the instant mode."""
    field = "data.modes.thinking"
    thoughts = instant if mode.thoughts is None else _written(mode.thoughts, rows, base_dir, f"{field}.thoughts")
    return [
        f"<think>{thought}</think><answer>{_answer(row, mode.answer_field, field)}</answer>"
        for thought, row in zip(thoughts, rows, strict=True)
    ]


def _answer(row: Row, name: str, field: str) -> str:
    answer = row.columns.get(name)
    if answer is None:
        raise DataError(f"{field}.answer_field: {unknown_name(name, row.columns)} in the row of {row.question!r:.80}")
    return str(answer)


def _written(name: str, rows: list[Row], base_dir: Path, field: str) -> list[str]:
    try:
        write = load_callable(name, what="solution", known=SOLUTIONS, base_dir=base_dir)
    except PluginError as cause:
        raise DataError(f"{field}: {cause}") from cause
    return [_text(write, row, f"{field} '{name}'") for row in rows]


def _text(write: Any, row: Row, writer: str) -> str:
    try:
        text = write(row)
    except (Exception, SystemExit) as cause:
        raise DataError(
            f"{writer} fails on the question {row.question!r:.80} ({type(cause).__name__}: {cause})"
        ) from cause
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{writer} returned {text!r:.60} for {row.question!r:.80}; it must return text")
    return text
