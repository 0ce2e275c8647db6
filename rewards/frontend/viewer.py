"""How pages look to a judge that sees their pictures, and never their source."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from lpo.errors import InputError
from lpo.recipe.base import Fraction, Section
from rewards.arena.tournament import Mode, Standing, hold, questions, tournament_settings
from rewards.judge.asking import Judge, Session
from rewards.judge.faults import JudgeFault
from rewards.judge.material import Pictures, prompt_text
from rewards.judge.questions import Asked
from rewards.judge.settings import JudgeSettings, checked, judge_settings
from rewards.rubric.checklist import Checklist

CRITERIA = (
    "which page looks better and is easier to use for what the prompt asks: order and emphasis of its parts, legible "
    "text, even edges and spacing, colours that go together, and nothing cut off or overlapping in the narrow window."
)
ABOUT = "The response is a page that was made for the prompt; you see how it looks."
CHECKLIST = [
    ("composed", "should", 3, "The page looks designed for what the prompt asks; the eye finds what matters first."),
    ("legible", "should", 2, "All text can be read with ease: size, contrast and line spacing fit."),
    ("tidy", "should", 2, "Edges line up, spacing is even, and things of one sort look alike."),
    ("colours", "should", 1, "The colours go together and help to tell things apart."),
    ("narrow", "should", 2, "In the narrow window everything fits, and is as usable as in the wide one."),
    ("broken", "negative", 3, "Something overlaps, is cut off, or looks unfinished."),
    ("plain", "negative", 2, "The page looks like a browser's default, with hardly any design."),
]
"""Name, kind, weight, statement."""


class ViewSettings(Section):
    """What the ``judge`` block of the front-end reward has besides the judge."""

    weight: Fraction = 0.3
    """Of the judge's mark in aesthetics; the computed score has the rest."""
    mode: Literal["checklist", "pairwise"] = "checklist"
    """Each page by itself, or the pages of a group against each other."""
    checklist: str | list[Any] | dict[str, Any] | None = None
    criteria: Annotated[str, Field(min_length=1)] = CRITERIA
    must_cap: Fraction = 0.4
    tournament: Mode = "round_robin"
    rounds: int | None = None
    least_valid: Fraction = 0.5
    on_failure: Literal["invalid", "aesthetics"] = "invalid"
    """Where the judge gives no mark: the sample is invalid, or aesthetics is what was computed."""


class Viewer:
    """Marks pages by their pictures, from 0 to 1. Raises InputError where the settings lead to no judge."""

    def __init__(self, given: str | Mapping[str, Any], base_dir: Path | None = None) -> None:
        fields: dict[str, Any] = {"function": given} if isinstance(given, str) else dict(given)
        own = {name: fields.pop(name) for name in list(fields) if name in ViewSettings.model_fields}
        self.settings: ViewSettings = checked(ViewSettings, own, "judge")
        self.pairwise = self.settings.mode == "pairwise"
        self._judge = Judge(judge_settings(fields, known=ViewSettings.model_fields), base_dir)
        self._judge.needs(*(("first", "second") if self.pairwise else ("response", "item")))
        if self.pairwise and self.settings.checklist is not None:
            raise InputError("judge.checklist is not used in mode pairwise; give judge.criteria")
        if not self.pairwise and "criteria" in own:
            raise InputError("judge.criteria is not used in mode checklist; give judge.checklist")
        self._tournament = tournament_settings(
            self.settings.tournament, self.settings.rounds, self.settings.least_valid, "judge."
        )
        items = [dict(zip(("name", "kind", "weight", "description"), each, strict=True)) for each in CHECKLIST]
        chosen = {"about": ABOUT, "items": items} if self.settings.checklist is None else self.settings.checklist
        self._checklist = Checklist.load(chosen, "judge.checklist", base_dir)

    @property
    def judge(self) -> JudgeSettings:
        return self._judge.settings

    def session(self) -> Session:
        """For the pages of one call."""
        return Session(self._judge)

    def questions(self, group_size: int) -> int:
        """To the judge, for a group whose pages all render."""
        if self.pairwise:
            return questions(group_size, self.settings.tournament, self.settings.rounds)
        return group_size

    async def marks(
        self, session: Session, prompts: Sequence[Any], pages: Sequence[Pictures | None]
    ) -> list[float | JudgeFault | None]:
        """By the checklist; None where there is nothing to see."""

        async def one(prompt: Any, page: Pictures | None) -> float | JudgeFault | None:
            if page is None:
                return None
            try:
                asked = Asked(prompt_text(prompt), self._checklist.about)
                given = await session.check(asked, page, self._checklist.items)
            except JudgeFault as fault:
                return fault
            return self._checklist.score(given, self.settings.must_cap)

        return await asyncio.gather(*map(one, prompts, pages))

    async def shares(
        self, session: Session, prompt: Any, pages: Sequence[Pictures | None]
    ) -> tuple[list[float | JudgeFault | None], Standing]:
        """What each page of a group takes of a point against the others; None where there is nothing to see, or nobody
        to meet.

        A page that shows nothing has lost to each that does, clearly, without a question.
        """
        entrants = [page for page in pages if page is not None]
        asked = Asked(prompt_text(prompt), self.settings.criteria)
        standing = await hold(
            entrants,
            lambda first, second: session.compare(asked, entrants[first], entrants[second]),
            **self._tournament,
        )
        beaten, met = len(pages) - len(entrants), len(entrants) - 1
        scores = iter(standing.scores)
        found: list[float | JudgeFault | None] = []
        for page in pages:
            share = next(scores) if page is not None else None
            if met + beaten == 0:
                share = None
            if isinstance(share, float) and beaten:
                share = (share * met + beaten) / (met + beaten)
            found.append(share)
        return found, standing
