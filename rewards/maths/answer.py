"""What a response says its answer is.

The last statement counts: a tag, a box, "the answer is", what follows ``####``; without any, the whole response if it
looks like an answer and nothing else. A statement of several values is all of them, so that "3 or 4" answers no
question whose answer is 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rewards.extraction import extract_answer

_BOX_OR_BRACE = re.compile(r"\\f?boxed\s*\{|\\?[{}]")
_BARE_BOX = re.compile(r"\\f?boxed\s+([0-9A-Za-z])(?![\w.])")
_SEPARATE = re.compile(r"[.!?](?:\s|$)|\n")
_STATED = re.compile(
    r"\banswers?\b(?:[ \t]*\**[ \t]*[:=]|[^.\n:=$]{0,60}?\b(?:is|are|equals)\b(?:[ \t]*:)?)", re.IGNORECASE
)
_HASHES = re.compile(r"^####[ \t]*(\S.*)$", re.MULTILINE)
_DISPLAY = re.compile(r"\s*(?:\\\[(.*?)\\\]|\$\$(.*?)\$\$)", re.DOTALL)
_REASON = re.compile(
    r"[,;]\s*not\b|[,;]?\s+(?:because|since|as\s+(?:it|the|we|they)|which|where|when|so|for|after|obtained|given|of\s+(?:the|an?|all|his|her|its|their))\b|\s\((?=[^()]*[a-z]{3})",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"\.(?=\s|\*|$)|!(?=\s+[A-Z]|\*|\s*$)")
_INSTEAD = re.compile(r"\bnot\b.{0,80}?(?:,\s*but\b|\bbut\b|;)", re.IGNORECASE)
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")
_SHORT = 80
"""Characters up to which a response without any statement may be an answer and nothing else."""
_LONGEST = 5000
"""Characters after "the answer is" that are looked at."""
_APART = 40
"""Characters between two boxes of one statement."""


@dataclass(frozen=True)
class Stated:
    """``text`` is the answer; ``sure`` where a mark sets it apart from the words around it."""

    text: str
    sure: bool


def stated_answer(response: str) -> Stated | None:
    """The answer that a response (without its thoughts) states, None where no statement is found."""
    tagged = extract_answer(response, "tag")
    if tagged is not None:
        inside = boxed(tagged)
        return Stated(inside if inside is not None else tagged, True)
    inside = boxed(response)
    if inside is not None:
        return Stated(inside, True)
    hashes = _HASHES.findall(response)
    if hashes:
        return Stated(hashes[-1], True)
    said = _said(response)
    if said is not None:
        return Stated(said, False)
    text = response.strip()
    if 0 < len(text) <= _SHORT and "\n" not in text and len(_WORD.findall(text)) <= 1:
        return Stated(text.rstrip("."), False)
    return None


def boxed(text: str) -> str | None:
    """What is in the last box; of boxes that are one statement ("\\boxed{1} and \\boxed{2}") all, with commas."""
    boxes = _boxes(_BARE_BOX.sub(r"\\boxed{\1}", text))
    if not boxes:
        return None
    together = [boxes[-1][2]]
    for (_, end, inside), (start, _, _) in zip(boxes[-2::-1], boxes[:0:-1], strict=True):
        between = text[end:start]
        if len(between) > _APART or _SEPARATE.search(between.strip(" ")):
            break
        if inside not in together:
            together.insert(0, inside)
    return ", ".join(together)


def _boxes(text: str) -> list[tuple[int, int, str]]:
    """Start, end and contents of the complete boxes that have no other box in them, in one pass."""
    opened: list[tuple[int, int] | None] = []
    found: list[tuple[int, int, str]] = []
    for brace in _BOX_OR_BRACE.finditer(text):
        sign = brace.group()
        if sign in ("\\{", "\\}"):
            continue
        if sign != "}":
            opened.append((brace.start(), brace.end()) if sign != "{" else None)
        elif opened and (start := opened.pop()) is not None and not (found and found[-1][0] > start[0]):
            found.append((start[0], brace.end(), text[start[1] : brace.start()].strip()))
    return found


def _said(text: str) -> str | None:
    """What follows the last "the answer is", without the reason for it."""
    ends = [match.end() for match in _STATED.finditer(text)]
    if not ends:
        return None
    rest = text[ends[-1] :].lstrip(":*_` \t\n")[:_LONGEST]
    display = _DISPLAY.match(rest)
    if display is not None:
        return (display[1] or display[2] or "").strip() or None
    line = _INSTEAD.sub("", rest.partition("\n")[0])
    line = _SENTENCE_END.split(line, maxsplit=1)[0]
    reason = _REASON.search(line, 1)
    return (line[: reason.start()] if reason else line).strip("*_` \t,;") or None
