"""Rewards that do harm. They run in workers with small limits, and nowhere else."""

import asyncio
import ctypes
import math
import os
import signal
import socket
import sys
import threading
import time

from rewards import RewardResult


def fine(responses):
    return [1.0] * len(responses)


def raises(responses):
    raise ValueError("on purpose")


def raises_on_bad(responses):
    if "bad" in responses:
        raise ValueError("a bad one")
    return fine(responses)


def exits_on_bad(responses):
    if "bad" in responses:
        os._exit(4)
    return fine(responses)


def hangs_on_bad(responses):
    if "bad" in responses:
        time.sleep(3600)
    return fine(responses)


def exits(responses):
    sys.exit(0)


def exits_at_once(responses):
    os._exit(0)


def interrupts(responses):
    raise KeyboardInterrupt


class _Rude(BaseException):
    def __str__(self):
        raise RuntimeError("not even that")


def raises_something_rude(responses):
    raise _Rude


def hangs(responses):
    time.sleep(3600)


def spins(responses):
    while True:
        pass


def spins_deaf_to_signals(responses):
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def stops_itself(responses):
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(3600)


def kills_itself(responses):
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(3600)


def kills_its_parent(responses):
    os.kill(os.getppid(), signal.SIGKILL)
    return fine(responses)


def kills_its_parents_group(responses):
    os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)
    return fine(responses)


def kills_process_one(responses):
    os.kill(1, signal.SIGKILL)
    return fine(responses)


def crashes(responses):
    ctypes.string_at(0)


def aborts(responses):
    os.abort()


def alarms(responses):
    signal.alarm(1)
    time.sleep(3600)


def recurses(responses):
    return recurses(responses)


def recurses_in_c(responses):
    sys.setrecursionlimit(10**9)
    value = []
    for _ in range(10**6):
        value = [value]
    return [float(len(repr(value)))] * len(responses)


def eats_memory(responses):
    kept = []
    while True:
        kept.append(bytearray(16 << 20))


def eats_memory_at_once(responses):
    return [float(len(bytearray(1 << 40)))] * len(responses)


def eats_memory_in_children(responses):
    for _ in range(6):
        if not os.fork():
            kept = bytearray(os.urandom(1 << 20)) * 120
            time.sleep(3600 + len(kept))
    time.sleep(3600)


def forks(responses):
    while True:
        os.fork()


def starts_threads(responses):
    while True:
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()


def comes_back_twice(responses):
    os.fork()
    return fine(responses)


def leaves_a_daemon(responses):
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.execlp("sleep", "sleep", "3717")  # no other test sleeps that long
        os._exit(0)
    os._exit(3)


def prints_a_gigabyte(responses):
    line = "x" * (1 << 20)
    for _ in range(1024):
        print(line)
    return fine(responses)


def writes_to_stderr_without_end(responses):
    while True:
        os.write(2, b"y" * 65536)


def closes_its_files(responses):
    os.closerange(0, 4096)
    return fine(responses)


def closes_its_files_and_hangs(responses):
    os.closerange(0, 4096)
    time.sleep(3600)


def answers_for_itself(responses):
    for number in range(3, 64):
        try:
            os.write(number, b"\x00\x00\x00\x00\x00\x00\x00\x02{]")
        except OSError:
            continue
    time.sleep(3600)


def claims_a_huge_reply(responses):
    for number in range(3, 64):
        try:
            os.write(number, b"\x7f" * 8)
        except OSError:
            continue
    time.sleep(3600)


def writes_outside_its_folder(responses):
    with open(os.path.join(os.path.dirname(__file__), "harm.txt"), "w") as file:
        file.write("harm")
    return fine(responses)


def deletes_what_it_finds(responses):
    os.unlink(__file__)
    return fine(responses)


def fills_its_folder(responses):
    import tempfile

    with open(os.path.join(tempfile.gettempdir(), "big"), "wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    return fine(responses)


def connects_and_waits(responses):
    listening = socket.create_server(("127.0.0.1", 0))
    listening.accept()


def returns_nan(responses):
    return [math.nan] * len(responses)


def returns_infinity(responses):
    return [-math.inf] * len(responses)


def returns_text(responses):
    return ["1.0"] * len(responses)


def returns_lists(responses):
    return [[1.0]] * len(responses)


def returns_nothing(responses):
    return None


def returns_one_text(responses):
    return "1" * len(responses)


def returns_too_few(responses):
    return [1.0] * (len(responses) - 1)


def returns_too_many(responses):
    return [1.0] * (len(responses) + 1)


def returns_without_end(responses):
    while True:
        yield 1.0


class _Number:
    def __float__(self):
        raise ValueError("no number after all")


def returns_a_false_number(responses):
    return [_Number()] * len(responses)


def returns_a_strange_total(responses):
    return [RewardResult("1.0")] * len(responses)


def returns_a_strange_part(responses):
    return [RewardResult(1.0, {"part": "high"})] * len(responses)


def returns_notes_without_end(responses):
    notes = {}
    notes["again"] = notes
    return [RewardResult(1.0, info=notes)] * len(responses)


def logs_no_number(responses, log_metric):
    log_metric("speed", "fast")
    return fine(responses)


async def hangs_while_waiting(responses):
    await asyncio.sleep(3600)


async def blocks_the_loop(responses):
    time.sleep(3600)


async def raises_while_waiting(responses):
    await asyncio.sleep(0)
    raise RuntimeError("the judge is down")
