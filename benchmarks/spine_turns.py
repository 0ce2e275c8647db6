"""Contenders take turns: each is a process that waits on a pipe until it is asked to work, and answers with figures.

Figures of one side alone mean little on a machine that others use too. Run in turns in one process tree, both sides
meet the same machine, and their ratio stands. Standard library only: TRL's environment imports this too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_PIPES = "LPO_BENCHMARK_PIPES"
# Ray runs its actors at niceness 15 unless told otherwise: beside other work they would starve where the other side of
# a ratio does not.
_EVERY_SIDE = {"PYTHONPATH": str(ROOT), "RAY_worker_niceness": "0"}


class Contender:
    """The parent's end. ``module`` is run as ``python -m module FILE`` with ``setup`` in a JSON file."""

    def __init__(
        self,
        name: str,
        module: str,
        setup: dict[str, Any],
        environment: dict[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        self.name = name
        ask_read, ask_write = os.pipe()
        answer_read, answer_write = os.pipe()
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the contender
        self._setup = tempfile.NamedTemporaryFile("w", suffix=".json")  # noqa: SIM115 - closed with the contender
        json.dump(setup, self._setup)
        self._setup.flush()
        self._process = subprocess.Popen(
            [python, "-m", module, self._setup.name],
            cwd=ROOT,
            env={**os.environ, **_EVERY_SIDE, **(environment or {}), _PIPES: f"{ask_read},{answer_write}"},
            pass_fds=(ask_read, answer_write),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        os.close(ask_read)
        os.close(answer_write)
        self._ask, self._answer = os.fdopen(ask_write, "w"), os.fdopen(answer_read)

    def turn(self, **request: Any) -> dict[str, Any]:
        """Let the contender work and return what it measured, and the ``cpu_seconds`` of all its processes meanwhile.

        Raises:
            RuntimeError: it ended instead of answering; the message has the end of its output.
        """
        before = cpu_seconds_below(self._process.pid)
        try:
            self._ask.write(json.dumps(request) + "\n")
            self._ask.flush()
            line = self._answer.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            self._log.seek(0)
            raise RuntimeError(f"{self.name} ended with code {code} before it answered:\n{self._log.read()[-3000:]}")
        return {**json.loads(line), "cpu_seconds": cpu_seconds_below(self._process.pid) - before}

    def close(self) -> None:
        """No more turns: the contender sees the end of its pipe and finishes. Waits until it is gone."""
        self._ask.close()
        try:
            self._process.wait(120)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answer.close()
        self._log.close()
        self._setup.close()

    def __enter__(self) -> Contender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def cpu_seconds_below(process: int) -> float:
    """CPU time that a process and its living descendants have used so far; it depends less on what else runs."""
    parents, ticks = dict[int, int](), dict[int, int]()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended since it was listed
        pid = int(stat.parent.name)
        parents[pid], ticks[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    members, waiting = set[int](), [process]
    while waiting:
        member = waiting.pop()
        members.add(member)
        waiting += [pid for pid, parent in parents.items() if parent == member]
    return sum(ticks.get(member, 0) for member in members) / os.sysconf("SC_CLK_TCK")


class Turns:
    """The contender's end."""

    def __init__(self) -> None:
        ask, answer = map(int, os.environ.pop(_PIPES).split(","))
        for pipe in (ask, answer):
            # Held by a process that outlives this one, the pipe would never end.
            os.set_inheritable(pipe, False)
        self._ask, self._answer = os.fdopen(ask), os.fdopen(answer, "w")

    def wait(self) -> dict[str, Any] | None:
        """Blocks until it is this contender's turn; None when there are no more turns."""
        line = self._ask.readline()
        return json.loads(line) if line else None

    def answer(self, figures: dict[str, Any]) -> None:
        self._answer.write(json.dumps(figures) + "\n")
        self._answer.flush()

    def serve(self, work: Callable[..., dict[str, Any]]) -> None:
        """Answer every turn with ``work(**request)``."""
        while (request := self.wait()) is not None:
            self.answer(work(**request))


def setup_of_this_process(arguments: Sequence[str]) -> dict[str, Any]:
    """What ``Contender`` was given as ``setup``."""
    return json.loads(Path(arguments[1]).read_text())
