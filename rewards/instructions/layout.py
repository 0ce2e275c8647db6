"""Constraints on the form of a response: lists, sections, marks, its beginning and its end."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rewards.instructions.constraint import WORD, Constraint, Count, Text, bounds, occurrences

_BRACKETS = re.compile(r"\[([^\[\]\n]*)\](?!\(|:\s*https?)")
_BULLET = re.compile(r"^[ \t]*[*\-+•‣◦▪●–][ \t]+\S", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*([*\-])(?:[ \t]*\1){2,}[ \t]*$", re.MULTILINE)
_HIGHLIGHT = re.compile(r"(\*{1,3})(?![\s*])([^*\n]*[^\s*])\1(?!\*)")
_TITLE = re.compile(r"<<([^\n<>]*)>>")
_FENCE_START = re.compile(r"```(?:json)?(?=[\s\[{])", re.IGNORECASE)
_QUOTES = (('"', '"'), ("“", "”"), ("«", "»"), ("„", "“"), ("「", "」"))
_ANSWERS = ["My answer is yes.", "My answer is no.", "My answer is maybe."]


class Placeholders(Count):
    """The number of placeholders in square brackets, such as [address]; neither links nor boxes to tick."""

    ifeval: ClassVar = "detectable_content:number_placeholders"
    kind: Literal["placeholders"]

    def count(self, text: str) -> int:
        return sum(1 for inside in _BRACKETS.findall(text) if inside.strip() not in ("", "x", "X"))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return bounds("at least", given["num_placeholders"])


class Postscript(Constraint):
    """A postscript that starts with a mark such as ``P.S.`` and says something."""

    ifeval: ClassVar = "detectable_content:postscript"
    kind: Literal["postscript"]
    marker: Text = "P.S."

    def holds(self, text: str) -> bool:
        letters = [part for part in re.split(r"[.\s]+", self.marker.strip()) if part]
        if all(len(part) == 1 for part in letters):
            marker = r"\.\s?".join(re.escape(part) for part in letters) + r"\.?"
        else:
            marker = re.escape(self.marker.strip())
        return re.search(rf"(?<![\w.]){marker}\W*\w", text, re.IGNORECASE) is not None

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"marker": given["postscript_marker"]}


class Bullets(Count):
    """The number of items in Markdown lists with ``*``, ``-``, ``+`` or a bullet."""

    ifeval: ClassVar = "detectable_format:number_bullet_lists"
    kind: Literal["bullets"]

    def count(self, text: str) -> int:
        return len(_BULLET.findall(_RULE.sub("", text)))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return bounds("exactly", given["num_bullets"])


class OneOf(Constraint):
    """The response says exactly one of these, as words of their own; IFEval's are "My answer is yes.", "... no." and
    "... maybe."."""

    ifeval: ClassVar = "detectable_format:constrained_response"
    kind: Literal["one_of"]
    options: Annotated[list[Text], Field(min_length=2)]
    alone: bool = False
    """And nothing else."""

    def holds(self, text: str) -> bool:
        if self.alone:
            return text.strip() in [option.strip() for option in self.options]
        said = [option for option in self.options if occurrences(option, text, whole=True)]
        # An option that is part of another one said is not said for itself.
        return sum(1 for option in said if not any(option != other and option in other for other in said)) == 1

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"options": list(_ANSWERS)}


class Highlights(Count):
    """The number of passages in Markdown emphasis: ``*so*``, ``**so**``."""

    ifeval: ClassVar = "detectable_format:number_highlighted_sections"
    kind: Literal["highlights"]

    def count(self, text: str) -> int:
        return len(_HIGHLIGHT.findall(text))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return bounds("at least", given["num_highlights"])


class Sections(Count):
    """The number of sections: lines that begin with ``marker`` and a number, no number twice."""

    ifeval: ClassVar = "detectable_format:multiple_sections"
    kind: Literal["sections"]
    marker: Text = "Section"

    def count(self, text: str) -> int:
        heading = rf"^[ \t>#*_\[(•\-]*{re.escape(self.marker.strip())}[ \t]*(\d+)(?!\d)"
        return len(set(re.findall(heading, text, re.MULTILINE)))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"marker": given["section_spliter"], **bounds("at least", given["num_sections"])}


class Json(Constraint):
    """All of it is one JSON object or array; a fence around it does not matter."""

    ifeval: ClassVar = "detectable_format:json_format"
    kind: Literal["json"]

    def holds(self, text: str) -> bool:
        text = text.strip()
        if text.endswith("```"):
            text = _FENCE_START.sub("", text, count=1).removesuffix("```")
        try:
            value = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict | list)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class Title(Constraint):
    """A title in double angular brackets: <<title>>."""

    ifeval: ClassVar = "detectable_format:title"
    kind: Literal["title"]

    def holds(self, text: str) -> bool:
        return any(title.strip() for title in _TITLE.findall(text))


class TwoResponses(Constraint):
    """Two different responses, parted by six stars."""

    ifeval: ClassVar = "combination:two_responses"
    kind: Literal["two_responses"]

    def holds(self, text: str) -> bool:
        parts = [" ".join(part.split()) for part in re.split(r"(?<!\*)\*{6}(?!\*)", text)]
        said = [part for part in parts if part]
        return all(parts[1:-1]) and len(said) == 2 and said[0] != said[1]


class RepeatPrompt(Constraint):
    """First the request, word for word in whatever case, then something else."""

    ifeval: ClassVar = "combination:repeat_prompt"
    kind: Literal["repeat_prompt"]
    prompt: Text

    def holds(self, text: str) -> bool:
        said, asked = " ".join(text.lower().split()), " ".join(self.prompt.lower().split())
        return said.startswith(asked) and WORD.search(said, len(asked)) is not None

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"prompt": given["prompt_to_repeat"]}


class End(Constraint):
    """The last words, in whatever case; quotation marks after them do not matter."""

    ifeval: ClassVar = "startend:end_checker"
    kind: Literal["end"]
    phrase: Text

    def holds(self, text: str) -> bool:
        return text.strip().strip('"”“').lower().endswith(self.phrase.strip().lower())

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"phrase": given["end_phrase"]}


class Start(Constraint):
    """The first words, in whatever case."""

    ifeval: ClassVar = "multi-turn:constrained_start"
    kind: Literal["start"]
    phrase: Text

    def holds(self, text: str) -> bool:
        phrase = self.phrase.strip()
        whole = r"(?!\w)" if phrase[-1:].isalnum() else ""
        begins = re.compile(re.escape(phrase) + whole, re.IGNORECASE)
        return any(begins.match(each) is not None for each in (text.lstrip(), text.lstrip(" \t\n*_#\"'")))

    @classmethod
    def ifeval_fields(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"phrase": given["starter"]}


class Quotation(Constraint):
    """All of it in quotation marks."""

    ifeval: ClassVar = "startend:quotation"
    kind: Literal["quotation"]

    def holds(self, text: str) -> bool:
        text = text.strip()
        return len(text) > 2 and (text[0], text[-1]) in _QUOTES
