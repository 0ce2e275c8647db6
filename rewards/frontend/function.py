"""Does a page do what was asked: carries out the steps of checks with real input, and judges what comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from rewards.frontend import steps as c
from rewards.frontend.actions import ACTIONS, SETTLE_MS, StepError, ask, plain
from rewards.frontend.browser import Browser
from rewards.frontend.capture import HEIGHTS
from rewards.frontend.checks import Check, Checks
from rewards.frontend.conduct import MOST_ERRORS
from rewards.frontend.devtools import ProtocolError
from rewards.frontend.expectations import fault, first_number
from rewards.frontend.page import Page
from rewards.frontend.patience import PageError

PATIENCE_STEP_MS = 250
_APPEARING_MS = 100
"""Page time after loading in which what observers reveal begins to appear."""


@dataclass(frozen=True)
class Outcome:
    """What became of one check. ``credit`` is in 0..1; ``reason`` says what failed, "" if nothing did."""

    name: str
    weight: float
    credit: float
    reason: str = ""


@dataclass
class FunctionResult:
    """``score`` is in 0..1."""

    score: float
    outcomes: list[Outcome] = field(default_factory=list)


def perform(browser: Browser, files: Mapping[str, bytes], checks: Checks, seed: int | str) -> FunctionResult:
    """Carries out all checks and adds up their weights. A page that hangs fails the check in which it does.

    Raises BrowserError where the browser failed for a reason of its own.
    """
    drawn = checks.draw(seed)
    groups: list[list[int]] = []
    for place, check in enumerate(drawn):
        if check.fresh:
            groups.append([])
        groups[-1].append(place)
    credits: list[list[float]] = [[] for _ in drawn]
    reasons = [""] * len(drawn)
    hung = 0
    for group in groups:
        for repeat in range(max(drawn[place].repeat for place in group)):
            again = checks.draw(seed, repeat) if repeat else drawn
            chosen = [place for place in group if repeat < drawn[place].repeat]
            if hung >= 2:
                told: list[tuple[float, str]] = [(0.0, "not tried: the page hung before")] * len(chosen)
            else:
                told, fault = _group(browser, files, [again[place] for place in chosen], checks.patience_ms)
                hung += fault
            for place, (credit, reason) in zip(chosen, told, strict=True):
                credits[place].append(credit)
                reasons[place] = reasons[place] or reason
    outcomes = [
        Outcome(check.name, check.weight, min(credits[place]), reasons[place]) for place, check in enumerate(drawn)
    ]
    total = sum(outcome.weight for outcome in outcomes)
    return FunctionResult(sum(each.weight * each.credit for each in outcomes) / total, outcomes)


def _group(
    browser: Browser, files: Mapping[str, bytes], group: list[Check], patience_ms: int
) -> tuple[list[tuple[float, str]], bool]:
    """Credit and reason of checks that share a page, and whether the page hung."""
    told: list[tuple[float, str]] = []
    try:
        with browser.page(files, group[0].width, HEIGHTS[group[0].width]) as page:
            page.load()
            page.live(_APPEARING_MS)
            for check in group:
                page.patience.begin()
                if check.width != page.width:
                    page.resize(check.width, HEIGHTS[check.width])
                    page.live(SETTLE_MS)
                page.seen.accept_dialogs, page.seen.prompt_text = check.dialogs == "accept", check.prompt_text
                told.append(_Performance(page, check, patience_ms).credit())
    except PageError as fault:
        return [*told, *[(0.0, str(fault))] * (len(group) - len(told))], True
    return told, False


class _Performance:
    """One check on one page."""

    def __init__(self, page: Page, check: Check, patience_ms: int) -> None:
        self._page, self._check, self._patience = page, check, patience_ms
        self._errors, self._dialogs = len(page.seen.errors), 0
        if check.fresh:
            self._errors = 0
        self._asked = [step.of for step in check.steps if isinstance(step, c.Changed)]
        expected = [cast(c.Expectation, step) for step in check.steps if isinstance(step, c.Expectation)]
        self._counted = [step for step in expected if step.change is not None]
        self._at_start = self._states()
        self._before, self._numbers = self._at_start, self._read_numbers()

    def credit(self) -> tuple[float, str]:
        held, failed, reason = 0, 0, ""
        for place, step in enumerate(self._check.steps):
            try:
                self._do(step)
                held += isinstance(step, c.Assertion)
            except (StepError, ProtocolError) as fault:
                kind = next(name for name, each in c.STEPS.items() if type(step) is each)
                reason = reason or f"step {place + 1}, {kind}: {fault}" + (f" ({step.note})" if step.note else "")
                if isinstance(step, c.Action) or not self._check.partial:
                    left = sum(isinstance(each, c.Assertion) for each in self._check.steps[place:])
                    failed += max(1, left)
                    break
                failed += 1
        if not self._check.partial:
            return float(failed == 0), reason
        return held / (held + failed), reason

    def _do(self, step: c.Step) -> None:
        if isinstance(step, c.Action):
            if not isinstance(step, c.Wait):
                self._before, self._numbers = self._states(), self._read_numbers()
                self._dialogs = len(self._page.seen.dialogs)
            ACTIONS[type(step)](self._page, step)
            return
        assert isinstance(step, c.Assertion)
        patience = self._patience if step.patience_ms is None else step.patience_ms
        while True:
            try:
                self._assert(step)
                return
            except StepError:
                if patience <= 0 or isinstance(step, c.Unchanged | c.NoError):
                    raise
            self._page.live(PATIENCE_STEP_MS)
            patience -= PATIENCE_STEP_MS

    def _assert(self, step: c.Assertion) -> None:
        page = self._page
        match step:
            case c.Visible(of=of):
                _must(ask(page, "visible", target=of), f"{of} is not visible")
            case c.Hidden(of=of):
                _must(not ask(page, "visible", target=of), f"{of} is visible")
            case c.Focused(of=of):
                _must(ask(page, "focused", target=of), f"{of} has not the focus")
            case c.NoError():
                # A page with as many errors as are kept may have more.
                new = page.seen.errors[min(self._errors, MOST_ERRORS - 1) :]
                _must(not new, f"uncaught: {new[0] if new else ''}")
            case c.Changed(of=of, what=what, since=since):
                place = self._asked.index(of)
                then, now = (self._at_start if since == "start" else self._before)[place], self._states()[place]
                keys = ("text", "markup", "look") if what == "anything" else (what,)
                changed = any(then[key] != now[key] for key in keys)
                if isinstance(step, c.Unchanged):
                    _must(not changed, f"{of} changed")
                else:
                    _must(changed, f"{of} did not change")
            case c.Expectation():
                readings = self._readings(step)
                faults = [fault(step, reading, self._numbers.get(id(step))) for reading in readings]
                # A select may be meant by its value or its label: one of the readings must do.
                _must(any(each is None for each in faults), faults[0] or "")

    def _readings(self, step: c.Expectation) -> list[str]:
        page = self._page
        match step:
            case c.Dialog():
                return [(page.seen.dialogs[self._dialogs :] or [""])[-1]]
            case c.Url():
                return [ask(page, "url")]
            case c.Title():
                return [ask(page, "title")]
            case c.Storage(key=key, area=area):
                return [ask(page, "storage", key=key, area=area)]
            case c.Count(of=of, hidden_too=hidden_too):
                return [ask(page, "count", target=of, all=hidden_too)]
            case c.TextIs(of=of):
                found = ask(page, "text", target=of)
            case c.Attribute(of=of, attribute=name):
                found = ask(page, "attribute", target=of, name=name)
            case c.Style(of=of, property=name):
                found = ask(page, "style", target=of, name=name)
            case c.ValueIs(of=of):
                found = ask(page, "value", target=of)
            case _:
                raise TypeError(f"{type(step).__name__} reads nothing")
        if found is None:
            raise StepError(f"{of} is not there" + (", or not visible" if isinstance(step, c.TextIs) else ""))
        return found if isinstance(found, list) else [found]

    def _states(self) -> list[dict[str, str]]:
        if not self._asked:
            return []
        states: list[dict[str, str]] = ask(self._page, "state", targets=[plain(target) for target in self._asked])
        return states

    def _read_numbers(self) -> dict[int, float | None]:
        numbers: dict[int, float | None] = {}
        for step in self._counted:
            try:
                numbers[id(step)] = first_number(self._readings(step)[0])
            except StepError:
                numbers[id(step)] = None
        return numbers


def _must(so: Any, otherwise: str) -> None:
    if not so:
        raise StepError(otherwise)
