"""Checklists: what a response must, should or must not do, with weights.

    score = max(0, sum of w m over must and should - sum of w m over negative) / (sum of w over must and should)
    score is at most  cap + (1 - cap) * (the least m of a must)

m is the judge's mark from 0 to 1. With negative items alone the score is 1 - sum of w m / sum of w.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import Field, ValidationError

from lpo.errors import InputError
from lpo.recipe.base import Section, unknown_name

Kind = Literal["must", "should", "negative"]
KINDS = get_args(Kind)
MOST_ITEMS = 100
SUFFIXES = (".yaml", ".yml", ".json")


class ChecklistError(InputError):
    """A checklist cannot be used. The message names item, field, value and remedy."""


class Item(Section):
    """A statement that is true of a response, or not."""

    name: Annotated[str, Field(pattern=r"^[\w][\w .-]{0,59}$")]
    description: Annotated[str, Field(min_length=1)]
    kind: Kind = "should"
    weight: Annotated[float, Field(gt=0)] = 1.0

    @property
    def statement(self) -> str:
        return self.description

    def record(self) -> dict[str, Any]:
        return self.model_dump()


@dataclass(frozen=True)
class Checklist:
    """``about`` is said to the judge before the items: the domain, what to look at."""

    items: tuple[Item, ...]
    about: str = ""

    @classmethod
    def load(cls, given: Any, where: str = "checklist", base_dir: Path | None = None) -> Checklist:
        """From a list of items, a mapping with ``items`` and ``about``, YAML or JSON of either, or the name of a file.

        Raises ChecklistError.
        """
        if isinstance(given, Path) or (isinstance(given, str) and _is_file_name(given)):
            file = Path(base_dir or Path.cwd(), Path(given).expanduser())
            try:
                given, where = file.read_text(encoding="utf-8"), str(file)
            except (OSError, UnicodeDecodeError) as cause:
                reason = cause.strerror if isinstance(cause, OSError) else cause
                raise ChecklistError(f"{where} {file} cannot be read ({reason})") from cause
        if isinstance(given, str):
            try:
                given = yaml.safe_load(given)
            except yaml.YAMLError as cause:
                raise ChecklistError(f"{where} is not YAML: {' '.join(str(cause).split())}") from cause
        about = ""
        if isinstance(given, Mapping):
            for name in given:
                if name not in ("items", "about"):
                    raise ChecklistError(f"{where}: {unknown_name(name, ('items', 'about'))}")
            about, given = given.get("about", ""), given.get("items")
            if not isinstance(about, str):
                raise ChecklistError(f"{where}.about is {about!r:.60}; it takes text for the judge")
        if not isinstance(given, Sequence) or isinstance(given, str) or not given:
            raise ChecklistError(
                f"{where} is {given!r:.60}; it takes a list of items, each with name and description, and, where they "
                f"differ from the default, kind ({', '.join(KINDS)}) and weight"
            )
        if len(given) > MOST_ITEMS:
            raise ChecklistError(f"{where} has {len(given)} items; a judge takes at most {MOST_ITEMS}")
        items = tuple(_item(each, f"{where}[{number}]") for number, each in enumerate(given))
        for number, item in enumerate(items):
            if item.name in [each.name for each in items[:number]]:
                raise ChecklistError(f"{where}[{number}].name is '{item.name}', as that of an item before; rename one")
        return cls(items, about)

    def score(self, marks: Sequence[float], cap: float) -> float:
        """From 0 to 1; ``marks`` has one for each item."""
        wanted = [(item.weight, mark) for item, mark in zip(self.items, marks, strict=True) if item.kind != "negative"]
        unwanted = [
            (item.weight, mark) for item, mark in zip(self.items, marks, strict=True) if item.kind == "negative"
        ]
        lost = sum(weight * mark for weight, mark in unwanted)
        if not wanted:
            return 1 - lost / sum(weight for weight, _ in unwanted)
        earned = sum(weight * mark for weight, mark in wanted) - lost
        least = min((mark for item, mark in zip(self.items, marks, strict=True) if item.kind == "must"), default=1.0)
        return min(max(0.0, earned) / sum(weight for weight, _ in wanted), cap + (1 - cap) * least)

    def by_kind(self, marks: Sequence[float]) -> dict[str, float]:
        """The weighted mean mark of each kind that there is."""
        means = {}
        for kind in KINDS:
            pairs = [(item.weight, mark) for item, mark in zip(self.items, marks, strict=True) if item.kind == kind]
            if pairs:
                means[kind] = sum(weight * mark for weight, mark in pairs) / sum(weight for weight, _ in pairs)
        return means


def _item(given: Any, where: str) -> Item:
    if not isinstance(given, Mapping):
        raise ChecklistError(f"{where} is {given!r:.60}; an item is a mapping with name and description")
    for name in given:
        if name not in Item.model_fields:
            raise ChecklistError(f"{where}: {unknown_name(name, Item.model_fields)}")
    needed = {"name": "a short name", "description": "a statement that is true or false of a response"}
    for name, what in needed.items():
        if name not in given:
            raise ChecklistError(f"{where}.{name} is missing; give the item {what}")
    try:
        return Item.model_validate(dict(given))
    except ValidationError as cause:
        problem = cause.errors()[0]
        field = problem["loc"][0]
        remedies = {
            "kind": f"it takes one of {', '.join(KINDS)}",
            "weight": "it takes a number above 0; what a response must not do is kind: negative",
            "name": "it takes at most 60 letters, digits, spaces, points and hyphens; it becomes the name of a metric",
            "description": "it takes text",
        }
        raise ChecklistError(f"{where}.{field} is {problem['input']!r:.60}; {remedies[str(field)]}") from None


def _is_file_name(text: str) -> bool:
    return "\n" not in text and text.strip().endswith(SUFFIXES)
