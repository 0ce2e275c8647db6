"""Text of a model is untrusted: what a terminal or a browser would obey instead of show becomes a visible sign."""

from __future__ import annotations

import unicodedata

_SHOWN_AS_THEY_ARE = frozenset("\n\t\u200c\u200d")
"""Joiners belong to Persian and to emoji; they change the shape of their neighbours only."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: object) -> str:
    """``text`` without control characters, bidirectional marks and other invisible ones, each by a sign in its place:
    ``⟨U+001B⟩`` for an escape, ``⟨U+202E⟩`` for a right-to-left override.
    """
    return "".join(_sign(character) for character in str(text))


def _sign(character: str) -> str:
    if character in _SHOWN_AS_THEY_ARE or unicodedata.category(character) not in _HIDDEN:
        return character
    return f"⟨U+{ord(character):04X}⟩"  # few fonts have the pictures of control characters
