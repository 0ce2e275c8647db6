"""What runs inside a sandbox, before and around a program that nobody has read.

Needs the standard library only, and is run as text (``python -c``): the sandbox holds no file of this package. Values
cross the border as JSON that keeps Python's plain types apart; comparing them with what is right happens outside.
"""

from __future__ import annotations

import builtins
import json
import os
import sys

TYPE_CHECKING = False  # importing typing takes longer than all else here
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CHANNEL = 3
"""File descriptor of the socket to the outside, a JSON object a line."""

_ATOMS: tuple[Any, ...] = (bool, int, str, type(None))
_PLAIN: tuple[Any, ...] = (int, str, float, list, tuple, dict)
_DEEPEST = 100


class NotPlainError(TypeError):
    """A value that is more than plain data."""


def encode(value: Any, depth: int = 0) -> Any:
    """Plain data as JSON: atoms as they are, all else as {type: content}. Raises NotPlainError for anything else."""
    kind: Any = type(value)
    if kind in _ATOMS:
        return value
    if kind in (float, complex):
        return {kind.__name__: repr(value)}
    if kind in (bytes, bytearray):
        return {"bytes": value.hex()}
    if depth == _DEEPEST:
        raise NotPlainError("nested too deeply")
    if kind in (list, tuple, set, frozenset):
        return {kind.__name__: [encode(each, depth + 1) for each in value]}
    if kind is dict:
        return {"dict": [[encode(key, depth + 1), encode(each, depth + 1)] for key, each in value.items()]}
    if hasattr(kind, "tolist"):  # an array or a scalar of numpy
        return encode(value.tolist(), depth + 1)
    for plain in _PLAIN:
        if isinstance(value, plain):  # a subclass: a named tuple, a counter
            return encode(plain(value), depth + 1)
    if hasattr(kind, "__next__") or kind in (range, type({}.keys()), type({}.values()), type({}.items())):
        return encode(list(value), depth + 1)
    raise NotPlainError(f"a {kind.__name__}")


def decode(coded: Any) -> Any:
    """The value that ``encode`` made JSON of. Raises ValueError where it is none."""
    if type(coded) in _ATOMS:
        return coded
    if type(coded) is not dict or len(coded) != 1:
        raise ValueError("no value")
    ((kind, content),) = coded.items()
    if kind in ("float", "complex"):
        return {"float": float, "complex": complex}[kind](content)
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "dict":
        return {decode(key): decode(each) for key, each in content}
    if kind in ("list", "tuple", "set", "frozenset"):
        return getattr(builtins, kind)(map(decode, content))
    raise ValueError(f"unknown type {kind}")


class Channel:
    """The socket to the outside."""

    def __init__(self) -> None:
        self._incoming = os.fdopen(os.dup(CHANNEL), "r", encoding="utf-8")
        self._outgoing = os.fdopen(os.dup(CHANNEL), "w", encoding="utf-8")

    def send(self, **message: Any) -> None:
        self._outgoing.write(json.dumps(message) + "\n")
        self._outgoing.flush()

    def receive(self) -> Any:
        line = self._incoming.readline()
        if not line:
            os._exit(0)
        return json.loads(line)


def report_faults(channel: Channel) -> None:
    """Tells the outside why, before the kernel ends the program for it: starting a process, opening a socket."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen"):
            fault = "started a process"
        elif event == "socket.__new__" and arguments[1] not in (1, -1):  # not AF_UNIX, of which asyncio needs a pair
            fault = "opened a socket"
        else:
            return
        channel.send(fault=fault)
        os._exit(1)

    sys.addaudithook(hook)


def describe(error: BaseException) -> dict[str, str]:
    """An exception for the outside. Its text may be anything, and costly to make."""
    try:
        text = str(error)[:500]
    except BaseException:
        text = ""
    return {"type": type(error).__name__[:100], "text": text}


def run_script(channel: Channel, source: str) -> None:
    """As ``python program.py``: the program reads stdin and prints."""
    channel.send(ready=True)
    try:
        exec(compile(source, "program.py", "exec"), {"__name__": "__main__", "__builtins__": builtins})
    except SystemExit as leaving:
        code = leaving.code
        if code not in (None, 0):
            channel.send(raised={"type": "SystemExit", "text": str(code)[:500]})
            return
    except BaseException as error:
        channel.send(raised=describe(error))
        return
    sys.stdout.flush()
    channel.send(finished=True)


def serve_calls(channel: Channel, source: str) -> None:
    """Loads the program as a module, tells its functions' names, and calls those that the outside asks for."""
    names: dict[str, Any] = {"__name__": "program", "__builtins__": builtins}
    try:
        exec(compile(source, "program.py", "exec"), names)
    except BaseException as error:
        channel.send(raised=describe(error))
        return
    functions = [name for name, value in names.items() if callable(value) and not name.startswith("__")]
    channel.send(ready=True, functions=functions)
    while True:
        request = channel.receive()
        try:
            function = names[request["call"]]
            if isinstance(function, type) and hasattr(function, request.get("method", "")):
                function = getattr(function(), request["method"])
            arguments = [decode(each) for each in request["args"]]
            keywords = {name: decode(each) for name, each in request["kwargs"].items()}
            answer = {"value": encode(function(*arguments, **keywords))}
        except NotPlainError as error:
            answer = {"opaque": str(error)}
        except BaseException as error:
            answer = {"raised": describe(error)}
        channel.send(**answer)


class OpaqueResult:
    """Stands for a result that is no plain data. Equal to nothing."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


def run_checks(channel: Channel, source: str, entry_point: str | None) -> None:
    """Runs test code here, while the functions it tests are called in another sandbox.

    ``check(candidate)`` is called where the test code defines it and an entry point is given.
    """
    functions = channel.receive()["functions"]

    def proxy(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            coded = {key: encode(value) for key, value in kwargs.items()}
            channel.send(call=name, args=[encode(each) for each in args], kwargs=coded)
            answer = channel.receive()
            if "raised" in answer:
                kind = getattr(builtins, answer["raised"]["type"], RuntimeError)
                known = isinstance(kind, type) and issubclass(kind, Exception)
                raise (kind if known else RuntimeError)(answer["raised"]["text"])
            return OpaqueResult() if "opaque" in answer else decode(answer["value"])

        call.__name__ = name
        return call

    names: dict[str, Any] = {"__name__": "tests", "__builtins__": builtins}
    names.update({name: proxy(name) for name in functions})
    try:
        code = compile(source, "tests.py", "exec")
    except BaseException as error:
        channel.send(broken=describe(error))
        return
    try:
        exec(code, names)
        if entry_point is not None and "check" in names:
            names["check"](names.get(entry_point) or proxy(entry_point))
    except NotPlainError as error:
        channel.send(broken=describe(error))
    except BaseException as error:
        channel.send(raised=describe(error))
    else:
        channel.send(passed=True)


def main() -> None:
    channel = Channel()
    task = channel.receive()
    sys.path[:] = [each for each in sys.path if each] + task["python_path"]
    for name in ("exit", "quit"):  # which the module site would have made
        setattr(builtins, name, sys.exit)
    report_faults(channel)
    if task["role"] == "script":
        run_script(channel, task["source"])
    elif task["role"] == "functions":
        serve_calls(channel, task["source"])
    else:
        run_checks(channel, task["source"], task.get("entry_point"))
    os._exit(0)


if __name__ == "__main__":
    main()
