"""math-verify in a process of its own.

math-verify stops long comparisons with SIGALRM, which works only in a main thread, and rewards run in worker threads.
It also cannot be interrupted inside some of sympy's loops. So the comparisons run in a child process that is killed
when it overstays. Run as ``python -m rewards.math_process``: one JSON object in, one out, a line each.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar, TextIO

_START_TIMEOUT_S = 60.0


class MathVerifier:
    """A math-verify child process, started at the first use and again after a comparison that had to be killed."""

    _shared: ClassVar[MathVerifier | None] = None
    _shared_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def shared(cls) -> MathVerifier:
        """The verifier of this process, closed when it exits."""
        with cls._shared_lock:
            if cls._shared is None:
                cls._shared = cls()
                atexit.register(cls._shared.close)
            return cls._shared

    def verify(self, reference: str, response: str, timeout_s: float) -> bool | str:
        """Whether the final answer of ``response`` equals ``reference``; a string is the reason why that cannot be "
        "said."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            reply = self._ask({"reference": reference, "response": response, "timeout_s": timeout_s}, timeout_s + 1.0)
        if reply is None:
            return f"math-verify took longer than {timeout_s:g} s"
        verdict = reply["verdict"]
        return verdict if isinstance(verdict, bool) else str(verdict)

    def close(self) -> None:
        """Ends the child process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None

    def _start(self) -> None:
        self.close()
        # The child must find this package wherever the parent found it, installed or not.
        root = str(Path(__file__).resolve().parent.parent)
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rewards.math_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        reply = self._ask({"reference": "1", "response": "$1$", "timeout_s": 5.0}, _START_TIMEOUT_S)
        if reply is None or reply["verdict"] is not True:
            why = f"did not answer within {_START_TIMEOUT_S:.0f} s" if reply is None else reply["verdict"]
            raise RuntimeError(f"the math-verify process cannot be used ({why}); is math-verify installed?")

    def _ask(self, request: dict[str, Any], wait_s: float) -> dict[str, Any] | None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            if not ready.select(wait_s):
                self.close()
                return None
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            self.close()
            return {"verdict": f"math-verify ended with code {code}"}
        reply: dict[str, Any] = json.loads(line)
        return reply


def compare(reference: str, response: str, timeout_s: float) -> bool | str:
    """Compares with math-verify, in a main thread. A string is the reason why there is no verdict."""
    from math_verify import parse
    from math_verify.errors import TimeoutException

    seconds = max(1, round(timeout_s))
    marked = reference if "$" in reference or "\\boxed" in reference else f"${reference}$"
    try:
        gold = parse(marked, parsing_timeout=seconds, raise_on_error=True)
        if not gold:
            return "math-verify cannot read the reference answer"
        given = parse(response, parsing_timeout=seconds, raise_on_error=True)
        return bool(given) and bool(_equal(gold, given, seconds))
    except TimeoutException:
        return f"math-verify took longer than {timeout_s:g} s"
    except Exception as cause:
        return f"math-verify raised {type(cause).__name__}"


def _equal(gold: list[Any], given: list[Any], seconds: int) -> bool:
    """In math-verify's order: the first is right. An interval may be given as an inequality, 2 < x < 5 for (2, 5)."""
    from math_verify import verify

    return verify(gold, given, timeout_seconds=seconds, raise_on_error=True, allow_set_relation_comp=True)


def _serve(requests: TextIO, replies: TextIO) -> None:
    for line in requests:
        request = json.loads(line)
        replies.write(json.dumps({"verdict": compare(**request)}) + "\n")
        replies.flush()


if __name__ == "__main__":
    _serve(sys.stdin, sys.stdout)
