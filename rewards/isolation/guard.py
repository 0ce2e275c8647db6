"""The process between the run and a worker: starts it, watches it, and leaves nothing of it behind.

Run as ``python -m rewards.isolation.guard SETTINGS``. The worker lives in a process-id namespace of its own, so that
its death is that of everything it started, and sees a read-only file system but for its scratch folder and the folders
of the settings. Where the system gives no namespaces, the guard adopts what the worker leaves behind and kills it, and
files are not protected. The guard ends when the worker does, when the worker exceeds its limits, and when the run
closes its end of the lifeline or dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path

from rewards.isolation import linux
from rewards.isolation.families import end_descendants, family, proportional_bytes, resident_bytes
from rewards.isolation.settings import GuardSettings

POLL_S = 0.05
_NAMESPACE_PID_MAX = 400
"""Ids of processes and threads in a worker's namespace (Linux 6.14 and newer): a fork bomb may meet it before it is
noticed."""
_MIB = 1 << 20
_LARGEST_FILE = 1 << 30
_SHARED_MEMORY_MIB = 256


def main() -> None:
    settings = GuardSettings(**json.loads(sys.argv[1]))
    linux.adopt_orphans()
    scratch = tempfile.mkdtemp(prefix="lpo-reward-")
    cause = ""
    try:
        first = _start(settings, scratch)
        os.close(settings.channel)
        # The worker's output ends with the worker.
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        cause = _watch(settings, first)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.write(settings.status, cause.encode())


def _start(settings: GuardSettings, scratch: str) -> int:
    """Forks the worker, inside namespaces if there are any. Returns the process whose death is that of them all."""
    namespaces = True
    try:
        linux.unshare(linux.CLONE_NEWPID)
    except OSError:
        namespaces = False
    child = os.fork()
    if child:
        return child
    linux.die_with_parent()
    if namespaces:
        _reap_until_worker_ends(settings, scratch)
    _become_worker(settings, scratch)
    os._exit(1)


def _reap_until_worker_ends(settings: GuardSettings, scratch: str) -> None:
    """Process 1 of the namespace: returns in the worker; itself, reaps orphans and ends with the worker's code."""
    with contextlib.suppress(OSError):
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWIPC)
        linux.bind_writable([scratch, *filter(os.path.isdir, settings.writable)])
        if os.path.isdir("/dev/shm"):
            linux.mount("shm", "/dev/shm", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, f"size={_SHARED_MEMORY_MIB}m")
        Path("/proc/sys/kernel/pid_max").write_text(str(_NAMESPACE_PID_MAX))
    worker = os.fork()
    if not worker:
        return
    os.close(settings.channel)
    os.close(settings.status)
    os.close(settings.lifeline)
    os.closerange(1, 3)
    while True:
        pid, status = os.wait()
        if pid == worker:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _become_worker(settings: GuardSettings, scratch: str) -> None:
    os.close(settings.status)
    os.close(settings.lifeline)
    os.setpgid(0, 0)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    linux.limit(resource.RLIMIT_DATA, settings.memory)
    linux.limit(resource.RLIMIT_FSIZE, _LARGEST_FILE)
    linux.limit(resource.RLIMIT_CORE, 0)
    sys.path[:] = list(dict.fromkeys([*settings.python_path, *sys.path]))
    from rewards.isolation.worker import Worker

    Worker(socket.socket(fileno=settings.channel), settings.timeout_s, settings.concurrency).serve()
    os._exit(0)


def _watch(settings: GuardSettings, first: int) -> str:
    """Waits for the end and brings it about where limits are exceeded. Returns why, for a sentence about the worker."""
    ended = os.pidfd_open(first)
    cause = ""
    while True:
        ready, _, _ = select.select([settings.lifeline, ended], [], [], POLL_S)
        if ready:
            break
        cause = _excess(settings, first)
        if cause:
            break
    if ended in ready:
        _, status = os.waitpid(first, 0)
        cause = _last_words(os.waitstatus_to_exitcode(status))
    else:
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
    end_descendants()
    return cause


def _excess(settings: GuardSettings, first: int) -> str:
    processes = list(family(first))
    if len(processes) > settings.processes:
        return f"started more than {settings.processes} processes"
    measures = (resident_bytes, proportional_bytes)  # the second is exact, and slow
    if all(sum(map(measure, processes)) > settings.memory for measure in measures):
        return f"used more than {settings.memory // _MIB} MiB of memory"
    return ""


def _last_words(code: int) -> str:
    number = -code if code < 0 else code - 128
    with contextlib.suppress(ValueError):
        if number > 0:
            return f"was killed by {signal.Signals(number).name}"
    return f"ended with code {code}"


if __name__ == "__main__":
    main()
