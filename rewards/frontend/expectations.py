"""What is expected of a text that was read from a page, and whether it is so."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from rewards.frontend.targets import Part, Text, Words


class Expectation(Part):
    """What a value read from the page must be; at least one field. Texts are compared without surrounding space and
    with inner space as one blank, and in any case unless ``exact``."""

    equals: Text | None = None
    not_equals: Text | None = None
    contains: Words | None = None
    not_contains: Words | None = None
    matches: str | None = None
    """A Python regular expression, searched for."""
    one_of: tuple[Text, ...] = ()
    number: float | None = None
    """The first number in the text ("Total: $1,234.50" has 1234.5) is this, ``give_or_take`` a tolerance."""
    give_or_take: Annotated[float, Field(ge=0)] = 0.005
    at_least: float | None = None
    """Bound on the first number."""
    at_most: float | None = None
    change: float | None = None
    """The first number differs by this from what it was before the last action."""
    exact: bool = False

    expectations: ClassVar[tuple[str, ...]] = (
        "equals", "not_equals", "contains", "not_contains", "matches", "one_of", "number", "at_least", "at_most",
        "change",
    )  # fmt: skip

    @field_validator("matches")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            found = re.compile(pattern, re.IGNORECASE)
        except re.error as cause:
            raise ValueError(f"'{pattern}' is no regular expression ({cause})") from cause
        if all(found.search(text) for text in _ALL_SORTS):
            raise ValueError(f"'{pattern}' is found in any text")
        return pattern

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        low, high, near = self.at_least, self.at_most, self.give_or_take
        if low is not None and high is not None and low > high:
            raise ValueError(f"at_least {low:g} is more than at_most {high:g}")
        if self.number is not None:
            if low is not None and self.number + near < low:
                raise ValueError(f"number {self.number:g} is less than at_least {low:g}")
            if high is not None and self.number - near > high:
                raise ValueError(f"number {self.number:g} is more than at_most {high:g}")
        elif self.change is None and "give_or_take" in self.model_fields_set:
            raise ValueError("give_or_take is for number and change")
        contained, unwanted = self.contains, self.not_contains
        if contained and unwanted and _plain(unwanted, self.exact) in _plain(contained, self.exact):
            raise ValueError(f"contains {contained!r} and not_contains {unwanted!r} contradict each other")
        texts = self.one_of if self.equals is None else (self.equals,)
        faults = [_standing_fault(self, text) for text in texts]
        if faults and all(faults):
            raise ValueError(f"nothing can be so: {faults[0]}")
        return self

    def is_empty(self) -> bool:
        return all(getattr(self, name) in (None, ()) for name in self.expectations)


def fault(wanted: Expectation, found: str, before: float | None = None) -> str | None:
    """None where ``found`` is as expected, else what is wrong with it. ``before`` is the number before the action."""
    said = _standing_fault(wanted, found)
    if said is not None or wanted.change is None:
        return said
    number = first_number(found)
    if number is None or before is None:
        return f"{_shown(found)} has no number to compare with the one before"
    if abs(number - before - wanted.change) > wanted.give_or_take:
        return f"the number went from {before:g} to {number:g}, not by {wanted.change:g}"
    return None


def _standing_fault(wanted: Expectation, found: str) -> str | None:
    """`fault`, without what went before."""
    exact = wanted.exact
    same = _plain(found, exact)
    tests: list[tuple[object, Callable[[Any], bool], str]] = [
        (wanted.equals, lambda value: same == _plain(value, exact), "is not"),
        (wanted.not_equals, lambda value: same != _plain(value, exact), "is still"),
        (wanted.contains, lambda value: _plain(value, exact) in same, "does not contain"),
        (wanted.not_contains, lambda value: _plain(value, exact) not in same, "contains"),
        (wanted.matches, lambda value: _searched(value, found[:5000], exact), "does not match"),
        (wanted.one_of or None, lambda value: same in [_plain(each, exact) for each in value], "is none of"),
    ]
    for value, test, verb in tests:
        if value is not None and not test(value):
            return f"{_shown(found)} {verb} {value!r}"
    number = first_number(found)
    bounds: list[tuple[float | None, Callable[[float, float], bool], str]] = [
        (wanted.number, lambda number, value: abs(number - value) <= wanted.give_or_take, ""),
        (wanted.at_least, lambda number, value: number >= value, "at least "),
        (wanted.at_most, lambda number, value: number <= value, "at most "),
    ]
    for bound, holds, name in bounds:
        if bound is not None and (number is None or not holds(number, bound)):
            return f"{_shown(found)} has not the number {name}{bound:g}"
    return None


def first_number(text: str) -> float | None:
    """The first number of a text, as English writes it: 1234.5 in "Total: $1,234.50", 0.5 in ".5", 1e21 in "1e+21".

    Commas group thousands and nothing else does: "1,2" and "1 200" are 1, "1.234,50" is 1.234. A minus is a hyphen,
    dash or minus sign at the number or its currency sign, not behind a letter or digit: -5 in "-$5", 19 in "COVID-19",
    2024 in "2024-05-17". Brackets do not negate.
    """
    found = _NUMBER.search(text)
    if found is None:
        return None
    number = float(found["digits"].replace(",", "") + (found["power"] or ""))
    if not math.isfinite(number):
        return None
    return -number if found["sign"] else number


_CURRENCY = r"[$\u00a2-\u00a5\u058f\u060b\u09f2\u09f3\u0e3f\u17db\u20a0-\u20cf\ufdfc\uff04\uffe0\uffe1\uffe5\uffe6]"
_NUMBER = re.compile(
    # At the text's beginning, and behind the true minus sign, a blank may follow.
    r"(?P<sign>^\s*[-\u2013\u2212]\s?|(?<!\w)(?:[-\u2013]|\u2212\s?))?"
    rf"(?:[A-Z]{{0,3}}{_CURRENCY}\s?)?"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+)"
    r"(?P<power>[eE][+-]?\d+(?!\w))?"
)
_ALL_SORTS = ("", "\uffff", 3 * "".join(map(chr, range(32, 127))))
"""Texts that only a pattern without meaning is found in."""


def _plain(text: str, exact: bool) -> str:
    text = " ".join(text.split())
    return text if exact else text.lower()


def _shown(found: str) -> str:
    return repr(found if len(found) <= 80 else found[:77] + "...")


def _searched(pattern: str, text: str, exact: bool) -> bool:
    return re.search(pattern, text, 0 if exact else re.IGNORECASE) is not None
