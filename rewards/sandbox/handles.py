"""Handles of objects on the other side of a sandbox's border, and how each side asks the other.

What is no plain data stays where it is and crosses as a number; attributes, calls and operators of its handle are asked
of its owner. A program could answer any comparison as it likes, so that none between its object and plain data is asked
of it: they differ, but for objects of classes derived from plain types, whose contents are compared here.
"""

from __future__ import annotations

import builtins
import operator

from rewards.sandbox.inside import describe
from rewards.sandbox.remote import Holder, Remote, RemoteClass, error_class, number_of, remote_error
from rewards.sandbox.values import PLAIN, NotPlainError, decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_MUTABLE = ("list", "dict", "set", "bytearray", "deque", "Counter", "OrderedDict")
_OPERATORS = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift", "and_", "or_", "xor"),
    *("neg", "pos", "invert", "iadd", "index", "eq", "lt", "le", "gt", "ge"),
    *("contains", "getitem", "setitem", "delitem"),
)
_FUNCTIONS = (
    *("abs", "all", "any", "ascii", "bin", "callable", "chr", "divmod", "hash", "hex", "len", "max", "min", "oct"),
    *("ord", "pow", "repr", "round", "sorted", "sum"),
)
_HARMLESS = {
    name: value
    for name, value in vars(builtins).items()
    if name in _FUNCTIONS or (isinstance(value, type) and not name.startswith("_"))
}
"""Builtins that cross by name. Others could be made to do on the other side what a program likes."""
_loops: list[Any] = []


class ForeignFault(BaseException):
    """The other side sent what no honest one sends."""


