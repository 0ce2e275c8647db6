"""What a user does to a page: the actions of checks, carried out by real input events with hit tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rewards.frontend import steps as c
from rewards.frontend.keyboard import press, write
from rewards.frontend.page import Page
from rewards.frontend.scripts import script

SETTLE_MS = 250
"""Page time after each action in which the page may react."""
PATIENCE_MS = 2000
"""How long an action waits for its target to be there, visible, uncovered and enabled."""
SET_TYPES = ("date", "time", "datetime-local", "month", "week", "color", "range")


class StepError(Exception):
    """A step did not succeed; the message says why."""


def ask(page: Page, do: str, **request: Any) -> Any:
    """The answer of functions.js."""
    if isinstance(request.get("target"), c.Target):
        request["target"] = plain(request["target"])
    return page.evaluate(script("functions.js"), {"do": do, **request})


def plain(target: c.Target) -> dict[str, Any]:
    """A target as functions.js takes it."""
    return target.model_dump(exclude_none=True)


def _point(page: Page, target: c.Target) -> dict[str, Any]:
    """Where to press. What is still on its way there is waited for, as a visitor would."""
    for _ in range(PATIENCE_MS // SETTLE_MS):
        place: dict[str, Any] = ask(page, "point", target=target)
        if "fault" not in place:
            return place
        page.live(SETTLE_MS)
    raise StepError(f"{target} {place['fault']}")


def _done(answer: Mapping[str, Any], target: c.Target) -> None:
    if "fault" in answer:
        raise StepError(f"{target} {answer['fault']}")


def click_at(page: Page, x: float, y: float, button: str = "left", clicks: int = 1) -> None:
    """Moves the mouse there and clicks."""
    page.send("mouseMoved", x, y)
    for click in range(1, clicks + 1):
        page.send("mousePressed", x, y, button, click)
        page.send("mouseReleased", x, y, button, click)


def _click(page: Page, step: c.Click) -> None:
    for _ in range(step.times):
        place = _point(page, step.on)
        click_at(page, place["x"], place["y"], step.button, 2 if step.double else 1)
        page.live(SETTLE_MS)


def _hover(page: Page, step: c.Hover) -> None:
    place = _point(page, step.on)
    page.send("mouseMoved", place["x"], place["y"])
    page.live(SETTLE_MS)


def _type(page: Page, step: c.Type) -> None:
    place = _point(page, step.into)
    if place["type"] in SET_TYPES:
        ask(page, "set", target=step.into, value=step.text)
        page.live(SETTLE_MS)
        return
    if place["tag"] not in ("input", "textarea") and not place["editable"]:
        raise StepError(f"{step.into} takes no text")
    click_at(page, place["x"], place["y"])
    page.run(SETTLE_MS)
    if step.clear and ask(page, "empty"):
        press(page, "Backspace")
    write(page, step.text)
    page.live(SETTLE_MS)


def _press(page: Page, step: c.Press) -> None:
    if step.on is not None:
        _point(page, step.on)
        ask(page, "focus", target=step.on)
    for _ in range(step.times):
        press(page, step.key)
        page.run(SETTLE_MS if step.times == 1 else 50)
    page.live(SETTLE_MS)


def _select(page: Page, step: c.Select) -> None:
    _point(page, step.of)
    _done(ask(page, "select", target=step.of, option=step.option), step.of)
    page.live(SETTLE_MS)


def _drag(page: Page, step: c.Drag) -> None:
    start = _point(page, step.source)
    if step.to is not None:
        end = _point(page, step.to)
        start = _point(page, step.source)
        end = ask(page, "point", target=step.to) if "fault" not in end else end
    else:
        assert step.by is not None
        end = {"x": start["x"] + step.by[0], "y": start["y"] + step.by[1]}
    page.drag((start["x"], start["y"]), (end["x"], end["y"]))
    page.live(SETTLE_MS)


def _scroll(page: Page, step: c.Scroll) -> None:
    answer = ask(page, "scroll", target=step.to, by=step.by)
    if step.to is not None:
        _done(answer, step.to)
    page.live(SETTLE_MS)


ACTIONS: dict[type[c.Step], Callable[[Page, Any], None]] = {
    c.Click: _click,
    c.Hover: _hover,
    c.Type: _type,
    c.Press: _press,
    c.Select: _select,
    c.Drag: _drag,
    c.Scroll: _scroll,
    c.Wait: lambda page, step: page.live(step.ms),
    c.Reload: lambda page, step: page.reload(),
    c.Back: lambda page, step: page.back(),
}
