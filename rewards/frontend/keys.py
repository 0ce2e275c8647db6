"""The keys of a US keyboard, as the DOM names them and Chromium's input events number them."""

from __future__ import annotations

import functools
import string
from dataclasses import dataclass

from lpo.recipe.base import unknown_name


@dataclass(frozen=True)
class Key:
    """``shift`` says whether it must be held for ``name``; ``text`` is what the key writes, "" if it writes nothing."""

    name: str
    code: str = ""
    number: int = 0
    text: str = ""
    shift: bool = False
    location: int = 0


MODIFIERS = {
    "Alt": (1, Key("Alt", "AltLeft", 18, location=1)),
    "Control": (2, Key("Control", "ControlLeft", 17, location=1)),
    "Meta": (4, Key("Meta", "MetaLeft", 91, location=1)),
    "Shift": (8, Key("Shift", "ShiftLeft", 16, location=1)),
}
"""Their bits in an event, and the keys themselves."""
SHIFT = 8

_SHORT = {
    "Ctrl": "Control", "Space": " ", "Spacebar": " ", "Esc": "Escape", "Del": "Delete", "Ins": "Insert",
    "Return": "Enter", "Up": "ArrowUp", "Down": "ArrowDown", "Left": "ArrowLeft", "Right": "ArrowRight",
}  # fmt: skip
_NAMED = {
    "Backspace": 8, "Tab": 9, "Enter": 13, "Pause": 19, "CapsLock": 20, "Escape": 27, "PageUp": 33, "PageDown": 34,
    "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "PrintScreen": 44,
    "Insert": 45, "Delete": 46, "ContextMenu": 93, "NumLock": 144, "ScrollLock": 145,
    **{f"F{place}": 111 + place for place in range(1, 25)},
}  # fmt: skip
_MARKS = [
    ("Backquote", 192, "`~"), ("Minus", 189, "-_"), ("Equal", 187, "=+"), ("BracketLeft", 219, "[{"),
    ("BracketRight", 221, "]}"), ("Backslash", 220, "\\|"), ("Semicolon", 186, ";:"), ("Quote", 222, "'\""),
    ("Comma", 188, ",<"), ("Period", 190, ".>"), ("Slash", 191, "/?"),
    *((f"Digit{digit}", ord(digit), f"{digit}{mark}") for digit, mark in zip("0123456789", ")!@#$%^&*(", strict=True)),
    *((f"Key{letter}", ord(letter), letter.lower() + letter) for letter in string.ascii_uppercase),
]  # fmt: skip
"""Code, number, and what the key writes without and with Shift."""

_KEYS = {name: Key(name, name, number, "\r" if name == "Enter" else "") for name, number in _NAMED.items()}
_KEYS[" "] = Key(" ", "Space", 32, " ")
for _code, _number, _pair in _MARKS:
    for _shift, _character in enumerate(_pair):
        _KEYS[_character] = Key(_character, _code, _number, _character, shift=bool(_shift))
_SHIFTED = {pair[0]: _KEYS[pair[1]] for _, _, pair in _MARKS}
_NAMES = {name.lower(): name for name in (*_NAMED, *MODIFIERS)} | {short.lower(): _SHORT[short] for short in _SHORT}


def key_of(character: str) -> Key:
    """The key that writes a character; one that no key has is written without a code."""
    return _KEYS.get(character) or Key(character, text=character)


@functools.lru_cache(maxsize=1024)
def parse(name: str) -> tuple[tuple[str, ...], Key | None]:
    """``Control+Shift+a`` as the modifiers that are held and the key, which is None for modifiers alone.

    Raises ValueError, which names the nearest key.
    """
    head, plus, last = name.rpartition("+")
    if name == "+" or name.endswith("++"):  # the plus itself
        head, plus, last = name[:-2], name[:-1][-1:], "+"
    names = [*(head.split("+") if plus else []), last]
    if not all(names):
        raise ValueError(f"'{name}' is no key; write Enter, a or Control+a")
    found = [each if len(each) == 1 else _NAMES.get(each.strip().lower(), each.strip()) for each in names]
    for each in found:
        if each not in MODIFIERS and each not in _KEYS and len(each) != 1:
            raise ValueError(unknown_name(each, (*_KEYS, *MODIFIERS, *_SHORT), "key", listed=False))
    *held, key = found
    if wrong := [each for each in held if each not in MODIFIERS]:
        raise ValueError(f"'{wrong[0]}' is no modifier; there are Control, Shift, Alt and Meta")
    if key in MODIFIERS:
        return tuple(dict.fromkeys([*held, key])), None
    meant = key_of(key)
    if "Shift" in held:
        meant = _SHIFTED.get(key, meant)
    elif held and key.isascii() and key.isupper():  # Control+Z: as shortcuts are written, not with Shift
        meant = key_of(key.lower())
    elif meant.shift:
        held = [*held, "Shift"]
    return tuple(dict.fromkeys(held)), meant
