"""Constraints as data and recipes state them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from inspect import isabstract
from typing import Any, get_args

from pydantic import ValidationError

from lpo.errors import InputError
from lpo.recipe.base import unknown_name
from rewards.instructions import layout, wording
from rewards.instructions.constraint import Constraint

_CLASSES: list[type[Constraint]] = [
    each
    for module in (wording, layout)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Constraint) and not isabstract(each)
]
KINDS: dict[str, type[Constraint]] = {get_args(each.model_fields["kind"].annotation)[0]: each for each in _CLASSES}
"""Constraints by name."""
IFEVAL: dict[str, type[Constraint]] = {each.ifeval: each for each in _CLASSES if each.ifeval}
"""Constraints by IFEval's id."""
MOST = 50
"""Constraints on one response."""


class ConstraintError(InputError):
    """A constraint cannot be used. The message names it, its field, value and remedy."""


def read_constraints(given: Any, where: str = "constraints") -> list[Constraint]:
    """From a list of kinds and of mappings with ``kind`` and parameters, or JSON of it. Raises ConstraintError."""
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            given = json.loads(given)
        except ValueError as cause:
            raise ConstraintError(f"{where} is not JSON ({cause})") from cause
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ConstraintError(f"{where} is {given!r:.60}; it takes a list of constraints")
    if len(given) > MOST:
        raise ConstraintError(f"{where} has {len(given)} constraints; at most {MOST} are checked")
    return [_constraint(each, f"{where}[{number}]") for number, each in enumerate(given)]


def _constraint(given: Any, where: str) -> Constraint:
    if isinstance(given, str):
        given = {"kind": given}
    if not isinstance(given, Mapping) or "kind" not in given:
        raise ConstraintError(f"{where} is {given!r:.60}; it takes a kind, or a mapping with kind and parameters")
    # Tables of data fill the fields that other rows have with nulls.
    fields = {str(name): value for name, value in given.items() if value is not None}
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConstraintError(f"{where}: {unknown_name(kind, KINDS, 'kind')}")
    known = KINDS[kind].model_fields
    for name in fields:
        if name not in known:
            raise ConstraintError(f"{where} ({kind}): {unknown_name(name, known)}")
    return _made(KINDS[kind], fields, f"{where} ({kind})")


def read_ifeval(ids: Any, arguments: Any) -> list[Constraint]:
    """From IFEval's columns ``instruction_id_list`` and ``kwargs``, or JSON of either. Raises ConstraintError."""
    ids, arguments = (_decoded(each) for each in (ids, arguments))
    if not isinstance(ids, Sequence) or isinstance(ids, str):
        raise ConstraintError(f"instruction_id_list is {ids!r:.60}; it takes a list of ids")
    if arguments is None:
        arguments = [None] * len(ids)
    if not isinstance(arguments, Sequence) or isinstance(arguments, str) or len(arguments) != len(ids):
        raise ConstraintError(f"kwargs is {arguments!r:.60}; it takes a mapping for each of {len(ids)} ids")
    return [_from_ifeval(*pair) for pair in zip(ids, arguments, strict=True)]


def _decoded(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        return given


def _from_ifeval(name: Any, arguments: Any) -> Constraint:
    known = IFEVAL.get(str(name))
    if known is None:
        raise ConstraintError(f"instruction_id_list: {unknown_name(name, IFEVAL, 'id')}")
    arguments = _decoded(arguments) or {}
    if not isinstance(arguments, Mapping):
        raise ConstraintError(f"kwargs of {name} is {arguments!r:.60}; it takes a mapping")
    try:
        fields = known.ifeval_fields({key: value for key, value in arguments.items() if value is not None})
    except KeyError as cause:
        raise ConstraintError(f"kwargs of {name}: {cause.args[0]} is missing") from cause
    except (TypeError, ValueError) as cause:
        raise ConstraintError(f"kwargs of {name}: {cause}") from cause
    kind = next(kind for kind, each in KINDS.items() if each is known)
    return _made(known, {"kind": kind, **fields}, f"kwargs of {name}")


def _made(known: type[Constraint], fields: dict[str, Any], where: str) -> Constraint:
    try:
        return known.model_validate(fields)
    except ValidationError as cause:
        problem = cause.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            raise ConstraintError(f"{where}: {place} is missing") from None
        if not place:
            raise ConstraintError(f"{where} {message}") from None
        raise ConstraintError(f"{where}: {place} is {problem['input']!r:.60}; {message.lower()}") from None
