"""A headless shell that serves one page after the other, each in a fresh context, and is replaced if it misbehaves."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping

from rewards.frontend.devtools import BrowserGoneError, ProtocolError, UnansweredError
from rewards.frontend.launch import Isolation, Process, start
from rewards.frontend.page import Page
from rewards.frontend.patience import BrowserError, Limits, PageError

PAGES_A_BROWSER = 500
"""A browser is replaced after so many contexts, before what it never gives back adds up."""


class Browser:
    """One headless shell at a time. Not for use by several threads."""

    def __init__(self, isolation: Isolation = "namespace", limits: Limits | None = None) -> None:
        self.isolation, self.limits = isolation, limits or Limits()
        self.process: Process | None = None
        self.pages = 0
        self.started = 0
        self._version = ""

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process = None

    @contextlib.contextmanager
    def page(self, files: Mapping[str, bytes], width: int, height: int) -> Iterator[Page]:
        """An empty page in a context of its own, which `Page.load` fills from ``files`` (by path, "" the document).

        Raises PageError where the page was too much for its limits (the browser is then replaced) and BrowserError
        where the browser failed for a reason of its own.
        """
        if self.pages >= PAGES_A_BROWSER:
            self.close()
        process = self._running()
        self.pages += 1
        page = Page(process, files, self.limits, width, height, self._version)
        sound = False
        try:
            page.open()
            yield page
            sound = True
        except UnansweredError as cause:
            raise page.blame() from cause
        except BrowserGoneError as cause:
            fault = page.patience.fault
            raise (PageError(fault) if fault else BrowserError(str(cause))) from cause
        except ProtocolError as cause:
            sound = True
            raise BrowserError(f"the browser refused a command: {cause}") from cause
        finally:
            if not (sound and page.close()):
                self.close()

    def _running(self) -> Process:
        if self.process is None:
            try:
                self.process = start(self.isolation)
            except BrowserGoneError as cause:
                raise BrowserError(str(cause)) from cause
            self.started += 1
            self.pages = 0
            deadline = time.monotonic() + 20
            try:
                product = self.process.pipe.call("Browser.getVersion", deadline=deadline)["product"]
            except (BrowserGoneError, UnansweredError) as cause:
                self.close()
                raise BrowserError("the headless shell does not answer") from cause
            self._version = product.rpartition("/")[2]
        return self.process
