"""Presses keys on a page: the events that a keyboard makes, those of held modifiers with them."""

from __future__ import annotations

from typing import Any

from rewards.frontend.keys import MODIFIERS, Key, parse
from rewards.frontend.page import Page

MOST_KEYS = 200
"""Characters of a longer text are inserted at once after so many."""

_BY_KEYS = {"\n": "Enter", "\t": "Tab"}


def press(page: Page, key: str) -> None:
    """Presses and lets go one key, with modifiers where the name says so ("Control+z")."""
    held, meant = parse(key)
    bits = 0
    for name in held:
        bit, modifier = MODIFIERS[name]
        bits |= bit
        page.key("rawKeyDown", **_event(modifier, bits))
    if meant is not None:
        event = _event(meant, bits)
        # With Control, Alt or Meta a key writes nothing.
        text = {"text": meant.text} if meant.text and not bits & ~MODIFIERS["Shift"][0] else {}
        page.key("keyDown" if text else "rawKeyDown", **event, **text)
        page.key("keyUp", **event)
    for name in reversed(held):
        bit, modifier = MODIFIERS[name]
        bits &= ~bit
        page.key("keyUp", **_event(modifier, bits))


def write(page: Page, text: str) -> None:
    """Types a text key by key."""
    text = text.replace("\r\n", "\n")
    for character in text[:MOST_KEYS]:
        press(page, _BY_KEYS.get(character, character))
    if text[MOST_KEYS:]:
        page.insert(text[MOST_KEYS:])


def _event(key: Key, modifiers: int) -> dict[str, Any]:
    return {
        "key": key.name,
        "code": key.code,
        "windowsVirtualKeyCode": key.number,
        "modifiers": modifiers,
        "location": key.location,
    }
