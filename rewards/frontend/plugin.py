"""The reward ``frontend`` of recipes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from lpo.errors import InputError
from rewards.contract import RewardResult, RewardValue
from rewards.frontend.checks import CheckError, Checks
from rewards.frontend.farm import Farm
from rewards.frontend.judgement import Terms
from rewards.frontend.launch import Isolation, NoBrowserError, cage, program
from rewards.frontend.worker import LONGEST_S, Job


class Frontend:
    """Judges the page in each response. The column ``checks``, where the data has it, says what the page must do.

    Args:
        terms: weights and gates of the total, fields of `Terms`.
        browsers: for each process of `reward_workers`; the recipe's number of those is what spreads the work.
        isolation: "namespace" refuses to start where pages cannot be kept off the network, "best_effort" does not.
        seed: of the random inputs, which also change with the training step.
    """

    call_seconds = LONGEST_S
    """The longest time that one response may rightly take."""

    def __init__(
        self,
        terms: Mapping[str, float] | None = None,
        browsers: int = 1,
        isolation: Isolation = "namespace",
        seed: int = 0,
    ) -> None:
        Terms.of(terms)
        if isolation not in get_args(Isolation):
            raise InputError(f"isolation is {isolation!r}; known: {', '.join(get_args(Isolation))}")
        if browsers < 1:
            raise InputError(f"browsers is {browsers!r}; it must be at least 1")
        program()
        if isolation == "namespace" and cage() is None:
            raise NoBrowserError(
                "no network namespace can be made here; run as root, allow user namespaces, or set "
                "isolation: best_effort"
            )
        self._terms, self._browsers, self._isolation, self._seed = dict(terms or {}), browsers, isolation, seed

    def __call__(
        self, responses: Sequence[str], checks: Sequence[Any] | None = None, trainer_state: Any = None
    ) -> list[RewardValue]:
        step = getattr(trainer_state, "global_step", 0)
        results: list[RewardValue] = [None] * len(responses)
        jobs: list[tuple[int, Job]] = []
        for place, response in enumerate(responses):
            try:
                wanted = load_checks(checks[place] if checks is not None else None)
            except CheckError as cause:
                results[place] = RewardResult.unjudged(f"checks: {cause}")
                continue
            jobs.append((place, Job(response, wanted, f"{self._seed}/{step}", self._terms)))
        farm = Farm.shared(self._browsers, self._isolation)
        for (place, _), result in zip(jobs, farm.judge([job for _, job in jobs]), strict=True):
            results[place] = result
        return results


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
    """``lpo reward check frontend PAGE [--checks FILE] [--report FILE] [--seed N]``: judges one page and says why."""
    from rewards.frontend.check_page import main

    return main(arguments)
