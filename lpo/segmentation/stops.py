"""Does this mark end a sentence? The decision for one mark, from the words on either side of it."""

from __future__ import annotations

import re

from lpo.segmentation import abbreviations as words

_WINDOW = 60  # characters looked at on either side: the cost of a mark does not depend on the text's length

_OPENERS = "\"'“‘«「『〈《([{（【*_`~<#>|¿¡\\$„‚‹\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069-"
_NEXT_WORD = re.compile(
    r"[" + re.escape(_OPENERS).replace(r"\-\u202e", "-\u202e") + r"]*([^\W_]+(?:['’][^\W_]+)?(?:\.[^\W_]+)*)?"
)
_LEFT_PUNCTUATION = "\"'“‘«「『([{（【*_`~<¿¡—–-/\u200b\u200e\u200f"
_JOINERS = re.compile("[\u200c\u200d]")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_ROMAN = re.compile(r"[ivxlcIVXLC]+")
_OPERATOR_BEFORE = re.compile(
    r"(?:[=+*/<>≤≥≈^×·−∈]|\b(?:is|are|equals|be|point|angle|side|line|let|vertex|plan|vitamin|option|case|type|class|grade))\s*$",
    re.IGNORECASE,
)
_OPERATORS_AFTER = "+=/<>&|%^,;:)]}×·÷−≤≥≈≠→⇒"
_FACTORIAL = re.compile(r"[\w)\]}]$")
_AFTER_FACTORIAL = re.compile(
    r"[-+*/=<>×·÷−≤≥≈^,;:)\]}|(]|\\(?:times|cdot|div|over|leq|geq|approx)|\d+!|(?:is|are|ways|and|or|permutations|orders|remain|grows)\b"
)

_REPORT = re.compile(
    rf"(?:(?:[A-Z][\w.'’-]*|the|his|her|my|our|their|a|an|old|young|little|one|another)\s+){{1,4}}?(?:{words.REPORTING_VERBS})\b(?P<rest>[^.!?:;,\n]*)(?P<stop>[.!?:;,]?)"
)
_REPORT_CJK = re.compile(
    r"(?:[^，,。.！!？?：:；“”「」『』\n]{0,12}?(?:[说說问問喊叫答笑嚷叹嘆吼骂罵](?:着|著|了)?|(?<!知)道)|[他她它我你]们?[说說问問喊叫答])(?P<stop>[，,。.！!？?：:；\n]|$|(?=[^，。：]))"
)
_REPORT_JAPANESE = re.compile(r"(?:と|って|という|とか|なんて|の|を|は|が|に|も|で|だ|か)")
_REPORT_RIGHT_TO_LEFT = re.compile(
    r"[^.!؟؛،:«»\n]{0,30}?\b(?:گفت|گفتم|گفتند|پرسید|پرسیدم|پرسیدند|داد زد|فریاد زد|فریاد کشید|جواب داد|پاسخ داد|زمزمه کرد|قال|قالت|سأل|سألت|صاح|صاحت|أجاب|أجابت|همس|صرخ|ہاتھ|کہا|پوچھا|بولا|بولی)\b[^.!؟؛،:«»\n]{0,30}(?P<stop>[.!؟؛،:\n]|$)"
)


