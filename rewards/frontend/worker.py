"""A process with a browser in it that judges one page after the other: ``python -m rewards.frontend.worker``.

A process and not a thread, because a fifth of the work is done in Python, and because it can be ended if it overstays.
Jobs and results are pickles with their length before them, over pipes that only the parent has.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from rewards.contract import RewardResult
from rewards.frontend.checks import Checks

LONGEST_S = 55.0
"""Seconds after which a worker that says nothing is ended. Its limits for pages are far below."""


@dataclass(frozen=True)
class Job:
    """One response to be judged, and how."""

    response: str
    checks: Checks | None = None
    seed: int | str = 0
    terms: dict[str, float] = field(default_factory=dict)
    pictures: bool = False
    """Also give the pictures of a page that renders, as ``info["pictures"]``: PNG by width."""


class Worker:
    """The parent's end of a worker process. Not for use by several threads."""

    def __init__(self, isolation: str = "namespace") -> None:
        self._isolation = isolation
        self._process: subprocess.Popen[bytes] | None = None

    def judge(self, job: Job) -> RewardResult:
        """Never raises for what goes wrong there: the result is then invalid and says why."""
        try:
            if self._process is None or self._process.poll() is not None:
                self._start()
            assert self._process is not None
            assert self._process.stdin is not None
            _send(self._process.stdin, job)
            result = self._receive()
        except (OSError, EOFError, pickle.UnpicklingError) as cause:
            self.close()
            return RewardResult.unjudged(f"the browser's process ended ({type(cause).__name__})")
        if result is None:
            self.close()
            return RewardResult.unjudged(f"the browser's process said nothing for {LONGEST_S:.0f} s")
        return result

    def close(self) -> None:
        """Ends the process; its browser ends with the pipe between them."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()

    def _start(self) -> None:
        self.close()
        # The child must find this package wherever the parent found it, installed or not.
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rewards.frontend.worker", self._isolation],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )

    def _receive(self) -> RewardResult | None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        data, wanted, give_up = b"", 8, time.monotonic() + LONGEST_S
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            while len(data) < wanted:
                if not ready.select(max(0.0, give_up - time.monotonic())):
                    return None
                read = os.read(process.stdout.fileno(), 1 << 16)
                if not read:
                    raise EOFError
                data += read
                if len(data) >= 8 and wanted == 8:
                    wanted = 8 + struct.unpack(">Q", data[:8])[0]
        result: RewardResult = pickle.loads(data[8:])
        return result


def _send(stream: IO[bytes], thing: Any) -> None:
    data = pickle.dumps(thing)
    stream.write(struct.pack(">Q", len(data)) + data)
    stream.flush()


def serve(jobs: IO[bytes], results: IO[bytes], isolation: str) -> None:
    """Judges until ``jobs`` ends."""
    from rewards.frontend.browser import Browser

    with Browser(isolation) as browser:  # type: ignore[arg-type]
        while len(header := jobs.read(8)) == 8:
            job: Job = pickle.loads(jobs.read(struct.unpack(">Q", header)[0]))
            _send(results, _judged(browser, job))


def _judged(browser: Any, job: Job) -> RewardResult:
    from rewards.frontend.judgement import Terms, assess
    from rewards.frontend.launch import NoBrowserError
    from rewards.frontend.patience import BrowserError

    try:
        terms = Terms.of(job.terms)
        judged = assess(browser, job.response, job.checks, seed=job.seed, terms=terms)
        result = judged.result()
        if job.pictures and judged.capture is not None and judged.components["content"] > 0:
            result.info["pictures"] = {view.width: view.png for view in judged.capture.views}
        return result
    except BrowserError as cause:
        browser.close()
        return RewardResult.unjudged(f"browser: {cause}")
    except NoBrowserError as cause:
        return RewardResult.unjudged(str(cause))
    except Exception as cause:
        # A fault of ours must not cost the response anything, and must be seen: it is counted under its name.
        browser.close()
        return RewardResult.unjudged(f"{type(cause).__name__} while judging", cause)


if __name__ == "__main__":
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):  # the parent is gone, and nobody wants the result
        serve(sys.stdin.buffer, output, sys.argv[1])
