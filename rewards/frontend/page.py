"""A tab with one page in it: loaded, given time and input, photographed."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any

from rewards.frontend.conduct import ORIGIN, Conduct, thrown
from rewards.frontend.devtools import BrowserGoneError, ProtocolError, UnansweredError, decoded
from rewards.frontend.launch import MEMORY_LIMIT, Process
from rewards.frontend.patience import BrowserError, Limits, PageError, Patience
from rewards.frontend.scripts import script

_LOADED_MS, _LATER_MS = 400, 100
_MOVING_STEP_MS = 250
"""How far the clock runs between two looks at what CSS moves."""
_FRAME = "new Promise((done) => requestAnimationFrame(() => done()))"
_FRAME_S, _FRAME_STEPS = 0.05, 6
"""Seconds of the machine for a frame, and how often it is given them."""
_INPUT_STEPS, _LOADING_STEPS = 25, 20
_WORLD = "lpo"
_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0} Safari/537.36"


class Page:
    """A tab. Its methods may raise UnansweredError, BrowserGoneError, ProtocolError or PageError; `Browser.page` sorts
    them."""

    def __init__(
        self, process: Process, files: Mapping[str, bytes], limits: Limits, width: int, height: int, version: str
    ) -> None:
        self._process, self._pipe = process, process.pipe
        self.patience = Patience(process, limits)
        self.width, self.height, self._version = width, height, version
        self.seen = Conduct(self._pipe, files, self._leaving)
        self._context = self._target = self._session = self._frame = ""
        self._world: int | None = None
        self._loaded = self._expired = self._moving = self._frameless = False
        self._dragged: dict[str, Any] | None = None
        self._inputs: list[int] = []

    def open(self) -> None:
        pipe, deadline = self._pipe, time.monotonic() + 20
        pipe.forget()
        for method, handler in (
            *self.seen.handlers(),
            ("Page.loadEventFired", self._on_load),
            ("Emulation.virtualTimeBudgetExpired", self._on_expired),
            ("Input.dragIntercepted", self._on_drag),
            ("Inspector.targetCrashed", self._on_crash),
        ):
            pipe.listen(method, handler)
        pipe._on_tick = self.patience.tick
        context = pipe.call("Target.createBrowserContext", {"disposeOnDetach": True}, deadline=deadline)
        self._context = context["browserContextId"]
        pipe.post("Browser.setDownloadBehavior", {"behavior": "deny", "browserContextId": self._context})
        target = {"url": "about:blank", "browserContextId": self._context, "width": self.width, "height": self.height}
        self._target = self._frame = pipe.call("Target.createTarget", target, deadline=deadline)["targetId"]
        attached = pipe.call("Target.attachToTarget", {"targetId": self._target, "flatten": True}, deadline=deadline)
        self._session = attached["sessionId"]
        self.seen.begin(self._session, self._frame)
        self._post("Page.enable")
        self._post("Runtime.enable")
        self._post("Runtime.addBinding", {"name": "lpoTell"})
        self._post("Inspector.enable")
        self._post("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})
        self._post("Page.addScriptToEvaluateOnNewDocument", {"source": script("pageworld.js")})
        self._post("Emulation.setUserAgentOverride", {"userAgent": _USER_AGENT.format(self._version)})
        reduced = {"name": "prefers-reduced-motion", "value": "reduce"}
        self._post("Emulation.setEmulatedMedia", {"features": [reduced]})
        self._post("Page.setInterceptFileChooserDialog", {"enabled": True})
        self.resize(self.width, self.height)
        # A navigation that overtakes these settings can crash the tab.
        self._call("Runtime.evaluate", {"expression": "0"})

    def close(self) -> bool:
        """Whether the context went away as it should."""
        deadline = time.monotonic() + 3
        try:
            self._pipe._on_tick = lambda: None
            self._pipe.call("Target.disposeBrowserContext", {"browserContextId": self._context}, deadline=deadline)
        except (UnansweredError, BrowserGoneError, ProtocolError):
            return False
        return self._process.memory() < MEMORY_LIMIT / 2

    def load(self, fragment: str = "") -> None:
        """Navigates to the document and waits for its load event, then lets the page's clock run a little.

        From here on the clock stands still except in `run`.
        """
        self._leaving()
        self._call("Page.navigate", {"url": f"{ORIGIN}/{fragment}"})
        self.patience.until(lambda: self._loaded)
        self.run(_LOADED_MS)

    def arrive(self) -> None:
        """Lets what a page has put off come: what stands behind a splash, or replaces a skeleton."""
        passed = _LOADED_MS
        while self.seen.due_ms > passed:
            self.run(self.seen.due_ms + _LATER_MS - passed)
            passed = self.seen.due_ms + _LATER_MS

    def reload(self) -> None:
        self._loaded = False
        self._post("Page.reload")
        self.live(_LOADED_MS)

    def start_over(self) -> None:
        """Loads the document again from wherever the page is now, with its storage."""
        self._loaded = False
        self._post("Page.navigate", {"url": f"{ORIGIN}/"})
        self.live(_LOADED_MS)
        self.arrive()

    def back(self) -> None:
        """Goes back in the history, where there is a page before this one."""
        history = self._call("Page.getNavigationHistory")
        before = [each for each in history["entries"][: history["currentIndex"]] if each["url"].startswith(ORIGIN)]
        if before:
            self._call("Page.navigateToHistoryEntry", {"entryId": before[-1]["id"]})
        self.live(400)

    def run(self, ms: float) -> None:
        """Lets the page's clock run for so many milliseconds, as fast as the page can; and on, if it is navigating."""
        self._advance(ms)
        # Input takes another way to the page than this clock does, and may arrive after it.
        for _ in range(_INPUT_STEPS):
            self._inputs = [number for number in self._inputs if number not in self._pipe._replies]
            if not self._inputs:
                break
            self._advance(20)
        self._inputs = []
        for _ in range(_LOADING_STEPS):
            if self._loaded:
                return
            self._advance(100)

    def live(self, ms: float) -> None:
        """As `run`; besides, frames are drawn (observers see them) and CSS transitions and animations move along."""
        while True:
            step = min(ms, _MOVING_STEP_MS) if self._moving else ms
            self.run(step)
            self._moving = self._draw(step)
            ms -= step
            if ms <= 0:
                return

    def _draw(self, ms: float) -> bool:
        """Whether something is under way. A page that is being left is not drawn."""
        try:
            moving = bool(self.evaluate(script("moving.js"), ms))
        except ProtocolError:
            return False
        # Now and then Chromium draws no frame while the clock stands.
        frame = {"expression": _FRAME, "contextId": self._world, "awaitPromise": True}
        number = self._post("Runtime.evaluate", frame)
        for _ in range(0 if self._frameless else _FRAME_STEPS):
            with contextlib.suppress(UnansweredError):
                self._pipe.until(lambda: number in self._pipe._replies, time.monotonic() + _FRAME_S)
                return moving
            self._advance(4)
        self._frameless = True
        return moving

    def _advance(self, ms: float) -> None:
        self._expired = False
        policy = {"policy": "advance", "budget": ms, "maxVirtualTimeTaskStarvationCount": 1000}
        self._call("Emulation.setVirtualTimePolicy", policy)
        self.patience.until(lambda: self._expired)

    def resize(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._post("Emulation.setDeviceMetricsOverride", metrics)

    def evaluate(self, expression: str, *arguments: Any) -> Any:
        """The value of a function expression called with ``arguments``, in a world that the page cannot reach.

        Raises ProtocolError with the text of what was thrown.
        """
        source = f"({expression})({', '.join(json.dumps(each) for each in arguments)})"
        for attempt in (0, 1):
            if self._world is None:
                made = self._call("Page.createIsolatedWorld", {"frameId": self._frame, "worldName": _WORLD})
                self._world = made["executionContextId"]
                tools = script("dom.js") + script("targets.js")
                self._post("Runtime.evaluate", {"expression": tools, "contextId": self._world})
            given = {"expression": source, "contextId": self._world, "returnByValue": True, "awaitPromise": False}
            try:
                result = self._call("Runtime.evaluate", given)
            except ProtocolError:
                # The page has navigated, and its worlds went with it.
                self._world = None
                if attempt:
                    raise
                continue
            if "exceptionDetails" in result:
                raise ProtocolError(thrown(result["exceptionDetails"]))
            return result["result"].get("value")
        return None

    def compiles(self, source: str) -> str | None:
        """None, or the error with which the browser's compiler refuses a script. Nothing is run."""
        given = {"expression": source, "sourceURL": "", "persistScript": False}
        result = self._call("Runtime.compileScript", given)
        return thrown(result["exceptionDetails"]) if "exceptionDetails" in result else None

    def picture(self, height: float, *, leftwards: bool = False) -> bytes:
        """PNG of the page from its top, ``height`` pixels of it. ``leftwards``: it is written from right to left."""
        # Such pages Chromium moves where all is in the window already. For others it draws a new frame in this way, and
        # waits for none that may not come.
        beyond = height > self.height or not leftwards
        clip = {"x": 0, "y": 0, "width": self.width, "height": height, "scale": 1}
        given = {"format": "png", "clip": clip, "captureBeyondViewport": beyond, "optimizeForSpeed": True}
        return decoded(self._call("Page.captureScreenshot", given))

    def send(self, kind: str, x: float, y: float, button: str = "none", clicks: int = 0) -> None:
        """A mouse event, handled when the page's clock runs next."""
        held = {"left": 1, "right": 2}.get(button, 0) if kind != "mouseReleased" else 0
        given = {"type": kind, "x": x, "y": y, "button": button, "buttons": held, "clickCount": clicks}
        self._input("Input.dispatchMouseEvent", {**given, "pointerType": "mouse"})

    def key(self, kind: str, **event: Any) -> None:
        """A key event, handled when the page's clock runs next."""
        self._input("Input.dispatchKeyEvent", {"type": kind, **event})

    def insert(self, text: str) -> None:
        self._input("Input.insertText", {"text": text})

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 6) -> None:
        """Drags with the mouse. Where the page drags by HTML's drag and drop, with its events."""
        self._dragged = None
        self._post("Input.setInterceptDrags", {"enabled": True})
        self.send("mouseMoved", *start)
        self.send("mousePressed", *start, "left", 1)
        self.run(50)
        for step in range(1, steps + 1):
            x, y = (a + (b - a) * step / steps for a, b in zip(start, end, strict=True))
            if self._dragged is None:
                given = {"type": "mouseMoved", "x": x, "y": y, "button": "left", "buttons": 1}
                self._post("Input.dispatchMouseEvent", {**given, "pointerType": "mouse"})
            else:
                self._drag_event("dragEnter" if step == 2 else "dragOver", x, y)
            self.run(50)
        if self._dragged is not None:
            self._drag_event("dragEnter", *end)
            self._drag_event("dragOver", *end)
            self.run(50)
            self._drag_event("drop", *end)
            self.run(50)
        self.send("mouseReleased", *end, "left", 1)
        self._post("Input.setInterceptDrags", {"enabled": False})
        self.run(50)

    def _drag_event(self, kind: str, x: float, y: float) -> None:
        self._input("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": self._dragged})

    def _input(self, method: str, params: dict[str, Any]) -> None:
        self._inputs.append(self._post(method, params))

    def _on_drag(self, session: str, event: dict[str, Any]) -> None:
        if session == self._session:
            self._dragged = event["data"]

    def stop_scripts(self) -> None:
        """Ends the script that runs now, if any."""
        self._post("Runtime.terminateExecution")

    def blame(self) -> PageError | BrowserError:
        """Whose fault it is that no answer came."""
        return self.patience.blame(loaded=self._loaded)

    def _leaving(self) -> None:
        """A navigation: the page's worlds go with it."""
        self._loaded, self._world = False, None

    def _post(self, method: str, params: dict[str, Any] | None = None) -> int:
        return self._pipe.post(method, params, self._session)

    def _call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        number = self._post(method, params)
        self.patience.until(lambda: number in self._pipe._replies)
        return self._pipe.result(number, time.monotonic())

    def _on_load(self, session: str, event: dict[str, Any]) -> None:
        self._loaded = self._loaded or session == self._session

    def _on_expired(self, session: str, event: dict[str, Any]) -> None:
        self._expired = self._expired or session == self._session

    def _on_crash(self, session: str, event: dict[str, Any]) -> None:
        if session == self._session:
            self.patience.crashed()
