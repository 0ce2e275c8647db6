"""What a page is worth: syntax, function and aesthetics behind three filters, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lpo.errors import InputError
from lpo.recipe.base import unknown_name
from rewards.contract import RewardResult
from rewards.frontend import function, syntax
from rewards.frontend.browser import Browser
from rewards.frontend.capture import HEIGHTS, WIDTHS, Capture
from rewards.frontend.checks import Checks
from rewards.frontend.extract import find_page
from rewards.frontend.looks import Looks, judge
from rewards.frontend.page import Page
from rewards.frontend.patience import BrowserError, PageError
from rewards.frontend.photograph import photograph
from rewards.frontend.visitor import try_controls

MOST_REASONS = 12


@dataclass(frozen=True)
class Terms:
    """How the three parts add up. Weights are made to add up to 1."""

    syntax: float = 0.2
    function: float = 0.4
    aesthetics: float = 0.4
    function_gate: float = 0.5
    """Below this function, syntax and aesthetics count in proportion to function / gate; above it aesthetics still
    counts times function."""
    content_gate: float = 0.5
    """Below this evidence of content, everything counts in proportion to evidence / gate."""
    load_error: float = 0.1
    """What is taken from function if an error is not caught while the page loads."""

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Terms:
        """Raises InputError for unknown names and values out of range."""
        for name, value in (given or {}).items():
            if name not in cls.__dataclass_fields__:
                raise InputError(f"frontend: {unknown_name(name, cls.__dataclass_fields__, 'term')}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise InputError(f"frontend: {name} is {value!r}; it must be a number from 0 to 1")
        terms = cls(**(given or {}))
        if terms.syntax + terms.function + terms.aesthetics <= 0:
            raise InputError("frontend: syntax, function and aesthetics are all 0; give one of them a weight")
        return terms


@dataclass
class Judgement:
    """Everything that was found out about one response. `result` makes a reward of it."""

    total: float
    components: dict[str, float]
    reasons: dict[str, list[str]]
    capture: Capture | None = None
    looks: Looks | None = None
    syntax: syntax.SyntaxResult | None = None
    function: function.FunctionResult | None = None
    files: dict[str, bytes] | None = None
    control_boxes: tuple[tuple[str, tuple[float, ...]], ...] = ()

    def result(self) -> RewardResult:
        return RewardResult(
            self.total, self.components, {"reasons": {k: v[:MOST_REASONS] for k, v in self.reasons.items()}}
        )


def assess(
    browser: Browser, response: str, checks: Checks | None = None, *, seed: int | str = 0, terms: Terms | None = None
) -> Judgement:
    """Judges the page of a response. ``response`` may be the page itself.

    A browser that fails for a reason that is not the page's is replaced, and the page tried once more.
    Raises BrowserError if that fails too.
    """
    try:
        return _assess(browser, response, checks, seed, terms or Terms())
    except BrowserError:
        browser.close()
        return _assess(browser, response, checks, seed, terms or Terms())


def _assess(browser: Browser, response: str, checks: Checks | None, seed: int | str, terms: Terms) -> Judgement:
    found = find_page(response)
    if found.files is None:
        return _nothing(found.reason)
    try:
        with browser.page(found.files, WIDTHS[0], HEIGHTS[WIDTHS[0]]) as page:
            page.load()
            page.arrive()
            errors_at_load = list(page.seen.errors)
            parsed = syntax.check(found.files, page.compiles, lambda pairs: page.evaluate(syntax.SUPPORTS, pairs))
            capture = photograph(page)
            looks = judge(capture)
            content = float(looks.parts.get("content", 1.0))
            blocked = list(page.seen.blocked)
            acted = None
            if checks is None and capture.views and content > 0:
                acted = _without_checks(page)
    except PageError as fault:
        return _nothing(str(fault))
    if not capture.views or content <= 0:
        return _nothing("the page shows nothing", capture)
    boxes: tuple[tuple[str, tuple[float, ...]], ...] = ()
    if checks is not None:
        acted_score = function.perform(browser, found.files, checks, seed)
        reasons = [f"{each.name}: {each.reason}" for each in acted_score.outcomes if each.credit < 1]
    else:
        assert acted is not None
        acted_score, reasons, boxes = acted
    if errors_at_load:
        acted_score.score = max(0.0, acted_score.score - terms.load_error)
        reasons += [f"uncaught while loading: {each}" for each in dict.fromkeys(errors_at_load)]
    reasons += [f"asks for what is not there: {each}" for each in dict.fromkeys(blocked)]
    broken = ["the answer breaks off"] if found.truncated else []
    lost = [f"{each.text} (at {each.viewport} px)" if each.viewport else each.text for each in looks.reasons]
    judgement = Judgement(
        0.0,
        {"syntax": parsed.score, "function": acted_score.score, "aesthetics": float(looks.score), "content": content},
        {
            "syntax": broken + [f"{kind}: {said}" for kind, said in parsed.errors],
            "function": reasons,
            "aesthetics": lost,
        },
        capture, looks, parsed, acted_score, found.files, boxes,
    )  # fmt: skip
    judgement.total = total(judgement.components, terms)
    return judgement


def total(components: Mapping[str, float], terms: Terms) -> float:
    """(w_s S g + w_f F + w_a A F g) c / (w_s + w_f + w_a), where g = min(1, F / function_gate) and c = min(1, content /
    content_gate)."""
    worked = components["function"]
    gate = min(1.0, worked / terms.function_gate) if terms.function_gate > 0 else 1.0
    there = min(1.0, components["content"] / terms.content_gate) if terms.content_gate > 0 else 1.0
    added = terms.syntax * components["syntax"] * gate + terms.function * worked
    added += terms.aesthetics * components["aesthetics"] * worked * gate
    return there * added / (terms.syntax + terms.function + terms.aesthetics)


def _without_checks(page: Page) -> tuple[function.FunctionResult, list[str], tuple[tuple[str, tuple[float, ...]], ...]]:
    page.resize(WIDTHS[0], HEIGHTS[WIDTHS[0]])
    page.run(100)
    before = len(page.seen.errors)
    trial = try_controls(page)
    late = page.seen.errors[before:]
    score = (1.0 if trial.share is None else math.sqrt(trial.share)) * 0.8 ** min(3, len(set(late)))
    reasons = trial.reasons + [f"uncaught when a control was used: {each}" for each in dict.fromkeys(late)]
    return function.FunctionResult(score), reasons, tuple(trial.boxes)


def _nothing(reason: str, capture: Capture | None = None) -> Judgement:
    return Judgement(
        0.0, {"syntax": 0.0, "function": 0.0, "aesthetics": 0.0, "content": 0.0}, {"page": [reason]}, capture
    )
