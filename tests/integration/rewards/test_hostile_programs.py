"""A battery of programs that do harm: each is worth 0, with its cause, and nothing of it is left or seen outside."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from rewards.sandbox import Limits
from rewards.sandbox.suites import CallTest, CodeTest, StdinTest, Verdict, run_suite

QUICK = Limits(timeout_s=4.0, memory_mib=256, threads=16, files_mib=8)
PATIENT = Limits(timeout_s=120.0, memory_mib=256, threads=16, files_mib=8)
LATE = "took longer than 4 s"
PROCESS = "started a process"
SOCKET = "opened a socket"

ENDLESS = {
    "sleeps": ("import time; time.sleep(3600)", LATE),
    "spins": ("while True: pass", LATE),
    "spins in C": ("sum(range(10**12))", LATE),
    "is deaf": ("import signal\nfor n in (2, 10, 15, 24): signal.signal(n, signal.SIG_IGN)\nwhile True: pass", LATE),
    "waits for more input": ("import sys\nsys.stdin.read()\nimport time\ntime.sleep(3600)", LATE),
    "stops itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", LATE),
    "closes everything and sleeps": ("import os, time\nos.closerange(0, 4096)\ntime.sleep(3600)", LATE),
}
HARM = {
    "forks": ("import os\nwhile True: os.fork()", PROCESS),
    "forks behind Python's back": ("import ctypes\nctypes.CDLL(None).fork()", "made a forbidden system call"),
    "clones": ("import ctypes\nctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0)", "made a forbidden system call"),
    "runs a command": ("import os\nos.system('true')", "made a forbidden system call|" + PROCESS),
    "starts a subprocess": ("import subprocess\nsubprocess.run(['true'])", PROCESS),
    "uses multiprocessing": ("import multiprocessing as m\nm.Process(target=print).start()", PROCESS),
    "opens a socket": ("import socket\nsocket.socket()", SOCKET),
    "connects": ("import socket\nsocket.create_connection(('127.0.0.1', 80))", SOCKET + "|raised gaierror"),
    "asks for a page": ("import urllib.request as u\nu.urlopen('http://127.0.0.1/')", SOCKET + "|raised URLError"),
    "opens a socket behind Python's back": (
        "import ctypes\nctypes.CDLL(None).socket(2, 1, 0)",
        "made a forbidden system call",
    ),
    "prints without end": ("while True: print('x' * 10000)", "printed more than 4 MiB"),
    "complains without end": ("import sys\nwhile True: sys.stderr.write('x' * 10000)", "printed more than 4 MiB"),
    "eats memory": ("kept = []\nwhile True: kept.append(bytearray(1 << 20))", "raised MemoryError"),
    "eats shared memory": ("import mmap\nkept = [mmap.mmap(-1, 1 << 26) for _ in range(64)]", "raised OSError"),
    "starts threads": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()",
        "raised RuntimeError|raised MemoryError",
    ),
    "recurses": ("def f(): return f()\nf()", "raised RecursionError"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "was killed by SIGSEGV"),
    "kills itself": ("import os\nos.kill(os.getpid(), 9)", "was killed by SIGKILL"),
    "exits": ("import os\nos._exit(3)", "ended with code 3"),
    "exits politely": ("raise SystemExit(2)", "raised SystemExit"),
    "fills its folder": ("open('big', 'wb').write(bytes(1 << 24))", "raised OSError"),
    "fills its folder with files": ("for n in range(10**6): open(str(n), 'w')", "raised OSError"),
    "writes outside its folder": ("open('/usr/lib/harm', 'w')", "raised OSError|raised PermissionError"),
    "writes to the root": ("open('/harm', 'w')", "raised OSError|raised PermissionError"),
    "mounts": (
        "import ctypes, sys\nsys.exit(ctypes.CDLL(None).mount(b'x', b'/', b'tmpfs', 0, 0))",
        "raised SystemExit",
    ),
    "traces": ("import ctypes, sys\nsys.exit(ctypes.CDLL(None).ptrace(16, 1, 0, 0))", "raised SystemExit"),
    "writes to its channel": ("import os\nos.write(3, b'{{{' + bytes([10]))", "wrote to the channel of its sandbox"),
    "does not compile": ("def (", "does not compile"),
    "raises": ("1 / 0", "raised ZeroDivisionError"),
}
ECHO = [StdinTest("a\n", "a\n")]


@pytest.fixture(scope="module", autouse=True)
def launcher():
    """The launcher of sandboxes runs already, so that it is not taken for something left behind."""
    assert run_suite("print(input())", ECHO, PATIENT).passed == 1


@pytest.fixture
def nothing_is_left(launcher):
    before = set(psutil.Process().children(recursive=True))
    yield
    after = set(psutil.Process().children(recursive=True)) - before
    assert psutil.wait_procs(after, timeout=20)[1] == []  # a warden tells of the end a moment before its own


def test_the_battery_is_large_enough():
    assert len(ENDLESS) + len(HARM) >= 30


@pytest.mark.parametrize("name", [*ENDLESS, *HARM])
def test_harm_is_worth_nothing_and_has_a_cause(name, nothing_is_left):
    program, cause = (ENDLESS | HARM)[name]
    verdict = run_suite(program, ECHO, QUICK if name in ENDLESS else PATIENT)
    assert (verdict.passed, verdict.tests) == (0, 1)
    assert re.fullmatch(cause, verdict.cause), verdict


@pytest.mark.parametrize("name", ["sleeps", "forks", "opens a socket", "kills itself", "exits", "raises"])
def test_harm_inside_a_function_has_the_same_cause(name):
    program, cause = (ENDLESS | HARM)[name]
    body = "".join(f"    {line}\n" for line in program.splitlines())
    limits = QUICK if name in ENDLESS else PATIENT
    for test in (CallTest("f", [], 1), CodeTest("assert f() == 1"), CodeTest("def check(f): assert f() == 1", "f")):
        verdict = run_suite(f"def f():\n{body}", [test], limits)
        assert verdict.passed == 0
        assert re.fullmatch(cause, verdict.cause), verdict


UNCONFINED = ("sleeps", "is deaf", "forks", "runs a command", "opens a socket", "prints without end", "eats memory")
RUNS_UNCONFINED = """
import json, sys
from rewards.sandbox import Limits
from rewards.sandbox.suites import StdinTest, run_suite
for program, timeout_s in json.load(sys.stdin):
    limits = Limits(timeout_s=timeout_s, memory_mib=256, confined=False)
    print(json.dumps(run_suite(program, [StdinTest("a\\n", "a\\n")], limits).cause))
