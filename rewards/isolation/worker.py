"""The inside of a worker: finds rewards by their specification, calls them, and sends back what they said.

Requests are pickled by the run, which the worker trusts; replies are JSON, because the run does not trust the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from lpo.errors import InputError
from lpo.recipe.runtime import RewardSpec
from rewards.batch import Batch, Outcome
from rewards.invoke import invoke, invoke_units
from rewards.isolation.messages import dump_json, encode_outcome, receive_frame, send_frame
from rewards.resolver import ResolvedReward, resolve


class Worker:
    """Serves one request after another until the run closes ``channel``."""

    def __init__(self, channel: socket.socket, timeout_s: float, concurrency: int) -> None:
        self._channel = channel
        self._timeout_s = timeout_s
        self._concurrency = concurrency
        self._loaded: dict[str, ResolvedReward] = {}
        self._loop: asyncio.Runner | None = None
        self._pid = os.getpid()

    def serve(self) -> None:
        sys.addaudithook(_only_own_children_are_signalled)
        self._reply(dump_json({"ready": True}))
        while (frame := receive_frame(self._channel)) is not None:
            request = pickle.loads(frame)
            reply = self._call(request) if "parts" in request else dump_json(self._describe(request))
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._reply(reply)

    def _reply(self, reply: bytes) -> None:
        if os.getpid() != self._pid:
            os._exit(0)  # a reward forked and both of them came back
        sys.stdout.flush()
        sys.stderr.flush()
        send_frame(self._channel, reply)

    def _reward(self, request: dict[str, Any]) -> ResolvedReward:
        key = repr((request["spec"], request["base_dir"]))
        if key not in self._loaded:
            spec = RewardSpec.model_validate(request["spec"])
            self._loaded[key] = resolve(spec, base_dir=Path(request["base_dir"]))
        return self._loaded[key]

    def _describe(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            reward = self._reward(request)
            columns = request["columns"]
            problem = None if columns is None else reward.column_problem(columns)
        except InputError as error:
            return {"refused": str(error)}
        except BaseException as error:
            return {"refused": f"reward '{request['spec']['reward']}' does not load: {type(error).__name__}: {error}"}
        return {
            "name": reward.name,
            "takes": reward.takes(),
            "scope": reward.scope,
            "asynchronous": reward.asynchronous,
            "call_seconds": reward.call_seconds,
            "concurrency": reward.concurrency,
            "questions": reward.questions,
            "problem": problem,
        }

    def _call(self, request: dict[str, Any]) -> bytes:
        parts: list[Batch] = request["parts"]
        before = _children()
        try:
            reward = self._reward(request)
        except BaseException as error:
            text = traceback.format_exc()
            outcomes = [Outcome.failure(f"does not load: {type(error).__name__}", part.count, text) for part in parts]
        else:
            outcomes = self._run(reward, parts)
        # What a failed call has started may still grow, and would cost the next call this process.
        spent = any(outcome.failed for outcome in outcomes) and not _children() <= before
        try:
            return dump_json({"outcomes": [encode_outcome(outcome) for outcome in outcomes], "spent": spent})
        except Exception as error:
            cause, text = f"recorded notes that cannot be sent: {type(error).__name__}", traceback.format_exc()
            failures = [Outcome.failure(cause, part.count, text) for part in parts]
            return dump_json({"outcomes": [encode_outcome(failure) for failure in failures]})

    def _run(self, reward: ResolvedReward, parts: list[Batch]) -> list[Outcome]:
        if not reward.asynchronous:
            return [invoke(reward, part) for part in parts]
        if self._loop is None:
            # One loop for all calls: clients that a reward keeps between calls belong to it.
            self._loop = asyncio.Runner()
        at_once = min(self._concurrency, reward.concurrency or self._concurrency)
        calls = invoke_units(reward, parts, concurrency=at_once, timeout_s=self._timeout_s)
        return self._loop.run(calls)


def _children() -> set[str]:
    """Living children of this process, by /proc's own numbers."""
    found: set[str] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(file.read_text().split())
    return found


def _only_own_children_are_signalled(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("os.kill", "os.killpg"):
        target = arguments[0]
        if target <= 1 or target in (os.getppid(), os.getpgid(os.getppid())):
            raise PermissionError(f"a reward may not signal process {target}, which it did not start")
