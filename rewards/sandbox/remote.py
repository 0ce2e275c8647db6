"""What stands on one side of a sandbox's border for an object, or an exception, of the other side."""

from __future__ import annotations

import importlib
import operator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ASK, _NUMBER = "_remote_ask", "_remote_number"
_LIBRARIES = ("builtins", "json.decoder", "decimal", "re", "statistics", "queue", "struct", "asyncio.exceptions")
_errors: dict[str, type] = {}


class UnsupportedError(BaseException):
    """Tests do with an object of the program what cannot be done from outside."""


class Remote:
    """An object of the other side. Unequal to plain data, whatever its class says, neither ordered with it nor
    reckoned with it: the difference from what is right would be the program's to tell."""

    __slots__ = (_ASK, _NUMBER)

    def __init__(self, peer: Any, number: int) -> None:
        object.__setattr__(self, _ASK, peer.ask)
        object.__setattr__(self, _NUMBER, number)

    def __getattr__(self, name: str) -> Any:
        return ask(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        ask(self, "set", name, value)

    def __delattr__(self, name: str) -> None:
        ask(self, "del", name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return ask(self, "call", *args, **kwargs)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Remote):
            return number_of(self) == number_of(other) or ask(self, "eq", other) is True
        return NotImplemented

    def __contains__(self, item: Any) -> bool:
        if isinstance(item, Remote):
            return ask(self, "contains", item) is True
        return any(each == item for each in iter(self))  # type: ignore[call-overload]

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, Remote) and ask(value, "isinstance", self) is True

    def __subclasscheck__(self, value: object) -> bool:
        return isinstance(value, Remote) and ask(value, "issubclass", self) is True

    def __deepcopy__(self, _: Any) -> Any:
        return ask(self, "deepcopy")

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        return ask(self, "exit", kind, error, None)

    def __mro_entries__(self, bases: Any) -> Any:
        raise UnsupportedError("a class of the tests is derived from one of the program")


class Holder(Remote):
    """An object of a class that is derived from a plain type. Its contents are compared here, as plain data."""

    __slots__ = ("_remote_plain",)

    def __init__(self, peer: Any, number: int, plain: type) -> None:
        super().__init__(peer, number)
        object.__setattr__(self, "_remote_plain", plain)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return object.__getattribute__(self, "_remote_plain")

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) is True or bool(contents(self) == contents(other))

    def __contains__(self, item: Any) -> bool:
        return item in contents(self)


class Subject(Remote):
    """An object that test code made of a class that it tests: what it adds to it, or looks for in it, is an input."""

    __slots__ = ()

    def __contains__(self, item: Any) -> bool:
        return ask(self, "contains", item) is True


class RemoteClass(Remote):
    """A class of the other side."""

    __slots__ = ()


class SubjectClass(RemoteClass):
    """A class of the program that test code makes objects of, to use them as no plain data can be used."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        made = super().__call__(*args, **kwargs)
        return _as(Subject, made) if type(made) is Remote else made


def as_subject(value: Any) -> Any:
    """A handle of a class as one whose objects are what is tested; anything else as it is."""
    return _as(SubjectClass, value) if type(value) is RemoteClass else value


def _as(kind: Any, value: Any) -> Any:
    handle = kind.__new__(kind)
    for slot in (_ASK, _NUMBER):
        object.__setattr__(handle, slot, object.__getattribute__(value, slot))
    return handle


def ask(remote: Any, what: str, *args: Any, **kwargs: Any) -> Any:
    return object.__getattribute__(remote, _ASK)(what, remote, *args, **kwargs)


def number_of(value: Any) -> int | None:
    """The number of a handle, None for anything else."""
    number: int | None = object.__getattribute__(value, _NUMBER) if issubclass(type(value), Remote) else None
    return number


def contents(value: Any) -> Any:
    """The plain data that a handle holds, other values as they are."""
    return ask(value, "contents") if type(value) is Holder else value


def _unary(name: str) -> Callable[..., Any]:
    return lambda self, *args: ask(self, name, *args)


def _binary(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def allowed(self: Any, other: Any) -> bool:
        return isinstance(other, Remote) or type(self) is Subject

    def straight(self: Any, other: Any) -> Any:
        if type(self) is Holder and not isinstance(other, Remote):
            return getattr(operator, name)(contents(self), other)
        return ask(self, name, other) if allowed(self, other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        if type(self) is Holder:
            return getattr(operator, name)(other, contents(self))
        return object.__getattribute__(self, _ASK)(name, other, self) if allowed(self, other) else NotImplemented

    return straight, reflected


def _ordered(name: str) -> Callable[..., Any]:
    def compare(self: Any, other: Any) -> Any:
        if isinstance(other, Remote):
            return ask(self, name, other)
        if type(self) is Holder:
            return getattr(operator, name)(contents(self), other)
        return NotImplemented

    return compare


for _name in ("len", "iter", "next", "reversed", "str", "repr", "format", "bool", "hash", "int", "float", "complex",
              "index", "abs", "round", "neg", "pos", "invert", "getitem", "setitem", "delitem", "enter",
              "copy"):  # fmt: skip
    setattr(Remote, f"__{_name}__", _unary(_name))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift", "and_", "or_",
              "xor"):  # fmt: skip
    _straight, _backward = _binary(_name)
    setattr(Remote, f"__{_name.strip('_')}__", _straight)
    setattr(Remote, f"__r{_name.strip('_')}__", _backward)
Remote.__iadd__ = _binary("iadd")[0]  # type: ignore[attr-defined]
for _name in ("lt", "le", "gt", "ge"):
    setattr(Remote, f"__{_name}__", _ordered(_name))
Holder.__hash__ = Remote.__hash__  # type: ignore[method-assign]


def error_class(told: Any) -> type:
    """The class of exceptions that the other side means: Python's own, else one of the same name and bases."""
    module, name, bases = told
    if module in _LIBRARIES:
        kind = getattr(importlib.import_module(module), name, None)
        if isinstance(kind, type) and issubclass(kind, Exception | SystemExit):
            return kind
    key = repr(told)
    if key not in _errors:
        inherited = tuple(dict.fromkeys(map(error_class, bases))) or (Exception,)
        try:
            _errors[key] = type(name, inherited, {"__getattr__": _told_attribute, "__str__": _told_text})
        except TypeError:  # bases that do not go together
            _errors[key] = type(name, inherited[:1], {"__getattr__": _told_attribute, "__str__": _told_text})
    return _errors[key]


def remote_error(told: Any, decode: Callable[[Any], Any]) -> BaseException:
    """An exception as the other side raised it."""
    kind = error_class(told["family"])
    arguments = decode(told["args"])
    if type(arguments) is not tuple:
        arguments = (told["text"],)
    try:
        error: BaseException = kind(*arguments)
    except Exception:
        error = BaseException.__new__(kind)  # type: ignore[type-var]
        error.args = arguments
    if told["mine"] is not None and hasattr(kind, "__getattr__"):
        error.__dict__.update({_ASK: decode(told["mine"]), "_remote_text": told["text"]})
    return error


def _told_attribute(self: BaseException, name: str) -> Any:
    if name.startswith("_remote") or _ASK not in self.__dict__:
        raise AttributeError(name)
    return getattr(self.__dict__[_ASK], name)


def _told_text(self: BaseException) -> str:
    text: str = self.__dict__["_remote_text"] if "_remote_text" in self.__dict__ else BaseException.__str__(self)
    return text
