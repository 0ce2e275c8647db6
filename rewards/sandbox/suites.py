"""Unit tests of a program: how they are written, and how they are run without the program seeing what is right.

The program runs in a sandbox and is given inputs only. What it answers is compared outside; test code (``assert
f(1) == 2``) runs in a second sandbox, from where its calls are handed to the first.
"""

from __future__ import annotations

import json
import math
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rewards.sandbox.inside import decode, encode
from rewards.sandbox.limits import Limits
from rewards.sandbox.session import Session, too_long


class SuiteError(ValueError):
    """Tests that cannot be run, whatever the program: the data's fault."""


@dataclass(frozen=True)
class StdinTest:
    """The program reads ``stdin`` and prints ``stdout``."""

    stdin: str
    stdout: str


@dataclass(frozen=True)
class CallTest:
    """``function(*args, **kwargs)`` returns ``expected``. The function may be ``Class.method``; None: the only one."""

    function: str | None
    args: Sequence[Any]
    expected: Any
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CodeTest:
    """Python that raises where the program is wrong; with an entry point, ``check(candidate)`` of it is called."""

    source: str
    entry_point: str | None = None


Test = StdinTest | CallTest | CodeTest


@dataclass(frozen=True)
class Verdict:
    """Tests passed, of how many, and why the first one failed ("" where none did)."""

    passed: int
    tests: int
    cause: str = ""
    detail: str = ""


def read_suite(tests: Any, entry_point: str | None = None) -> list[Test]:
    """Tests as data sets have them; text may be JSON.

    - a list of ``{"input", "output"}``: stdin and stdout (lists of lines are joined);
    - a list of ``{"args", "expected"}``, with ``kwargs`` and ``function`` if need be: calls;
    - ``{"inputs": [...], "outputs": [...]}``, with ``fn_name`` for calls;
    - Python with ``check(candidate)`` and an entry point (HumanEval), or a list of ``assert`` lines (MBPP).

    Raises SuiteError for anything else, and where there is no test.
    """
    if isinstance(tests, str):
        try:
            tests = json.loads(tests)
        except ValueError:
            return [CodeTest(tests, entry_point)]
    if isinstance(tests, Mapping):
        tests = _paired(tests)
    if not isinstance(tests, Sequence) or isinstance(tests, str) or not tests:
        raise SuiteError(f"tests are a list of at least one test, or Python; this is {_short(tests)}")
    return [_read(test, entry_point) for test in tests]


def _paired(tests: Mapping[str, Any]) -> list[dict[str, Any]]:
    inputs, outputs = tests.get("inputs"), tests.get("outputs")
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
        raise SuiteError(f"a mapping of tests has inputs and outputs, lists of one length; this is {_short(tests)}")
    if name := tests.get("fn_name"):
        return [{"function": name, "args": i, "expected": o} for i, o in zip(inputs, outputs, strict=True)]
    return [{"input": i, "output": o} for i, o in zip(inputs, outputs, strict=True)]


def _read(test: Any, entry_point: str | None) -> Test:
    if isinstance(test, str):
        return CodeTest(test, entry_point)
    if isinstance(test, Mapping) and {"input", "output"} <= test.keys():
        return StdinTest(_lines(test["input"]), _lines(test["output"]))
    if isinstance(test, Mapping) and {"args", "expected"} <= test.keys() and isinstance(test["args"], list | tuple):
        return CallTest(test.get("function") or entry_point, test["args"], test["expected"], test.get("kwargs") or {})
    raise SuiteError(
        f"a test has input and output, or args (a list) and expected, or is Python; this is {_short(test)}"
    )


def _lines(text: Any) -> str:
    return "\n".join(map(str, text)) if isinstance(text, list | tuple) else str(text)


def _short(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.80}"


def run_suite(
    program: str, tests: Sequence[Test], limits: Limits, *, tolerance: float = 1e-6, stop_early: bool = True
) -> Verdict:
    """Runs ``program`` against the tests, all within ``limits``; with ``stop_early`` until the first that fails.

    Floats may differ by ``tolerance``, relative or absolute. Raises SuiteError where test code is broken, SandboxError
    where no sandbox can be had.
    """
    clock = _Clock(limits)
    calls = [test for test in tests if isinstance(test, CallTest)]
    outcomes: list[tuple[str, str]] = []
    for test in tests:
        if stop_early and any(why for why, _ in outcomes):
            break
        if isinstance(test, StdinTest):
            outcomes.append(_run_stdin(program, test, clock, tolerance))
        elif isinstance(test, CodeTest):
            outcomes.append(_run_code(program, test, clock))
    if calls and not (stop_early and any(why for why, _ in outcomes)):
        outcomes += _run_calls(program, calls, clock, tolerance, stop_early)
    passed = sum(not why for why, _ in outcomes)
    cause, detail = next(((why, more) for why, more in outcomes if why), ("", ""))
    return Verdict(passed, len(tests), cause, detail)