def ends_sentence(
    text: str, mark_start: int, mark_end: int, closers_end: int, next_visible: int, line_start: int
) -> bool:
    """Whether the mark text[mark_start:mark_end] ends its sentence.

    `closers_end` is where the quotes and brackets that close with the mark end, `next_visible` the first visible character
    after them, `line_start` where the line begins. A line break before `next_visible` is the caller's business.
    """
    mark = text[mark_start:mark_end]
    after = text[next_visible : next_visible + _WINDOW]
    closed = closers_end > mark_end
    spaced = next_visible > closers_end
    wide = mark[-1] in "。！？．؟۔।॥"

    if wide:
        if mark in "．。" and _digit(text, mark_start - 1) and _digit(text, mark_end):
            return False
        if after[0] in "，、；：,;:）)」』】》…":
            return False
    elif not spaced and not (_is_cjk(after[0]) or closed and _is_upper(after[0]) and text[mark_end] in "*_[”»"):
        return _glued(text, mark_start, mark_end, after, line_start)

    if closed and _reports_speech(text[mark_end:closers_end], after):
        return False
    if wide:
        return True
    if after[0] in "—–" or (after[0] in _OPERATORS_AFTER and not after.startswith(("**", "<", "|"))):
        return False
    if after[0] in "-*" and after[1:2].isspace():
        return False

    word = _NEXT_WORD.match(after)
    following = (word[1] or "") if word else ""
    lower = following[:1].islower()
    if closed and lower and after[0] == following[:1] and text[mark_end] != "[":
        return False

    before = text[max(line_start, mark_start - _WINDOW) : mark_start]
    if mark == ".":
        return _full_stop(before, following, lower, after, closed)
    if "…" in mark or ".." in mark or ". ." in mark:
        return _ellipsis(before, following, lower)
    if set(mark) == {"!"} and not closed and len(mark) == 1 and _FACTORIAL.search(before):
        token = before.split()[-1] if before.split() else ""
        symbol = (
            len(token.strip("()-+")) == 1
            and token not in ("I", "i", "a")
            or token[-1].isdigit()
            or token[-1] in ")]}"
            and "(" in token
        )
        if symbol and _AFTER_FACTORIAL.match(after):
            return False
    return True


def _full_stop(before: str, following: str, lower: bool, after: str, closed: bool) -> bool:
    pieces = before.split()
    if not pieces:
        return False
    token = _JOINERS.sub("", pieces[-1]).lstrip(_LEFT_PUNCTUATION)
    previous = pieces[-2].lower() if len(pieces) > 1 else ""
    for separator in ("(", "[", "/", "—", "–", "“", '"', "、", "，"):
        token = token.rsplit(separator, 1)[-1]
    if "-" in token and not token[-1].isdigit():
        token = token.rsplit("-", 1)[-1]
    name = token.lower()
    starter = following.lower() in words.STARTERS and following[:1].isupper()
    digit = following[:1].isdigit()
    caseless = bool(following) and not lower and not following[0].isupper() and not digit

    if closed and not (name in words.TITLES or name in words.CONNECTIVES):
        return not (lower and name in words.OPEN_ENDED and after[0] == following[:1])
    if not token:
        return not lower
    if name in words.CONNECTIVES:
        return bool(name in ("resp", "max", "eg") and starter)
    if name in words.TITLES and name not in ("st", "ft", "fr", "pt", "hon", "sen", "col", "dir", "det", "mt"):
        return False
    if name in ("st", "hon", "sen", "col", "fr", "mt", "gen", "ft") and token[0].isupper():
        return starter and following not in ("The", "May", "Will") or following == "The"
    if name in words.REFERENCES and name not in ("no", "ex", "col", "ca", "inst", "app", "art", "par", "sp", "vs"):
        if (
            digit
            or after[0] in "(§$\\"
            or _ROMAN.fullmatch(following)
            or len(following) == 1
            and following not in ("A", "I")
        ):
            return False
        if len(name) > 1:
            return following[:1].isupper() and starter
    if (
        name in ("no", "ex", "col", "art", "app", "par")
        and digit
        and (token[0].isupper() or name in ("no", "art", "par"))
    ):
        return bool(previous.endswith((",", ":", "is", "said", "was")) and token == "no")
    if len(token) == 1 and token.isalpha():
        return _single_letter(token, previous, before, following, lower, digit, starter)
    if _ACRONYM.fullmatch(token) or name in words.OPEN_ENDED:
        if name in (
            "max",
            "min",
            "sun",
            "sat",
            "mar",
            "may",
            "mon",
            "wed",
            "fri",
            "in.",
            "dist",
            "est",
            "temp",
            "in",
            "ave",
            "misc",
            "co",
            "al",
        ):
            if token.islower() and name in ("sat", "sun", "mar", "mon", "max", "min", "in", "temp") and not lower:
                return following[:1].isupper() and name != "max"
        if lower:
            return False
        if digit:
            return name not in words.MONTHS and name not in ("est", "no.", "max", "min", "avg", "temp", "u.s", "dept")
        if not following:
            return after[0] not in "(["
        if name in words.ENDS_BEFORE_CAPITAL:
            return following.lower() not in words.DATES_AND_ZONES and not caseless
        return starter
    if lower:
        short = len(token) <= 4 and token.isalpha() and token.isascii() and not re.search(r"[aeiouy]", name)
        return not (
            short
            and name
            not in (
                "km",
                "kg",
                "cm",
                "mm",
                "ml",
                "ms",
                "hmm",
                "pm",
                "hz",
                "mhz",
                "ghz",
                "kb",
                "mb",
                "gb",
                "tv",
                "nm",
                "dl",
                "mph",
                "kwh",
            )
        )
    return True


