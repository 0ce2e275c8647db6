"""Rows from reasoning-gym, a library of procedural tasks with verifiers."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

from lpo.recipe.base import unknown_name
from lpo.recipe.data import ReasoningGymSource
from trainers.data.rows import DataError, Row

# Tasks whose verifier cannot tell a right answer from a wrong one: a policy would learn nothing but the loophole.
_UNSOUND = {"game_of_life_halting": "its verifier also pays for answers that are neither True nor False"}


def reasoning_gym_rows(source: ReasoningGymSource) -> list[Row]:
    """The ``source.size`` items of a task, the same ones for the same seed and parameters.

    Columns: ``question``, ``answer``, ``metadata`` as the task makes them, and ``verifier``, the task and parameters
    that rebuild the task's own scoring function. Raises DataError for an unknown task or parameter, or values that the
    task refuses.
    """
    dataset = _make_task(source)
    verifier = {"task": source.task, "params": dict(source.params)}
    rows = []
    for index in range(len(dataset)):
        try:
            item = dataset[index]
        except Exception as cause:
            raise DataError(
                f"data.source: reasoning-gym's {source.task} cannot make item {index} with params {source.params} "
                f"({type(cause).__name__}: {cause}); change params"
            ) from cause
        columns = {**item, "verifier": verifier}
        rows.append(Row(item["question"], item["answer"], columns))
    return rows


def _make_task(source: ReasoningGymSource) -> Any:
    with warnings.catch_warnings():
        # A dependency of reasoning-gym has invalid comparisons that Python warns about when it compiles them.
        warnings.simplefilter("ignore", SyntaxWarning)
        from reasoning_gym.factory import DATASETS
    if source.task not in DATASETS:
        raise DataError(f"data.source.task: {unknown_name(source.task, DATASETS, 'reasoning-gym task')}")
    if source.task in _UNSOUND:
        raise DataError(
            f"data.source.task {source.task} cannot be learnt from: {_UNSOUND[source.task]}; choose another task"
        )
    task_class, config_class = DATASETS[source.task]
    fields = {field.name: field for field in dataclasses.fields(config_class)}
    for name in source.params:
        if name in ("seed", "size"):
            raise DataError(f"data.source.params.{name}: set data.source.{name} instead")
        if name not in fields:
            settable = [known for known in fields if known not in ("seed", "size")]
            raise DataError(f"data.source.params of {source.task}: {unknown_name(name, settable, 'parameter')}")
    params = {name: _as_declared(value, fields[name]) for name, value in source.params.items()}
    try:
        config = config_class(**params, seed=source.seed, size=source.size)
        return task_class(config)
    except Exception as cause:
        # The configuration classes check with assert, and fail in their own ways on a value of the wrong type.
        raise DataError(
            f"data.source.params {source.params}: reasoning-gym's {source.task} refuses them "
            f"({type(cause).__name__}: {cause})"
        ) from cause


def _as_declared(value: Any, field: dataclasses.Field[Any]) -> Any:
    declared = str(field.type)
    if isinstance(value, list) and declared.startswith(("tuple", "typing.Tuple")):
        return tuple(value)
    if isinstance(value, list) and "DatasetSpec" in declared:
        from reasoning_gym.composite import DatasetSpec

        return [DatasetSpec(**{"weight": 1.0, "config": {}, **each}) for each in value]
    plain_number = field.type in (int, float)
    if plain_number and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise DataError(
            f"data.source.params.{field.name} is {value!r}; it takes a number ({field.default!r} by default)"
        )
    return value


def widening_hint(source: ReasoningGymSource) -> str:
    """How to get more distinct questions out of a task: names the numeric parameters with their present values."""
    config = _make_task(source).config
    numbers = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name not in ("seed", "size") and type(getattr(config, field.name)) in (int, float)
    }
    if not numbers:
        return f"raise data.source.size ({source.size})"
    present = ", ".join(f"{name} {value}" for name, value in numbers.items())
    return f"widen the task under data.source.params (now {present}), or raise data.source.size ({source.size})"
