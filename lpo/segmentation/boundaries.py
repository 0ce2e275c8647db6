"""Where sentences and clauses start in a text.

One pass over the text's marks and line breaks. Code and formulas are skipped (`protected`), what a mark means is decided
by the words around it (`stops`), and a boundary is put before the first visible character that follows.
"""

from __future__ import annotations

import re

from lpo.segmentation.code_lines import is_one_sentence
from lpo.segmentation.protected import CODE_BLOCK, DISPLAY, Span, protected_spans
from lpo.segmentation.stops import ends_sentence

LINE_BREAKS = "\n\r\v\f\x85\u2028\u2029"
_BREAK = rf"[{LINE_BREAKS}](?:\s*[{LINE_BREAKS}])?"
_SENTENCE_MARK = r"\.(?:[ \u00a0]\.){2,}|[.!?…。！？．؟۔।॥‼⁇⁈⁉‽։።။។｡]+"
_CLAUSE_MARK = r"[,;:،؛，；：、､]"
_SENTENCE = re.compile(rf"(?P<line>{_BREAK})|(?P<mark>{_SENTENCE_MARK})")
_CLAUSE = re.compile(rf"(?P<line>{_BREAK})|(?P<mark>{_SENTENCE_MARK})|(?P<pause>{_CLAUSE_MARK})")
_LINE = re.compile(rf"(?P<line>{_BREAK})")

_INVISIBLE = "\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe0f"
_CLOSERS = re.compile(
    rf"(?:[\"'”’»›」』】）〉》)\]}}*_~`{_INVISIBLE}]|\[\^?\w{{1,12}}\](?!\()|</\w{{1,12}}>|<br ?/?>)*"
)
# Pictures and signs of completion after a mark belong to the sentence before them...
_PICTURES = re.compile(
    "(?:[ \u00a0]?(?:[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\u25a0\u25a1\u220e\u2713\u2714]"
    r"|\$?\\(?:blacksquare|square|Box|qed)\b\$?)[\ufe0f\u200d\U0001f3fb-\U0001f3ff]*)+"
)
# ... unless they stand before the text that follows, as bullets.
_BULLETS = "✅❌✔☑👉➡▶⚠💡📌🔹🔸⭐🔥📝🚀1️⃣"
_SPACE = re.compile(r"\s+")
_LIST_LABEL = re.compile(
    r"[ \t>*_#(\[-]*(?:[0-9۰-۹٠-٩]{1,3}(?:\.[0-9۰-۹]{1,3})*|[A-Za-z]|[ivxIVX]{1,5}|[一二三四五六七八九十]{1,3})"
)
_FORMULA_END = re.compile(
    r"[.?。]\s*(?:\\end\{\w+\*?\}\s*|\\[,;! ]\s*|\\quad\s*|[}])*(?:\$\$?|\\\]|\\\)|\\end\{\w+\*?\})$"
)


def line_boundaries(text: str) -> list[int]:
    """Offsets where the lines after the first one start; blank lines belong to the line before them."""
    return [match.end() for match in _LINE.finditer(text) if match.end() < len(text)]


def sentence_boundaries(text: str) -> list[int]:
    """Offsets where the sentences after the first one start."""
    return _boundaries(text, _SENTENCE)


def clause_boundaries(text: str) -> list[int]:
    """As `sentence_boundaries`, and after every comma, semicolon and colon that is not inside a number, a time or an address."""
    return _boundaries(text, _CLAUSE)


