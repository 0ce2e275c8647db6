"""The base of every recipe section: strict types, no unknown keys; and the types that fields share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A mapping in a recipe. Types are strict (no ``"3"`` for 3, no ``true`` for 1) and numbers are finite."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )


def unknown_name(name: object, known: Iterable[object], what: str = "field", *, listed: bool = True) -> str:
    """The sentence for a name that is not among ``known``: names the nearest one in any case or, where they are
    ``listed``, them all."""
    names = {str(each).lower(): str(each) for each in known}
    said = f"unknown {what} '{name}'"
    if nearest := difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.6):
        return f"{said}; did you mean '{names[nearest[0]]}'?"
    return f"{said}; known: {', '.join(sorted(names.values()))}" if listed else said


LARGEST = 1_000_000_000
"""Whole numbers beyond it are slips of the pen, and overflow in engines."""

Positive = Annotated[int, Field(gt=0, le=LARGEST)]
NonNegative = Annotated[int, Field(ge=0, le=LARGEST)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, Field(ge=0.01, le=100)]
Name = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class RecipeFile:
    """Marks a field that names a file, relative to the recipe that states it.

    ``path``: the field is the path. ``path_or_id``: a path if such a file exists, else the id of something else.
    ``plugin``: a path where the field reads ``file.py:function``. ``below``: any text in the field that names such a
    function, or a file of YAML or JSON, that is there.
    """

    form: Literal["path", "path_or_id", "plugin", "below"]


FilePath = Annotated[str, Field(min_length=1), RecipeFile("path")]
FilePathOrId = Annotated[str, Field(min_length=1), RecipeFile("path_or_id")]
Plugin = Annotated[str, Field(min_length=1), RecipeFile("plugin")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
"""A name that files and folders are called by."""
