"""The reward ``rubric`` of recipes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from lpo.errors import InputError
from rewards.contract import RewardResult
from rewards.judge.asking import Judge, Session
from rewards.judge.faults import JudgeFault, commonest
from rewards.judge.material import Material, prompt_text
from rewards.judge.questions import Asked
from rewards.judge.settings import judge_settings
from rewards.rubric.checklist import Checklist, ChecklistError

LOGGED_ITEMS = 24
"""Items of a checklist that are components of their own; all of them are in the notes."""


class Rubric:
    """The mark that a judge gives by a weighted checklist, from 0 to 1.

    ``checklist`` is a file (YAML), or the items; ``column`` names a column of the data with a checklist for each
    prompt instead. An item has a name, a description, a weight and a kind: must, should or negative (lowers the score).
    A must that is not met caps the score at ``must_cap``. ``ask: each`` asks about every item by itself. ``reference``
    names a column with an answer that the judge may look at.
    """

    def __init__(
        self,
        judge: str | dict[str, Any] | None = None,
        checklist: str | list[Any] | dict[str, Any] | None = None,
        column: str | None = None,
        must_cap: float = 0.4,
        ask: Literal["once", "each"] = "once",
        reference: str | None = None,
        base_dir: Path | None = None,
    ) -> None:
        if (checklist is None) == (column is None):
            raise InputError(
                "needs params.checklist, a file or items, or params.column, a column of the data; one of them"
            )
        if not 0 <= must_cap <= 1:
            raise InputError(f"params.must_cap is {must_cap}; it must be from 0 to 1")
        self._checklist = None if checklist is None else Checklist.load(checklist, base_dir=base_dir)
        self._column, self._cap, self._each, self._reference = column, must_cap, ask == "each", reference
        self._judge = Judge(judge_settings(judge), base_dir)
        self._judge.needs("response", "item")
        self.call_seconds = self._judge.settings.patience_s
        self.concurrency = math.ceil(self._judge.settings.concurrency / self.questions(1))

    def questions(self, group_size: int) -> int:
        """To the judge, for a group; where the data has the checklists, at least so many."""
        return group_size * (len(self._checklist.items) if self._checklist is not None and self._each else 1)

    def column_problem(self, columns: Sequence[str]) -> str | None:
        for param, name in (("column", self._column), ("reference", self._reference)):
            if name is not None and name not in columns:
                return f"params.{param}: there is no column '{name}'"
        return None

    async def __call__(
        self,
        prompts: Sequence[Any],
        responses: Sequence[str],
        log_metric: Callable[[str, float], None],
        **columns: Sequence[Any],
    ) -> list[RewardResult]:
        session = Session(self._judge)
        nothing = [None] * len(responses)
        lists = columns[self._column] if self._column is not None else nothing
        references = columns[self._reference] if self._reference is not None else nothing
        rows = zip(prompts, responses, lists, references, strict=True)
        results = await asyncio.gather(*(self._judged(session, *row) for row in rows))
        for name, cost in session.costs().items():
            log_metric(f"rubric/{name}", cost / len(responses))
        return list(results)

    async def _judged(self, session: Session, prompt: Any, response: str, given: Any, reference: Any) -> RewardResult:
        checklist = self._checklist
        if checklist is None:
            if given in (None, "", [], {}):
                return RewardResult(None)
            try:
                checklist = Checklist.load(given, f"column '{self._column}'")
            except ChecklistError as cause:
                return RewardResult.unjudged("checklist cannot be used", cause)
        asked = Asked(prompt_text(prompt), checklist.about, None if reference is None else str(reference))
        try:
            marks = await marks_of(session, asked, response, checklist, each=self._each)
        except JudgeFault as fault:
            return RewardResult.unjudged(fault.cause, fault)
        named = dict(zip((item.name for item in checklist.items), marks, strict=True))
        parts = checklist.by_kind(marks)
        if self._checklist is not None:  # names that come with the data would never end
            parts |= dict(list(named.items())[:LOGGED_ITEMS])
        return RewardResult(checklist.score(marks, self._cap), parts, {"marks": named})


async def marks_of(
    session: Session, asked: Asked, material: Material, checklist: Checklist, *, each: bool
) -> list[float]:
    """A mark from 0 to 1 for every item, asked in one question or in one each. Raises JudgeFault where one lacks."""
    if not each:
        return await session.check(asked, material, checklist.items)
    answers = await asyncio.gather(
        *(session.check(asked, material, [item]) for item in checklist.items), return_exceptions=True
    )
    faults = [answer for answer in answers if isinstance(answer, JudgeFault)]
    if faults:
        raise commonest(faults)
    marks = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        marks += answer
    return marks