def _boundaries(text: str, candidates: re.Pattern[str]) -> list[int]:
    spans = protected_spans(text)
    starts: list[int] = []
    lines = _Lines(text)
    upcoming = 0
    length = len(text)
    for match in candidates.finditer(text):
        start, end = match.span()
        while upcoming < len(spans) and spans[upcoming].end <= start:
            _close_formula(text, spans[upcoming], lines, starts)
            upcoming += 1
        inside = spans[upcoming] if upcoming < len(spans) and spans[upcoming].start <= start else None
        if match.lastgroup == "line":
            if inside is not None and inside.kind == DISPLAY:
                continue
            following = spans[upcoming] if upcoming < len(spans) else None
            if (
                inside is None
                and following is not None
                and following.kind == DISPLAY
                and _leads_into(text, start, end, following, lines)
            ):
                lines.begin(end)
                continue
            if end < length:
                starts.append(end)
            lines.begin(end)
        elif inside is None:
            if match.lastgroup == "mark":
                boundary = _after_mark(text, start, end, lines)
            else:
                boundary = _after_pause(text, start, end, lines)
            if boundary is not None:
                starts.append(boundary)
    for span in spans[upcoming:]:
        _close_formula(text, span, lines, starts)
    return _increasing(starts, length)


class _Lines:
    """The line the scan is in, and whether it is one sentence whatever marks it holds."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.start = 0
        self._whole: bool | None = None

    def begin(self, start: int) -> None:
        self.start = start
        self._whole = None

    @property
    def whole(self) -> bool:
        if self._whole is None:
            end = self.text.find("\n", self.start)
            line = self.text[self.start : len(self.text) if end < 0 else end]
            self._whole = is_one_sentence(line)
        return self._whole


def _after_mark(text: str, start: int, end: int, lines: _Lines) -> int | None:
    closers_end = _CLOSERS.match(text, end).end()  # type: ignore[union-attr]  # it matches nothing too
    pictures = _PICTURES.match(text, closers_end)
    visible = _visible(text, closers_end)
    if pictures is not None:
        after_pictures = _visible(text, pictures.end())
        if after_pictures >= len(text) or _breaks(text, pictures.end(), after_pictures):
            return None
        if text[visible] not in _BULLETS:
            return None if lines.whole else after_pictures
    if visible >= len(text) or _breaks(text, closers_end, visible):
        return None
    if text[start:end] == "." and _LIST_LABEL.fullmatch(text, lines.start, start) and start - lines.start < 24:
        return None
    if lines.whole or not ends_sentence(text, start, end, closers_end, visible, lines.start):
        return None
    return visible


def _after_pause(text: str, start: int, end: int, lines: _Lines) -> int | None:
    closers_end = _CLOSERS.match(text, end).end()  # type: ignore[union-attr]
    visible = _visible(text, closers_end)
    if visible >= len(text) or _breaks(text, closers_end, visible):
        return None
    numeric = start > 0 and text[start - 1].isdigit() and text[end].isdigit()
    ascii_mark = text[start] in ",;:"
    glued = visible == closers_end and not ("\u3000" <= text[visible] <= "\u9fff")
    if numeric or ascii_mark and glued or lines.whole:
        return None
    return visible


def _close_formula(text: str, span: Span, lines: _Lines, starts: list[int]) -> None:
    # "$x = 2.$ Then": the mark that ends the sentence stands inside the formula.
    if span.kind == CODE_BLOCK:
        lines.begin(span.end)
        return
    if not _FORMULA_END.search(text, max(span.start, span.end - 60), span.end):
        return
    visible = _visible(text, span.end)
    if span.end < visible < len(text) and not _breaks(text, span.end, visible) and not text[visible].islower():
        starts.append(visible)


def _leads_into(text: str, start: int, end: int, formula: Span, lines: _Lines) -> bool:
    """Whether the line that ends at `start` is an unfinished sentence that the display formula below it ends."""
    if _visible(text, end) != formula.start or start == 0:
        return False
    line = text[max(lines.start, start - 80) : start].rstrip()
    if not line or text.startswith(("#", "|", "```", "---"), lines.start):
        return False
    last = line.rstrip("\"'”’»」』】）)]}*_`")[-1:]
    return last not in set(".!?…。！？؟۔") and not line.endswith(("$$", "\\]", "}"))


def _visible(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return space.end() if space else position


def _breaks(text: str, start: int, end: int) -> bool:
    return any(character in LINE_BREAKS for character in text[start:end])


def _increasing(starts: list[int], length: int) -> list[int]:
    return sorted({start for start in starts if 0 < start < length})