"""


def test_limits_and_bans_hold_without_namespaces_and_privileges(nothing_is_left):
    tried = [(*(ENDLESS | HARM)[name], 4.0 if name in ENDLESS else 120.0) for name in UNCONFINED]
    request = json.dumps([(program, timeout_s) for program, _, timeout_s in tried] + [("print(input())", 120.0)])
    unprivileged = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    command = [*unprivileged, sys.executable, "-c", RUNS_UNCONFINED]
    done = subprocess.run(command, input=request, capture_output=True, text=True, check=True)
    causes = [json.loads(line) for line in done.stdout.splitlines()]
    for (_, cause, _), given in zip(tried, causes[:-1], strict=True):
        assert re.fullmatch(cause, given), given
    assert causes[-1] == ""


def test_the_programs_after_it_work():
    echo = "print(input())"
    assert run_suite(echo, ECHO, PATIENT) == Verdict(1, 1)


LOOKS_AROUND = """
import os
found = []
for folder, _, files in os.walk("/"):
    if folder.startswith(("/usr", "/lib", PREFIX)):
        continue
    found += [os.path.join(folder, file) for file in files]
print(sorted(found))
"""


def test_a_program_sees_no_file_but_the_interpreters_and_its_own():
    prefixes = tuple({sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parents[1])})
    program = LOOKS_AROUND.replace("PREFIX", ", ".join(map(repr, prefixes)))
    devices = [f"/dev/{name}" for name in ("null", "random", "urandom", "zero")]
    verdict = run_suite(program, [StdinTest("", "nothing is like this")], PATIENT)
    assert verdict.cause == "wrong output"
    seen = eval(verdict.detail.removeprefix("printed "))
    assert set(eval(seen)) - {"/etc/ld.so.cache", "/etc/localtime"} == set(devices)


HIDDEN = "the-hidden-answer-7391"
SEARCHES_ITS_MEMORY = """
import ctypes, gc, os, sys
def search():
    for value in gc.get_objects():
        if isinstance(value, (dict, list, tuple)) and "the-hidden-" + "answer-7391" in repr(value)[:10**6]:
            return True
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
            if isinstance(value, str) and "the-hidden-" + "answer-7391" in value:
                return "'the-hidden-" not in value
        frame = frame.f_back
    return "hidden" in str(os.environ) or "hidden" in str(sys.argv)
"""


def test_a_program_finds_no_expected_value_in_its_process():
    tests = [
        CallTest("search", [], False),
        CodeTest(f"assert search() is False, {HIDDEN!r}"),
        CodeTest(f"def check(f):\n    assert f() is False, {HIDDEN!r}", "search"),
        StdinTest("", HIDDEN),
    ]
    verdict = run_suite(SEARCHES_ITS_MEMORY, tests[:3], PATIENT)
    assert verdict == Verdict(3, 3)
    assert run_suite(SEARCHES_ITS_MEMORY + "\nprint(search())", tests[3:], PATIENT).detail == "printed 'False\\n'"


def test_no_connection_leaves_a_sandbox():
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.5)
    came: list[bool] = []

    def accept() -> None:
        try:
            listening.accept()
            came.append(True)
        except TimeoutError:
            pass

    thread = threading.Thread(target=accept)
    thread.start()
    port = listening.getsockname()[1]
    # In namespaces alone, without the filter on system calls that ends the program before it comes to this.
    program = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 0.2)"
    assert run_suite(program, ECHO, PATIENT).passed == 0
    thread.join()
    listening.close()
    assert came == []


def test_programs_may_use_threads_and_an_event_loop():
    program = (
        "import asyncio, threading\n"
        "async def main():\n    await asyncio.sleep(0)\n    print('a')\n"
        "thread = threading.Thread(target=asyncio.run, args=(main(),))\nthread.start()\nthread.join()\n"
    )
    assert run_suite(program, ECHO, PATIENT) == Verdict(1, 1)
