"""Function calls in a model's response, in the forms in which models write them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rewards.extraction import without_thoughts
from rewards.verifiers.json_values import NotJsonError, fenced_blocks, read_json, values_in

_MOST_CHARACTERS = 50_000
_TAGGED = re.compile(r"<(tool_call|function_call|functioncall)>(.*?)(?:</\1>|\Z)", re.DOTALL)
_NAMES = {"true": True, "false": False, "null": None, "none": None}
_CALL_LINE = re.compile(r"\[?\s*[A-Za-z_][\w.]*\(")


@dataclass(frozen=True)
class Call:
    """A function's name and its arguments, by name."""

    name: str
    arguments: dict[str, Any]


class BrokenCallError(ValueError):
    """The response tries to call something and is not readable."""


def find_calls(text: str) -> list[Call]:
    """The calls of a response, in order; none where it makes none.

    Forms: ``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``, the same JSON bare or in a list, OpenAI's
    ``{"tool_calls": [...]}``, and Python, ``[f(a=1), g(b="x")]`` or one call a line, each also in a fenced block.
    Nothing is evaluated: values are literals, and anything else is kept as the text that it is.

    Raises:
        BrokenCallError: a tag or list of calls that cannot be read.
    """
    text = without_thoughts(text).strip()
    if len(text) > _MOST_CHARACTERS:
        raise BrokenCallError(f"more than {_MOST_CHARACTERS} characters")
    tagged = [body for _, body in _TAGGED.findall(text)]
    if tagged:
        return [call for body in tagged for call in _whole(body.strip())]
    blocks = [body.strip() for _, body in fenced_blocks(text)]
    for part in [text, *reversed(blocks)]:
        if (calls := _read(part)) is not None:
            return calls
    values = [calls for value in values_in(text) if (calls := _from_json(value)) is not None]
    if values:
        return [call for calls in values for call in calls]
    return _on_lines(text)


def _whole(body: str) -> list[Call]:
    calls = _read(body)
    if calls is None:
        # Several objects, one after the other.
        calls = [call for value in values_in(body) for call in _from_json(value) or ()]
    if not calls:
        raise BrokenCallError(f"not a call: {body[:100]}")
    return calls


def _read(part: str) -> list[Call] | None:
    """The calls of a text that is calls and nothing else; None where it is anything else."""
    try:
        return _from_json(read_json(part))
    except NotJsonError:
        return _from_python(part)


def _from_json(value: Any) -> list[Call] | None:
    if isinstance(value, dict) and isinstance(value.get("tool_calls"), list):
        value = value["tool_calls"]
    if isinstance(value, list):
        calls = [_one(each) for each in value]
        return None if any(call is None for call in calls) else [call for call in calls if call is not None]
    call = _one(value)
    return None if call is None else [call]


def _one(value: Any) -> Call | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict):
        value = value["function"]
    name = value.get("name")
    arguments = next((value[key] for key in ("arguments", "parameters", "args") if key in value), None)
    if isinstance(arguments, str):
        try:
            arguments = read_json(arguments)
        except NotJsonError:
            return None
    if isinstance(name, str) and isinstance(arguments, dict):
        return Call(name, arguments)
    if len(value) == 1:  # {"function": {argument: value}}, as some models write it
        ((name, arguments),) = value.items()
        return Call(name, arguments) if isinstance(arguments, dict) else None
    return None


def _from_python(part: str) -> list[Call] | None:
    try:
        tree = ast.parse(part.strip(), mode="exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    nodes: list[ast.expr] = []
    for statement in tree.body:
        if not isinstance(statement, ast.Expr):
            return None
        value = statement.value
        nodes += value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    if not nodes:
        return [] if part.strip() == "[]" else None
    calls = [_call(node) for node in nodes]
    return None if any(call is None for call in calls) else [call for call in calls if call is not None]


def _call(node: ast.expr) -> Call | None:
    if not isinstance(node, ast.Call):
        return None
    try:
        name = ast.unparse(node.func)
        # Arguments without a name are left out, as the leaderboard does: a call that needs them is then incomplete.
        arguments = {word.arg: _value(word.value) for word in node.keywords if word.arg is not None}
    except (RecursionError, MemoryError):
        return None
    return Call(name, arguments)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id.lower() in _NAMES:
        return _NAMES[node.id.lower()]
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(each) for each in node.elts]
    if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
        keys = [_value(key) for key in node.keys if key is not None]
        if all(isinstance(key, str | int | float) for key in keys):
            return dict(zip(keys, map(_value, node.values), strict=True))
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ast.unparse(node)


def _on_lines(text: str) -> list[Call]:
    """Calls that stand alone on lines of a text that is not only calls."""
    lines = text.splitlines()
    found: list[Call] = []
    place = 0
    while place < len(lines):
        if not _CALL_LINE.match(lines[place].strip()):
            place += 1
            continue
        end, calls = _longest(lines, place)
        found += calls
        place = end
    return found


def _longest(lines: Sequence[str], start: int, most: int = 40) -> tuple[int, Iterable[Call]]:
    """The first run of lines from ``start`` that reads as calls: a call may go over several lines."""
    opened = 0
    for end in range(start + 1, min(len(lines), start + most) + 1):
        opened += lines[end - 1].count("(") - lines[end - 1].count(")")
        if opened and end > start + 1:
            continue  # not over yet; brackets in texts are only looked past where the call stands on one line
        if calls := _from_python("\n".join(line.strip() for line in lines[start:end])):
            return end, calls
    return start + 1, ()
