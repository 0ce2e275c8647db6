"""Does this mark end a sentence? The decision for one mark, from the words on either side of it."""

from __future__ import annotations

import re

from lpo.segmentation.full_stops import Following, full_stop_ends
from lpo.segmentation.reported_speech import is_introduced, reports_speech

# Characters looked at on either side: the cost of a mark does not depend on the length of the text.
_LONGEST_SPEECH = 400
_WINDOW = 60

WIDE_MARKS = frozenset("。！？．؟۔।॥։።။។｡")
_WORD = re.compile(
    r"[\"'“‘«「『〈《(\[{（【*_`~<>|¿¡\\$„‚‹#\u200b-\u200f\u202a-\u202e\u2066-\u2069-]*([^\W_]+(?:['’][^\W_]+)?)?",
)
_BARE_LABEL = re.compile(r"(?:^|[\s(])(?:[A-Za-z]|\d{1,2})$")
_NAMES_WITH_A_MARK = ("Yahoo", "Jeopardy", "Mamma Mia")
_GOES_ON = frozenset("+=/%^,;:)]}×·÷−≤≥≈≠→⇒，、；：）」』】》…")
_SYMBOL = re.compile(r"(?:^|[\s(/*+=-])(?:\d+|[A-HJ-Zb-hj-z]|\([^()]{1,12}\))$")
_AFTER_FACTORIAL = re.compile(r"[-+*/=<>×·÷−≤≥≈^|(]|\\(?:times|cdot|div|over|leq|geq|approx)|\d+!|[a-z]")


def ends_sentence(text: str, start: int, end: int, closers_end: int, visible: int, sentence_start: int) -> bool:
    """Whether the mark text[start:end] ends its sentence.

    `closers_end` is where the quotes and brackets that close with the mark end, `visible` the first visible character
    after them on the same line, `sentence_start` where the sentence begins.
    """
    mark, closers = text[start:end], text[end:closers_end]
    after = text[visible : visible + _WINDOW]
    if mark[-1] in WIDE_MARKS:
        return _wide_mark_ends(text, start, end, closers, after)
    before = text[max(sentence_start, start - _WINDOW) : start]
    if visible == closers_end:
        wide = _is_cjk(after[0]) or (after[0] in "“‘" and _is_cjk(text[start - 1]))
        if not wide and not (closers and after[0].isupper() and closers[-1] in "*]_”»"):
            return _ends_without_space(before, mark, text[end : end + 20])
        if mark == "." and _BARE_LABEL.search(before):
            return False

    following = _following(after)
    if after[0] in "—–" or after[0] in _GOES_ON or (after[0] in "-*<>&|•" and after[1:2].isspace()):
        return False
    if closers:
        # Bold or quoted, then small letters: the mark stands inside a sentence that goes on.
        if after[0].islower() and closers[-1] != "]":
            return False
        if reports_speech(mark, closers, after) or _is_aside(text, start, closers, mark):
            return False

    if mark == ".":
        return full_stop_ends(before, following)
    if "…" in mark or mark.count(".") > 1:
        return _ellipsis_ends(before, following)
    if before.endswith("$") and mark in "!?" and not _closes_formula(text[sentence_start:start]):
        return False  # a shell's "$?"
    if mark == "?" and before[-1:].isspace() and following.lower and " : " in after:
        return False  # "a ? b : c"
    if (mark == "??" and before[-1:].isspace()) or (mark == "?." and closers.startswith("[")):
        return False  # 'a ?? "none"', "items?.[0]"
    if mark == "!" and not closers:
        if before.endswith(_NAMES_WITH_A_MARK):
            return following.starter
        return not (_SYMBOL.search(before) and _AFTER_FACTORIAL.match(after))
    return True


def _following(after: str) -> Following:
    found = _WORD.match(after)
    if found is None or found[1] is None:
        return Following(after[0], "")
    return Following(after[0], found[1], stopped=after.startswith(".", found.end()))


def _wide_mark_ends(text: str, start: int, end: int, closers: str, after: str) -> bool:
    decimal = text[start:end] in "．。" and text[start - 1 : start].isdigit() and text[end : end + 1].isdigit()
    if decimal or after[0] in _GOES_ON:
        return False
    if "》" in closers or "〉" in closers:  # a title: 《怎么办？》
        return False
    if not closers or is_introduced(text[max(0, start - _LONGEST_SPEECH) : start], closers, after):
        return True
    return not (reports_speech(text[start:end], closers, after) or _is_aside(text, start, closers, text[start:end]))


def _ellipsis_ends(before: str, following: Following) -> bool:
    said = before.rstrip()
    if following.lower or not said or said[-1] in "+*/=<>([{-−×·\"'“":
        return False
    if said[-1] == ",":
        return following.starter  # "1, 2, 3, ... The next"
    if following.digit and said[-1].isdigit():
        return False
    # "I don't... I can't say": a voice that starts again goes on.
    clause = re.split(r"[.!?…\"“«:]", said)[-1].lower().split()
    again = re.split(r"['’]", following.word.lower())[0]
    return not (
        clause
        and again
        and len(clause) <= 5
        and again in (re.split(r"['’]", clause[0])[0], re.split(r"['’]", clause[-1])[0])
    )


def _ends_without_space(before: str, mark: str, after: str) -> bool:
    """A sentence ends all the same in "Really?Yes, ...", never in an address, a name or a number."""
    word = before.split()[-1:]
    if mark not in ("!", "?", "!!", "??", "?!", "…") or not word or any(sign in word[0] for sign in "/=(`&@<"):
        return False
    return before[-1].islower() and re.match(r"[A-Z][a-z']*[\s,]", after) is not None


def _closes_formula(before: str) -> bool:
    """Whether the dollar at the end closes what another one opened: "Is $x > 3$?", not "exit $?"."""
    inside = before.rstrip("$")[-1:]
    return bool(inside.strip()) and before.replace("\\$", "")[-_LONGEST_SPEECH:].count("$") % 2 == 0


def _is_aside(text: str, start: int, closers: str, mark: str) -> bool:
    """Whether a question or an exclamation stands in brackets within a sentence: "the (so-called?) Mr. Fox"."""
    opener = {")": "(", "）": "（", "]": "["}.get(closers[-1])
    if opener is None or mark[-1] not in "!?！？؟":
        return False
    opened = text.rfind(opener, max(0, start - _WINDOW), start)
    if opened < 0:
        return False
    lead = text[max(0, opened - 3) : opened].rstrip(" ")
    return bool(lead) and lead[-1] not in '.!?…。！？؟۔\n"”’»'


def _is_cjk(character: str) -> bool:
    return (
        "\u3000" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\U00020000" <= character <= "\U0003ffff"
    )