class _Clock:
    """Gives each program what is left of the time for all."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._end = limits, time.monotonic() + limits.timeout_s

    def limits(self) -> Limits:
        return replace(self._limits, timeout_s=max(0.05, self._end - time.monotonic()))

    def fault(self, fault: str) -> str:
        """Time is short because others took it: the limit that was exceeded is that of all tests."""
        return too_long(self._limits) if fault.startswith("took longer") else fault


def _task(role: str, source: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "source": source, "python_path": [sysconfig.get_path("purelib")], **more}


def _raised(message: Mapping[str, Any]) -> tuple[str, str]:
    kind, text = str(message["raised"].get("type")), str(message["raised"].get("text"))
    return ("does not compile" if kind in ("SyntaxError", "IndentationError", "TabError") else f"raised {kind}"), text


def _run_stdin(program: str, test: StdinTest, clock: _Clock, tolerance: float) -> tuple[str, str]:
    with Session(clock.limits(), _task("script", program), test.stdin.encode()) as session:
        raised = None
        while (message := session.receive()) is not None:
            if "raised" in message:
                raised = _raised(message)
                break
            if "finished" in message:
                break
        ending = session.end(expected=True)
    if ending.fault and not raised:
        return clock.fault(ending.fault), ending.stderr[-500:].decode(errors="replace")
    if raised:
        return raised
    given = ending.stdout.decode(errors="replace")
    if same_text(given, test.stdout, tolerance):
        return "", ""
    return "wrong output", f"printed {given[:200]!r}"


def _run_calls(
    program: str, tests: Sequence[CallTest], clock: _Clock, tolerance: float, stop_early: bool
) -> list[tuple[str, str]]:
    outcomes: list[tuple[str, str]] = []
    with Session(clock.limits(), _task("functions", program)) as session:
        functions, trouble = _loaded(session, clock)
        for test in tests:
            why = trouble or _run_call(session, functions, test, tolerance, clock)
            outcomes.append(why)
            if why[0] and (stop_early or trouble):
                break
    return outcomes


def _loaded(session: Session, clock: _Clock) -> tuple[list[str], tuple[str, str] | None]:
    message = session.receive()
    if message is None:
        ending = session.end()
        return [], (clock.fault(ending.fault) or "ended early", ending.stderr[-500:].decode(errors="replace"))
    if "raised" in message:
        return [], _raised(message)
    return [str(name) for name in message.get("functions", [])], None


def _run_call(
    session: Session, functions: Sequence[str], test: CallTest, tolerance: float, clock: _Clock
) -> tuple[str, str]:
    own = [name for name in functions if not name.startswith("_")]
    asked = test.function or (own[-1] if own else "")
    name, _, method = asked.partition(".")
    if name not in functions:
        return "has no such function", asked
    request: dict[str, Any] = {"call": name, "args": [encode(each) for each in test.args]}
    request["kwargs"] = {key: encode(value) for key, value in test.kwargs.items()}
    session.send(**request, **({"method": method} if method else {}))
    answer = session.receive()
    if answer is None:
        ending = session.end()
        return clock.fault(ending.fault) or "ended early", ending.stderr[-500:].decode(errors="replace")
    if "raised" in answer:
        return _raised(answer)
    if "value" not in answer:
        return "wrong result", f"returned {answer.get('opaque')}"
    try:
        value = decode(answer["value"])
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return "wrong result", "returned no value"
    return ("", "") if same_value(value, test.expected, tolerance) else ("wrong result", f"returned {value!r:.200}")


def _run_code(program: str, test: CodeTest, clock: _Clock) -> tuple[str, str]:
    with Session(clock.limits(), _task("functions", program)) as session:
        functions, trouble = _loaded(session, clock)
        if trouble:
            return trouble
        if test.entry_point is not None and test.entry_point not in functions:
            return "has no such function", test.entry_point
        with Session(clock.limits(), _task("checks", test.source, entry_point=test.entry_point)) as checks:
            checks.send(functions=functions)
            while (message := checks.receive()) is not None:
                if "call" in message:
                    session.send(call=message["call"], args=message["args"], kwargs=message["kwargs"])
                    answer = session.receive()
                    if answer is None:
                        ending = session.end()
                        detail = ending.stderr[-500:].decode(errors="replace")
                        return clock.fault(ending.fault) or "ended early", detail
                    checks.send(**answer)
                elif "broken" in message:
                    raise SuiteError("test code cannot be run: {type}: {text}".format(**message["broken"]))
                elif "passed" in message:
                    return "", ""
                elif "raised" in message:
                    kind, text = _raised(message)
                    return ("wrong result" if kind == "raised AssertionError" else kind), text
            ending = checks.end()
    return clock.fault(ending.fault) or "ended early", ending.stderr[-500:].decode(errors="replace")


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
    """Whether two plain values agree; lists and tuples are alike (JSON has no tuples), and so are keys 1 and "1"."""
    if isinstance(expected, list | tuple):
        return (
            isinstance(given, list | tuple)
            and len(given) == len(expected)
            and all(same_value(a, b, tolerance) for a, b in zip(given, expected, strict=True))
        )
    if isinstance(expected, Mapping):
        if not isinstance(given, Mapping):
            return False
        ours, theirs = ({str(key): value for key, value in each.items()} for each in (given, expected))
        return ours.keys() == theirs.keys() and all(same_value(ours[key], theirs[key], tolerance) for key in theirs)
    if isinstance(given, set | frozenset) and isinstance(expected, set | frozenset):
        return given == expected
    if isinstance(expected, float) and isinstance(given, int | float) and not isinstance(given, bool):
        return math.isclose(given, expected, rel_tol=tolerance, abs_tol=tolerance) or given == expected
    return type(given) is type(expected) and bool(given == expected)
