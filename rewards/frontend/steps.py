"""What a check is made of: actions and assertions, as data (docs/frontend.md)."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from lpo.recipe.base import unknown_name
from rewards.frontend.expectations import Expectation
from rewards.frontend.keys import parse
from rewards.frontend.known import ARIA_ATTRIBUTES, CSS_PROPERTIES
from rewards.frontend.targets import Part, Target, Text


class Step(Part):
    """One step. ``note`` is for the reader of the report."""

    note: str = ""
    shorthand: ClassVar[str | None] = None
    """The field that is meant where the step is given as something else than a mapping of its fields."""


class Action(Step):
    """Something a user does. Fails where the target is missing, invisible, covered or disabled; the steps after it then
    count as failed."""


class Assertion(Step):
    """Something that must be so: at once, or within ``patience_ms`` of page time."""

    patience_ms: Annotated[int, Field(ge=0, le=20_000)] | None = None


class Click(Action):
    shorthand = "on"
    on: Target
    times: Annotated[int, Field(ge=1, le=50)] = 1
    button: Literal["left", "right"] = "left"
    double: bool = False


class Hover(Action):
    shorthand = "on"
    on: Target


class Type(Action):
    """Types with keys after emptying the field. Fields without a text (date, time, colour, range) are set instead, with
    the events that a user's choice fires."""

    into: Target
    text: Text
    clear: bool = True


class Press(Action):
    shorthand = "key"
    key: Text
    """A key's name in the DOM ("Enter", "ArrowLeft", "a", " "), with modifiers: "Control+Shift+a"."""
    on: Target | None = None
    """Focused first; without it the key goes to what has the focus."""
    times: Annotated[int, Field(ge=1, le=200)] = 1

    @field_validator("key")
    @classmethod
    def _is_on_a_keyboard(cls, key: str) -> str:
        parse(key)
        return key


class Select(Action):
    """Chooses an option of a <select> by its label or value."""

    of: Target
    option: Text


class Drag(Action):
    """Presses on ``from``, moves to ``to`` or ``by`` (pixels right and down) and lets go: pointer, mouse and HTML drag
    events as a browser fires them."""

    model_config = ConfigDict(populate_by_name=True)
    source: Target = Field(alias="from")
    to: Target | None = None
    by: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Drag:
        if (self.to is None) == (self.by is None):
            raise ValueError("a drag needs either to or by")
        return self


class Scroll(Action):
    """Scrolls the target into view, or the page by pixels downwards."""

    shorthand = "to"
    to: Target | None = None
    by: float | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Scroll:
        if (self.to is None) == (self.by is None):
            raise ValueError("a scroll needs either to or by")
        return self


class Wait(Action):
    """Lets the page's clock run. It costs no real time as long as the page does not compute."""

    shorthand = "ms"
    ms: Annotated[int, Field(ge=0, le=60_000)]


class Reload(Action):
    """Loads the page again, with its storage."""

    shorthand = "again"
    again: Literal[True] = True


class Back(Action):
    """Goes back in the browser's history."""

    shorthand = "once"
    once: Literal[True] = True


class Visible(Assertion):
    shorthand = "of"
    of: Target


class Hidden(Assertion):
    """No element that fits is visible: there is none, or it is not displayed, transparent or of no size."""

    shorthand = "of"
    of: Target


class Focused(Assertion):
    shorthand = "of"
    of: Target


class TextIs(Assertion, Expectation):
    """The visible text of the target, of the whole page without one."""

    of: Target = Target(css="body")


class Count(Assertion, Expectation):
    """How many visible elements fit; with ``hidden_too`` all that fit."""

    of: Target
    hidden_too: bool = False

    @model_validator(mode="after")
    def _counts(self) -> Count:
        for name in ("number", "at_least", "at_most", "change"):
            value = getattr(self, name)
            if value is not None and (not value.is_integer() or (value < 0 and name != "change")):
                raise ValueError(f"{name} is {value:g}, and a count is a whole number from 0")
        for text in (self.equals, self.not_equals, *self.one_of):
            if text is not None and not re.fullmatch(r"\s*(0|[1-9]\d*)\s*", text):
                raise ValueError(f"'{text}' is no count; write a whole number from 0")
        return self


