"""Processes and their descendants, from /proc."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path


def family(pid: int) -> Iterator[int]:
    """``pid`` and its living descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                yield from family(int(child))


def end_descendants() -> None:
    """Kills and reaps all descendants of this process. It must be one that adopts orphans, and of one thread."""
    seen: set[int] = set()
    while new := set(family(os.getpid())) - seen - {os.getpid()}:  # stopped first: what is killed one by one forks on
        _signal_all(new, signal.SIGSTOP)
        seen |= new
    with contextlib.suppress(ChildProcessError):
        while True:
            _signal_all(set(family(os.getpid())) - {os.getpid()}, signal.SIGKILL)
            os.waitpid(-1, 0)


def _signal_all(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def resident_bytes(pid: int) -> int:
    """A process's memory, shared pages included; 0 once it is gone."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def proportional_bytes(pid: int) -> int:
    """A process's memory, shared pages divided among those who share them."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return resident_bytes(pid)
