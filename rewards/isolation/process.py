"""A worker as the run sees it: started, asked, and ended."""

from __future__ import annotations

import json
import os
import pickle
import select
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lpo.errors import RunError
from rewards.batch import Batch
from rewards.isolation.messages import BrokenFrameError, FrameReader, send_frame
from rewards.isolation.settings import GuardSettings, WorkerLimits

START_TIMEOUT_S = 120.0
PRINTED_KEPT = 16_384
"""Characters of a call's output that are kept."""
PRINTED_LIMIT = 16 << 20
"""Bytes that a call may print before it is ended."""
_MIB, _GIB = 1 << 20, 1 << 30
_END_TIMEOUT_S = 10.0


class RewardWorkerError(RunError):
    """Reward workers cannot be started on this machine."""


class WorkerLostError(Exception):
    """The worker is gone, or was ended, before it replied; the message is the cause."""

    def __init__(self, cause: str, printed: str = "") -> None:
        super().__init__(cause)
        self.printed = printed


class WorkerProcess:
    """One worker and its guard. Not shared between threads."""

    def __init__(self, limits: WorkerLimits) -> None:
        self._loaded: dict[str, dict[str, Any]] = {}
        self._import_timeout_s = limits.import_timeout_s
        self._channel, worker_end = socket.socketpair()
        guard_lifeline, lifeline = os.pipe()
        self._lifeline: int | None = lifeline
        self._status, guard_status = os.pipe()
        self._output, output = os.pipe()
        self._descriptors = [self._status, self._output]
        os.set_blocking(self._output, False)
        settings = GuardSettings(
            channel=worker_end.fileno(),
            lifeline=guard_lifeline,
            status=guard_status,
            memory=int(limits.memory_gib * _GIB),
            processes=limits.processes,
            writable=limits.folders(),
            python_path=tuple(os.path.abspath(path) for path in sys.path),
            timeout_s=limits.timeout_s,
            concurrency=limits.concurrency,
        )
        # The guard must find this package wherever the run found it, installed or not.
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        threads = {name: os.environ.get(name, "1") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        self._guard = subprocess.Popen(
            [sys.executable, "-P", "-m", "rewards.isolation.guard", settings.dumps()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(worker_end.fileno(), guard_lifeline, guard_status),
            env={**os.environ, **threads, "PYTHONPATH": os.pathsep.join(paths)},
            process_group=0,  # out of reach of the terminal's Ctrl-C
        )
        worker_end.close()
        for descriptor in (guard_lifeline, guard_status, output):
            os.close(descriptor)
        try:
            self._receive(time.monotonic() + START_TIMEOUT_S)
        except WorkerLostError as lost:
            said = f"\n{lost.printed.strip()}" if lost.printed else ""
            raise RewardWorkerError(f"a process for rewards cannot be started: it {lost}{said}") from lost

    def load(self, spec: dict[str, Any], base_dir: str, columns: Sequence[str] | None = None) -> dict[str, Any]:
        """What the worker says of a reward when it has imported it; asked once. Raises WorkerLostError."""
        key = repr((spec, base_dir, columns))
        if key not in self._loaded:
            request = {"spec": spec, "base_dir": base_dir, "columns": columns}
            self._loaded[key], _ = self._ask(request, self._import_timeout_s)
        return self._loaded[key]

    def judge(
        self, spec: dict[str, Any], base_dir: str, parts: Sequence[Batch], timeout_s: float
    ) -> tuple[dict[str, Any], str]:
        """What a reward that has been loaded replies to calls about ``parts``, and what it printed meanwhile.

        Raises:
            WorkerLostError: it died, took longer than ``timeout_s`` or printed without end. No process of it is left.
        """
        return self._ask({"spec": spec, "base_dir": base_dir, "parts": list(parts)}, timeout_s)

    def alive(self) -> bool:
        """Whether it can be asked: it lives, and has not said anything unasked."""
        if self._lifeline is None:
            return False
        silent = select.poll()
        silent.register(self._channel, select.POLLIN)
        return not silent.poll(0) and self._guard.poll() is None

    def close(self) -> None:
        """Ends the worker and everything it started."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        try:
            self._guard.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._channel.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []

    def _ask(self, request: dict[str, Any], timeout_s: float) -> tuple[dict[str, Any], str]:
        deadline = time.monotonic() + timeout_s
        self._channel.settimeout(timeout_s)
        try:
            send_frame(self._channel, pickle.dumps(request))
        except OSError:
            raise WorkerLostError(self._ended()) from None
        return self._receive(deadline)

    def _receive(self, deadline: float) -> tuple[dict[str, Any], str]:
        reader, printed, printed_bytes = FrameReader(), bytearray(), 0
        with selectors.DefaultSelector() as ready:
            ready.register(self._channel, selectors.EVENT_READ)
            ready.register(self._output, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select(max(0.0, deadline - time.monotonic())):
                    if key.fileobj is self._channel:
                        piece = self._read_channel()
                        reply = self._fed(reader, piece) if piece else None
                        if reply is not None:
                            printed += self._read_output()
                            return reply, _text(printed)
                        if not piece:
                            printed += self._read_output()
                            raise WorkerLostError(self._ended(), _text(printed))
                    else:
                        piece = self._read_output()
                        if not piece:
                            ready.unregister(self._output)
                        printed_bytes += len(piece)
                        printed += piece[: max(0, PRINTED_KEPT - len(printed))]
                if printed_bytes > PRINTED_LIMIT:
                    self.close()
                    raise WorkerLostError(f"printed more than {PRINTED_LIMIT // _MIB} MiB", _text(printed))
                if time.monotonic() >= deadline:
                    self.close()
                    raise WorkerLostError("", _text(printed))

    def _fed(self, reader: FrameReader, piece: bytes) -> dict[str, Any] | None:
        try:
            payload = reader.feed(piece)
            reply = None if payload is None else json.loads(payload)
            if reply is not None and not isinstance(reply, dict):
                raise BrokenFrameError("a reply that is no object")
        except (BrokenFrameError, ValueError, RecursionError) as cause:
            self.close()
            raise WorkerLostError("sent something that is no reply") from cause
        return reply

    def _read_channel(self) -> bytes:
        try:
            return self._channel.recv(1 << 20)
        except OSError:
            return b""

    def _read_output(self) -> bytes:
        try:
            return os.read(self._output, 1 << 16)
        except OSError:
            return b""

    def _ended(self) -> str:
        """Why a worker whose channel is closed is gone."""
        try:
            self._guard.wait(_END_TIMEOUT_S)  # on a busy machine it notices late
        except subprocess.TimeoutExpired:
            self.close()
            return "closed its connection"  # and lived on
        cause = os.read(self._status, 1000).decode(errors="replace")
        self.close()
        return cause or "lost its guard"


def _text(printed: bytearray) -> str:
    return printed.decode(errors="replace")[:PRINTED_KEPT]
