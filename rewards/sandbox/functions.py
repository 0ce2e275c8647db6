"""Inside a sandbox: a program that is loaded as a module, and whose functions are called from outside."""

from __future__ import annotations

import builtins
import sys

from rewards.sandbox.handles import Peer
from rewards.sandbox.inside import describe
from rewards.sandbox.values import NotPlainError, decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(channel: Any, task: dict[str, Any]) -> None:
    """Loads the program, tells its names, and answers what is asked."""
    module = sys.modules["program"] = type(sys)("program")  # where dataclasses look for their annotations
    names = module.__dict__
    names["__builtins__"] = builtins
    try:
        exec(compile(task["source"], "program.py", "exec", dont_inherit=True), names)
    except BaseException as error:
        channel.send(raised=describe(error))
        return
    peer = Peer(channel, trusting=True)
    peer.names = names
    own = {name: value for name, value in names.items() if not name.startswith("__")}
    functions = [name for name, value in own.items() if callable(value)]
    channel.send(functions=functions, others=[name for name in own if name not in functions])
    while True:
        request = channel.receive()
        if "ask" in request:
            peer.answer(request)
        else:
            channel.send(**_called(names, request))


def _called(names: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Of a call whose result is compared as plain data."""
    try:
        function = names[request["call"]]
        if isinstance(function, type) and hasattr(function, request.get("method", "")):
            function = getattr(function(), request["method"])
        arguments = [decode(each) for each in request["args"]]
        keywords = {name: decode(each) for name, each in request["kwargs"].items()}
        return {"value": encode(function(*arguments, **keywords))}
    except NotPlainError as error:
        return {"opaque": str(error)}
    except BaseException as error:
        return {"raised": describe(error)}
