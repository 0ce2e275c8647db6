"""The base of every recipe section: strict types, no unknown keys, and errors that name the nearest known key."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A mapping in a recipe. Types are strict (no ``"3"`` for 3, no ``true`` for 1) and numbers are finite."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=(), use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for key in values:
            if key not in cls.model_fields:
                raise PydanticCustomError("unknown_field", "{message}", {"message": unknown_name(key, cls.model_fields)})
        return values


def unknown_name(name: object, known: Any, what: str = "field") -> str:
    """The sentence for a name that is not among ``known``: names the nearest one, or lists them all."""
    names = [str(each) for each in known]
    nearest = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    remedy = f"did you mean '{nearest[0]}'?" if nearest else f"known: {', '.join(sorted(names))}"
    return f"unknown {what} '{name}'; {remedy}"


Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1)]
