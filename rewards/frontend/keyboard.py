"""Keys, as Chromium's input events name them."""

from __future__ import annotations

from typing import Any

from rewards.frontend.page import Page

MOST_KEYS = 200
"""Characters of a longer text are inserted at once after so many."""

_MODIFIERS = {"alt": 1, "control": 2, "ctrl": 2, "meta": 4, "shift": 8}
_SHORT = {
    "space": " ",
    "esc": "Escape",
    "up": "ArrowUp",
    "down": "ArrowDown",
    "left": "ArrowLeft",
    "right": "ArrowRight",
}
_CODES = {
    "Enter": 13, "Tab": 9, "Escape": 27, "Backspace": 8, "Delete": 46, "ArrowLeft": 37, "ArrowUp": 38,
    "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35, "PageUp": 33, "PageDown": 34, " ": 32,
}  # fmt: skip


def press(page: Page, key: str) -> None:
    """Presses and lets go one key, with modifiers where the name says so ("Control+z")."""
    *held, last = key.split("+") if len(key) > 1 and not key.endswith("+") else [key]
    modifiers = 0
    for each in held:
        modifiers |= _MODIFIERS.get(each.lower(), 0)
    last = _SHORT.get(last.lower(), last)
    event = _event(last, modifiers)
    page.key("keyDown" if "text" in event else "rawKeyDown", **event)
    event.pop("text", None)
    page.key("keyUp", **event)


def write(page: Page, text: str) -> None:
    """Types a text key by key."""
    for character in text[:MOST_KEYS]:
        press(page, "Enter" if character == "\n" else character)
    if text[MOST_KEYS:]:
        page.insert(text[MOST_KEYS:])


def _event(key: str, modifiers: int) -> dict[str, Any]:
    code = f"Key{key.upper()}" if key.isascii() and key.isalpha() and len(key) == 1 else key
    if len(key) == 1 and key.isdigit():
        code = f"Digit{key}"
    number = _CODES.get(key, ord(key.upper()) if len(key) == 1 and key.isalnum() and key.isascii() else 0)
    event: dict[str, Any] = {
        "key": key,
        "code": "Space" if key == " " else code,
        "windowsVirtualKeyCode": number,
        "modifiers": modifiers,
    }
    if modifiers & 2 and key.lower() == "a":
        event["commands"] = ["selectAll"]
    elif not modifiers & ~8:
        if len(key) == 1:
            event["text"] = key
        elif key == "Enter":
            event["text"] = "\r"
    return event
