"""Stretches of a text whose punctuation is not its prose's: fenced code, inline code, LaTeX formulas, links, titles.

Every scan here is linear: an opener without a partner never looks beyond the next delimiter of its own kind.
"""

from __future__ import annotations

import re
from typing import NamedTuple

CODE_BLOCK = "code block"  # a line break still ends a sentence
DISPLAY = "display formula"  # a line break is part of the formula
INLINE = "inline"


class Span(NamedTuple):
    start: int
    end: int
    kind: str


_FENCE = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(`{3,}|~{3,})([^\n`]*)$", re.MULTILINE)
_ENVIRONMENTS = (
    "equation|align|aligned|alignat|gather|gathered|multline|eqnarray|displaymath|math|split|cases|array|[pbvBV]?matrix"
)
_OPENER = re.compile(
    r"\\\\|\\\$|(?P<env>\\begin\{(?P<name>(?:" + _ENVIRONMENTS + r")\*?)\})|(?P<bracket>\\\[)|(?P<paren>\\\()"
    r"|(?P<dollars>\$\$)|(?P<dollar>\$)|(?P<whole>``[^`\n]+``|`[^`\n]+`"
    r"|!?\[[^\[\]\n]{1,200}\]\([^()\s]{1,400}\)|《[^《》\n]{1,40}》)"
)
_BRACKETS = re.compile(r"\\\\|\\\[|\\\]")
_PARENS = re.compile(r"\\\\|\\\(|\\\)|\n\s*\n")
_BLANK_LINE = re.compile(r"\n[ \t]*\r?\n")
_MONEY = re.compile(r"\d[\d.,]*\)?(?:[.,;:!?)]*\s|[-–]$|$)(?!\s*[\\^_=+*/<>≤≥×·-])")
_FORMULA_SIGN = re.compile(r"[\\^_={}<>|+]")


def protected_spans(text: str) -> list[Span]:
    """The protected spans of `text`, in order, without overlap.

    An unclosed fence reaches to the end (a truncated response); an unclosed formula delimiter protects nothing. A
    dollar sign opens a formula only if its partner stands on the same line and what is between does not read like a
    price.
    """
    spans: list[Span] = []
    position = 0
    for block in _fenced_blocks(text):
        spans += _inline_spans(text, position, block.start)
        spans.append(block)
        position = block.end
    spans += _inline_spans(text, position, len(text))
    return spans


def _fenced_blocks(text: str) -> list[Span]:
    if "```" not in text and "~~~" not in text:
        return []
    blocks: list[Span] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif fence[1].startswith(opened[1]) and not fence[2].strip():
            blocks.append(Span(opened.start(), fence.end(), CODE_BLOCK))
            opened = None
    if opened is not None:
        blocks.append(Span(opened.start(), len(text), CODE_BLOCK))
    return blocks


def _inline_spans(text: str, start: int, end: int) -> list[Span]:
    spans: list[Span] = []
    position = start
    unclosed: set[str] = set()
    while opener := _OPENER.search(text, position, end):
        position = opener.end()
        kind = opener.lastgroup
        close = -1
        if kind == "whole":
            close = opener.end()
        elif kind == "dollar":
            close = _closing_dollar(text, opener.end(), end)
        elif kind == "dollars":
            partner = text.find("$$", opener.end(), end)
            if partner >= 0 and not _BLANK_LINE.search(text, opener.end(), partner):
                close = partner + 2
        elif kind == "bracket":
            close = _partner(_BRACKETS, r"\]", text, opener.end(), end)
        elif kind == "paren":
            close = _partner(_PARENS, r"\)", text, opener.end(), end)
        elif kind in ("env", "name") and opener["name"] not in unclosed:
            closing = "\\end{" + opener["name"] + "}"
            partner = text.find(closing, opener.end(), end)
            if partner >= 0:
                close = partner + len(closing)
            else:
                unclosed.add(opener["name"])
        if close >= 0:
            display = kind in ("dollars", "bracket", "env", "name")
            spans.append(Span(opener.start(), close, DISPLAY if display else INLINE))
            position = close
    return spans


def _partner(delimiters: re.Pattern[str], closing: str, text: str, position: int, end: int) -> int:
    for found in delimiters.finditer(text, position, end):
        if found[0] == "\\\\":
            continue
        return found.end() if found[0] == closing else -1
    return -1


def _closing_dollar(text: str, position: int, end: int) -> int:
    partner = text.find("$", position, end)
    while partner > 0 and text[partner - 1] == "\\":
        partner = text.find("$", partner + 1, end)
    if partner <= position:
        return -1
    inside = text[position:partner]
    if "\n" in inside or _MONEY.match(inside):
        return -1
    tight = not inside[0].isspace() and not inside[-1].isspace() and not text[partner + 1 : partner + 2].isdigit()
    if tight and (len(inside) <= 40 or _FORMULA_SIGN.search(inside)):
        return partner + 1
    return partner + 1 if _FORMULA_SIGN.search(inside) else -1
