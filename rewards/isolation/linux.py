"""The Linux calls that the standard library lacks: namespaces, mounts, process control. All raise OSError."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Sequence
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 1 << 18
_MNT_DETACH = 2
_SYS_MOUNT_SETATTR = 442
_AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = -100, 0x8000, 1
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 36, 38

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def unshare(flags: int) -> bool:
    """Moves this process (for CLONE_NEWPID: its children to come) into namespaces of its own.

    Without the privilege to do so, in a user namespace of its own, where the user keeps its id and there is no other:
    then True is returned. That takes a process of one thread.
    """
    try:
        _checked(_libc.unshare(flags), "unshare")
        return False
    except PermissionError:
        user, group = os.geteuid(), os.getegid()
        _checked(_libc.unshare(flags | CLONE_NEWUSER), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        return True


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    kind_, options_ = (each.encode() if each is not None else None for each in (kind, options))
    _checked(_libc.mount(source.encode(), target.encode(), kind_, flags, options_), f"mount {target}")


def unmount(target: str) -> None:
    """Detaches a mount and everything below it."""
    _checked(_libc.umount2(target.encode(), _MNT_DETACH), f"umount {target}")


def pivot_root(new_root: str, old_root: str) -> None:
    _checked(_libc.pivot_root(new_root.encode(), old_root.encode()), "pivot_root")


def keep_mounts_private() -> None:
    """What this mount namespace mounts from now on is seen by no other."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)


def set_read_only(path: str, read_only: bool, *, recursive: bool = False) -> None:
    """Sets the mount at ``path``, with ``recursive`` all below it too, read-only or writable. Needs Linux 5.12."""
    attributes = _MountAttributes()
    if read_only:
        attributes.attr_set = _MOUNT_ATTR_RDONLY
    else:
        attributes.attr_clr = _MOUNT_ATTR_RDONLY
    flags = _AT_RECURSIVE if recursive else 0
    size = ctypes.sizeof(attributes)
    call = (_SYS_MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, ctypes.byref(attributes), size)
    _checked(_libc.syscall(*call), f"mount_setattr {path}")


def bind_writable(paths: Sequence[str]) -> None:
    """Makes every mount read-only but ``paths``, and /proc that of the process-id namespace. Devices stay usable."""
    keep_mounts_private()
    set_read_only("/", True, recursive=True)
    for path in paths:
        mount(path, path, None, MS_BIND)
        set_read_only(path, False)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def die_with_parent() -> None:
    """The kernel kills this process when the thread that forked it ends."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Descendants whose parents end become children of this process."""
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def renounce_privileges() -> None:
    """No program started from here on gains privileges (set-user-id bits are ignored)."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def limit(kind: int, value: int) -> None:
    """Sets a resource limit, soft and hard, no higher than it was."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _checked(result: int, what: str) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
