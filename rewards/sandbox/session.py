"""A program in a sandbox, seen from outside: started, asked, ended, and told what became of it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import time
from dataclasses import dataclass
from typing import Any

from rewards.sandbox.limits import Limits
from rewards.sandbox.process import SandboxError, launcher

LARGEST_OUTPUT = 4 << 20
"""Bytes that a program may write in all: to stdout, to stderr and in answers."""
FORGED = "wrote to the channel of its sandbox"
"""The fault of a program that sends what the harness around it never does."""
_GRACE_S = 10.0
_PIECE = 1 << 16


@dataclass(frozen=True)
class Ending:
    """How a program ended. ``fault`` says what was wrong, "" where nothing was."""

    fault: str
    stdout: bytes
    stderr: bytes


LOST = Ending("was lost", b"", b"")


class Session:
    """One sandboxed program. Use in a ``with`` block; afterwards none of its processes is left.

    ``task`` is what `rewards.sandbox.inside` starts with. Raises SandboxError where no sandbox can be had.
    """

    def __init__(self, limits: Limits, task: dict[str, Any], stdin: bytes = b"", largest: int = LARGEST_OUTPUT) -> None:
        self._limits, self._largest = limits, largest
        self._channel, channel = socket.socketpair()
        self._warden, warden = socket.socketpair()
        stdin_read, self._stdin = os.pipe()
        self._stdout, stdout = os.pipe()
        self._stderr, stderr = os.pipe()
        self._written = {self._stdout: bytearray(), self._stderr: bytearray()}
        self._answers, self._last_words = bytearray(), bytearray()
        self._outgoing = {self._stdin: stdin, self._channel.fileno(): json.dumps(task).encode() + b"\n"}
        self._size = 0
        self._fault = ""
        self._ending: Ending | None = None
        self._ready = selectors.DefaultSelector()
        inside = [stdin_read, stdout, stderr, channel.fileno(), warden.fileno()]
        try:
            launcher().start(limits, inside)
        except BaseException:
            self._close()
            raise
        finally:
            for descriptor in (stdin_read, stdout, stderr):
                os.close(descriptor)
            channel.close()
            warden.close()
        self._deadline = time.monotonic() + limits.timeout_s
        for descriptor in (self._stdin, self._stdout, self._stderr, self._channel.fileno(), self._warden.fileno()):
            os.set_blocking(descriptor, False)
        for source in (self._stdout, self._stderr, self._warden.fileno()):
            self._ready.register(source, selectors.EVENT_READ)
        self._ready.register(self._channel.fileno(), selectors.EVENT_READ | selectors.EVENT_WRITE)
        self._ready.register(self._stdin, selectors.EVENT_WRITE)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def send(self, **message: Any) -> None:
        """Puts a line on the channel; it goes while the program is listened to."""
        channel = self._channel.fileno()
        if channel in self._ready.get_map():
            self._outgoing[channel] += json.dumps(message).encode() + b"\n"
            self._ready.modify(channel, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def receive(self) -> dict[str, Any] | None:
        """The next line that the program sends, or None where none will come; ``end`` says why."""
        channel = self._channel.fileno()
        while True:
            if (end := self._answers.find(b"\n")) >= 0:
                line = bytes(self._answers[:end])
                del self._answers[: end + 1]
                return self._understood(line)
            if self._fault or channel not in self._ready.get_map():
                return None
            self._pump(self._deadline)

    def blame(self, fault: str) -> None:
        """Notes what is wrong with the program, if nothing was before; it will say no more."""
        self._fault = self._fault or fault

    def end(self, *, expected: bool = False) -> Ending:
        """Ends the program and says how it ended. ``expected``: let it end by itself, in its time.

        Raises SandboxError where the sandbox failed and not the program.
        """
        if self._ending is None:
            self._ending = LOST  # unless it is known better in a moment
            try:
                self._ending = self._end(expected)
            finally:
                self._close()
        return self._ending

    def _end(self, expected: bool) -> Ending:
        warden = self._warden.fileno()
        expected = expected or self._channel.fileno() not in self._ready.get_map()  # it is gone, or will not talk
        while expected and not self._fault and warden in self._ready.get_map():
            self._pump(self._deadline)
        asked = warden in self._ready.get_map()
        self._warden.shutdown(socket.SHUT_WR)
        give_up = time.monotonic() + _GRACE_S
        while self._ready.get_map() and time.monotonic() < give_up:
            self._pump(give_up)
        fault = self._fault or self._judge(self._facts(), asked)
        return Ending(fault, bytes(self._written[self._stdout]), bytes(self._written[self._stderr]))

    def _facts(self) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads(self._last_words)
        except ValueError:
            if self._limits.confined:
                raise SandboxError("the sandbox was lost") from None
            return {"code": 128 + signal.SIGKILL}  # what is not confined may kill its warden, which must not pay
        if "failed" in facts:
            raise SandboxError(f"the sandbox cannot be made: {facts['failed']}")
        return facts

    def _judge(self, facts: dict[str, Any], asked: bool) -> str:
        code = facts["code"]
        number = -code if code < 0 else code - 128
        if facts.get("late") or number == signal.SIGXCPU:
            return too_long(self._limits)
        if asked or code == 0:
            return ""
        if number == signal.SIGSYS:
            return "made a forbidden system call"
        if number > 0:
            with contextlib.suppress(ValueError):
                return f"was killed by {signal.Signals(number).name}"
        return f"ended with code {code}"

    def _pump(self, deadline: float) -> None:
        """Moves what can be moved, once; notes faults."""
        for key, events in self._ready.select(max(0.0, deadline - time.monotonic())):
            if events & selectors.EVENT_WRITE:
                self._write(key.fd)
            if events & selectors.EVENT_READ:
                self._read(key.fd)
        if self._size > self._largest:
            self.blame(f"printed more than {self._largest >> 20} MiB")
        if time.monotonic() >= self._deadline:
            self.blame(too_long(self._limits))

    def _write(self, descriptor: int) -> None:
        try:
            sent = os.write(descriptor, self._outgoing[descriptor][:_PIECE]) if self._outgoing[descriptor] else 0
        except BlockingIOError:
            return
        except OSError:  # the program does not read it
            sent = len(self._outgoing[descriptor])
        self._outgoing[descriptor] = self._outgoing[descriptor][sent:]
        if self._outgoing[descriptor]:
            return
        if descriptor == self._stdin:
            self._ready.unregister(descriptor)
            os.close(descriptor)
            self._stdin = -1
        else:
            self._ready.modify(descriptor, selectors.EVENT_READ)

    def _read(self, descriptor: int) -> None:
        try:
            piece = os.read(descriptor, _PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._ready.unregister(descriptor)
        elif descriptor == self._warden.fileno():
            self._last_words += piece
        else:
            self._size += len(piece)
            target = self._answers if descriptor == self._channel.fileno() else self._written[descriptor]
            if self._size <= self._largest:
                target += piece

    def _understood(self, line: bytes) -> dict[str, Any] | None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self.blame(FORGED)
            return None
        if isinstance(message.get("fault"), str):
            self.blame(message["fault"][:100])
            return None
        return message

    def _close(self) -> None:
        self._ready.close()
        for descriptor in (self._stdin, self._stdout, self._stderr):
            if descriptor >= 0:
                os.close(descriptor)
        self._stdin = self._stdout = self._stderr = -1
        self._channel.close()
        self._warden.close()


def too_long(limits: Limits) -> str:
    return f"took longer than {limits.timeout_s:g} s"
