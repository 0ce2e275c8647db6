"""The reward ``frontend`` of recipes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

from lpo.errors import InputError
from rewards.contract import RewardResult
from rewards.frontend.checks import CheckError, Checks
from rewards.frontend.farm import Farm
from rewards.frontend.judgement import Terms, total
from rewards.frontend.launch import Isolation, NoBrowserError, cage, program
from rewards.frontend.viewer import Viewer, ViewSettings
from rewards.frontend.worker import LONGEST_S, Job
from rewards.judge.faults import JudgeFault
from rewards.judge.material import Pictures

MOST_BROWSERS = 8


class Frontend:
    """Judges the page in each response. The column ``checks``, where the data has it, says what the page must do.

    Args:
        terms: weights and gates of the total, fields of `Terms`.
        browsers: for each process of `reward_workers`, whose number is what spreads the work; 1 by default. With a
            judge all responses are in one process; then as many as there are cores, at most 8.
        isolation: "namespace" refuses to start where pages cannot be kept off the network, "best_effort" does not.
        seed: of the random inputs, which also change with the training step.
        judge: one that sees the pages and has a part in aesthetics, fields of `JudgeSettings` and `ViewSettings`.
    """

    def __init__(
        self,
        terms: Mapping[str, float] | None = None,
        browsers: int | None = None,
        isolation: Isolation = "namespace",
        seed: int = 0,
        judge: str | dict[str, Any] | None = None,
        base_dir: Path | None = None,
    ) -> None:
        _check_arguments(terms, browsers, isolation, seed, judge)
        self._weights = Terms.of(terms)
        program()
        if isolation == "namespace" and cage() is None:
            raise NoBrowserError(
                "no network namespace can be made here; run as root, allow user namespaces, or set "
                "isolation: best_effort"
            )
        self._terms, self._isolation, self._seed = dict(terms or {}), isolation, seed
        self._viewer = None if judge is None else Viewer(judge, base_dir)
        self.scope, self.asynchronous = "sample", self._viewer is not None
        self.call_seconds, self.concurrency = LONGEST_S, None
        self._browsers = browsers or 1
        if self._viewer is not None:
            self._browsers = browsers or min(MOST_BROWSERS, len(os.sched_getaffinity(0)))
            self.scope = "group" if self._viewer.pairwise else "sample"
            self.call_seconds += self._viewer.judge.patience_s
            self.concurrency = self._browsers + (2 if self._viewer.pairwise else self._viewer.judge.concurrency)

    def questions(self, group_size: int) -> int:
        """To the judge, for a group whose pages all render; 0 without one."""
        return self._viewer.questions(group_size) if self._viewer is not None else 0

    def __call__(
        self,
        prompts: Sequence[Any],
        responses: Sequence[str],
        group_ids: Sequence[int],
        log_metric: Callable[[str, float], None],
        checks: Sequence[Any] | None = None,
        trainer_state: Any = None,
    ) -> list[RewardResult] | Awaitable[list[RewardResult]]:
        """Without a judge the results, with one something to wait for."""
        step = getattr(trainer_state, "global_step", 0)
        if self._viewer is None:
            return self._judged(responses, checks, step)
        return self._viewed(self._viewer, prompts, responses, group_ids, log_metric, checks, step)

    def _judged(self, responses: Sequence[str], checks: Sequence[Any] | None, step: int) -> list[RewardResult]:
        results: dict[int, RewardResult] = {}
        jobs: dict[int, Job] = {}
        for place, response in enumerate(responses):
            try:
                wanted = load_checks(checks[place] if checks is not None else None)
            except CheckError as cause:
                results[place] = RewardResult.unjudged(f"checks: {cause}")
                continue
            jobs[place] = Job(response, wanted, f"{self._seed}/{step}", self._terms, self._viewer is not None)
        farm = Farm.shared(self._browsers, self._isolation)
        results |= dict(zip(jobs, farm.judge(list(jobs.values())), strict=True))
        return [results[place] for place in range(len(responses))]

    async def _viewed(
        self,
        viewer: Viewer,
        prompts: Sequence[Any],
        responses: Sequence[str],
        group_ids: Sequence[int],
        log_metric: Callable[[str, float], None],
        checks: Sequence[Any] | None,
        step: int,
    ) -> list[RewardResult]:
        # The browsers have no network; the judge is asked from here.
        judged = await asyncio.to_thread(self._judged, responses, checks, step)
        session = viewer.session()
        pages = [_pictures(result) for result in judged]
        marks: list[float | JudgeFault | None] = [None] * len(pages)
        if viewer.pairwise:
            for _, members in groupby(range(len(pages)), key=lambda place: group_ids[place]):
                # What the browser failed at is neither shown nor beaten.
                places = [place for place in members if judged[place].invalid is None]
                shares, standing = await viewer.shares(session, *_of(places, prompts, pages))
                for place, share in zip(places, shares, strict=True):
                    marks[place] = share
                for name, value in standing.metrics().items():
                    log_metric(f"frontend/judge_{name}", value)
        else:
            # Looks count times function: of a page that does nothing they need not be known.
            useful = [
                page if result.components.get("function") else None for page, result in zip(pages, judged, strict=True)
            ]
            marks = await viewer.marks(session, prompts, useful)
        log_metric("frontend/judge_missing", sum(isinstance(mark, JudgeFault) for mark in marks) / len(marks))
        for name, cost in session.costs().items():
            log_metric(f"frontend/judge_{name}", cost / len(responses))
        return [
            blended(result, mark, viewer.settings, self._weights) for result, mark in zip(judged, marks, strict=True)
        ]


def _check_arguments(terms: Any, browsers: Any, isolation: Any, seed: Any, judge: Any) -> None:
    """What the types of `Frontend` say, for recipes. Raises InputError."""
    if terms is not None and not isinstance(terms, Mapping):
        raise InputError(f"frontend: terms is {terms!r}; it must be a mapping, such as aesthetics: 0.3")
    if browsers is not None and (isinstance(browsers, bool) or not isinstance(browsers, int) or browsers < 1):
        raise InputError(f"frontend: browsers is {browsers!r}; it must be a whole number from 1")
    if isolation not in get_args(Isolation):
        raise InputError(f"frontend: isolation is {isolation!r}; known: {', '.join(get_args(Isolation))}")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InputError(f"frontend: seed is {seed!r}; it must be a whole number")
    if judge is not None and not isinstance(judge, str | Mapping):
        raise InputError(f"frontend: judge is {judge!r}; it must be a mapping, or file.py:function")
    function = judge.get("function") if isinstance(judge, Mapping) else judge
    if isinstance(function, str) and ":" not in function:
        raise InputError(
            f"frontend: judge.function is {function!r}; name a function as file.py:function or package.module:function"
        )


def blended(
    result: RewardResult, mark: float | JudgeFault | None, settings: ViewSettings, terms: Terms
) -> RewardResult:
    """The result with the judge's part in aesthetics: (1 - weight) x computed + weight x mark. The filters stay what
    they are. ``mark`` is None where the judge was not asked."""
    info = {name: value for name, value in result.info.items() if name != "pictures"}
    if isinstance(mark, JudgeFault):
        info["error"] = str(mark)
        if settings.on_failure == "invalid":
            return RewardResult(None, info=info, invalid=mark.cause)
        mark = None
    if mark is None:
        return RewardResult(result.total, result.components, info, result.invalid)
    looks = result.components["aesthetics"]
    aesthetics = (1 - settings.weight) * looks + settings.weight * mark
    components = {**result.components, "aesthetics": aesthetics, "looks": looks, "judge": mark}
    return RewardResult(total(components, terms), components, info)


def _pictures(result: RewardResult) -> Pictures | None:
    found = result.info.get("pictures")
    return Pictures(tuple(found.items())) if found else None


def _of(
    places: Sequence[int], prompts: Sequence[Any], pages: Sequence[Pictures | None]
) -> tuple[Any, list[Pictures | None]]:
    return (prompts[places[0]] if places else ""), [pages[place] for place in places]


_loaded: dict[str, Checks] = {}


def load_checks(given: Any) -> Checks | None:
    """Checks of a data set's cell; None and an empty text mean that there are none. Raises CheckError."""
    if given is None or given == "" or given == [] or given == {}:
        return None
    key = given if isinstance(given, str) else json.dumps(given, sort_keys=True, default=str)
    if key not in _loaded:
        if len(_loaded) > 2000:
            _loaded.clear()
        _loaded[key] = Checks.load(given)
    return _loaded[key]


def check_command(arguments: Sequence[str]) -> int:
    """``lpo reward check frontend PAGE [--checks FILE | --task NAME] [--report FILE]``: judges one page, says why."""
    from rewards.frontend.check_page import main

    return main(arguments)
