"""Whether what a program printed or returned is what was expected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any


def same_text(given: str, expected: str, tolerance: float) -> bool:
    """Whether two outputs agree: line by line without trailing space, or as words of which numbers may differ a bit."""
    ours, theirs = ([line.rstrip() for line in text.rstrip().splitlines()] for text in (given, expected))
    if ours == theirs:
        return True
    if len(ours) != len(theirs):
        return False
    words = [(a.split(), b.split()) for a, b in zip(ours, theirs, strict=True)]
    return all(
        len(a) == len(b) and all(_same_word(x, y, tolerance) for x, y in zip(a, b, strict=True)) for a, b in words
    )


def _same_word(given: str, expected: str, tolerance: float) -> bool:
    if given == expected:
        return True
    if not any(mark in expected for mark in ".eE"):
        return False  # whole numbers and words are exact
    try:
        return math.isclose(float(given), float(expected), rel_tol=tolerance, abs_tol=tolerance)
    except ValueError:
        return False


def same_value(given: Any, expected: Any, tolerance: float) -> bool:
    """Whether two plain values agree; lists and tuples are alike (JSON has no tuples), and so are keys 1 and "1".

    Numbers are compared by value, as Python does, but a bool is no number.
    """
    if isinstance(expected, list | tuple):
        return (
            isinstance(given, list | tuple)
            and len(given) == len(expected)
            and all(same_value(a, b, tolerance) for a, b in zip(given, expected, strict=True))
        )
    if isinstance(expected, Mapping):
        if not isinstance(given, Mapping):
            return False
        ours, theirs = ({_key(key): value for key, value in each.items()} for each in (given, expected))
        return ours.keys() == theirs.keys() and all(same_value(ours[key], theirs[key], tolerance) for key in theirs)
    if isinstance(given, set | frozenset) and isinstance(expected, set | frozenset):
        return given == expected
    if _is_number(given) and _is_number(expected):
        return bool(given == expected) or (isinstance(expected, float) and _close(given, expected, tolerance))
    return type(given) is type(expected) and bool(given == expected)


def _key(key: Any) -> Any:
    try:
        return str(key)
    except ValueError:  # a number too long for decimals
        return key


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | complex | Decimal | Fraction) and not isinstance(value, bool)


def _close(given: Any, expected: float, tolerance: float) -> bool:
    if isinstance(given, complex):
        return False
    try:
        return math.isclose(given, expected, rel_tol=tolerance, abs_tol=tolerance)
    except (OverflowError, ValueError):  # larger than floats are; a Decimal that signals
        return False
