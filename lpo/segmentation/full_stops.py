"""Does this full stop end a sentence, or does it belong to an abbreviation, an initial or a label?"""

from __future__ import annotations

import re
from typing import NamedTuple

from lpo.segmentation import abbreviations as words

_LEADING = "\"'“‘«「『([{（【*_`~<¿¡—–-/#>\u200b\u200e\u200f\u2066\u2067\u202a\u202b"
_INNER_BREAK = re.compile(r"[(\[/—–“”\"、，：,;:=+*<>|]")
_JOINERS = re.compile("[\u200c\u200d]")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_ROMAN = re.compile(r"[ivxlc]+|[IVXLC]+")
_OPERATOR_BEFORE = re.compile(
    r"[=+*/<>≤≥≈^×·−∈⊂∪∩→|(-]\s*$|\b(?:equals|answer is|choice is|option)\s*:?\s*$", re.IGNORECASE
)
_TIME_PREPOSITIONS = ("At", "By", "Around", "About", "Before", "After", "From", "Until", "Since", "On")
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)


class Following(NamedTuple):
    """What comes after a mark: the first visible character, and the first word behind opening quotes and brackets."""

    first: str
    word: str
    stopped: bool = False  # a full stop comes right after the word

    @property
    def lower(self) -> bool:
        return self.word[:1].islower()

    @property
    def upper(self) -> bool:
        return self.word[:1].isupper()

    @property
    def digit(self) -> bool:
        return self.word[:1].isdigit()

    @property
    def starter(self) -> bool:
        return self.upper and self.word.lower().replace("’", "'") in words.STARTERS


def full_stop_ends(before: str, following: Following) -> bool:
    """Whether the full stop between `before` (its sentence, or the end of that) and `following` ends the sentence."""
    pieces = before.split()
    if not pieces:
        return False
    token = _JOINERS.sub("", _INNER_BREAK.split(pieces[-1])[-1]).lstrip(_LEADING)
    name = token.lower()
    previous = pieces[-2] if len(pieces) > 1 else ""
    if not token or token[-1].isdigit() or "://" in pieces[-1] or "@" in pieces[-1]:
        return True
    if len(token) == 1 and token.isalpha():
        return _after_letter(token, pieces, before, following)
    if name in words.CONNECTIVES:
        return False
    if name in words.REFERENCES and _is_reference(token, following):
        return False
    if name in words.ORDINARY and token.islower() and not following.digit:
        return True
    if name in words.TITLES:
        return token.islower() and following.starter
    if token == "EST":  # the time zone
        return True
    if name == "al":
        return previous.lower().lstrip(_LEADING) != "et" or following.starter
    if token.islower() and following.upper and _ACRONYM.fullmatch(token) and name not in words.END_BEFORE_CAPITALS:
        return len(following.word) > 1  # a name with dots, as x.y; but "the c.d.f. F"
    if name in words.OPEN_ENDED or name in words.REFERENCES or _ACRONYM.fullmatch(token):
        return _after_open_ended(name, pieces, following)
    if following.lower and len(token) > 1 and token.isupper() and _ROMAN.fullmatch(token):
        return False  # "Henry VIII. was"
    if following.lower and len(token) <= 4 and token.isascii() and token.isalpha() and not _VOWEL.search(token):
        return name in words.UNITS
    return True


def _is_reference(token: str, following: Following) -> bool:
    if following.digit or following.first in "(§#":
        return True
    letter = len(following.word) == 1 and following.upper and following.word not in "AI"
    numeral = following.upper and _ROMAN.fullmatch(following.word) is not None and following.word != "I"
    return (letter or numeral) and not (token.islower() and token in words.ORDINARY)


def _after_open_ended(name: str, pieces: list[str], following: Following) -> bool:
    if following.lower:
        return False
    if name in words.END_BEFORE_CAPITALS:
        if following.upper:
            if len(pieces) <= 3 and pieces[0] in _TIME_PREPOSITIONS:  # "At 5 a.m. Mary left."
                return False
            return following.word.lower() not in words.DATES_AND_ZONES
        return following.first not in "(["
    # A script without case gives no sign: an initial is likelier than an end.
    return following.starter or (not following.word and following.first not in "([")


def _after_letter(token: str, pieces: list[str], before: str, following: Following) -> bool:
    if following.digit and token in "bcdfnprv":
        return False  # "(b. 1950)", "p. 4"
    if _OPERATOR_BEFORE.search(before.rstrip()[: -len(token)]):
        return True
    if token == "v":  # "Smith v. Jones"
        return not following.upper and not following.digit and not following.lower
    if following.stopped and len(following.word) == 1:
        return False  # "J. K. Ito", "z. B."
    if token.islower():
        # "so we solve for x. then ...", but "3 p. of them"
        return token in "xyzijkmnst" if following.lower else not following.digit
    if not token.isupper() or following.lower:
        return False
    if following.starter and len(following.word) > 1:
        return True
    if not following.upper:
        return True
    previous = pieces[-2] if len(pieces) > 1 else ""
    if token == "I":
        return previous.islower()
    if previous in ("and", "or", "to", "through") and len(pieces) > 2:
        return len(pieces[-3].rstrip(",")) == 1  # "from A to B. Cars ..."
    return previous.lower() in words.LABELLED
