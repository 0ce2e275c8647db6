"""JSON in a model's response: found, read strictly, compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from rewards.extraction import without_thoughts

MOST_CHARACTERS = 1 << 20
_FENCED = re.compile(r"^[ \t]*```[ \t]*(\w*)[^\n]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
_OPENING = re.compile(r"[\[{]")


class NotJsonError(ValueError):
    """The text is no JSON value, or holds what JSON does not: a key twice, NaN, an infinity."""


def read_json(text: str) -> Any:
    """The value of a text that is JSON and nothing else.

    Raises:
        NotJsonError: it is not; the message says why. Also for what is nested or numbered beyond all use.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except NotJsonError:
        raise
    except (ValueError, RecursionError) as cause:
        raise NotJsonError(str(cause) or type(cause).__name__) from None


def find_json(text: str) -> Any:
    """The JSON value that a response gives: all of it, else its last fenced block that is JSON, else the last complete
    object or array in it.

    Raises:
        NotJsonError: there is none; the message is about the likeliest attempt.
    """
    if len(text) > MOST_CHARACTERS:
        raise NotJsonError(f"more than {MOST_CHARACTERS} characters")
    text = without_thoughts(text)
    try:
        return read_json(text)
    except NotJsonError as cause:
        refused = cause
    blocks = [body for language, body in fenced_blocks(text) if language in ("", "json", "json5", "jsonc")]
    for body in reversed(blocks):
        try:
            return read_json(body)
        except NotJsonError as cause:
            refused = cause
            break  # the last block is what was meant
    else:
        values = list(values_in(text))
        if values:
            return values[-1]
    raise refused


def fenced_blocks(text: str) -> list[tuple[str, str]]:
    """Language, in small letters, and content of each fenced block that is closed."""
    return [(language.lower(), body) for language, body in _FENCED.findall(text)]


def values_in(text: str) -> Iterator[Any]:
    """The objects and arrays that stand in a text, one after the other, those inside others left out."""
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse)
    place = 0
    while (opening := _OPENING.search(text, place)) is not None:
        try:
            value, place = decoder.raw_decode(text, opening.start())
        except RecursionError:
            return  # nested beyond all use; every bracket would be tried at that price
        except ValueError:
            place = opening.end()
            continue
        yield value


def same_json(a: Any, b: Any) -> bool:
    """Equality as JSON has it: 1 and 1.0 are one number, true is no number, the order of keys does not count."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_json(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_json, a, b))
    return bool(a == b) and isinstance(a, dict | list) == isinstance(b, dict | list)


def contains_json(whole: Any, part: Any) -> bool:
    """Whether every field of ``part`` is in ``whole`` with the same value, at any depth; arrays are compared whole."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and contains_json(whole[key], part[key]) for key in part)
    return same_json(whole, part)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJsonError(f"key {twice!r} stands twice")
    return found


def _refuse(constant: str) -> Any:
    raise NotJsonError(f"{constant} is no JSON")