class Peer:
    """One side. ``trusting``: the other side may have anything of this one; else it may call functions that it was
    given, and use public attributes of objects of the tests' own classes."""

    def __init__(self, channel: Any, *, trusting: bool) -> None:
        self._channel, self._trusting = channel, trusting
        self._given: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._remotes: dict[int, Any] = {}
        self.names: Mapping[str, Any] = {}
        self.asked = 0
        self.foul = False

    def ask(self, what: str, *args: Any, **kwargs: Any) -> Any:
        """The other side's answer; its exceptions are raised here. While it thinks, it may ask in return."""
        self.asked += what != "named"
        coded = [self._encode(each) for each in args]
        self._channel.send(ask=what, args=coded, kwargs={key: self._encode(each) for key, each in kwargs.items()})
        while "ask" in (message := self._channel.receive()):
            self.answer(message)
        try:
            if "raised" in message:
                error = remote_error(message["raised"], self._decode)
            else:
                error, value = None, self._decode(message["value"])
                for key, changed in message.get("changed", {}).items():
                    _renew(kwargs[key] if key in kwargs else args[int(key)], self._decode(changed))
        except Exception:
            self.foul = True
            raise ForeignFault from None
        if error is not None:
            raise error
        return value

    def answer(self, request: Mapping[str, Any]) -> None:
        """Does what the other side asks, and tells it the outcome."""
        try:
            arguments = [self._decode(each) for each in request["args"]]
            keywords = {key: self._decode(each) for key, each in request["kwargs"].items()}
            what = request["ask"]
            if not self._trusting:
                _refuse(what, request["args"][0], *arguments[:2])
            value = self._perform(what, arguments, keywords)
            told: dict[str, Any] = {"value": self._encode(value)}
            if value is None:
                given = [*enumerate(arguments), *keywords.items()]
                changes = {str(key): self._change(request, key, each) for key, each in given}
                told["changed"] = {key: each for key, each in changes.items() if each is not None}
        except BaseException as error:
            told = {"raised": self._raised(error)}
        self._channel.send(**told)

    def _perform(self, what: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        if what == "named":
            return self.names[arguments[0]]
        if what == "call":
            return arguments[0](*arguments[1:], **keywords)
        return OPERATIONS[what](*arguments)

    def _change(self, request: Mapping[str, Any], key: Any, value: Any) -> Any:
        before = (request["args"] if isinstance(key, int) else request["kwargs"])[key]
        if type(before) is not dict or next(iter(before)) not in _MUTABLE:
            return None
        after = self._encode(value)
        return after if after != before else None

    def _encode(self, value: Any) -> Any:
        return encode(value, self._foreign)

    def _foreign(self, value: Any) -> Any:
        if (number := number_of(value)) is not None:
            return {"yours": number}
        name = getattr(value, "__name__", None)
        if isinstance(name, str) and _HARMLESS.get(name) is value:
            return {"builtin": name}
        if not self._trusting and vars(builtins).get(str(name)) is value:
            raise NotPlainError(f"the builtin {name}")
        if isinstance(value, type(builtins)):
            raise NotPlainError("a module")
        if isinstance(value, type) and issubclass(value, BaseException):
            return {"error": family(value)}
        kind = "object"
        if type(value).__name__ == "coroutine":
            kind = "coroutine"
        elif isinstance(value, type):
            kind = "class"
        elif plain := next((each for each in PLAIN if isinstance(value, each)), None):
            kind = plain.__name__
        return {"mine": [self._number(value), kind]}

    def _number(self, value: Any) -> int:
        number = self._numbers.setdefault(id(value), len(self._given))
        if number == len(self._given):
            self._given.append(value)
        return number

    def _decode(self, coded: Any) -> Any:
        return decode(coded, self._known)

    def _known(self, kind: str, content: Any) -> Any:
        if kind == "yours":
            return self._given[content]
        if kind == "builtin":
            return _HARMLESS[content]
        if kind == "error":
            return error_class(content)
        if kind != "mine":
            raise ValueError(f"unknown type {kind}")
        number, what = content
        if number not in self._remotes:
            plain = next((each for each in PLAIN if each.__name__ == what), None)
            made = RemoteClass(self, number) if what == "class" else Remote(self, number)
            self._remotes[number] = Holder(self, number, plain) if plain else made
        remote = self._remotes[number]
        return self._awaited(remote) if what == "coroutine" else remote

    async def _awaited(self, remote: Any) -> Any:
        return self.ask("await", remote)

    def _raised(self, error: BaseException) -> dict[str, Any]:
        told: dict[str, Any] = {**describe(error), "family": family(type(error)), "args": None, "mine": None}
        try:
            told["args"] = self._encode(tuple(error.args))
            told["mine"] = {"mine": [self._number(error.with_traceback(None)), "object"]}
        except BaseException:
            pass  # its arguments are no plain data, or it does not let them be seen
        return told


def family(kind: type, depth: int = 0) -> list[Any]:
    """Module, name and bases of a class of exceptions."""
    bases = [family(each, depth + 1) for each in kind.__bases__ if each is not object and depth < 10]
    return [str(kind.__module__), kind.__name__[:100], bases]


def _refuse(what: str, coded: Any, target: Any, name: Any = None) -> None:
    """Raises AttributeError where the program asks for more of the tests than it was given."""
    if type(coded) is not dict or "yours" not in coded:
        raise AttributeError(f"{what} of nothing of the tests")
    if what == "call" or what in ("len", "iter", "next", "str", "repr", "bool", *_OPERATORS):
        return
    own = getattr(type(target), "__module__", "") == "tests"
    if what in ("get", "set") and (name == "__name__" or (own and isinstance(name, str) and not name.startswith("_"))):
        return
    raise AttributeError(f"{what} of an object of the tests")


def _renew(old: Any, new: Any) -> None:
    """Makes ``old`` equal to ``new`` in place, and what is in it where that is possible."""
    if type(old) is not type(new):
        raise ValueError("another type")
    if isinstance(old, dict):
        merged = {key: _renewed(old[key], each) if key in old else each for key, each in new.items()}
        old.clear()
        old.update(merged)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, list):
        old[:] = [_renewed(old[place], each) if place < len(old) else each for place, each in enumerate(new)]
    else:
        old.clear()
        old.extend(new)


def _renewed(old: Any, new: Any) -> Any:
    if type(old) is type(new) and isinstance(old, dict | list | set):
        _renew(old, new)
        return old
    return new


def _contents(value: Any) -> Any:
    plain = next(each for each in PLAIN if isinstance(value, each))
    return plain(value)


def _await(value: Any) -> Any:
    import asyncio

    if not _loops:
        _loops.append(asyncio.new_event_loop())
    return _loops[0].run_until_complete(value)


def _copy(how: str) -> Callable[[Any], Any]:
    return lambda value: getattr(__import__("copy"), how)(value)


OPERATIONS: dict[str, Any] = {
    **{name: getattr(operator, name) for name in _OPERATORS},
    "get": getattr,
    "set": setattr,
    "del": delattr,
    **{each.__name__: each for each in (len, iter, next, reversed, str, repr, format, bool, hash)},
    **{each.__name__: each for each in (int, float, complex, abs, round, isinstance, issubclass)},
    "enter": lambda value: type(value).__enter__(value),
    "exit": lambda value, *error: type(value).__exit__(value, *error),
    "copy": _copy("copy"),
    "deepcopy": _copy("deepcopy"),
    "contents": _contents,
    "await": _await,
}
"""What one side may ask about an object of the other, beside calling it."""