class Attribute(Assertion, Expectation):
    """An attribute; checked, disabled, selected, open, readOnly and indeterminate are read as they are now ("true",
    "false"). A missing attribute is an empty text."""

    of: Target
    attribute: str

    @field_validator("attribute")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not re.fullmatch(r"[^\s\"'<>/=\0]+", name):
            raise ValueError(f"'{name}' is no attribute's name")
        if name in _PROPERTIES:
            raise ValueError(f"'{name}' is no attribute; use {_PROPERTIES[name]}")
        if re.match(r"aria-|aria[A-Z]", name) and name.lower() not in ARIA_ATTRIBUTES:
            raise ValueError(unknown_name(name, ARIA_ATTRIBUTES, "attribute", listed=False))
        return name


class ValueIs(Assertion, Expectation):
    """The value of a form field; of a <select>, the value or the label of the chosen option."""

    of: Target


class Style(Assertion, Expectation):
    """A computed style. Colours read as ``rgb(r, g, b)``."""

    of: Target
    property: str

    @field_validator("property")
    @classmethod
    def _is_known(cls, name: str) -> str:
        # What is unknown reads as an empty text, which would be equal to an empty text.
        if name.lower() not in CSS_PROPERTIES and not re.fullmatch(r"--\S+", name):
            raise ValueError(unknown_name(name, CSS_PROPERTIES, "CSS property", listed=False))
        return name


class Url(Assertion, Expectation):
    """Path, query and fragment of the address: ``/``, ``/#about``."""

    @model_validator(mode="after")
    def _begins_with_a_slash(self) -> Url:
        for text in (self.equals, self.not_equals, *self.one_of):
            if text is not None and not text.strip().startswith("/"):
                raise ValueError(f"'{text}' is no address; it begins with the path, as in /#about")
        return self


class Title(Assertion, Expectation):
    """The document's title, as the tab shows it."""


class Storage(Assertion, Expectation):
    """An entry of localStorage or sessionStorage; a missing one is an empty text. Without a key: all of it as JSON."""

    key: Annotated[str, Field(min_length=1)] | None = None
    area: Literal["local", "session"] = "local"


class Dialog(Assertion, Expectation):
    """The text of the last alert, confirm or prompt since the last action; an empty text if there was none."""


class Changed(Assertion):
    """The target differs from what it was before the last action (``since: start``: when the check began).

    ``what``: its visible text, its markup, its look (computed style and box), or any of them.
    """

    shorthand = "of"
    of: Target = Target(css="body")
    what: Literal["anything", "text", "markup", "look"] = "anything"
    since: Literal["action", "start"] = "action"


class Unchanged(Changed):
    pass


class NoError(Assertion):
    """No uncaught error and no unhandled rejection since the check began."""

    shorthand = "since_start"
    since_start: Literal[True] = True


_PROPERTIES = {
    "className": "class",
    "htmlFor": "for",
    **dict.fromkeys(("innerHTML", "innerText", "textContent"), "the assertion `text`"),
}
"""What scripts ask an element for, and what checks do."""

STEPS: dict[str, type[Step]] = {
    "click": Click, "hover": Hover, "type": Type, "press": Press, "select": Select, "drag": Drag, "scroll": Scroll,
    "wait": Wait, "reload": Reload, "back": Back,
    "visible": Visible, "hidden": Hidden, "focused": Focused, "text": TextIs, "count": Count, "attribute": Attribute,
    "value": ValueIs, "style": Style, "url": Url, "title": Title, "storage": Storage, "dialog": Dialog,
    "changed": Changed, "unchanged": Unchanged, "no_error": NoError,
}  # fmt: skip
"""Steps by the name they have in a file."""
