"""Programs judged by unit tests, in sandboxes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

from rewards.contract import RewardResult
from rewards.extraction import without_thoughts
from rewards.sandbox import Limits, SandboxError, Session
from rewards.sandbox.dialogue import task
from rewards.sandbox.suites import SuiteError, read_suite, run_suite

_FENCED = re.compile(r"^([ \t]*)```[ \t]*(\w*)[^\n]*\n(.*?)^\1```[ \t]*$", re.MULTILINE | re.DOTALL)
_OPEN_FENCE = re.compile(r"^[ \t]*```[^\n]*\n", re.MULTILINE)
_PYTHON = ("", "py", "python", "python3")
_OVERHEAD_S = 10.0
_TRIAL_S = 60.0


class UnitTests:
    """1 where the response's program passes all unit tests of its row, else 0.

    The program is the last fenced block of Python (or of no named language), else the whole response. Its tests are in
    the column ``tests``, or in HumanEval's ``test`` with ``entry_point``; see `rewards.sandbox.suites.read_suite`.
    A program that hangs, crashes, starts processes, opens sockets or prints without end is worth 0, with the cause in
    its notes and counted as ``code/<cause>``. Tests that cannot be run, or check nothing, make the sample invalid.

    ``timeout_s`` is for all tests of a response. ``partial``: the part of the tests that pass instead. ``prepend``
    names a column whose text is put before the program (HumanEval's ``prompt``). ``tolerance`` is how far floats may
    be from the expected ones. ``isolation: best_effort`` runs programs also where the system has no namespaces: they
    can then read files and see processes of the user who trains.
    """

    def __init__(
        self,
        timeout_s: float = 10.0,
        memory_mib: int = 512,
        threads: int = 16,
        partial: bool = False,
        prepend: str | None = None,
        tolerance: float = 1e-6,
        isolation: Literal["required", "best_effort"] = "required",
    ) -> None:
        for name, value, least in (
            ("timeout_s", timeout_s, 0.1),
            ("memory_mib", memory_mib, 64),
            ("threads", threads, 1),
        ):
            if value < least:
                raise ValueError(f"params.{name} is {value}; it must be at least {least}")
        confined = True
        try:
            _try(Limits(timeout_s=_TRIAL_S))
        except SandboxError as cause:
            if isolation == "required":
                raise ValueError(
                    f"programs cannot be isolated here ({cause}); allow namespaces (in containers: the capability "
                    "SYS_ADMIN, or user namespaces), or set params.isolation to best_effort: programs could then read "
                    "files and see processes of this user"
                ) from cause
            confined = False
            try:
                _try(Limits(timeout_s=_TRIAL_S, confined=False))
            except SandboxError as other:
                raise ValueError(
                    f"programs cannot be run here, isolated or not ({other}); as root, the interpreter must be one "
                    "that other users may execute"
                ) from other
        self._limits = Limits(float(timeout_s), memory_mib, threads, confined=confined)
        self._partial, self._prepend, self._tolerance = partial, prepend, tolerance
        self.call_seconds = timeout_s + _OVERHEAD_S

    def column_problem(self, columns: Sequence[str]) -> str | None:
        """What is missing from the data, for an error before the run."""
        if "tests" not in columns and not {"test", "entry_point"} <= set(columns):
            return "needs a column 'tests', or 'test' and 'entry_point'"
        if self._prepend is not None and self._prepend not in columns:
            return f"params.prepend: there is no column '{self._prepend}'"
        return None

    def __call__(
        self, responses: Sequence[str], log_metric: Callable[[str, float], None], **columns: Sequence[Any]
    ) -> list[RewardResult]:
        nothing = [None] * len(responses)
        suites = columns.get("tests") or columns.get("test") or nothing
        entry_points = columns.get("entry_point") or nothing
        before = columns[self._prepend] if self._prepend is not None else nothing
        rows = zip(responses, suites, entry_points, before, strict=True)
        results = [self._judge(*row) for row in rows]
        causes = Counter(result.info["cause"] for result in results if result.info.get("cause"))
        for cause, count in causes.items():
            log_metric(f"code/{cause}", count / len(responses))
        return results

    def _judge(self, response: str, suite: Any, entry_point: str | None, before: str | None) -> RewardResult:
        program = find_program(response)
        if before is not None:
            program = f"{before}\n{program}"
        try:
            tests = read_suite(suite, entry_point)
            verdict = run_suite(program, tests, self._limits, tolerance=self._tolerance, stop_early=not self._partial)
        except SuiteError as cause:
            return RewardResult.unjudged("tests cannot be run", cause)
        except SandboxError as cause:
            return RewardResult.unjudged("no sandbox", cause)
        share = verdict.passed / verdict.tests
        notes = {"cause": verdict.cause, "detail": verdict.detail} if verdict.cause else {}
        return RewardResult(share if self._partial else float(share == 1.0), info=notes)


def find_program(response: str) -> str:
    """The last fenced block of Python or of no named language, else the response itself; thoughts do not count.

    A block that was cut off (no closing fence) is taken where there is no whole one.
    """
    response = without_thoughts(response)
    blocks = [(indent, body) for indent, language, body in _FENCED.findall(response) if language.lower() in _PYTHON]
    if blocks:
        indent, body = blocks[-1]
        return "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
    cut_off = _OPEN_FENCE.search(response)
    return response[cut_off.end() :] if cut_off else response


def _try(limits: Limits) -> None:
    with Session(limits, task("script", "print(1)")) as session:
        while session.receive() is not None:
            pass
        if (ending := session.end(expected=True)).stdout != b"1\n":
            raise SandboxError(f"a program that prints 1 {ending.fault or 'did not'}: {ending.stderr[-300:]!r}")
