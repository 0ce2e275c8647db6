"""The reward ``arena`` of recipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rewards.arena.tournament import Mode, hold, questions, tournament_settings
from rewards.contract import RewardResult
from rewards.judge.asking import Judge, Session
from rewards.judge.faults import JudgeFault
from rewards.judge.material import prompt_text
from rewards.judge.questions import Asked
from rewards.judge.settings import judge_settings

CRITERIA = "how well the response answers the prompt: first whether it is right and complete, then whether it is clear."
GROUPS_AT_ONCE = 8
"""Requests of the judge's ``concurrency`` for each group that is under way: a group asks many questions at one time."""


class Arena:
    """What a response takes of a point, on average, against each other response of its group, before a judge.

    Two meet in both orders, with graded outcomes: 1 much better, 0.75 better, 0.5 equally good. G responses cost G(G-1)
    questions; ``mode: swiss`` costs G for each round. ``criteria`` say what is better, ``reference`` names a column
    with an answer that the judge may look at. A group of one has no value.
    """

    scope = "group"

    def __init__(
        self,
        judge: str | dict[str, Any] | None = None,
        criteria: str = CRITERIA,
        reference: str | None = None,
        mode: Mode = "round_robin",
        rounds: int | None = None,
        least_valid: float = 0.5,
        base_dir: Path | None = None,
    ) -> None:
        self.tournament = tournament_settings(mode, rounds, least_valid)
        self._judge = Judge(judge_settings(judge), base_dir)
        self._judge.needs("first", "second")
        self._criteria, self._reference = criteria, reference
        self.call_seconds = self._judge.settings.patience_s
        self.concurrency = max(2, self._judge.settings.concurrency // GROUPS_AT_ONCE)

    def questions(self, group_size: int) -> int:
        """To the judge, for a group without equal responses."""
        return questions(group_size, self.tournament["mode"], self.tournament["rounds"])

    def column_problem(self, columns: Sequence[str]) -> str | None:
        if self._reference is not None and self._reference not in columns:
            return f"params.reference: there is no column '{self._reference}'"
        return None

    async def __call__(
        self,
        prompts: Sequence[Any],
        responses: Sequence[str],
        group_ids: Sequence[int],
        log_metric: Callable[[str, float], None],
        **columns: Sequence[Any],
    ) -> list[RewardResult]:
        results: list[RewardResult] = []
        references = columns[self._reference] if self._reference is not None else [None] * len(responses)
        for _, members in groupby(range(len(responses)), key=lambda place: group_ids[place]):
            places = list(members)
            reference = references[places[0]]
            asked = Asked(
                prompt_text(prompts[places[0]]), self._criteria, None if reference is None else str(reference)
            )
            results += await self._group(asked, [responses[place] for place in places], log_metric)
        return results

    async def _group(
        self, asked: Asked, texts: Sequence[str], log_metric: Callable[[str, float], None]
    ) -> list[RewardResult]:
        if len(texts) == 1:
            return [RewardResult(None, info={"note": "a group of one"})]
        session = Session(self._judge)
        standing = await hold(
            [text.strip() for text in texts],
            lambda first, second: session.compare(asked, texts[first], texts[second]),
            **self.tournament,
        )
        costs = {"questions": standing.questions, **session.costs()}
        for name, value in {**standing.metrics(), **{name: cost / len(texts) for name, cost in costs.items()}}.items():
            log_metric(f"arena/{name}", value)
        return [scored(score) for score in standing.scores]


def scored(score: float | JudgeFault) -> RewardResult:
    """A score, or the reason why there is none."""
    if isinstance(score, JudgeFault):
        return RewardResult.unjudged(score.cause, score)
    return RewardResult(score)
