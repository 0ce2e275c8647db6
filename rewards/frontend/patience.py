"""How long a page may take, and whose fault it is when no answer comes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from rewards.frontend.devtools import BrowserGoneError, UnansweredError
from rewards.frontend.launch import MEMORY_LIMIT, Process, starving

_FREE_S = 2.0
_IDLE_S = 1.0


class PageError(Exception):
    """The page made it impossible to go on: it computes without end, or takes too much memory."""


class BrowserError(Exception):
    """The browser or the machine failed, not the page: what was asked cannot be judged."""


@dataclass(frozen=True)
class Limits:
    """What one page may take."""

    wall_s: float = 4.0
    """Seconds until it has loaded and been captured, or until a check is done. On a busy machine it
    gets longer, until it had two seconds of a free one."""
    cpu_s: float = 3.5
    """Processor seconds in the same span."""
    hard_s: float = 40.0
    """Seconds after which a starving machine's page is given up as not judged."""


class Patience:
    """The limits of one page, counted in the browser's process."""

    def __init__(self, process: Process, limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._starving = False
        self.fault = ""
        """What the page did to its process."""
        self.begin()

    def begin(self) -> None:
        """Starts the page's time anew."""
        self._began = time.monotonic()
        self._cpu_before = self._process.cpu_s()

    def until(self, reached: Callable[[], bool]) -> None:
        """Waits; after the limit for as long as the machine is busy, until the page had `_FREE_S` of a free one.

        Raises UnansweredError, of which `blame` says whose fault it is.
        """
        pipe = self._process.pipe
        with contextlib.suppress(UnansweredError):
            pipe.until(reached, self._began + self._limits.wall_s)
            return
        free = 0.0
        while free < _FREE_S and time.monotonic() < self._began + self._limits.hard_s:
            began, before = time.monotonic(), self._process.threads()
            with contextlib.suppress(UnansweredError):
                pipe.until(reached, began + _FREE_S / 4)
                return
            spent = time.monotonic() - began
            free += 0.0 if starving(before, self._process.threads(), spent) else min(spent, _FREE_S / 4)
        self._starving = free < _FREE_S
        raise UnansweredError

    def tick(self) -> None:
        """To be called often while waiting. Raises PageError or BrowserGoneError where the page takes too much."""
        if self._process.memory() > MEMORY_LIMIT:
            self.fault = f"the page takes more than {MEMORY_LIMIT / 1e9:.1f} GB"
            raise BrowserGoneError(self.fault)
        if self._process.cpu_s() - self._cpu_before > self._limits.cpu_s:
            raise PageError(f"the page computes for more than {self._limits.cpu_s:g} s")

    def crashed(self) -> None:
        self.fault = "the page crashed its process, mostly for want of memory"
        raise BrowserGoneError(self.fault)

    def blame(self, *, loaded: bool) -> PageError | BrowserError:
        """Whose fault it is that no answer came from a page that has ``loaded`` or not."""
        if self.fault:
            return PageError(self.fault)
        # Now and then Chromium itself waits for ever, mostly for a picture's frame. A page that has loaded can hardly
        # bring that about without computing.
        if loaded and self._process.cpu_s() - self._cpu_before < _IDLE_S:
            return BrowserError("the browser does not answer, and the page does not compute")
        if self._starving:
            return BrowserError(f"the machine was too busy to judge a page within {self._limits.hard_s:g} s")
        return PageError(f"the page does not answer within {self._limits.wall_s:g} s")
