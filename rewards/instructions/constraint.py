"""What a constraint is: a kind, its parameters, and whether a text keeps to it."""

from __future__ import annotations

import re
import unicodedata
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Self

import regex
from pydantic import AfterValidator, Field, model_validator

from lpo.recipe.base import NonNegative, Section

_ALIKE = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "‐": "-", "‑": "-"})
# One that a text begins with is no part of a word, and JSON must not have it.
_INVISIBLE = regex.compile(r"(?<=.)[\p{Default_Ignorable_Code_Point}\p{Cf}]+", regex.DOTALL)


def plain(text: str) -> str:
    """The text with one way to write a character: composed, of usual width, quotation marks and hyphens straight,
    nothing that cannot be seen."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_ALIKE)


Text = Annotated[str, Field(min_length=1), AfterValidator(plain)]
Texts = Annotated[list[Text], Field(min_length=1)]

LETTER = r"[\p{L}\p{M}\p{N}]"
WORD = regex.compile(rf"{LETTER}+(?:(?:['’\-]|(?<=\p{{N}})[.,](?=\p{{N}})|(?<=\b\p{{L}})\.(?=\p{{L}}\b)){LETTER}+)*")
"""A word: "don't", "well-known", "U.S" and "3.14" are one each."""


def occurrences(phrase: str, text: str, *, whole: bool) -> int:
    """How often a phrase stands in a text, in whatever case; ``whole``: not as part of a longer word."""
    literal = r"\s+".join(re.escape(part) for part in phrase.split())
    before = f"(?<!{LETTER})" if whole and re.match(r"\w", phrase.strip()) else ""
    after = f"(?!{LETTER})" if whole and re.search(r"\w$", phrase.strip()) else ""
    return len(regex.findall(f"{before}{literal}{after}", text, regex.IGNORECASE))


class Constraint(Section):
    """``kind`` is its name in the data. ``ifeval`` is the id of the same instruction in IFEval (arXiv 2311.07911), if
    there is one."""

    ifeval: ClassVar[str | None] = None
    kind: str

    @abstractmethod
    def holds(self, text: str) -> bool:
        """Whether the text, which is not blank, keeps to the constraint."""

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Our fields from IFEval's arguments; KeyError where one is missing."""
        return {}


class Bounds(Constraint):
    """A number that must lie within bounds, each included."""

    at_least: NonNegative | None = None
    at_most: NonNegative | None = None
    exactly: NonNegative | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.at_least is None and self.at_most is None and self.exactly is None:
            raise ValueError("has no bound; set at_least, at_most or exactly")
        if self.exactly is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("has exactly and another bound; leave one of them out")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("has at_least above at_most; nothing can satisfy both")
        return self

    def admits(self, count: int) -> bool:
        if self.exactly is not None:
            return count == self.exactly
        return (self.at_least is None or count >= self.at_least) and (self.at_most is None or count <= self.at_most)


class Count(Bounds):
    """A number of something in the text."""

    def holds(self, text: str) -> bool:
        return self.admits(self.count(text))

    @abstractmethod
    def count(self, text: str) -> int:
        """What must lie within the bounds."""


RELATIONS = ("at least", "less than", "at most", "more than", "exactly")


def bounds(relation: Any, number: Any) -> dict[str, int]:
    """Our bounds from a relation in words and its number. IFEval itself has "at least" and "less than"."""
    if not isinstance(number, int | float) or isinstance(number, bool) or number != int(number) or number < 0:
        raise ValueError(f"the number is {number!r}; it must be whole and not negative")
    whole = int(number)
    if relation == "less than" and whole == 0:
        raise ValueError("nothing is less than 0 in number")
    named = {
        "at least": {"at_least": whole},
        "less than": {"at_most": whole - 1},
        "at most": {"at_most": whole},
        "more than": {"at_least": whole + 1},
        "exactly": {"exactly": whole},
    }
    if relation not in named:
        raise ValueError(f"the relation is {relation!r}; it must be one of: {', '.join(RELATIONS)}")
    return named[relation]
