"""SIGINT and SIGTERM: a run that trains finishes its step and saves; one that has nothing to save ends at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType


class Interrupted(Exception):  # noqa: N818 - not a fault
    """The run was asked to stop; its state has been saved."""


class StopSignal:
    """While the context is open, the first signal is noted in ``name``.

    Outside a step (``training`` false), and at the second signal, KeyboardInterrupt is raised in the main thread.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self.name: str | None = None
        self.training = False
        self._note = note

    def __enter__(self) -> StopSignal:
        self._before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        again, self.name = self.name is not None, signal.Signals(number).name
        if again or not self.training:
            raise KeyboardInterrupt(self.name)
        self._note(f"{self.name}: finishing this step and saving; once more to stop at once")
