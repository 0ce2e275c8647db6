"""Worked responses: what a supervised stage imitates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lpo.plugins import PluginError, load_callable
from lpo.recipe.data import Data
from lpo.samples import Prompt
from trainers.data.dataset import PromptDataset
from trainers.data.rows import DataError, Row

SOLUTIONS = {"chain_sum": "trainers.data.solutions:chain_sum"}
"""Solution writers that a recipe can name without a path."""


def worked_responses(
    data: Data, dataset: PromptDataset, tokenizer: Any, base_dir: Path, max_model_len: int | None = None
) -> list[tuple[Prompt, list[int]]]:
    """The training prompts, each with the token ids of its worked response, end token included.

    The response comes from the source's ``response_field`` or from ``data.solutions``. Raises DataError where the
    recipe names neither or both, a writer fails, or prompt and response together exceed ``max_model_len`` tokens.
    """
    if tokenizer.eos_token_id is None:
        raise DataError(
            "the model's tokenizer has no end token, so a response could never stop; set eos_token in its folder"
        )
    texts = response_texts(data, dataset.train_rows, base_dir)
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    worked = [
        (prompt, [*response, tokenizer.eos_token_id]) for prompt, response in zip(dataset.train, ids, strict=True)
    ]
    if max_model_len is not None:
        prompt, response = max(worked, key=lambda pair: len(pair[0].token_ids) + len(pair[1]))
        length = len(prompt.token_ids) + len(response)
        if length > max_model_len:
            raise DataError(
                f"the prompt {prompt.question!r:.80} and its worked response have {length} tokens together, the "
                "model takes "
                f"{max_model_len}; shorten the responses or use a longer model"
            )
    return worked


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
    try:
        write = load_callable(data.solutions, what="solution", known=SOLUTIONS, base_dir=base_dir)
    except PluginError as cause:
        raise DataError(f"data.solutions: {cause}") from cause
    return [_written(write, row, data.solutions) for row in rows]


def _written(write: Any, row: Row, name: str) -> str:
    try:
        text = write(row)
    except Exception as cause:
        raise DataError(
            f"data.solutions '{name}' fails on the question {row.question!r:.80} ({type(cause).__name__}: {cause})"
        ) from cause
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"data.solutions '{name}' returned {text!r:.60} for {row.question!r:.80}; it must return text")
    return text
