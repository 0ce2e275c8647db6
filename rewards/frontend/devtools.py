"""The DevTools protocol over a pipe: commands out, replies and events in, on one thread, under one clock.

No network port is opened, so the browser can live in a network namespace of its own. Events that nobody asked for are
dropped before they are parsed: a page that floods its console costs a search for a few bytes a message.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import time
from collections import deque
from collections.abc import Callable
from typing import Any

_READ = 1 << 20
_LONGEST_MESSAGE = 64 << 20
_TICK_S = 0.1

Event = tuple[str, str, dict[str, Any]]
"""Method, session and parameters."""


class BrowserGoneError(Exception):
    """The browser ended, or was ended because it took too much memory."""


class ProtocolError(Exception):
    """The browser refused a command. The message is its own."""


class UnansweredError(Exception):
    """The browser, or the page in it, did not answer within its time."""


class Pipe:
    """Both ends of the protocol. Not for use by several threads.

    ``on_tick`` is called about ten times a second while something is awaited; it may raise.
    """

    def __init__(self, read: int, write: int, on_tick: Callable[[], None]) -> None:
        self._read, self._write = read, write
        self._on_tick = on_tick
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(read, selectors.EVENT_READ)
        self._buffer = bytearray()
        self._replies: dict[int, dict[str, Any]] = {}
        self._events: deque[Event] = deque()
        self._handlers: dict[str, Callable[[str, dict[str, Any]], None]] = {}
        self._needles: tuple[bytes, ...] = ()
        self._next = 0
        self._ticked = 0.0

    def close(self) -> None:
        self._selector.close()
        for end in (self._read, self._write):
            os.close(end)

    def listen(self, method: str, handler: Callable[[str, dict[str, Any]], None]) -> None:
        """``handler(session, params)`` is called for events of this method, while something is awaited. It must not
        wait itself. Events without a handler are dropped."""
        self._handlers[method] = handler
        self._needles = (*(each for each in self._needles if each != _needle(method)), _needle(method))

    def post(self, method: str, params: dict[str, Any] | None = None, session: str = "") -> int:
        """Sends a command without waiting for the answer; `result` takes its number."""
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        self._send(json.dumps(message).encode() + b"\0")
        return self._next

    def result(self, number: int, deadline: float) -> dict[str, Any]:
        """The answer to command ``number``. ``deadline`` is on time.monotonic's clock.

        Raises ProtocolError, UnansweredError, BrowserGoneError.
        """
        self.until(lambda: number in self._replies, deadline)
        reply = self._replies.pop(number)
        if "error" in reply:
            raise ProtocolError(str(reply["error"].get("message", reply["error"])))
        result: dict[str, Any] = reply["result"]
        return result

    def call(
        self, method: str, params: dict[str, Any] | None = None, session: str = "", *, deadline: float
    ) -> dict[str, Any]:
        return self.result(self.post(method, params, session), deadline)

    def until(self, reached: Callable[[], bool], deadline: float) -> None:
        """Handles what comes in until ``reached()``. Raises UnansweredError at the deadline, BrowserGoneError."""
        while True:
            self._dispatch()
            if reached():
                return
            now = time.monotonic()
            if now >= deadline:
                raise UnansweredError
            if now - self._ticked >= _TICK_S:
                self._ticked = now
                self._on_tick()
            if self._selector.select(min(_TICK_S, deadline - now)):
                self._receive()

    def ignore(self, method: str) -> None:
        """Events of this method are dropped from here on, until somebody listens again."""
        self._handlers[method] = lambda session, params: None
        self._needles = tuple(each for each in self._needles if each != _needle(method))

    def forget(self) -> None:
        """Drops answers that nobody waits for."""
        self._replies.clear()

    def _dispatch(self) -> None:
        while self._events:
            method, session, params = self._events.popleft()
            self._handlers[method](session, params)

    def _receive(self) -> None:
        try:
            data = os.read(self._read, _READ)
        except BlockingIOError:
            return
        if not data:
            raise BrowserGoneError("the browser closed its pipe")
        searched = len(self._buffer)
        self._buffer += data
        start = 0
        while (end := self._buffer.find(b"\0", max(start, searched))) >= 0:
            self._take(bytes(self._buffer[start:end]))
            start = end + 1
        del self._buffer[:start]
        if len(self._buffer) > _LONGEST_MESSAGE:
            raise BrowserGoneError("a message of the browser is too long")

    def _take(self, message: bytes) -> None:
        if message.startswith(b'{"id":'):
            reply = _parsed(message)
            self._replies[reply["id"]] = reply
        elif any(needle in message[:200] for needle in self._needles):
            event = _parsed(message)
            if event["method"] in self._handlers:
                self._events.append((event["method"], event.get("sessionId", ""), event.get("params", {})))

    def _send(self, data: bytes) -> None:
        left = memoryview(data)
        give_up = time.monotonic() + 10
        while left:
            try:
                left = left[os.write(self._write, left) :]
            except BlockingIOError:
                # Both pipes may be full at once: read while waiting to write.
                if self._selector.select(0.05):
                    self._receive()
                if time.monotonic() > give_up:
                    raise UnansweredError from None
            except BrokenPipeError as cause:
                raise BrowserGoneError("the browser closed its pipe") from cause


def _needle(method: str) -> bytes:
    return f'"method":"{method}"'.encode()


def _parsed(message: bytes) -> dict[str, Any]:
    """A page's texts may hold half a surrogate pair, which nobody could write to a file: a question mark stands for
    it."""
    parsed: dict[str, Any] = json.loads(message.decode("utf-8", "replace"))
    if b"\\ud" in message or b"\\uD" in message:
        parsed = json.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))
    return parsed


def decoded(result: dict[str, Any]) -> bytes:
    """The bytes of a picture or a body."""
    return base64.b64decode(result["data"])
