"""A judge: questions in, verdicts out, whoever answers them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from lpo.errors import InputError
from lpo.user_cache import user_cache
from rewards.judge import questions
from rewards.judge.answer import UnreadableError
from rewards.judge.cache import AnswerCache, content_key
from rewards.judge.endpoint import Endpoint, Tally, completions_url
from rewards.judge.faults import JudgeFault
from rewards.judge.local import LocalJudge
from rewards.judge.material import Material
from rewards.judge.questions import Asked
from rewards.judge.settings import JudgeSettings, read_key

_T = TypeVar("_T")
ANSWERS_READ = 2
"""Answers to a question that are read before it counts as unparsable."""


class Session:
    """The questions of one call of a reward: they share a deadline and a bill. Made inside an event loop."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._deadline = asyncio.get_running_loop().time() + judge.settings.patience_s
        self.tally = Tally()

    def costs(self) -> dict[str, int]:
        """Of the call so far: requests, retries, questions whose answer was kept, tokens. Nothing for a function."""
        return dict(vars(self.tally)) if self._judge.remote else {}

    async def compare(self, asked: Asked, first: Material, second: Material) -> float:
        """From 2, ``first`` is much better, to -2. Raises JudgeFault."""
        return await self._in_time(lambda: self._judge.compare(asked, first, second, self._deadline, self.tally))

    async def check(self, asked: Asked, material: Material, items: Sequence[Any]) -> list[float]:
        """How far each of ``items`` (with a ``statement``) is true, from 0 to 1. Raises JudgeFault."""
        return await self._in_time(lambda: self._judge.check(asked, material, items, self._deadline, self.tally))

    async def _in_time(self, question: Callable[[], Awaitable[_T]]) -> _T:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await question()
        except TimeoutError:
            said = f"not answered within patience_s, {self._judge.settings.patience_s:g} s for all questions of a call"
            raise JudgeFault("judge_slow", said) from None


class Judge:
    """Behind an endpoint, whose answers are kept, or a local function.

    Raises InputError where the settings lead to no judge. One request is made for equal questions that are asked at one
    time, and none for a question whose answer is known.
    """

    def __init__(self, settings: JudgeSettings, base_dir: Path | None = None) -> None:
        self.settings = settings
        self._local = LocalJudge(settings.function, base_dir) if settings.function is not None else None
        if self._local is None:
            completions_url(settings.endpoint or "")
            self._key = read_key(settings)
            self._cache = _cache(settings, base_dir)
        self._endpoint: Endpoint | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def remote(self) -> bool:
        """Whether it is behind an endpoint."""
        return self._local is None

    def needs(self, *arguments: str) -> None:
        """Raises InputError where a local function does not take what it will be asked with."""
        if self._local is not None:
            self._local.refuse_unless(*arguments)

    async def compare(self, asked: Asked, first: Material, second: Material, deadline: float, tally: Tally) -> float:
        if self._local is not None:
            return await self._local.compare(asked, first, second)
        messages = questions.comparison(asked, first, second, self.settings.max_chars)
        return await self._answer(messages, questions.read_comparison, deadline, tally)

    async def check(
        self, asked: Asked, material: Material, items: Sequence[Any], deadline: float, tally: Tally
    ) -> list[float]:
        if self._local is not None:
            return [await self._local.check(asked, material, item) for item in items]
        statements = [item.statement for item in items]
        messages = questions.checking(asked, material, statements, self.settings.max_chars)
        return await self._answer(
            messages, lambda answer: questions.read_marks(answer, len(statements)), deadline, tally
        )

    async def _answer(
        self, messages: list[dict[str, Any]], read: Callable[[str], _T], deadline: float, tally: Tally
    ) -> _T:
        endpoint = self._connected()
        body = self._body(messages)
        key = content_key(endpoint=self.settings.endpoint, body=body)
        lock = self._asking.get(key)
        if lock is None:
            lock = self._asking[key] = asyncio.Lock()
        async with lock:
            with contextlib.suppress(UnreadableError):
                if (kept := self._cache.get(key)) is not None:
                    verdict = read(kept)
                    tally.cached += 1
                    return verdict
            problem = ""
            for _ in range(ANSWERS_READ):
                answer = await endpoint.ask(body, deadline, tally)
                try:
                    verdict = read(answer)
                except UnreadableError as cause:
                    problem = str(cause) if answer else "the answer is empty or was cut off (judge.max_tokens)"
                    body = self._body([*messages, *questions.reminder(answer, problem)])
                else:
                    self._cache.put(key, answer)
                    return verdict
            raise JudgeFault("judge_unparsable", problem)

    def _body(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        given = self.settings
        sampling = {"temperature": given.temperature, "max_tokens": given.max_tokens}
        sent = {name: value for name, value in sampling.items() if value is not None}
        return {"model": given.model, "messages": messages, **sent, **given.extra}

    def _connected(self) -> Endpoint:
        loop = asyncio.get_running_loop()
        if self._endpoint is None or self._loop is not loop:
            self._endpoint, self._loop = Endpoint(self.settings, self._key), loop
        return self._endpoint


def _cache(settings: JudgeSettings, base_dir: Path | None) -> AnswerCache:
    if settings.cache is False:
        return AnswerCache(None)
    if isinstance(settings.cache, str):
        return AnswerCache(Path(base_dir or Path.cwd(), Path(settings.cache).expanduser()), settings.cache_mib)
    try:
        return AnswerCache(user_cache() / "lpo" / "judge", settings.cache_mib)
    except InputError as cause:  # nobody asked for this folder
        print(f"{cause}; answers are kept in memory only", file=sys.stderr)
        return AnswerCache(None)
