"""The params of shipped rewards: known by name, checked by their annotations, tried before a run starts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from lpo.recipe.base import unknown_name


def checked_params(function: Callable[..., Any], params: dict[str, Any]) -> dict[str, Any]:
    """The params, if a shipped reward takes them: keyword-only arguments of a function, arguments of a class.

    A function is also called without a response, so that it may refuse their values. Raises ValueError with a message
    that names param, value and remedy.
    """
    by_class = inspect.isclass(function)
    signature = inspect.signature(function)
    settable = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name != "base_dir"  # lpo's own, see resolve
        and (
            parameter.kind is parameter.KEYWORD_ONLY or (by_class and parameter.kind is parameter.POSITIONAL_OR_KEYWORD)
        )
    }
    hints = get_type_hints(function.__init__ if by_class else function)  # type: ignore[misc]
    for name, value in params.items():
        if name not in settable:
            raise ValueError(f"params: {unknown_name(name, settable, 'parameter')}")
        try:
            TypeAdapter(hints[name]).validate_python(value, strict=True)
        except ValidationError as cause:
            problem = cause.errors()[0]
            place = ".".join(str(part) for part in (name, *problem["loc"]) if isinstance(part, int) or part == name)
            raise ValueError(f"params.{place} is {value!r}: {problem['msg'].lower()}") from cause
    missing = [name for name, each in settable.items() if each.default is each.empty and name not in params]
    if missing:
        raise ValueError(f"params.{missing[0]} is missing; it has no default")
    if not by_class:
        _try(function, signature, params)
    return params


def _try(function: Callable[..., Any], signature: inspect.Signature, params: dict[str, Any]) -> None:
    lists: dict[str, list[Any]] = {
        name: []
        for name, each in signature.parameters.items()
        if each.kind is each.POSITIONAL_OR_KEYWORD and each.default is each.empty
    }
    try:
        function(**lists, **params)
    except ValueError as cause:
        raise ValueError(f"params: {cause}") from cause
    except KeyError:
        return  # a column named by a param: only the data can tell
