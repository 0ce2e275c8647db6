"""Values as JSON that keeps Python's plain types apart. Runs on both sides of a sandbox's border.

What is compared with right answers is made of these: their comparisons are Python's own, never the program's.
"""

from __future__ import annotations

import builtins
import importlib

TYPE_CHECKING = False  # importing typing takes longer than all else here
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ATOMS: tuple[Any, ...] = (bool, str, type(None))
PLAIN: tuple[Any, ...] = (int, str, float, list, tuple, dict, set, frozenset, bytes)
"""Types whose contents are data also in an object of a derived class."""
_LIBRARY = {
    "Decimal": "decimal",
    "Fraction": "fractions",
    "date": "datetime",
    "datetime": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
    "deque": "collections",
    "Counter": "collections",
    "OrderedDict": "collections",
}
"""Types of the standard library that are data as well, each with its module."""
_NUMBERS = "biufc"  # kinds of numpy's arrays that hold plain numbers
_LONG = 1 << 10_000
_DEEPEST = 100


class NotPlainError(TypeError):
    """A value that is more than plain data."""


class TooDeepError(NotPlainError):
    """A value that is nested too deeply."""


def encode(value: Any, foreign: Callable[[Any], Any] | None = None, depth: int = 0) -> Any:
    """Plain data as JSON: atoms as they are, all else as {type: content}.

    Anything else is what ``foreign`` makes of it, iterators and objects of classes derived from plain types included;
    without it these are taken as plain, and NotPlainError is raised for what is not.
    """
    kind: Any = type(value)
    if kind in _ATOMS:
        return value
    if kind is int:
        return value if -_LONG < value < _LONG else {"int": hex(value)}  # JSON's decimals have a limit
    if kind in (float, complex):
        return {kind.__name__: repr(value)}
    if kind in (bytes, bytearray):
        return {kind.__name__: value.hex()}
    if depth == _DEEPEST:
        raise TooDeepError("nested too deeply")

    def inner(each: Any) -> Any:
        return encode(each, foreign, depth + 1)

    if kind in (list, tuple, set, frozenset):
        return {kind.__name__: [inner(each) for each in value]}
    if kind is dict:
        return {"dict": [[inner(key), inner(each)] for key, each in value.items()]}
    if _LIBRARY.get(kind.__name__) == kind.__module__:
        return {kind.__name__: _library_content(kind.__name__, value, inner)}
    if foreign is None or kind.__module__ == "numpy":
        if foreign is not None and kind.__name__ == "ndarray" and value.dtype.kind in _NUMBERS:
            return {"ndarray": [value.dtype.str, list(value.shape), inner(value.ravel().tolist())]}
        if hasattr(kind, "tolist"):  # an array or a scalar of numpy
            return inner(value.tolist())
    if kind.__module__ == "collections" and isinstance(value, dict):
        return inner(dict(value))
    if kind in (range, type({}.keys()), type({}.values()), type({}.items())):
        return inner(list(value))
    if foreign is not None:
        return foreign(value)
    for plain in PLAIN:
        if isinstance(value, plain):  # a subclass: a named tuple, an enumeration's number
            return inner(plain(value))
    if hasattr(kind, "__next__"):
        return inner(list(value))
    raise NotPlainError(f"a {kind.__name__}")


def decode(coded: Any, foreign: Callable[[str, Any], Any] | None = None) -> Any:
    """The value that ``encode`` made JSON of; other types are what ``foreign(type, content)`` makes of them.

    Raises an exception of any kind where there is no value.
    """
    if type(coded) in _ATOMS or type(coded) is int:
        return coded
    if type(coded) is not dict or len(coded) != 1:
        raise ValueError("no value")
    ((kind, content),) = coded.items()

    def inner(each: Any) -> Any:
        return decode(each, foreign)

    if kind == "int":
        return int(content, 16)
    if kind in ("float", "complex"):
        return {"float": float, "complex": complex}[kind](content)
    if kind in ("bytes", "bytearray"):
        return bytes.fromhex(content) if kind == "bytes" else bytearray.fromhex(content)
    if kind == "dict":
        return {inner(key): inner(each) for key, each in content}
    if kind in ("list", "tuple", "set", "frozenset"):
        return getattr(builtins, kind)(map(inner, content))
    if kind in _LIBRARY:
        return _library_value(getattr(importlib.import_module(_LIBRARY[kind]), kind), content, inner)
    if kind == "ndarray":
        dtype, shape, numbers = content
        if dtype[1] not in _NUMBERS or not dtype[2:].isdigit():
            raise ValueError(f"an array of {dtype}")
        return importlib.import_module("numpy").array(inner(numbers), dtype).reshape(shape)
    if foreign is None:
        raise ValueError(f"unknown type {kind}")
    return foreign(kind, content)


def _library_content(name: str, value: Any, inner: Callable[[Any], Any]) -> Any:
    if name == "Decimal":
        return str(value)
    if name == "Fraction":
        return [inner(value.numerator), inner(value.denominator)]
    if name == "timedelta":
        return [value.days, value.seconds, value.microseconds]
    if name in ("date", "datetime", "time"):
        return value.isoformat()
    if name == "deque":
        return [inner(list(value)), value.maxlen]
    return inner(dict(value))


def _library_value(kind: Any, content: Any, inner: Callable[[Any], Any]) -> Any:
    name = kind.__name__
    if name == "Decimal":
        return kind(content)
    if name in ("date", "datetime", "time"):
        return kind.fromisoformat(content)
    if name == "timedelta":
        return kind(*map(inner, content))
    if name == "deque":
        return kind(inner(content[0]), content[1])
    if name == "Fraction":
        numerator, denominator = map(inner, content)
        if type(numerator) is not int or type(denominator) is not int:
            raise ValueError("no fraction")
        return kind(numerator, denominator)
    return kind(inner(content))
