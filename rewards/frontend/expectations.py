"""What is expected of a text that was read from a page, and whether it is so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from pydantic import field_validator

from rewards.frontend.targets import Part, Text


class Expectation(Part):
    """What a value read from the page must be; at least one field. Texts are compared without surrounding space and
    with inner space as one blank, and in any case unless ``exact``."""

    equals: Text | None = None
    not_equals: Text | None = None
    contains: Text | None = None
    not_contains: Text | None = None
    matches: str | None = None
    """A Python regular expression, searched for."""
    one_of: tuple[Text, ...] = ()
    number: float | None = None
    """The first number in the text ("Total: $1,234.50" has 1234.5) is this, ``give_or_take`` a tolerance."""
    give_or_take: float = 0.005
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
        try:
            re.compile(pattern or "")
        except re.error as cause:
            raise ValueError(f"'{pattern}' is no regular expression ({cause})") from cause
        return pattern

    def is_empty(self) -> bool:
        return all(getattr(self, name) in (None, ()) for name in self.expectations)


def fault(wanted: Expectation, found: str, before: float | None = None) -> str | None:
    """None where ``found`` is as expected, else what is wrong with it. ``before`` is the number before the action."""

    def same(text: str) -> str:
        text = " ".join(text.split())
        return text if wanted.exact else text.lower()

    shown = repr(found if len(found) <= 80 else found[:77] + "...")
    tests: list[tuple[object, Callable[[Any], bool], str]] = [
        (wanted.equals, lambda value: same(found) == same(value), "is not"),
        (wanted.not_equals, lambda value: same(found) != same(value), "is still"),
        (wanted.contains, lambda value: same(value) in same(found), "does not contain"),
        (wanted.not_contains, lambda value: same(value) not in same(found), "contains"),
        (wanted.matches, lambda value: _searched(value, found[:5000], wanted.exact), "does not match"),
        (wanted.one_of or None, lambda value: same(found) in [same(each) for each in value], "is none of"),
    ]
    for value, test, verb in tests:
        if value is not None and not test(value):
            return f"{shown} {verb} {value!r}"
    number = first_number(found)
    for value, name in ((wanted.number, ""), (wanted.at_least, "at least "), (wanted.at_most, "at most ")):
        if value is None:
            continue
        near = (
            number is not None
            and {
                "": abs(number - value) <= wanted.give_or_take,
                "at least ": number >= value,
                "at most ": number <= value,
            }[name]
        )
        if not near:
            return f"{shown} has not the number {name}{value:g}"
    if wanted.change is not None:
        if number is None or before is None:
            return f"{shown} has no number to compare with the one before"
        if abs(number - before - wanted.change) > wanted.give_or_take:
            return f"the number went from {before:g} to {number:g}, not by {wanted.change:g}"
    return None


def first_number(text: str) -> float | None:
    """The first number of a text, thousands' commas left out: 1234.5 in "Total: $1,234.50", -3 in "-3 °C"."""
    for found in re.finditer(
        r"(?P<sign>[-\u2212]\s?)?[$€£]?\s?(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?P<rest>\.\d+)?", text
    ):
        number = float(found["digits"].replace(",", "") + (found["rest"] or ""))
        return -number if found["sign"] else number
    return None


def _searched(pattern: str, text: str, exact: bool) -> bool:
    return re.search(pattern, text, 0 if exact else re.IGNORECASE) is not None
