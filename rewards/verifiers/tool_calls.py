"""Tool calls scored as the Berkeley Function-Calling Leaderboard scores them, by their syntax; nothing is executed.

Source of the rules: Patil et al., *The Berkeley Function Calling Leaderboard* (ICML 2025), its AST evaluation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rewards.contract import RewardResult, RewardValue
from rewards.verifiers.call_syntax import BrokenCallError, Call, find_calls
from rewards.verifiers.json_values import same_json

_LOOSE = re.compile(r"[ ,./\-_*^]")
_OMITTED = ""
"""Among the possible values of an argument: it may be left out."""
_TYPES = {
    "string": "string", "str": "string", "integer": "integer", "int": "integer", "number": "number", "float": "number",
    "double": "number", "boolean": "boolean", "bool": "boolean", "array": "array", "list": "array", "tuple": "array",
    "object": "object", "dict": "object", "null": "null", "none": "null",
}  # fmt: skip


class DataError(ValueError):
    """Tools or the calls expected of the response cannot be read; the sample is invalid."""


def tool_calls(
    responses: Sequence[str],
    tools: Sequence[Any],
    ground_truth: Sequence[Any] | None = None,
    expected_calls: Sequence[Any] | None = None,
    log_metric: Callable[[str, float], None] | None = None,
    *,
    partial: bool = False,
) -> list[RewardValue]:
    """1 where the response makes exactly the calls that are right, in any order, else 0.

    ``tools``: function schemas, the leaderboard's or OpenAI's (or their JSON text). What is right is in one of two
    columns. ``ground_truth`` has the leaderboard's form, ``[{"f": {"argument": [possible values]}}]``, where ``""``
    among the values means that the argument may be left out. ``expected_calls`` is plain, ``[{"name": "f",
    "arguments": {...}}]``. An empty list, or None, means that no tool fits: then the response must make no call.

    A call is right if its name is, no required argument is missing, none is unknown, and each has the schema's type
    and a possible value. An integer stands for a number, never the reverse, and true is no integer. Strings are
    compared without case, spaces and ``,./-_*^``. Unreadable calls are wrong, also where no call is right.

    ``partial`` pays the part of the calls that are right, of those expected or those made, whichever are more.
    """
    if ground_truth is None and expected_calls is None and responses:
        raise KeyError("the data needs a column 'ground_truth' or 'expected_calls'")
    truth = ground_truth if ground_truth is not None else [None] * len(responses)
    plain = expected_calls if expected_calls is not None else [None] * len(responses)
    results: list[RewardValue] = []
    broken = 0
    for text, described, possible, exact in zip(responses, tools, truth, plain, strict=True):
        try:
            known = read_tools(described)
            expected = read_expected(possible, exact, known)
        except (DataError, ValueError, TypeError) as cause:
            results.append(RewardResult.unjudged("the data's calls cannot be read", cause))
            continue
        try:
            made = find_calls(text)
        except BrokenCallError as cause:
            broken += 1
            results.append(RewardResult(0.0, info={"fault": f"unreadable: {cause}"}))
            continue
        right, fault = compare(made, expected, known)
        most = max(len(made), len(expected))
        score = float(fault is None)
        if partial and most:
            score = right / most
        results.append(RewardResult(score, info={} if fault is None else {"fault": fault}))
    if log_metric is not None and responses:
        log_metric("unreadable", broken / len(responses))
    return results


def read_tools(described: Any) -> dict[str, dict[str, Any]]:
    """The parameters' schema of each function, by name. Raises DataError."""
    tools = json.loads(described) if isinstance(described, str) else described
    found: dict[str, dict[str, Any]] = {}
    for tool in [tools] if isinstance(tools, Mapping) else tools or []:
        if isinstance(tool, str):
            tool = json.loads(tool)
        function = tool.get("function", tool) if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise DataError("a tool has no name")
        found[function["name"]] = dict(function.get("parameters") or {})
    return found


@dataclass(frozen=True)
class Argument:
    """What an argument may be: one of ``values``, whose mappings hold lists of possible values in turn."""

    values: list[Any]
    optional: bool = False
    """It may be left out."""


Expected = tuple[str, dict[str, Argument]]
"""A function's name and its arguments."""


def read_expected(possible: Any, exact: Any, known: Mapping[str, Any]) -> list[Expected]:
    """What must be called. Raises DataError."""
    rows = possible if possible is not None else exact
    rows = json.loads(rows) if isinstance(rows, str) else rows
    expected: list[Expected] = []
    for row in [rows] if isinstance(rows, Mapping) else rows or []:
        if possible is not None:
            if not isinstance(row, Mapping) or len(row) != 1:
                raise DataError("a row of ground_truth is not {function: {argument: [values]}}")
            ((name, arguments),) = row.items()
            listed = {key: value if isinstance(value, list) else [value] for key, value in arguments.items()}
            values = {key: _listed(each) for key, each in listed.items()}
        else:
            function = row.get("function", row)
            name, arguments = function["name"], function.get("arguments") or {}
            arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
            values = {key: Argument([_possible(value)]) for key, value in arguments.items()}
            values |= _defaults(known.get(name, {}), values)
        if name not in known:
            raise DataError(f"'{name}' is expected and not among the tools")
        expected.append((name, values))
    return expected


