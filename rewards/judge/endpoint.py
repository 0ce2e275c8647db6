"""An OpenAI-compatible server of chat completions, asked with patience and manners."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from lpo.errors import InputError
from rewards.judge.circuit import Circuit
from rewards.judge.faults import JudgeFault
from rewards.judge.settings import JudgeSettings

LARGEST_ANSWER = 4 << 20
LONGEST_BACKOFF_S = 8.0
_CONNECT_S = 10.0
_AGAIN = (408, 409, 425, 429)
"""Statuses below 500 that may be another one next time."""


@dataclass
class Tally:
    """What asking has cost."""

    requests: int = 0
    retries: int = 0
    cached: int = 0
    tokens: int = 0


class _AttemptError(Exception):
    """One request had no answer. ``wait_s`` is what the server asked for, ``down`` whether it speaks for a server that
    does not work (True), one that does (False), or neither (None)."""

    def __init__(
        self, cause: str, said: str, *, again: bool = True, wait_s: float = 0.0, down: bool | None = True
    ) -> None:
        super().__init__(said)
        self.cause, self.again, self.wait_s, self.down = cause, again, wait_s, down


class Endpoint:
    """``POST {endpoint}/chat/completions``. Belongs to the event loop in which it is made.

    Args:
        settings: with an endpoint.
        key: for the Authorization header; shown nowhere, also where a server repeats it.
    """

    def __init__(self, settings: JudgeSettings, key: str | None = None) -> None:
        self._settings, self._key = settings, key
        self._url = completions_url(settings.endpoint or "")
        limits = httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency)
        timeout = httpx.Timeout(settings.timeout_s, connect=min(_CONNECT_S, settings.timeout_s), pool=None)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        # Certificates are read for https only: that takes longer than a local judge's answer.
        encrypted = self._url.startswith("https:")
        self._client = httpx.AsyncClient(headers=headers, timeout=timeout, limits=limits, verify=encrypted)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._circuit = Circuit(settings.rest_s)
        self._not_before = 0.0

    async def ask(self, body: Mapping[str, Any], deadline: float, tally: Tally) -> str:
        """The text of the answer; "" where it was cut off. Waits that would end after ``deadline`` (by the loop's time)
        are not begun; the caller cancels what is still under way then.

        Raises JudgeFault.
        """
        probing = await self._circuit.admit()
        try:
            async with self._slots:  # waits between tries keep their slot: a server in trouble gets no other questions
                if self._circuit.open and not probing:
                    raise JudgeFault("judge_down", f"not asked: {self._circuit.said} while this question waited")
                return await self._persistently(json.dumps(body).encode(), deadline, tally, probing)
        finally:
            if probing:
                self._circuit.undecided()  # cancelled: nothing came of it

    async def _persistently(self, data: bytes, deadline: float, tally: Tally, probing: bool) -> str:
        tries, most = 0, 1 if probing else self._settings.retries + 1
        while True:
            tries += 1
            try:
                answer = await self._attempt(data, tally)
                self._circuit.succeeded()
                return answer
            except _AttemptError as error:
                failed = error
            wait = max(failed.wait_s, self._backoff(tries))
            if failed.wait_s:
                self._not_before = max(self._not_before, _now() + failed.wait_s)
            left_alone = self._circuit.open and not probing
            if tries >= most or not failed.again or left_alone or _now() + wait > deadline:
                break
            tally.retries += 1
            await asyncio.sleep(wait)
        if failed.down:
            self._circuit.failed(str(failed))
        elif failed.down is False:
            self._circuit.succeeded()
        raise JudgeFault(failed.cause, f"{failed} ({tries} tries)" if tries > 1 else str(failed))

    async def close(self) -> None:
        await self._client.aclose()

    async def _attempt(self, data: bytes, tally: Tally) -> str:
        if (pause := self._not_before - _now()) > 0:
            await asyncio.sleep(pause)
        tally.requests += 1
        try:
            async with (
                asyncio.timeout(self._settings.timeout_s),
                self._client.stream("POST", self._url, content=data) as response,
            ):
                text = await _read(response)
        except (TimeoutError, httpx.TimeoutException):
            said = f"no answer in {self._settings.timeout_s:g} s"
            self._circuit.failed(said)  # now, not after the last try: each one costs this much
            raise _AttemptError("judge_down", said, down=None) from None
        except httpx.HTTPError as error:
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise _AttemptError("judge_down", self._redacted(f"no answer: {said}")) from None
        if response.status_code != 200:
            raise self._refusal(response, text)
        return self._content(text, tally)

    def _refusal(self, response: httpx.Response, text: str) -> _AttemptError:
        status = response.status_code
        said = f"HTTP {status} {self._redacted(' '.join(text.split()))[:200]}".strip()
        if status == 429:
            return _AttemptError("judge_busy", said, wait_s=retry_after(response.headers), down=False)
        if status >= 500 or status in _AGAIN:
            return _AttemptError("judge_down", said, wait_s=retry_after(response.headers))
        # A wrong key or address is wrong for every question; a prompt that is too long is not.
        return _AttemptError("judge_refused", said, again=False, down=status in (401, 403, 404))

    def _content(self, text: str, tally: Tally) -> str:
        try:
            reply = json.loads(text)
            choice = reply["choices"][0]
            content, reason = choice["message"]["content"], choice.get("finish_reason")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            said = self._redacted(" ".join(text.split()))[:200]
            raise _AttemptError("judge_down", f"the answer is no chat completion: {said!r}") from None
        with contextlib.suppress(KeyError, TypeError, ValueError):
            tally.tokens += int(reply["usage"]["total_tokens"])
        if reason == "length":
            return ""  # cut off: whatever it ends with is not its verdict
        return content if isinstance(content, str) else ""

    def _backoff(self, tries: int) -> float:
        return random.uniform(0.5, 1.0) * min(LONGEST_BACKOFF_S, self._settings.backoff_s * 2 ** (tries - 1))

    def _redacted(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def completions_url(endpoint: str) -> str:
    """Where completions are asked for. Raises InputError where ``endpoint`` is no base URL, or carries a password."""
    parts = urlsplit(endpoint)
    if parts.password or parts.username:
        raise InputError(
            "judge.endpoint carries a user or password; put the key into the variable that judge.key_env names"
        )
    if parts.query or parts.fragment:
        raise InputError("judge.endpoint has a query or fragment; give the base URL alone, such as http://host:8000/v1")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"judge.endpoint is {endpoint!r}; it must be a base URL such as http://localhost:8000/v1")
    base = endpoint.rstrip("/")
    return base if base.endswith("/chat/completions") else f"{base}/chat/completions"


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3: seconds, or a date); 0 without one."""
    value = headers.get("retry-after", "").strip()
    with contextlib.suppress(ValueError):
        return max(0.0, float(value))
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return 0.0


async def _read(response: httpx.Response) -> str:
    received = bytearray()
    async for piece in response.aiter_bytes():
        received += piece
        if len(received) > LARGEST_ANSWER:
            break
    return received.decode("utf-8", "replace")


def _now() -> float:
    return asyncio.get_running_loop().time()
