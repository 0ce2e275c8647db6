"""A row: one question with its answer and whatever else the data set knows about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lpo.errors import InputError
from lpo.recipe.base import unknown_name
from lpo.samples import Message
from rewards.contract import STANDARD_ARGUMENTS


class DataError(InputError):
    """The data section of a recipe cannot be satisfied. The message names the field, the value and the remedy."""


@dataclass(frozen=True)
class Row:
    """One item of a data set.

    ``question`` is a string, or a list of chat messages that ends with the user's. ``columns`` holds every field of the
    item except the prompt and response themselves under TRL's reserved names; rewards receive them as keyword
    arguments. ``response`` is the worked response for supervised stages, where the source has one.
    """

    question: str | list[Message]
    answer: Any = None
    columns: dict[str, Any] = field(default_factory=dict)
    response: str | None = None


# TRL keeps these to itself: rewards see the prompt and the completion through arguments of their own.
RESERVED_COLUMNS = ("prompt", "completion", "completion_ids")


def row_from_record(record: Mapping[str, Any], prompt_field: str, response_field: str | None, where: str) -> Row:
    """Turns one record of a JSONL file or a table into a row.

    ``where`` names the record in errors, for example ``data.jsonl line 3``. Raises DataError where a field is missing
    or of the wrong type, or where a column has the name of an argument that every reward receives.
    """
    question = _question(_value(record, prompt_field, "prompt_field", where), prompt_field, where)
    response = None
    if response_field is not None:
        response = _value(record, response_field, "response_field", where)
        if not isinstance(response, str) or not response.strip():
            raise DataError(f"{where}: {response_field} is {response!r:.60}; a worked response is a non-empty string")
        _whole(response, response_field, where)
    columns = {name: value for name, value in record.items() if name not in RESERVED_COLUMNS}
    for name in columns:
        if name in STANDARD_ARGUMENTS:
            raise DataError(
                f"{where}: column '{name}' has the name of an argument that every reward gets; rename the column"
            )
    return Row(question, record.get("answer"), columns, response)


def _value(record: Mapping[str, Any], name: str, setting: str, where: str) -> Any:
    if name not in record:
        raise DataError(f"{where}: {setting} {unknown_name(name, record)}")
    return record[name]


def _question(value: Any, name: str, where: str) -> str | list[Message]:
    if isinstance(value, str):
        if not value.strip():
            raise DataError(f"{where}: {name} is empty; every row needs a question")
        return _whole(value, name, where)
    if not isinstance(value, list) or not value:
        raise DataError(f"{where}: {name} is {value!r:.60}; a question is a string or a list of chat messages")
    messages = []
    for message in value:
        well_formed = isinstance(message, dict) and all(
            isinstance(message.get(key), str) for key in ("role", "content")
        )
        if not well_formed:
            raise DataError(
                f"{where}: {name} holds {message!r:.60}; a message has a 'role' and a 'content', both strings"
            )
        messages.append({"role": message["role"], "content": _whole(message["content"], name, where)})
    if messages[-1]["role"] == "assistant":
        raise DataError(f"{where}: {name} ends with the assistant's message; end it with the user's")
    return messages


def _whole(text: str, name: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as cause:
        raise DataError(
            f"{where}: {name} holds half a character ({text[cause.start : cause.end]!r}), which no tokenizer "
            "takes; repair the text"
        ) from None
    return text
