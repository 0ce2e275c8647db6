"""A filter on system calls for programs that nobody has read: no new processes, no sockets, no ways around."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_THREAD = 0x00010000
_X32_BIT = 0x40000000
_EPERM, _ENOSYS = 1, 38
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

# By machine: the audit architecture; calls that end the program, that it is told do not exist, and that it is refused.
_TABLES: dict[str, tuple[int, dict[str, int], tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "x86_64": (
        0xC000003E,
        {"clone": 56},
        (57, 58, 41),  # fork, vfork, socket
        (435, 425, 426, 427),  # clone3, io_uring_*
        # ptrace, mount, umount2, pivot_root, unshare, setns, process_vm_readv, process_vm_writev, bpf, perf_event_open,
        # userfaultfd, keyctl, add_key, request_key, memfd_create, kcmp, open_by_handle_at
        (101, 165, 166, 155, 272, 308, 310, 311, 321, 298, 323, 250, 248, 249, 319, 312, 304),
    ),
    "aarch64": (
        0xC00000B7,
        {"clone": 220},
        (198,),
        (435, 425, 426, 427),
        (117, 40, 39, 41, 97, 268, 270, 271, 280, 241, 282, 219, 217, 218, 279, 272, 265),
    ),
}


def available() -> bool:
    """Whether this machine's calls are known; that the kernel filters is seen when it is asked to."""
    return platform.machine() in _TABLES


def forbid_processes_and_sockets() -> None:
    """From here on, in this process and what it becomes, a new process or a socket is fatal (SIGSYS).

    Threads and pairs of connected sockets are allowed. Cannot be undone; needs ``linux.renounce_privileges`` before.
    Raises OSError where the kernel has no filters.
    """
    program = _program(platform.machine())
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.c_char_p(header), 0, 0) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "seccomp")


def _program(machine: str) -> bytes:
    architecture, named, fatal, unknown, refused = _TABLES[machine]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _KILL_PROCESS),
    ]
    for numbers, verdict in ((fatal, _KILL_PROCESS), (unknown, _ERRNO | _ENOSYS), (refused, _ERRNO | _EPERM)):
        for number in numbers:
            lines += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, verdict)]
    lines += [
        (_JUMP_EQUAL, 0, 3, named["clone"]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)
