"""Functional checks: what a page must do, as data that comes with the task. docs/frontend.md explains every field.

A check is a list of steps. Each step is an *action*, done by real input events, or an *assertion* about the page as it
is then (`rewards.frontend.steps`). `Checks.load` reads and validates them, `Checks.draw` fills in random inputs.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from lpo.errors import InputError
from lpo.recipe.base import unknown_name
from lpo.recipe.yaml_text import YamlError, parse
from rewards.frontend.inputs import InputsError, Value, fill
from rewards.frontend.steps import STEPS, Assertion, Expectation, Part, Step, Text


class CheckError(InputError):
    """Checks that cannot be carried out. The message names the check, the step and what would be right."""


class Check(Part):
    """One thing that a page must do."""

    name: Annotated[str, Field(min_length=1)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    weight: Annotated[float, Field(gt=0)] = 1.0
    partial: bool = False
    """False: worth its weight if every step succeeds, else nothing. True: worth the share of assertions that hold."""
    fresh: bool = True
    """Begins with a newly loaded page and empty storage. False goes on where the check before ended."""
    repeat: Annotated[int, Field(ge=1, le=5)] = 1
    """Done so many times with different random inputs; every time must succeed. Together with the checks that it goes
    on from, which must not be done fewer times."""
    width: Literal[1280, 390] = 1280
    """Of the window. 390 is a telephone's."""
    dialogs: Literal["accept", "dismiss"] = "accept"
    """The answer to confirm and prompt."""
    prompt_text: Text = ""
    """What is entered into a prompt."""

    @field_validator("steps", mode="before")
    @classmethod
    def _steps(cls, given: Any) -> Any:
        if not isinstance(given, list | tuple):
            raise ValueError("steps are a list")
        return tuple(each if isinstance(each, Step) else _step(each, place) for place, each in enumerate(given))

    @model_validator(mode="after")
    def _asserts(self) -> Check:
        if not any(isinstance(step, Assertion) for step in self.steps):
            raise ValueError("a check needs at least one assertion; without one it shows nothing")
        return self


@dataclass(frozen=True)
class Checks:
    """The checks of one task, with the templates still in them."""

    raw: tuple[Mapping[str, Any], ...]
    values: Mapping[str, Any]
    patience_ms: int = 1000
    """How long assertions wait for the page unless they say so themselves, in milliseconds of page time."""

    @classmethod
    def load(cls, source: str | Mapping[str, Any] | list[Any] | Checks) -> Checks:
        """From YAML or JSON text, or from what it says: a list of checks, or a mapping with ``checks``, ``values`` and
        ``patience_ms``. Raises CheckError, also for what would only fail once inputs are drawn."""
        if isinstance(source, Checks):
            return source
        data = _parsed(source) if isinstance(source, str) else source
        if isinstance(data, list):
            data = {"checks": data}
        if not isinstance(data, Mapping):
            raise CheckError(f"checks are a list or a mapping with `checks`, not {type(data).__name__}")
        for name in data:
            if name not in ("checks", "values", "patience_ms"):
                raise CheckError(unknown_name(name, ("checks", "values", "patience_ms"), "field of checks"))
        listed, values, patience = data.get("checks"), data.get("values") or {}, data.get("patience_ms")
        patience = cls.patience_ms if patience is None else patience
        if not isinstance(listed, list) or not listed or not all(isinstance(each, Mapping) for each in listed):
            raise CheckError("`checks` must be a list of mappings, at least one")
        if not isinstance(values, Mapping):
            raise CheckError("`values` must be a mapping of names to templates")
        if isinstance(patience, bool) or not isinstance(patience, int) or not 0 <= patience <= 20_000:
            raise CheckError(f"`patience_ms` is {patience!r}; it must be a whole number from 0 to 20000")
        checks = cls(tuple(listed), dict(values), patience)
        for seed in range(3):
            checks.draw(seed)
        return checks

    def draw(self, seed: int | str, repeat: int = 0) -> tuple[Check, ...]:
        """The checks with inputs drawn by ``seed``; the same seed draws the same. ``repeat`` numbers the draws of
        checks that are done several times. Raises CheckError."""
        shared: dict[str, Value] = {}
        rng = random.Random(f"{seed}/values/{repeat}")
        for name, template in self.values.items():
            shared[name] = _filled(template, shared, rng, f"values.{name}")
        drawn = []
        for place, raw in enumerate(self.raw):
            where = f"check {place + 1} ({raw.get('name', 'without a name')})"
            filled = _filled(dict(raw), dict(shared), random.Random(f"{seed}/{place}/{repeat}"), where)
            try:
                drawn.append(Check.model_validate(filled))
            except ValidationError as cause:
                raise CheckError(f"{where}: {said(cause)}") from cause
        if not drawn[0].fresh:
            raise CheckError("check 1: fresh: false has nothing to go on from")
        for place, (before, check) in enumerate(pairwise(drawn), start=2):
            # They are repeated together; what goes on from a check that is left out would begin on an empty page.
            if not check.fresh and check.repeat > before.repeat:
                raise CheckError(
                    f"check {place} ({check.name}): repeat is {check.repeat}, and the check that it goes on from "
                    f"(fresh: false) has repeat {before.repeat}; give that one at least as many"
                )
        return tuple(drawn)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        try:
            return parse(text).value
        except YamlError as cause:
            where = f"line {cause.line}: " if cause.line else ""
            raise CheckError(f"checks are neither JSON nor YAML: {where}{cause}") from cause


def _filled(value: Any, variables: dict[str, Value], rng: random.Random, where: str) -> Any:
    if isinstance(value, str):
        try:
            return fill(value, variables, rng)
        except InputsError as cause:
            raise CheckError(f"{where}: {cause}") from cause
    if isinstance(value, Mapping):
        # None stands for a field that is not given: tables of records have every field in every row.
        return {
            key: _filled(each, variables, rng, where) for key, each in value.items() if each is not None or key in STEPS
        }
    if isinstance(value, list | tuple):
        return [_filled(each, variables, rng, where) for each in value]
    return value


def _step(given: Any, place: int) -> Step:
    """The step that a file gives in ``place`` (from 0) of a check. Raises ValueError."""
    where = f"step {place + 1}"
    if isinstance(given, str):
        given = {given: None}
    if not isinstance(given, Mapping):
        raise ValueError(f"{where} must be a mapping such as `click: '#add'`")
    names = [name for name in given if name != "note"]
    if len(names) != 1:
        raise ValueError(f"{where} must name one action or assertion, not {', '.join(map(str, names)) or 'none'}")
    if names[0] not in STEPS:
        raise ValueError(f"{where}: {unknown_name(names[0], STEPS, 'step')}")
    kind, value = STEPS[names[0]], given[names[0]]
    fields = {each.alias or name for name, each in kind.model_fields.items()}
    if value is None:
        value = {}
    elif not isinstance(value, Mapping) or (kind.shorthand and value and not fields & set(value)):
        if kind.shorthand is None:
            raise ValueError(f"{where}: {names[0]} must be a mapping of {', '.join(sorted(fields - {'note'}))}")
        value = {kind.shorthand: value}
    try:
        step = kind.model_validate({**value, **({"note": given["note"]} if "note" in given else {})})
    except ValidationError as cause:
        raise ValueError(f"{where} ({names[0]}): {said(cause)}") from cause
    if isinstance(step, Expectation) and step.is_empty():
        raise ValueError(f"{where} ({names[0]}) expects nothing; give one of {', '.join(Expectation.expectations)}")
    return step


def said(cause: ValidationError) -> str:
    """The first complaint, with the field that it is about."""
    first = cause.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place and place != "steps" else message
