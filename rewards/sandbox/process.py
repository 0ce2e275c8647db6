"""The launcher of this process's sandboxes: started at the first use, replaced when lost, ended at exit."""

from __future__ import annotations

import array
import atexit
import functools
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rewards.sandbox.limits import Limits


class SandboxError(Exception):
    """No sandbox can be had: the system's fault, not the program's."""


class Launcher:
    """A process that forks sandboxes. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    def start(self, limits: Limits, descriptors: Sequence[int]) -> None:
        """Asks for a sandbox with these ends of stdin, stdout, stderr, channel and warden. Raises SandboxError."""
        message = [limits.dumps().encode()]
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        with self._lock:
            for attempt in (1, 2):
                if self._process is None or self._process.poll() is not None:
                    self._restart()
                assert self._requests is not None
                try:
                    self._requests.sendmsg(message, rights)
                    return
                except OSError as cause:
                    self._end()
                    if attempt == 2:
                        raise SandboxError(f"the launcher of sandboxes is lost: {cause}") from cause

    def close(self) -> None:
        with self._lock:
            self._end()

    def _restart(self) -> None:
        self._end()
        self._requests, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rewards.sandbox.launcher", str(other.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[other.fileno()],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        other.close()

    def _end(self) -> None:
        if self._requests is not None:
            self._requests.close()  # the launcher ends when it sees that
            self._requests = None
        if self._process is not None:
            self._process.wait()
            self._process = None


@functools.cache
def launcher() -> Launcher:
    """The one of this process."""
    made = Launcher()
    atexit.register(made.close)
    return made
