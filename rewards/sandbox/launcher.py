"""Starts sandboxes: a small process of one thread, so that a sandbox is a fork away.

Run as ``python -m rewards.sandbox.launcher FD``. Each request on the socket FD carries limits and four descriptors:
the sandbox's stdin, stdout, stderr and channel, and the socket of its warden. What a program is and what it is asked
never passes through here, so that no sandbox finds in its memory what another was given.
"""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rewards.isolation import linux
from rewards.isolation.families import end_descendants
from rewards.sandbox import seccomp
from rewards.sandbox.limits import Limits

DESCRIPTORS = 5
NAMESPACES = linux.CLONE_NEWPID | linux.CLONE_NEWNET | linux.CLONE_NEWNS | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
_MIB = 1 << 20
_FIRST_USER = 1_900_000_000
"""As root, every sandbox gets a user id of its own from here on, so that its processes are counted alone."""
_NOBODY = 65_534
_HIGH = 100
"""File descriptors from here on are out of the way of those that a program gets."""
_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/localtime")
_MOUNT_POINTS = ("/mnt", "/media", "/srv", "/tmp", "/var/tmp", "/run", "/home", "/opt")
_DEVICES = ("null", "zero", "random", "urandom")
_FOLDER = "/sandbox"
_ENVIRONMENT = {
    "HOME": _FOLDER,
    "TMPDIR": _FOLDER,
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    inside = (Path(__file__).parent / "inside.py").read_text(encoding="utf-8")
    mounted = _mounted()
    while True:
        message, descriptors = _receive(requests)
        if not message:
            return
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            _guarded(Limits(**json.loads(message)), descriptors, inside, mounted)
        for descriptor in descriptors:
            os.close(descriptor)


def _receive(requests: socket.socket) -> tuple[bytes, list[int]]:
    slots = array.array("i")
    message, ancillary, _, _ = requests.recvmsg(4096, socket.CMSG_SPACE(DESCRIPTORS * slots.itemsize))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            slots.frombytes(content[: len(content) - len(content) % slots.itemsize])
    for descriptor in slots:
        os.set_inheritable(descriptor, False)
    return message, list(slots)


def _guarded(limits: Limits, descriptors: list[int], inside: str, mounted: dict[str, str | None]) -> None:
    """The warden: starts the program, ends it in time or when asked to, tells how it ended."""
    *standard, warden = descriptors
    answer: dict[str, object] = {"failed": "its process could not be started"}
    folder = None
    trouble, low = os.pipe()
    # Closes when the program is executed: what fails later is the program's fault.
    told = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    os.close(low)
    try:
        linux.die_with_parent()
        linux.adopt_orphans()
        os.setpgid(0, 0)
        user = _FIRST_USER + os.getpid() if os.geteuid() == 0 else None
        if limits.confined:
            if linux.unshare(NAMESPACES):
                user = None
        else:
            folder = tempfile.mkdtemp(prefix="lpo-sandbox-")
            if user is not None:
                with contextlib.suppress(OSError):  # the ids of `_become` are not to be had
                    os.chown(folder, user, user)
        first = os.fork()
        if not first:
            os.close(warden)
            _start(limits, standard, inside, mounted, user, folder, told)
        for descriptor in (*standard, told):
            os.close(descriptor)
        answer = _watch(first, warden, limits)
        if reason := os.read(trouble, 1000):
            answer = {"failed": reason.decode()}
    except OSError as error:
        answer = {"failed": f"{error.strerror} ({error.filename})"}
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.write(warden, json.dumps(answer).encode())
        os._exit(0)


def _watch(first: int, warden: int, limits: Limits) -> dict[str, object]:
    ended = os.pidfd_open(first)
    ready, _, _ = select.select([ended, warden], [], [], limits.timeout_s)
    if ended not in ready:
        os.kill(first, signal.SIGKILL)
    _, status, usage = os.wait4(first, 0)
    end_descendants()  # without a namespace, what the program left behind
    return {
        "code": os.waitstatus_to_exitcode(status),
        "late": not ready,
        "cpu_s": usage.ru_utime + usage.ru_stime,
    }


def _start(
    limits: Limits,
    standard: list[int],
    inside: str,
    mounted: dict[str, str | None],
    user: int | None,
    folder: str | None,
    told: int,
) -> None:
    """In namespaces this is process 1, which waits for the program and takes everything along when it goes."""
    try:
        linux.die_with_parent()
        if folder is None:
            _new_root(mounted, limits.files_mib)
            program = os.fork()
            if program:
                os.closerange(0, told + 1)
                while True:
                    pid, status = os.wait()
                    if pid == program:
                        code = os.waitstatus_to_exitcode(status)
                        os._exit(code if code >= 0 else 128 - code)
            linux.die_with_parent()
        else:
            os.chdir(folder)
        _become_program(limits, standard, inside, user)
    except OSError as error:
        os.write(told, f"{error.strerror} ({error.filename})".encode())
    finally:
        os._exit(1)


def _new_root(mounted: dict[str, str | None], files_mib: int) -> None:
    """A root with the interpreter and the system's libraries, read-only, and one small writable folder."""
    linux.keep_mounts_private()
    root = next(each for each in _MOUNT_POINTS if os.path.isdir(each) and not _holds_any(each, mounted))
    linux.mount("sandbox", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    for path, link in mounted.items():
        target = Path(root + path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if link is not None:
            target.symlink_to(link)
            continue
        target.touch() if Path(path).is_file() else target.mkdir(exist_ok=True)
        linux.mount(path, str(target), None, linux.MS_BIND | linux.MS_REC)
    for name in _DEVICES:
        target = Path(root, "dev", name)
        target.parent.mkdir(exist_ok=True)
        target.touch()
        linux.mount(f"/dev/{name}", str(target), None, linux.MS_BIND)
    folder = Path(root + _FOLDER)
    folder.mkdir()
    (folder / "old").mkdir()
    linux.pivot_root(root, str(folder / "old"))
    os.chdir("/")
    linux.unmount(f"{_FOLDER}/old")
    linux.set_read_only("/", True, recursive=True)
    options = f"size={files_mib}m,nr_inodes=1000,mode=1777"
    linux.mount("files", _FOLDER, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)
    os.chdir(_FOLDER)


def _holds_any(folder: str, paths: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for path in paths)


def _become(user: int) -> None:
    """Gives up root for a user without files or other processes, where that is allowed at all."""
    with contextlib.suppress(PermissionError):  # root without capabilities, in some containers: no power to give up
        os.setgroups([])
        try:
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        except OSError as error:  # a container that maps fewer ids
            if error.errno != errno.EINVAL:
                raise
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _become_program(limits: Limits, standard: list[int], inside: str, user: int | None) -> None:
    aside = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH) for descriptor in standard]
    for number, descriptor in enumerate(aside):
        os.dup2(descriptor, number, inheritable=True)
    if user is not None:
        _become(user)
    linux.limit(resource.RLIMIT_AS, limits.memory_mib * _MIB)
    linux.limit(resource.RLIMIT_CPU, int(limits.timeout_s) + 1)
    linux.limit(resource.RLIMIT_FSIZE, limits.files_mib * _MIB)
    linux.limit(resource.RLIMIT_NOFILE, 64)
    linux.limit(resource.RLIMIT_CORE, 0)
    if user is not None or limits.confined:
        # Counted by user: without an id or a user namespace of its own it would count the user's other processes.
        linux.limit(resource.RLIMIT_NPROC, limits.threads)
    linux.renounce_privileges()
    if seccomp.available():
        seccomp.forbid_processes_and_sockets()
    python = os.path.realpath(sys.executable)
    os.execve(python, [python, "-I", "-S", "-c", inside], _ENVIRONMENT)


def _mounted() -> dict[str, str | None]:
    """What of this system a sandbox sees: paths, and where those that are symbolic links lead."""
    prefixes = {os.path.realpath(each) for each in (sys.base_prefix, sys.prefix, os.path.dirname(os.__file__))}
    prefixes |= {os.path.realpath(each) for each in sys.path if each.endswith("site-packages")}
    inner = sorted(each for each in prefixes if not each.startswith(("/usr/", "/lib/")) and each not in ("/usr", "/"))
    outermost = [each for each in inner if not any(each.startswith(other + "/") for other in inner)]
    found: dict[str, str | None] = {}
    for path in (*_SYSTEM, *outermost):
        if os.path.islink(path):
            found[path] = os.readlink(path)
        elif os.path.exists(path):
            found[path] = None
    return found


if __name__ == "__main__":
    main()
