"""The schema as a tree: what each place of a recipe may hold, in words.

Errors, the merging of layers and the reference page all ask the schema the same questions; they ask them here.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from lpo.recipe.base import RecipeFile, Section

TAGS = ("kind", "name")
"""Sections of a union are told apart by the first of these fields that is a fixed word in all of them."""


@dataclass(frozen=True)
class Place:
    """One place of a recipe: its type with ``Annotated`` and ``None`` peeled off, and what limits its values."""

    annotation: Any
    limits: tuple[Any, ...] = ()
    nullable: bool = False

    @property
    def sections(self) -> dict[str | None, type[Section]]:
        """The sections allowed here, by tag; the key is None where there is no choice. Empty: not a section."""
        if isinstance(self.annotation, type) and issubclass(self.annotation, Section):
            return {None: self.annotation}
        return {
            word: each for each in self._members() for word in get_args(each.model_fields[str(self.tag)].annotation)
        }

    @property
    def tag(self) -> str | None:
        """The field that tells the sections of a union apart, None where there is no choice of sections."""
        members = self._members()
        return next((tag for tag in TAGS if members and all(_is_fixed_word(each, tag) for each in members)), None)

    @property
    def is_union(self) -> bool:
        return self.tag is not None

    def _members(self) -> list[type[Section]]:
        if get_origin(self.annotation) not in (Union, types.UnionType):
            return []
        members = [place_of(each).annotation for each in get_args(self.annotation)]
        return members if all(isinstance(each, type) and issubclass(each, Section) for each in members) else []

    @property
    def item(self) -> Place | None:
        """What a list, or a mapping of free keys, holds. None: this place is neither."""
        if get_origin(self.annotation) in (list, dict):
            return place_of(get_args(self.annotation)[-1])
        return None

    @property
    def file(self) -> RecipeFile | None:
        """How a file named here is found; None where no file is named."""
        return next((limit for limit in self.limits if isinstance(limit, RecipeFile)), None)

    def section_of(self, value: Any) -> type[Section] | None:
        """The section that a raw value stands for, None if its tag names none."""
        tag = value.get(self.tag) if self.is_union and isinstance(value, dict) else None
        return self.sections.get(tag) if tag is None or isinstance(tag, str) else None

    def child(self, key: Any, value: Any = None) -> Place | None:
        """The place below ``key`` (a field, a list index, a free key); ``value``, raw or None, settles a union."""
        if self.item is not None:
            return self.item
        section = self.section_of(value)
        candidates = [section] if section else list(dict.fromkeys(self.sections.values()))
        return next((field_place(each.model_fields[key]) for each in candidates if key in each.model_fields), None)

    def expected(self) -> str:
        """What may stand here, for the end of a sentence: ``a whole number above 0, or null``."""
        return self._expected_value() + (", or null" if self.nullable else "")

    def _expected_value(self) -> str:
        origin = get_origin(self.annotation)
        if origin is Literal:
            choices = [_yaml_word(each) for each in get_args(self.annotation)]
            return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
        if self.is_union:
            short = " (or just that word)" if any(isinstance(limit, BeforeValidator) for limit in self.limits) else ""
            return f"a mapping whose {self.tag} is one of {', '.join(str(tag) for tag in self.sections)}{short}"
        if self.sections:
            return "a mapping of fields"
        if origin is list:
            item = self.item
            several = "" if item is None else f" ({item.expected()} each)"
            return ("a list of at least one item" if self._least_length() else "a list") + several
        if origin is dict:
            return "a mapping with text keys"
        if self.annotation is str:
            patterns = [limit.pattern for limit in self.limits if getattr(limit, "pattern", None)]
            text = "text that is not empty" if self._least_length() else "text"
            return f"text of the form {patterns[0]}" if patterns else text
        if self.annotation is bool:
            return "true or false"
        if self.annotation in (int, float):
            return ("a whole number" if self.annotation is int else "a number") + self._range()
        return "any value"

    def _least_length(self) -> int:
        return next((limit.min_length for limit in self.limits if isinstance(limit, MinLen)), 0)

    def _range(self) -> str:
        words = {Gt: ("gt", "above"), Ge: ("ge", "at least"), Lt: ("lt", "below"), Le: ("le", "at most")}
        bounds = [
            f"{word} {_short(getattr(limit, name))}"
            for kind, (name, word) in words.items()
            for limit in self.limits
            if isinstance(limit, kind)
        ]
        return " " + " and ".join(bounds) if bounds else ""


def _short(number: float) -> str:
    return f"{number:.0e}".replace("e+0", "e") if number >= 1e6 else str(number)


def place_of(annotation: Any, limits: tuple[Any, ...] = (), nullable: bool = False) -> Place:
    """The place of an annotation, peeled."""
    if get_origin(annotation) is Annotated:
        inner, *notes = get_args(annotation)
        found = [limit for note in notes for limit in (note.metadata if isinstance(note, FieldInfo) else [note])]
        return place_of(inner, (*limits, *found), nullable)
    if get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
        rest = tuple(each for each in get_args(annotation) if each is not type(None))
        return place_of(Union[rest], limits, True)  # noqa: UP007 - built from a tuple
    return Place(annotation, limits, nullable)


def field_place(field: FieldInfo) -> Place:
    """The place of a section's field."""
    return place_of(field.annotation, tuple(field.metadata))


def sections_below(root: type[Section], tag: str | None = None) -> Iterator[tuple[str, str | None, type[Section]]]:
    """``(path, tag, section)`` for ``root`` and every section that can stand below it, in the order of the schema.

    A path reads ``stages[].optimizer``; a section that several others share appears once for each place.
    """
    yield "", tag, root
    for name, field in root.model_fields.items():
        place, suffix = field_place(field), ""
        while place.item is not None:
            place, suffix = place.item, suffix + "[]"
        seen: dict[type[Section], str | None] = {}
        for each, section in place.sections.items():
            seen.setdefault(section, each)
            if section in seen and seen[section] is not each:
                seen[section] = f"{seen[section]}, {each}"
        for section, tags in seen.items():
            for path, below, found in sections_below(section, tags):
                yield f"{name}{suffix}" + (f".{path}" if path else ""), below, found


def _is_fixed_word(section: type[Section], name: str) -> bool:
    return name in section.model_fields and get_origin(section.model_fields[name].annotation) is Literal


def _yaml_word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
