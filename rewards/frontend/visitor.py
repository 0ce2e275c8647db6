"""Does a page without checks do anything: uses its controls as a visitor would, and looks whether anything follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rewards.frontend.actions import SET_TYPES, click_at
from rewards.frontend.keyboard import press, write
from rewards.frontend.page import Page
from rewards.frontend.scripts import script

MOST_CONTROLS = 6
ONLY_TOLD = 0.5
"""What a control is worth that does no more than open a dialog of the browser."""
_IDLE_MS = 2100
"""Clocks tick once a second, on a busy machine not to the millisecond: two ticks cannot both be missed."""
_GLANCE_MS, _LATE_MS = 150, 1000
_MOST_DOCUMENTS = 8
_PICKED = set(SET_TYPES) - {"range"}


@dataclass
class Trial:
    """What came of using a page's controls."""

    share: float | None
    """Of those tried, the share that reacts; None where there are none."""
    reasons: list[str] = field(default_factory=list)
    boxes: list[tuple[str, tuple[float, ...]]] = field(default_factory=list)
    """Of those that do not react, with the reason: x, y, width, height in CSS pixels."""


def try_controls(page: Page) -> Trial:
    """Uses up to `MOST_CONTROLS` controls, spread over the page.

    A control reacts if afterwards something can be seen that was not so before: a text, a look or a place of an
    element, another page, a field that is asked for. What changes without being touched, under the mouse or by the
    focus does not count.
    """
    controls: list[dict[str, Any]] = _ask(page, "controls", most=MOST_CONTROLS)
    if not controls:
        return Trial(None)
    _ask(page, "idle", compare=False)
    page.run(_IDLE_MS)
    _ask(page, "idle", compare=True)
    credits = {place: _use(page, place) for place in range(len(controls))}
    # Some have something to do only after others: what stops needs something that runs.
    for place, (credit, _) in list(credits.items()):
        if credit == 0 and any(other for other, _ in credits.values()):
            credits[place] = _use(page, place)
    tried = [credit for credit, fault in credits.values() if fault != "gone"]
    trial = Trial(sum(tried) / len(tried) if tried else None)
    for place, (_, fault) in credits.items():
        if fault and fault != "gone":
            trial.reasons.append(f"{controls[place]['what']} {fault}")
            trial.boxes.append((trial.reasons[-1], tuple(controls[place]["box"])))
    return trial


def _use(page: Page, place: int) -> tuple[float, str]:
    """Credit in 0..1, and what is wrong: "" if nothing, "gone" where the control is no longer there."""
    found = _reach(page, place)
    if found.get("gone"):
        return 0.0, "gone"
    if found.get("covered"):
        return 0.0, "is covered"
    page.send("mouseMoved", found["x"], found["y"])
    page.run(_GLANCE_MS)
    scrolled = _ask(page, "idle", compare=False, index=place)
    before = _left(page)
    if found["key"]:
        press(page, found["key"])
    else:
        click_at(page, found["x"], found["y"])
    page.run(_GLANCE_MS)
    if found["role"] in ("textbox", "searchbox", "spinbutton"):
        write(page, "7")
        page.run(_GLANCE_MS)
    dialogs = before[0]
    for wait in (0, _LATE_MS):
        if wait:
            page.run(wait)
        after = _left(page)
        # Fields for dates, times and colours are filled in by the browser.
        if after[1:] != before[1:] or found["leads"] or found["type"] in _PICKED:
            return 1.0, ""
        seen = _ask(page, "reaction", index=place)
        if seen["changed"] or seen["asked"] or seen["scroll"] != scrolled:
            # What goes on changing changes on its own from here on.
            page.run(_GLANCE_MS)
            _ask(page, "idle", compare=True, index=place)
            return 1.0, ""
        if wait and seen["stands"]:
            page.run(_IDLE_MS)
            if _ask(page, "reaction", index=place)["stands"]:
                return 1.0, ""
    if after[0] != dialogs:
        return ONLY_TOLD, "only opens a dialog of the browser"
    return 0.0, "does nothing"


def _reach(page: Page, place: int) -> dict[str, Any]:
    """A control in view, if it can be had; another one may have led away or have opened something over it."""
    found: dict[str, Any] = _ask(page, "reach", index=place)
    if found.get("covered"):
        press(page, "Escape")
        page.run(_GLANCE_MS)
        found = _ask(page, "reach", index=place)
    if (found.get("covered") or found.get("left")) and page.seen.documents < _MOST_DOCUMENTS:
        page.start_over()
        _ask(page, "controls", most=MOST_CONTROLS)
        found = _ask(page, "reach", index=place)
    return found


def _left(page: Page) -> tuple[int, int, int]:
    return len(page.seen.dialogs), page.seen.documents, len(page.seen.blocked)


def _ask(page: Page, do: str, **request: Any) -> Any:
    return page.evaluate(script("visitor.js"), {"do": do, **request})
