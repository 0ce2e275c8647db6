"""What is said between a sandboxed program, its tests and the outside.

A program may write anything to its channel. `heard` is where its messages are read: what has not the shape that an
honest program's has is the program's fault.
"""

from __future__ import annotations

import base64
import functools
import marshal
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rewards.sandbox.handles import OPERATIONS
from rewards.sandbox.session import FORGED, Session

_MODULES: dict[str, tuple[str, ...]] = {
    "script": (),
    "functions": ("values", "remote", "handles", "functions"),
    "checks": ("values", "remote", "handles", "checks"),
}
_DEEPEST = 150


class ForgedError(Exception):
    """A program sent a message that no honest program sends."""


def task(role: str, source: str, **more: Any) -> dict[str, Any]:
    """What a sandbox starts with: its role's modules, and the program or the tests."""
    modules = {f"rewards.sandbox.{name}": _compiled(name) for name in _MODULES[role]}
    return {"role": role, "source": source, "python_path": [sysconfig.get_path("purelib")], "modules": modules, **more}


@functools.cache
def _compiled(name: str) -> str:
    text = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    code = compile(text, f"{name}.py", "exec", dont_inherit=True)
    return base64.b64encode(marshal.dumps(code)).decode()


def heard(session: Session) -> dict[str, Any] | None:
    """The program's next message, None where none comes or it is forged; the session's ending says which.

    One of ``raised``, ``finished``, ``functions`` with ``others``, ``value`` (with ``changed``), ``opaque`` and
    ``ask`` with ``args`` and ``kwargs``, of the right types.
    """
    message = session.receive()
    if message is None:
        return None
    try:
        return _checked(message)
    except Exception:
        session.blame(FORGED)
        return None


def cause_of(raised: Mapping[str, str]) -> tuple[str, str]:
    """Cause and detail of a failure, from the exception that the program raised."""
    kind = raised["type"]
    cause = "does not compile" if kind in ("SyntaxError", "IndentationError", "TabError") else f"raised {kind}"
    return cause, raised["text"]


def _checked(message: Mapping[str, Any]) -> dict[str, Any]:
    if "raised" in message:
        return {"raised": _raised(message["raised"])}
    if message == {"finished": True}:
        return dict(message)
    if "functions" in message:
        return {kind: [_text(each) for each in _list(message[kind])] for kind in ("functions", "others")}
    if "opaque" in message:
        return {"opaque": _text(message["opaque"])}
    if "ask" in message:
        if message["ask"] != "call" and message["ask"] not in OPERATIONS:
            raise ForgedError
        kwargs = {_text(key): _coded(each) for key, each in message["kwargs"].items()}
        return {"ask": message["ask"], "args": [_coded(each) for each in _list(message["args"])], "kwargs": kwargs}
    changed = {_text(key): _coded(each) for key, each in message.get("changed", {}).items()}
    if changed and message["value"] is not None:
        raise ForgedError
    return {"value": _coded(message["value"]), "changed": changed}


def _raised(told: Any) -> dict[str, Any]:
    checked: dict[str, Any] = {"type": _text(told["type"]), "text": _text(told["text"])}
    if "family" in told:
        checked |= {"family": _family(told["family"]), "args": _coded(told["args"]), "mine": _coded(told["mine"])}
    return checked


def _family(told: Any, depth: int = 0) -> list[Any]:
    module, name, bases = _list(told)
    if depth > _DEEPEST:
        raise ForgedError
    return [_text(module), _text(name), [_family(each, depth + 1) for each in _list(bases)]]


def _coded(coded: Any, depth: int = 0) -> Any:
    """Looks at the shape only: making sets of hostile numbers takes long, which must not happen outside."""
    if depth > _DEEPEST:
        raise ForgedError
    if isinstance(coded, dict):
        ((kind, content),) = coded.items()
        if kind == "error":
            _family(content)
        elif isinstance(content, list):
            for each in content:
                _coded_part(each, depth + 1)
        elif not isinstance(content, str | int | dict):
            raise ForgedError
        if isinstance(content, dict):
            _coded(content, depth + 1)
    elif isinstance(coded, list | float):
        raise ForgedError
    return coded


def _coded_part(part: Any, depth: int) -> None:
    for each in part if isinstance(part, list) else [part]:  # an entry of a dictionary
        _coded(each, depth)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ForgedError
    return value.encode(errors="replace").decode()


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ForgedError
    return value
