"""Constraints on words, letters, sentences and the language."""

from __future__ import annotations

import re
import string
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from lpo.recipe.base import Positive
from lpo.segmentation import sentences
from rewards.instructions.constraint import WORD, Bounds, Constraint, Count, Text, Texts, bounds, occurrences
from rewards.instructions.language import LANGUAGES, is_written_in

_PIECE = re.compile(r"\w+")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class Keywords(Constraint):
    """All of these words or phrases are there."""

    ifeval: ClassVar = "keywords:existence"
    kind: Literal["keywords"]
    words: Texts
    whole: bool = True
    """Not as part of longer words."""

    def holds(self, text: str) -> bool:
        return all(occurrences(word, text, whole=self.whole) for word in self.words)

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"words": given["keywords"], "whole": False}


class KeywordCount(Count):
    """A word or phrase is there so many times."""

    ifeval: ClassVar = "keywords:frequency"
    kind: Literal["keyword_count"]
    word: Text
    whole: bool = True

    def count(self, text: str) -> int:
        return occurrences(self.word, text, whole=self.whole)

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"word": given["keyword"], "whole": False, **bounds(given["relation"], given["frequency"])}


class ForbiddenWords(Constraint):
    """None of these words or phrases is there."""

    ifeval: ClassVar = "keywords:forbidden_words"
    kind: Literal["forbidden_words"]
    words: Texts

    def holds(self, text: str) -> bool:
        return not any(occurrences(word, text, whole=True) for word in self.words)

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"words": given["forbidden_words"]}


class LetterCount(Count):
    """A letter, or another character, is there so many times, in whatever case."""

    ifeval: ClassVar = "keywords:letter_frequency"
    kind: Literal["letter_count"]
    letter: Text

    @field_validator("letter")
    @classmethod
    def _one(cls, letter: str) -> str:
        if len(letter.strip()) != 1:
            raise ValueError("takes one character")
        return letter.strip()

    def count(self, text: str) -> int:
        return text.lower().count(self.letter.lower())

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"letter": given["letter"], **bounds(given["let_relation"], given["let_frequency"])}


class Words(Count):
    """The number of words. A Chinese or Japanese character counts as one.

    ``pieces`` counts as IFEval does, by runs of letters and digits: "don't" has two.
    """

    ifeval: ClassVar = "length_constraints:number_words"
    kind: Literal["words"]
    pieces: bool = False

    def count(self, text: str) -> int:
        if self.pieces:
            return len(_PIECE.findall(text))
        return len(WORD.findall(_IDEOGRAPH.sub(" x ", text)))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"pieces": True, **bounds(given["relation"], given["num_words"])}


class Sentences(Count):
    """The number of sentences, as `lpo.segmentation` finds them; a heading or an item of a list is one."""

    ifeval: ClassVar = "length_constraints:number_sentences"
    kind: Literal["sentences"]

    def count(self, text: str) -> int:
        return sum(1 for each in sentences(text) if _PIECE.search(each))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return bounds(given["relation"], given["num_sentences"])


class Paragraphs(Bounds):
    """The number of paragraphs, parted by blank lines, or by ``***`` where ``divider`` is stars."""

    ifeval: ClassVar = "length_constraints:number_paragraphs"
    kind: Literal["paragraphs"]
    divider: Literal["blank", "stars"] = "blank"

    def holds(self, text: str) -> bool:
        parts = paragraphs(text) if self.divider == "blank" else re.split(r"\*{3}", text)
        if self.divider == "stars" and not all(part.strip() for part in parts[1:-1]):
            return False  # two dividers with nothing between them
        return self.admits(sum(1 for part in parts if part.strip()))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"divider": "stars", **bounds("exactly", given["num_paragraphs"])}


class ParagraphStart(Constraint):
    """So many paragraphs, parted by blank lines, of which the ``nth`` (from 1) starts with a word."""

    ifeval: ClassVar = "length_constraints:nth_paragraph_first_word"
    kind: Literal["paragraph_start"]
    paragraphs: Positive | None = None
    nth: Positive
    word: Text

    def holds(self, text: str) -> bool:
        parts = paragraphs(text)
        if (self.paragraphs is not None and len(parts) != self.paragraphs) or len(parts) < self.nth:
            return False
        first = next(iter(parts[self.nth - 1].lstrip("#*_>- \t\n").split()), "").strip(string.punctuation + "“”‘’«»¿¡")
        opening = WORD.match(first)
        return self.word.lower() in (first.lower(), opening.group().lower() if opening else "")

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "paragraphs": int(given["num_paragraphs"]),
            "nth": int(given["nth_paragraph"]),
            "word": given["first_word"],
        }


def paragraphs(text: str) -> list[str]:
    """Parts between blank lines."""
    return [part for part in re.split(r"\n[^\S\n]*\n", text) if part.strip()]


class Language(Constraint):
    """All of it is in one language (see `rewards.instructions.language`)."""

    ifeval: ClassVar = "language:response_language"
    kind: Literal["language"]
    language: str

    @field_validator("language")
    @classmethod
    def _known(cls, language: str) -> str:
        if language not in LANGUAGES:
            raise ValueError(f"it takes one of {', '.join(sorted(LANGUAGES))}")
        return language

    def holds(self, text: str) -> bool:
        return is_written_in(text, self.language)

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"language": given["language"]}


class UpperCase(Constraint):
    """No lower-case letter; ``english`` wants the text in English, too."""

    ifeval: ClassVar = "change_case:english_capital"
    kind: Literal["upper_case"]
    english: bool = False

    def holds(self, text: str) -> bool:
        return text.isupper() and (not self.english or is_written_in(text.lower(), "en"))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"english": True}


class LowerCase(Constraint):
    """No capital letter; ``english`` wants the text in English, too."""

    ifeval: ClassVar = "change_case:english_lowercase"
    kind: Literal["lower_case"]
    english: bool = False

    def holds(self, text: str) -> bool:
        return text.islower() and (not self.english or is_written_in(text, "en"))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"english": True}


class CapitalWords(Count):
    """The number of words all in capitals; "I" and "A" are among them, as in IFEval."""

    ifeval: ClassVar = "change_case:capital_word_frequency"
    kind: Literal["capital_words"]

    def count(self, text: str) -> int:
        return sum(1 for word in WORD.findall(text) if word.isupper())

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return bounds(given["capital_relation"], given["capital_frequency"])


class NoComma(Constraint):
    """No comma, in any script."""

    ifeval: ClassVar = "punctuation:no_comma"
    kind: Literal["no_comma"]

    def holds(self, text: str) -> bool:
        return not any(comma in text for comma in ",，،、﹐﹑､‚")
