"""Which element of a page a check means, as data (docs/frontend.md)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, field_validator, model_validator

from lpo.recipe.base import unknown_name
from rewards.frontend.inputs import shown
from rewards.frontend.known import ROLES
from rewards.frontend.selectors import selector_fault


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


def _text(value: Any) -> Any:
    return shown(value) if isinstance(value, bool | int | float) else value


Text = Annotated[str, BeforeValidator(_text)]
"""A text; numbers are written as JavaScript writes them."""


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text


Words = Annotated[Text, AfterValidator(_filled)]
"""A text that says something: an empty one would be found everywhere."""


class Target(Part):
    """Which element is meant: of those that fit, the visible ones in document order, the ``nth``.

    A text alone, where a target is asked for, is its ``css``. Several fields narrow each other down.
    """

    css: str | None = None
    """A CSS selector."""
    text: Words | None = None
    """The element's own visible text, in any case and spacing: the innermost element that has it."""
    contains: Words | None = None
    """A part of its text: the innermost element whose text contains it."""
    label: Words | None = None
    """A form field's label, placeholder, aria-label, title or name, in any case; a part of it is enough."""
    role: str | None = None
    """An ARIA role, explicit or the tag's own: button, link, textbox, checkbox, radio, combobox, slider, tab..."""
    name: Words | None = None
    """The accessible name (label, text, alt, title), in any case; a part of it is enough."""
    within: Target | None = None
    """Only inside this element."""
    any: tuple[Target, ...] = ()
    """Instead of the fields above: the first of these targets that is there."""
    nth: int = 0
    """Counted from 0; negative from the end."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        return {"css": given} if isinstance(given, str) else given

    @field_validator("css")
    @classmethod
    def _parses(cls, css: str | None) -> str | None:
        if css is not None and (fault := selector_fault(css)):
            raise ValueError(fault)
        return css

    @field_validator("role")
    @classmethod
    def _is_a_role(cls, role: str | None) -> str | None:
        # Those of documents and graphics have specifications of their own.
        if role is not None and role not in ROLES and not re.fullmatch(r"(doc|graphics)-[a-z]+", role):
            raise ValueError(unknown_name(role, ROLES, "role", listed=False))
        return role

    @model_validator(mode="after")
    def _names_something(self) -> Target:
        if self.any and self.model_fields_set - {"any", "nth"}:
            raise ValueError("any stands alone, or with nth; put the other fields into each of its targets")
        if not (self.css or self.text or self.contains or self.label or self.role or self.name or self.any):
            raise ValueError("a target needs css, text, contains, label, role, name or any")
        return self

    def __str__(self) -> str:
        if self.any:
            return " or ".join(str(each) for each in self.any)
        parts = [self.css or ""] + [
            f"{field} '{value}'"
            for field in ("text", "contains", "label", "role", "name")
            if (value := getattr(self, field))
        ]
        where = f" in {self.within}" if self.within else ""
        return " ".join(filter(None, parts)) + (f" [{self.nth}]" if self.nth else "") + where
