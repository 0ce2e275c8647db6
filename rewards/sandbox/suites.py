"""Unit tests of a program: how they are written, and how they are run without the program seeing what is right.

The program runs in a sandbox and is given inputs only. What it answers is compared outside; test code (``assert
f(1) == 2``) runs in a second sandbox, from where its calls are handed to the first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rewards.sandbox.compare import same_text, same_value
from rewards.sandbox.dialogue import cause_of, heard, task
from rewards.sandbox.limits import Limits
from rewards.sandbox.session import FORGED, Ending, Session, too_long
from rewards.sandbox.testcode import Code
from rewards.sandbox.values import NotPlainError, decode, encode

Outcome = tuple[str, str]
"""Why a test failed and more about it, "" where it passed."""
PASSED = ("", "")
_LARGEST_CHECKS = 64 << 20
"""Bytes that test code may send and print: arguments of all its calls, and what programs return."""


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
    if entry_point is not None:
        if not isinstance(entry_point, str):
            raise SuiteError(f"an entry point is a name; this is {_short(entry_point)}")
        entry_point = entry_point.replace("().", ".")
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
    codes = {position: _read_code(test) for position, test in enumerate(tests) if isinstance(test, CodeTest)}
    clock = _Clock(limits)
    calls = [test for test in tests if isinstance(test, CallTest)]
    outcomes: list[Outcome] = []
    for position, test in enumerate(tests):
        if stop_early and any(why for why, _ in outcomes):
            break
        if isinstance(test, StdinTest):
            outcomes.append(_run_stdin(program, test, clock, tolerance))
        elif isinstance(test, CodeTest):
            outcomes.append(_run_code(program, test, codes[position], clock))
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


def _run_stdin(program: str, test: StdinTest, clock: _Clock, tolerance: float) -> Outcome:
    try:
        given_in = test.stdin.encode()
    except UnicodeEncodeError as cause:
        raise SuiteError(f"input is no text: {cause}") from None
    with Session(clock.limits(), task("script", program), given_in) as session:
        message = heard(session)
        ending = session.end(expected=True)
    if message is not None and "raised" in message:
        return cause_of(message["raised"])
    if ending.fault:
        return _ended(ending, clock)
    given = ending.stdout.decode(errors="replace")
    if same_text(given, test.stdout, tolerance):
        return PASSED
    return "wrong output", f"printed {given[:200]!r}"


def _run_calls(
    program: str, tests: Sequence[CallTest], clock: _Clock, tolerance: float, stop_early: bool
) -> list[Outcome]:
    try:
        requests = [_request(test) for test in tests]
    except NotPlainError as cause:
        raise SuiteError(f"arguments and results of calls are plain data; here is {cause}") from None
    outcomes: list[Outcome] = []
    with Session(clock.limits(), task("functions", program)) as session:
        functions, _, trouble = _loaded(session, clock)
        for test, request in zip(tests, requests, strict=True):
            why = trouble or _run_call(session, functions, test, request, tolerance, clock)
            outcomes.append(why)
            if why[0] and (stop_early or trouble):
                break
    return outcomes


def _request(test: CallTest) -> dict[str, Any]:
    keywords = {key: encode(value) for key, value in test.kwargs.items()}
    return {"args": [encode(each) for each in test.args], "kwargs": keywords, "expected": encode(test.expected)}


def _nodes(coded: Any) -> int:
    inner = coded.values() if isinstance(coded, dict) else coded if isinstance(coded, list) else ()
    return 1 + sum(map(_nodes, inner))


def _loaded(session: Session, clock: _Clock) -> tuple[list[str], list[str], Outcome | None]:
    """Names of the program's functions, and its other names; or why there are none."""
    message = heard(session)
    if message is None:
        return [], [], _ended(session.end(), clock)
    if "raised" in message:
        return [], [], cause_of(message["raised"])
    if "functions" not in message:
        return [], [], (FORGED, "")
    return message["functions"], message["others"], None


def _run_call(
    session: Session,
    functions: Sequence[str],
    test: CallTest,
    request: dict[str, Any],
    tolerance: float,
    clock: _Clock,
) -> Outcome:
    own = [name for name in functions if not name.startswith("_")]
    asked = test.function or (own[-1] if own else "")
    name, _, method = asked.partition(".")
    if name not in functions:
        return "has no such function", asked
    session.send(call=name, args=request["args"], kwargs=request["kwargs"], **({"method": method} if method else {}))
    answer = heard(session)
    if answer is None:
        return _ended(session.end(), clock)
    if "raised" in answer:
        return cause_of(answer["raised"])
    if "opaque" in answer:
        return "wrong result", f"returned {answer['opaque'][:200]}"
    if "value" not in answer:
        return FORGED, ""
    try:
        if _nodes(answer["value"]) > 10 * _nodes(request["expected"]) + 1000:  # which may take long to compare
            return "wrong result", "returned much more than was expected"
        value = decode(answer["value"])
        same = same_value(value, decode(request["expected"]), tolerance)
        return PASSED if same else ("wrong result", f"returned {value!r:.200}")
    except (ArithmeticError, ValueError, TypeError, RecursionError):  # a signalling Decimal, a number too long to print
        return "wrong result", "returned what cannot be compared"


def _read_code(test: CodeTest) -> Code:
    try:
        code = Code(test.source, test.entry_point)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as cause:
        raise SuiteError(f"test code cannot be run: {type(cause).__name__}: {cause}") from None
    if not code.wanted and not code.takes_candidate:
        raise SuiteError("test code checks nothing: it neither uses names of the program nor defines check(candidate)")
    return code


def _run_code(program: str, test: CodeTest, code: Code, clock: _Clock) -> Outcome:
    with Session(clock.limits(), task("functions", program)) as session:
        functions, others, trouble = _loaded(session, clock)
        if trouble:
            return trouble
        needed = code.replaced | ({test.entry_point.partition(".")[0]} if test.entry_point else set())
        if missing := sorted(needed - {*functions}):
            return "has no such function", missing[0]
        names = sorted(code.wanted & {*functions, *others})
        more = {"names": names, "subjects": sorted(code.subjects), "libraries": code.libraries}
        with Session(
            clock.limits(), task("checks", test.source, entry_point=test.entry_point, **more), largest=_LARGEST_CHECKS
        ) as checks:
            asked = False
            while (message := checks.receive()) is not None and "done" not in message:
                asked = asked or message.get("ask") != "named"
                session.send(**message)
                answer = heard(session)
                if answer is None:
                    return _ended(session.end(), clock)
                checks.send(**answer)
            if message is not None:
                return _outcome(message, code)
            ending = checks.end()
    if not asked:
        raise SuiteError(f"test code {ending.fault or 'ended early'} before it called the program")
    return _ended(ending, clock)


def _outcome(message: dict[str, Any], code: Code) -> Outcome:
    told, asked = message["done"], message["asked"]
    if message["foul"]:
        return FORGED, ""
    if "broken" in told:
        raise SuiteError("test code cannot be run: {type}: {text}".format(**told["broken"]))
    failed = told.get("failed")
    if failed is None:
        if not asked:
            raise SuiteError("test code checks nothing: it never called the program")
        return PASSED
    fault = code.fault(failed)
    if fault == "absent":
        return "has no such function", failed["name"]
    if fault == "tests" or not (asked or failed["inside"]):
        raise SuiteError("test code raised {type}: {text}".format(**failed))
    return ("wrong result", failed["text"]) if failed["wrong"] else cause_of(failed)


def _ended(ending: Ending, clock: _Clock) -> Outcome:
    return clock.fault(ending.fault) or "ended early", ending.stderr[-500:].decode(errors="replace")
