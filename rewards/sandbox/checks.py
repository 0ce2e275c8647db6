"""Inside a sandbox of its own: test code, which calls the program in another sandbox."""

from __future__ import annotations

import builtins
import inspect
import sys

from rewards.sandbox.handles import ForeignFault, Peer
from rewards.sandbox.inside import describe
from rewards.sandbox.remote import Remote, UnsupportedError, as_subject
from rewards.sandbox.values import NotPlainError, TooDeepError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_FILE = "tests.py"


class BrokenTestsError(BaseException):
    """Tests that cannot be called."""


def run(channel: Any, task: dict[str, Any]) -> None:
    """Runs the test code, then ``check(candidate)`` if there is an entry point, then what pytest would run.

    ``names``: what the test code gets of the program; ``subjects``: classes among them that it tests; ``libraries``:
    what it uses without importing it. Tells whether it passed, or failed and where, and how often it asked the program.
    """
    peer = Peer(channel, trusting=False)
    told: dict[str, Any] = {}
    names: dict[str, Any] = {"__name__": "tests", "__builtins__": builtins}
    try:
        names.update({name: __import__(module) for name, module in task["libraries"].items()})
        for name in task["names"]:
            names[name] = peer.ask("named", name)
            if name in task["subjects"]:
                names[name] = as_subject(names[name])
            peer.asked += not isinstance(names[name], Remote)  # which is all that will be asked of it
        module = sys.modules["tests"] = type(sys)("tests")
        module.__dict__.update(names)
        exec(compile(task["source"], _FILE, "exec", dont_inherit=True), module.__dict__)
        _call_tests(module.__dict__, peer, task["entry_point"])
    except (NotPlainError, UnsupportedError, BrokenTestsError) as error:
        told = {"failed": _failure(error)} if isinstance(error, TooDeepError) else {"broken": describe(error)}
    except ForeignFault:
        pass
    except BaseException as error:
        told = {"failed": _failure(error)}
    channel.send(done=told, asked=peer.asked, foul=peer.foul)


def _call_tests(names: dict[str, Any], peer: Peer, entry_point: str | None) -> None:
    if entry_point is not None and "check" in names:
        name, _, method = entry_point.partition(".")
        candidate = peer.ask("named", name)
        candidate = getattr(candidate(), method) if method else candidate
        peer.asked = not isinstance(candidate, Remote)
        names["check"](candidate)
    for name, value in list(names.items()):
        if inspect.isfunction(value) and name.startswith("test_"):
            _call(value)
        elif isinstance(value, type) and value.__module__ == "tests":
            case = "unittest" in sys.modules and issubclass(value, sys.modules["unittest"].TestCase)
            if case or name.startswith("Test"):
                _call_methods(value, case)


def _call_methods(kind: Any, case: bool) -> None:
    names = [name for name in dir(kind) if name.startswith("test") and callable(getattr(kind, name))]
    if case:
        kind.setUpClass()
        for name in names:
            kind(name).debug()
        return
    for name in names:
        instance = kind()
        for before in ("setup_method", "setup"):
            if hasattr(instance, before):
                getattr(instance, before)()
        _call(getattr(instance, name))


def _call(test: Any) -> None:
    """A test that takes no arguments, or those of ``pytest.mark.parametrize``."""
    calls: list[dict[str, Any]] = [{}]
    for mark in getattr(test, "pytestmark", []):
        if mark.name in ("skip", "skipif", "xfail"):
            return
        if mark.name == "parametrize":
            wanted, rows = mark.args[:2]
            names = [each.strip() for each in wanted.split(",")] if isinstance(wanted, str) else list(wanted)
            rows = [_row(each, len(names)) for each in rows]
            calls = [{**call, **dict(zip(names, row, strict=True))} for call in calls for row in rows]
    needed = [each for each in inspect.signature(test).parameters.values() if each.default is each.empty]
    for call in calls:
        if missing := [each.name for each in needed if each.kind in (0, 1, 3) and each.name not in call]:
            raise BrokenTestsError(f"{test.__name__} takes {', '.join(missing)}, which nobody gives it")
        result = test(**call)
        if inspect.iscoroutine(result):
            import asyncio

            asyncio.run(result)


def _row(row: Any, length: int) -> Any:
    if type(row).__name__ == "ParameterSet":  # pytest.param
        return row.values
    return row if length > 1 else (row,)


def _failure(error: BaseException) -> dict[str, Any]:
    """What was raised, whether in a call of the program, and where in the test code, outermost place first."""
    places, inside, trace = [], False, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FILE:
            places.append(_place(trace))
        inside = inside or trace.tb_frame.f_code is Peer.ask.__code__
        trace = trace.tb_next
    wrong = isinstance(error, AssertionError) or type(error).__name__ == "Failed"  # pytest.fail
    name = getattr(error, "name", None) if isinstance(error, NameError) else None
    return {**describe(error), "wrong": wrong, "inside": inside, "name": name, "places": places}


def _place(trace: TracebackType) -> list[int | None]:
    positions = list(trace.tb_frame.f_code.co_positions())
    return list(positions[trace.tb_lasti // 2])
