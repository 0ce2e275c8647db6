"""A function in the place of an endpoint: rules, another library, a model of one's own."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any

from lpo.errors import InputError
from lpo.plugins import load_callable
from rewards.judge.faults import JudgeFault
from rewards.judge.material import Material, Pictures
from rewards.judge.questions import Asked


class LocalJudge:
    """Calls the function with those of its arguments that it names, by keyword.

    Comparisons: ``prompt, first, second, criteria, reference``; it returns a number from 2 (the first is much better)
    to -2. Checklists: ``prompt, response, reference, item`` (name, kind, weight, description); it returns a truth value
    or a number from 0 to 1. Pictures come as ``{width: PNG}``. The function may be async. What it raises is counted as
    ``judge_failed``.
    """

    def __init__(self, spec: str, base_dir: Path | None) -> None:
        self._spec = spec
        self._function = load_callable(spec, what="judge", known={}, base_dir=base_dir)
        parameters = inspect.signature(self._function).parameters.values()
        self._takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters)
        self._names = {each.name for each in parameters if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)}

    def refuse_unless(self, *names: str) -> None:
        """Raises InputError where the function does not take all of ``names``."""
        missing = [] if self._takes_all else [name for name in names if name not in self._names]
        if missing:
            wanted = ", ".join(names)
            raise InputError(
                f"judge '{self._spec}' takes no argument '{missing[0]}'; it is called with {wanted} by name"
            )

    async def compare(self, asked: Asked, first: Material, second: Material) -> float:
        given = {"prompt": asked.prompt, "first": _plain(first), "second": _plain(second), "criteria": asked.criteria}
        return await self._number({**given, "reference": asked.reference}, -2.0, 2.0)

    async def check(self, asked: Asked, material: Material, item: Any) -> float:
        given = {
            "prompt": asked.prompt,
            "response": _plain(material),
            "item": item.record(),
            "reference": asked.reference,
        }
        return await self._number(given, 0.0, 1.0)

    async def _number(self, given: dict[str, Any], least: float, most: float) -> float:
        taken = given if self._takes_all else {name: value for name, value in given.items() if name in self._names}
        try:
            returned = self._function(**taken)
            if inspect.isawaitable(returned):
                returned = await returned
        except Exception as cause:
            raise JudgeFault("judge_failed", f"{self._spec}: {type(cause).__name__}: {cause}") from cause
        try:
            number = float("nan") if isinstance(returned, str | bytes) else float(returned)
        except (TypeError, ValueError):
            number = math.nan
        if not least <= number <= most:
            said = f"{self._spec} returned {returned!r:.60}, no number from {least:g} to {most:g}"
            raise JudgeFault("judge_unparsable", said)
        return number


def _plain(material: Material) -> Any:
    return dict(material.pngs) if isinstance(material, Pictures) else material