def _single_letter(
    token: str, previous: str, before: str, following: str, lower: bool, digit: bool, starter: bool
) -> bool:
    head = before.rstrip()[: -len(token)]
    if _OPERATOR_BEFORE.search(head):
        return True
    if token.islower():
        return not lower and not digit or (lower and token in "xyzijknm")
    if lower:
        return False
    if not token.isupper():  # a script without case: an initial
        return False
    if digit or not following or not following[0].isupper():
        return True
    if token == "I" and not previous:
        return False
    if starter and len(following) > 1 and following not in ("Will", "May", "Art"):
        return True
    return previous.islower() and previous.isalpha() and previous not in words.BEFORE_INITIALS


def _ellipsis(before: str, following: str, lower: bool) -> bool:
    if lower:
        return False
    tail = before.rstrip()
    if not tail or tail[-1] in "+*/=<>,([{-−×·":
        return False
    if following[:1].isdigit() and re.search(r"[\d,+]\s*$", before):
        return False
    stutter = following.split("'")[0].split("’")[0]
    return not (
        stutter and re.search(rf"\b{re.escape(stutter)}\b\S*$|^\W*{re.escape(stutter)}\b", before[-24:], re.IGNORECASE)
    )


def _glued(text: str, mark_start: int, mark_end: int, after: str, line_start: int) -> bool:
    """No white space after the mark: a sentence all the same in "Really?Yes", never in an address, a name or a number."""
    mark = text[mark_start:mark_end]
    if "." in mark or mark_end >= len(text):
        return False
    word = text[max(line_start, mark_start - _WINDOW) : mark_start].split()
    if not word or any(sign in word[-1] for sign in "/=(`&@<"):
        return False
    if mark[-1] in "!?" and text[mark_start - 1].islower():
        return bool(re.match(r"[A-Z][a-z']*[\s,]", text[mark_end : mark_end + 20]))
    return "…" in mark and not after[0].islower() and after[0].isalpha()


def _reports_speech(closers: str, after: str) -> bool:
    if not any(quote in closers for quote in "\"'”’»」』›“"):
        return False
    if "」" in closers or "』" in closers:
        return bool(_REPORT_JAPANESE.match(after)) or _introduces_no_quote(_REPORT_CJK.match(after))
    if _is_cjk(after[0]):
        return _introduces_no_quote(_REPORT_CJK.match(after))
    return _introduces_no_quote(_REPORT.match(after)) or _introduces_no_quote(_REPORT_RIGHT_TO_LEFT.match(after))


def _introduces_no_quote(report: re.Match[str] | None) -> bool:
    # '"No." She said: "Go."': what ends in a colon belongs to the speech after it.
    return report is not None and report["stop"] not in (":", "：")


def _digit(text: str, index: int) -> bool:
    return 0 <= index < len(text) and text[index].isdigit()


def _is_upper(character: str) -> bool:
    return character.isupper()


def _is_cjk(character: str) -> bool:
    return (
        "\u3005" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\u3000" <= character <= "\u303f"
        or "\U00020000" <= character <= "\U0003ffff"
        or character in "“‘"
        and False
    )
