"""The final answer of a response, as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import regex

ExtractionMode = Literal["auto", "tag", "boxed", "answer_is", "last_number", "regex", "whole"]

# A minus sign belongs to the number unless something that can be subtracted from stands right before it.
_NUMBER = re.compile(r"(?:(?<![\w.)\]}])-)?(?<![\w.])\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_ANSWER_IS = re.compile(r"\banswer(?:\s+is\b|\s*:)", re.IGNORECASE)
_BOX_OR_BRACE = re.compile(r"\\f?boxed\s*\{|[{}]")
_SENTENCE_END = re.compile(r"\.\s")
PATTERN_S = 0.5
"""Time limit of one search. An expression and a response's text can take for ever together."""


def extract_answer(
    text: str, mode: ExtractionMode = "auto", *, pattern: str | None = None, numeric: bool = False
) -> str | None:
    """The answer that ``text`` gives, or None where it gives none.

    - ``tag``: between the last ``<answer>`` and ``</answer>``.
    - ``boxed``: in the last ``\\boxed{}``.
    - ``answer_is``: after the last "answer is" or "answer:", to the end of the sentence.
    - ``last_number``: the last number.
    - ``regex``: the last match of ``pattern``, its first group if it has one.
    - ``whole``: all of it, stripped.
    - ``auto``: the first of tag, boxed and answer_is that is there, else the last number where ``numeric``, else the
      whole.

    ``numeric`` says that a number is expected: words around it are dropped.

    Raises TimeoutError where ``pattern`` takes longer than half a second.
    """
    text = text.replace("\N{MINUS SIGN}", "-")
    if mode == "regex":
        if pattern is None:
            raise ValueError("extraction mode regex needs a pattern")
        return _last_match(regex.compile(pattern, regex.DOTALL), text)
    if mode == "auto":
        named = (_EXTRACTORS[each](text) for each in ("tag", "boxed", "answer_is"))
        found = next((answer for answer in named if answer is not None), None)
        if found is None:
            found = last_number(text) if numeric else text.strip()
    elif mode in _EXTRACTORS:
        found = _EXTRACTORS[mode](text)
    else:
        raise ValueError(f"extraction mode '{mode}' is unknown; known: {', '.join(('auto', 'regex', *_EXTRACTORS))}")
    return _only_number(found) if found and numeric else found or None


def check_extraction(mode: ExtractionMode, pattern: str | None) -> None:
    """Raises ValueError where a reward's ``extract`` and ``pattern`` do not go together."""
    if mode == "regex" and pattern is None:
        raise ValueError(
            "extract is 'regex' and pattern is missing; add the expression whose first group is the answer"
        )
    if pattern is not None and mode != "regex":
        raise ValueError(
            f"pattern is {pattern!r}, but extract is {mode!r}; set extract to 'regex', or leave pattern out"
        )
    try:
        regex.compile(pattern or "")
    except regex.error as cause:
        raise ValueError(f"pattern is {pattern!r}, which is no regular expression: {cause}") from None


def without_thoughts(text: str) -> str:
    """What comes after the last ``</think>``; nothing where thoughts never end."""
    _, end, said = text.rpartition("</think>")
    if end:
        return said
    return "" if text.lstrip().startswith("<think>") else text


def is_number(text: str) -> bool:
    """Whether the text is one number and nothing else."""
    return _PLAIN_NUMBER.fullmatch(text.strip()) is not None


def last_number(text: str) -> str | None:
    """The last number of the text, its sign included."""
    numbers = _NUMBER.findall(text)
    return numbers[-1].rstrip(",") if numbers else None


def last_boxed(text: str) -> str | None:
    """The contents of the last complete ``\\boxed{}``, braces balanced. Linear in the length of the text."""
    opened: list[int | None] = []
    last: tuple[int, int] | None = None
    for brace in _BOX_OR_BRACE.finditer(text):
        if brace.group() != "}":
            opened.append(brace.end() if brace.group() != "{" else None)
        elif opened:
            start = opened.pop()
            if start is not None and (last is None or start > last[0]):
                last = (start, brace.start())
    return text[last[0] : last[1]].strip() if last else None


def _last_tag(text: str) -> str | None:
    lowered = text.lower()
    end = lowered.rfind("</answer>")
    start = lowered.rfind("<answer>", 0, max(end, 0))
    return text[start + len("<answer>") : end].strip() if start >= 0 else None


def _last_match(pattern: Any, text: str) -> str | None:
    matches = list(pattern.finditer(text, timeout=PATTERN_S))
    if not matches:
        return None
    found = matches[-1].group(1 if pattern.groups else 0)
    return str(found).strip() if found is not None else None


def _answer_is(text: str) -> str | None:
    ends = [match.end() for match in _ANSWER_IS.finditer(text)]
    if not ends:
        return None
    line = text[ends[-1] :].lstrip(":*` \t\n").partition("\n")[0]
    return _SENTENCE_END.split(line, maxsplit=1)[0].strip("*` .\t") or None


def _only_number(answer: str) -> str:
    """The number in an answer such as "4 + 3 = 7" or "7 apples"; the answer as it is where there is none."""
    result = answer.rpartition("=")[2].strip() or answer
    if is_number(result):
        return result
    number = _NUMBER.search(result)
    return number.group().rstrip(",") if number else answer


_EXTRACTORS: dict[str, Callable[[str], str | None]] = {
    "tag": _last_tag,
    "boxed": last_boxed,
    "answer_is": _answer_is,
    "last_number": last_number,
    "whole": lambda text: text.strip(),
}
