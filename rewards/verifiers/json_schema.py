"""JSON that must fit a schema, and where one is known, a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

from rewards.contract import RewardResult, RewardValue
from rewards.verifiers.json_values import NotJsonError, contains_json, find_json, same_json


class SchemaError(ValueError):
    """The data's schema cannot be used; the sample is invalid."""


def json_schema(
    responses: Sequence[str],
    schema: Sequence[Any],
    expected: Sequence[Any] | None = None,
    log_metric: Callable[[str, float], None] | None = None,
    *,
    compare: Literal["exact", "contains"] = "exact",
    formats: bool = False,
    partial: bool = False,
) -> list[RewardValue]:
    """1 where the response's JSON fits its schema (and has the expected value, where the data has one), else 0.

    The JSON is the whole response, its last fenced block, or the last object or array in it. Keys that stand twice,
    NaN and infinities are no JSON. ``schema`` is a mapping or its JSON text; its ``$schema`` says which draft, 2020-12
    by default. References to other documents are never fetched: a schema that has them is invalid, as is one that is
    no schema. ``expected`` (None: none; a text is read as JSON where it is JSON) must be equal, or with ``compare:
    contains`` be contained field by field. ``formats`` checks ``format`` too (date, date-time, email, uri, ...).

    ``partial`` pays the part that fits of the properties that the schema requires and of those it knows that are there;
    others count where they are refused. A wrong expected value halves it.
    """
    wanted = expected if expected is not None else [None] * len(responses)
    results: list[RewardValue] = []
    no_json = 0
    for text, described, value in zip(responses, schema, wanted, strict=True):
        try:
            validator = _validator(described if isinstance(described, str) else json.dumps(described), formats)
        except (SchemaError, TypeError, ValueError) as cause:
            results.append(RewardResult.unjudged("the schema cannot be used", cause))
            continue
        value = _expected(value)
        try:
            found = find_json(text)
        except NotJsonError as cause:
            no_json += 1
            results.append(RewardResult(0.0, info={"fault": f"no JSON: {cause}"}))
            continue
        try:
            errors = [(list(error.absolute_path), error) for error in validator.iter_errors(found)]
        except (TimeoutError, RecursionError, ArithmeticError) as cause:
            results.append(RewardResult(0.0, info={"fault": f"cannot be checked: {type(cause).__name__}"}))
            continue
        except Exception as cause:  # jsonschema wraps what its references raise in private types
            results.append(RewardResult.unjudged("the schema cannot be used", cause))
            continue
        fits = not errors
        right = value is None or (contains_json(found, value) if compare == "contains" else same_json(found, value))
        score = float(fits and right)
        if partial and not score:
            score = _share(validator.schema, found, errors) * (1.0 if right else 0.5)
        info: dict[str, Any] = {}
        if errors:
            path, error = errors[0]
            info["fault"] = f"{'.'.join(map(str, path)) or 'value'}: {error.message[:200]}"
        elif not right:
            info["fault"] = "another value than expected"
        results.append(RewardResult(score, components={"fits": float(fits)}, info=info))
    if log_metric is not None and responses:
        log_metric("no_json", no_json / len(responses))
    return results


@lru_cache(maxsize=1024)
def _validator(text: str, formats: bool) -> Any:
    import jsonschema
    from referencing import Registry

    from rewards.verifiers.json_keywords import LIMITED

    schema = json.loads(text)
    if not isinstance(schema, dict | bool):
        raise SchemaError("the schema is neither an object nor true or false")
    base = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        base.check_schema(schema)  # type: ignore[arg-type]
    except jsonschema.SchemaError as cause:
        raise SchemaError(cause.message) from None
    limited = jsonschema.validators.extend(base, LIMITED)
    # A registry that retrieves nothing.
    return limited(schema, registry=Registry(), format_checker=base.FORMAT_CHECKER if formats else None)


def _expected(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _share(schema: Any, found: Any, errors: Sequence[tuple[list[Any], Any]]) -> float:
    """The part of the top level's properties that fit."""
    if not isinstance(schema, dict) or not isinstance(found, dict):
        return 0.0
    known = set(schema.get("properties", {}))
    required = set(schema.get("required", ()))
    bad = {path[0] for path, _ in errors if path}
    bad |= required - set(found)
    if any(not path and error.validator == "additionalProperties" for path, error in errors):
        bad |= set(found) - known
    counted = required | (known & set(found)) | (bad & set(found))
    others = any(not path and error.validator not in ("required", "additionalProperties") for path, error in errors)
    return 0.0 if others or not counted else 1.0 - len(bad & counted) / len(counted)