def compare(
    made: Sequence[Call], expected: Sequence[Expected], known: Mapping[str, dict[str, Any]]
) -> tuple[int, str | None]:
    """How many calls are right, and the first fault; each expected call is met by at most one that was made.

    Calls are paired so that most are right: two expected ones may share a call that only one of them can have.
    """
    faults = [[call_fault(call, each, known) for call in made] for each in expected]
    partner: dict[int, int] = {}

    def pair(row: int, tried: set[int]) -> bool:
        for column, fault in enumerate(faults[row]):
            if fault is None and column not in tried:
                tried.add(column)
                if column not in partner or pair(partner[column], tried):
                    partner[column] = row
                    return True
        return False

    right = sum(pair(row, set()) for row in range(len(expected)))
    if right == len(expected) == len(made):
        return right, None
    if not expected:
        return 0, f"calls {made[0].name}, where no tool fits"
    if not made:
        return 0, "makes no call"
    if len(made) != len(expected):
        return right, f"makes {len(made)} calls, not {len(expected)}"
    missed = next(row for row in range(len(expected)) if row not in partner.values())
    free = next(column for column in range(len(made)) if column not in partner)
    return right, faults[missed][free]


def call_fault(call: Call, expected: Expected, known: Mapping[str, dict[str, Any]]) -> str | None:
    """Why a call is not the expected one; None where it is."""
    name, possible = expected
    if call.name != name:
        return f"calls {call.name}, not {name}"
    schema = known[name]
    properties = schema.get("properties") or {}
    for required in schema.get("required") or ():
        if required not in call.arguments:
            return f"{name}: {required} is missing"
    for argument, value in call.arguments.items():
        if argument not in properties or argument not in possible:
            return f"{name}: {argument} is not expected"
        if not _has_type(value, properties[argument]):
            return f"{name}: {argument} is {value!r}, not of type {properties[argument].get('type')}"
        if not any(_same(value, each) for each in possible[argument].values):
            return f"{name}: {argument} is {value!r}"
    for argument, each in possible.items():
        if argument not in call.arguments and not each.optional:
            return f"{name}: {argument} is missing"
    return None


def _is_omission(value: Any) -> bool:
    return isinstance(value, str) and value == _OMITTED


def _listed(values: list[Any]) -> Argument:
    given = [value for value in values if not _is_omission(value)]
    return Argument(given, optional=len(given) < len(values))


def _possible(value: Any) -> Any:
    """A value as the leaderboard would list it: what a mapping holds are lists of possible values."""
    if isinstance(value, dict):
        return {key: [_possible(each)] for key, each in value.items()}
    return [_possible(each) for each in value] if isinstance(value, list) else value


def _defaults(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Argument]:
    """Arguments that a plain expectation leaves out may be given with their default."""
    properties = schema.get("properties") or {}
    return {
        name: Argument([_possible(each["default"])], optional=True)
        for name, each in properties.items()
        if name not in given and isinstance(each, Mapping) and "default" in each
    }


def _has_type(value: Any, schema: Mapping[str, Any]) -> bool:
    wanted = schema.get("type")
    if wanted is None or wanted == "any":
        return True
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    return any(_is_kind(value, _TYPES.get(str(kind).lower(), str(kind)), schema) for kind in kinds)


def _is_kind(value: Any, kind: str, schema: Mapping[str, Any]) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "array":
        items = schema.get("items")
        return isinstance(value, list) and (not isinstance(items, Mapping) or all(_has_type(v, items) for v in value))
    simple = {"string": str, "boolean": bool, "object": dict, "null": type(None)}
    return kind not in simple or isinstance(value, simple[kind])


def _same(value: Any, possible: Any) -> bool:
    """Whether a value is a possible one. In a nested mapping the values are lists of possible ones, too."""
    if isinstance(value, str) and isinstance(possible, str):
        return _loose(value) == _loose(possible)
    if isinstance(value, list) and isinstance(possible, list | tuple):
        return len(value) == len(possible) and all(map(_same, value, possible))
    if isinstance(value, dict) and isinstance(possible, dict):
        return _same_mapping(value, possible)
    return same_json(value, possible)


def _same_mapping(value: dict[Any, Any], possible: dict[Any, Any]) -> bool:
    for key, each in possible.items():
        choices = each if isinstance(each, list) else [each]
        if key not in value:
            if not any(_is_omission(choice) for choice in choices):
                return False
        elif not any(_same(value[key], choice) for choice in choices):
            return False
    return not set(value) - set(possible)


def _loose(text: str) -> str:
    return _LOOSE.sub("", text).casefold().replace("'", '"')
