"""How a batch is dealt to workers that take what is left, and what becomes of shares that fail."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rewards.batch import Outcome

GIVE_UP_AFTER = 6
"""Lost workers, while no call succeeds, before the rest of a batch is given up: a reward that always hangs."""


@dataclass(frozen=True)
class Share:
    """Neighbouring units, each (start, stop) in the batch."""

    units: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        return self.units[0][0]

    @property
    def stop(self) -> int:
        return self.units[-1][1]


class Shares:
    """What is left of a batch, and what has been said of the rest. Threads take from it.

    A share of several units whose call fails is dealt again, one unit at a time, before anything new.
    """

    def __init__(self, units: Sequence[tuple[int, int]], size: Callable[[int], int]) -> None:
        self._fresh = deque(units)
        self._again: deque[tuple[int, int]] = deque()
        self._size = size
        self._out = 0
        self._outcomes: dict[int, Outcome] = {}
        self._losses = 0
        self._successes = 0
        self._changed = threading.Condition()

    @property
    def left(self) -> int:
        return len(self._fresh) + len(self._again)

    def take(self) -> Share | None:
        """The next share, or None when all is done. Waits while others may yet fail and leave work."""
        with self._changed:
            while True:
                if self._again:
                    self._out += 1
                    return Share((self._again.popleft(),))
                if self._fresh:
                    self._out += 1
                    count = min(len(self._fresh), self._size(len(self._fresh)))
                    return Share(tuple(self._fresh.popleft() for _ in range(count)))
                if not self._out:
                    return None
                self._changed.wait()

    def done(self, share: Share, outcomes: Sequence[Outcome]) -> None:
        """Takes note of one outcome for the share, or one for each of its units."""
        with self._changed:
            self._back()
            if len(outcomes) == 1 and outcomes[0].failed and len(share.units) > 1:
                self._again.extend(share.units)
                return
            self._successes += sum(not outcome.failed for outcome in outcomes)
            starts = [share.start] if len(outcomes) == 1 else [start for start, _ in share.units]
            self._outcomes.update(zip(starts, outcomes, strict=True))

    def lost(self, share: Share, cause: str, printed: str) -> None:
        """The share's worker was lost, for a ``cause``."""
        with self._changed:
            self._back()
            self._losses += 1
            if len(share.units) > 1:
                self._again.extend(share.units)
            else:
                self._fail(share.units[0], cause, printed)
            if self._losses >= GIVE_UP_AFTER and not self._successes:
                for unit in (*self._again, *self._fresh):
                    self._fail(unit, cause)
                self._again.clear()
                self._fresh.clear()

    def abandon(self) -> None:
        """Nothing more is dealt: a thread failed, and its share will not come back."""
        with self._changed:
            self._fresh.clear()
            self._again.clear()
            self._back()

    def outcome(self) -> Outcome:
        """That of the whole batch, once ``take`` has returned None."""
        return Outcome.merged([self._outcomes[start] for start in sorted(self._outcomes)])

    def _back(self) -> None:
        self._out -= 1
        self._changed.notify_all()

    def _fail(self, unit: tuple[int, int], cause: str, printed: str = "") -> None:
        start, stop = unit
        text = f"the reward's process {cause}; it had printed:\n{printed}" if printed else ""
        self._outcomes[start] = Outcome.failure(cause, stop - start, text, printed)
