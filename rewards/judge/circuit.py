"""Leaves a judge alone that is down, so that it costs one time-out and not a thousand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from rewards.judge.faults import JudgeFault

LONGEST_REST_S = 120.0


class Circuit:
    """Closed: everything may be asked. After ``failures`` questions in a row without an answer it opens: nothing is
    asked for ``rest_s``. Then one question goes ahead and the others wait for what becomes of it: an answer closes the
    circuit, a failure opens it for twice as long.

    Belongs to one event loop.
    """

    def __init__(self, rest_s: float, failures: int = 4, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._shortest, self._limit, self._clock = rest_s, failures, clock
        self._rest, self._failures, self._until = rest_s, 0, 0.0
        self._probe: asyncio.Event | None = None
        self.open = False
        self.said = ""
        """Why it opened."""

    async def admit(self) -> bool:
        """Waits for leave to ask. Returns whether this is the question that goes ahead: it must be tried once, and end
        in `succeeded`, `failed` or `undecided`.

        Raises JudgeFault (``judge_down``) while the judge is left alone.
        """
        while self.open:
            left = self._until - self._clock()
            if left > 0:
                raise JudgeFault("judge_down", f"not asked: {self.said}; it is tried again in {left:.0f} s")
            if self._probe is None:
                self._probe = asyncio.Event()
                return True
            await self._probe.wait()
        return False

    def succeeded(self) -> None:
        self.open, self._failures, self._rest = False, 0, self._shortest
        self._decided()

    def failed(self, said: str) -> None:
        """A question had no answer; ``said`` is why."""
        self._failures += 1
        if self._failures < self._limit and not self.open:
            return
        if not self.open or self._probe is not None:
            self._until = self._clock() + self._rest
            self._rest = min(2 * self._rest, LONGEST_REST_S)
        self.open, self.said = True, said
        self._decided()

    def undecided(self) -> None:
        """The question that went ahead was given up; the next one goes in its place."""
        self._decided()

    def _decided(self) -> None:
        if self._probe is not None:
            self._probe.set()
            self._probe = None
