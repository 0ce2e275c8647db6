"""Where sentences and clauses start in a text.

One pass over the text's marks and line breaks. Code and formulas are skipped (`protected`), what a mark means is
decided by the words around it (`stops`), and a boundary is put before the first visible character that follows.
"""

from __future__ import annotations

import re

from lpo.segmentation.code_lines import LONGEST_LINE, is_one_sentence
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
    r"|[:;]-?[()DP](?!\w)|\$?\\(?:blacksquare|square|Box|qed)\b\$?)[\ufe0f\u200d\U0001f3fb-\U0001f3ff]*)+"
)
# ... unless they stand before the text that follows, as bullets.
_BULLETS = frozenset("✅❌✔☑👉➡▶⚠💡📌🔹🔸⭐📝🚀")
_SPACE = re.compile(r"\s+")
_LABEL = re.compile(
    r"[ \t>*_#(\[-]*(?:[0-9۰-۹٠-٩]{1,3}(?:\.[0-9۰-۹]{1,3})*|[A-Za-z]|[ivxIVX]{1,5}|[一二三四五六七八九十]{1,3})"
)
_WORD_LABEL = re.compile(
    r"[ \t>*_#(\[-]*(?:Step|Case|Part|Problem|Question|Example|Theorem|Lemma|Exercise|Chapter|Section|Rule|Phase|Task"
    r"|Claim|Proposition|Corollary|Definition|Remark|Tip|Article|Figure|Table|Q|P|A)"
    r"[ \u00a0]?[0-9]{1,2}(?:\.[0-9]{1,2})*"
)
_LABELLED_LINE = re.compile(_LABEL.pattern + r"[.)]")
_LINE_END = re.compile(rf"[{LINE_BREAKS}]")
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
    """As `sentence_boundaries`, and after every comma, semicolon and colon outside numbers, times and addresses."""
    return _boundaries(text, _CLAUSE)


def _boundaries(text: str, candidates: re.Pattern[str]) -> list[int]:
    spans = protected_spans(text)
    starts: list[int] = []
    place = _Place(text)
    upcoming = 0
    for match in candidates.finditer(text):
        start, end = match.span()
        while upcoming < len(spans) and spans[upcoming].end <= start:
            starts += _after_formula(text, spans[upcoming], place)
            upcoming += 1
        span = spans[upcoming] if upcoming < len(spans) else None
        inside = span.kind if span is not None and span.start <= start else None
        if match.lastgroup == "line":
            if inside == DISPLAY:
                continue
            if (
                inside is None
                and span is not None
                and span.kind == DISPLAY
                and _leads_into(text, start, end, span, place)
            ):
                place.open_line(end)
                continue
            starts.append(end)
            place.open_line(end)
        elif inside is None:
            if match.lastgroup == "pause":
                starts += _after_pause(text, start, end, place)
            else:
                starts += _after_mark(text, start, end, place)
    for span in spans[upcoming:]:
        starts += _after_formula(text, span, place)
    return sorted({start for start in starts if 0 < start < len(text)})


class _Place:
    """Where the scan is: the line and the sentence it is in, and what that line says about the marks in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.open_line(0)

    def open_line(self, start: int) -> None:
        self.line = self.sentence = start
        self._is_whole: bool | None = None

    @property
    def whole(self) -> bool:
        """Whether the line is one sentence whatever marks it holds."""
        if self._is_whole is None:
            end = _LINE_END.search(self._text, self.line, self.line + LONGEST_LINE + 1)
            self._is_whole = is_one_sentence(
                self._text[self.line : end.start() if end else self.line + LONGEST_LINE + 1]
            )
        return self._is_whole

    def is_label(self, stop: int) -> bool:
        """Whether the full stop at `stop` belongs to "Step 1.", or to "1." or "b." (inside a line if that began so)."""
        if stop - self.sentence > 24:
            return False
        if _WORD_LABEL.fullmatch(self._text, self.sentence, stop):
            return True
        if not _LABEL.fullmatch(self._text, self.sentence, stop):
            return False
        return self.sentence == self.line or _LABELLED_LINE.match(self._text, self.line, self.line + 30) is not None


def _after_mark(text: str, start: int, end: int, place: _Place) -> list[int]:
    closers_end = _CLOSERS.match(text, end).end()  # type: ignore[union-attr]  # it matches nothing too
    visible = _visible(text, closers_end)
    pictures = _PICTURES.match(text, closers_end)
    if pictures is not None:
        after_pictures = _visible(text, pictures.end())
        if _ends_line(text, pictures.end(), after_pictures):
            return []
        if text[visible] not in _BULLETS:
            if place.whole:
                return []
            place.sentence = after_pictures
            return [after_pictures]
    if _ends_line(text, closers_end, visible) or (text[start:end] == "." and place.is_label(start)):
        return []
    if place.whole or not ends_sentence(text, start, end, closers_end, visible, place.sentence):
        return []
    place.sentence = visible
    return [visible]


def _after_pause(text: str, start: int, end: int, place: _Place) -> list[int]:
    closers_end = _CLOSERS.match(text, end).end()  # type: ignore[union-attr]
    visible = _visible(text, closers_end)
    if _ends_line(text, closers_end, visible) or place.whole:
        return []
    if text[start - 1 : start].isdigit() and text[end].isdigit():
        return []
    if text[start] in ",;:" and visible == closers_end and not "\u3000" <= text[visible] <= "\u9fff":
        return []
    return [visible]


def _after_formula(text: str, span: Span, place: _Place) -> list[int]:
    # "$x = 2.$ Then": the mark that ends the sentence stands inside the formula.
    if span.kind == CODE_BLOCK or not _FORMULA_END.search(text, max(span.start, span.end - 60), span.end):
        return []
    visible = _visible(text, span.end)
    if visible == span.end or _ends_line(text, span.end, visible) or text[visible].islower():
        return []
    place.sentence = visible
    return [visible]


def _leads_into(text: str, start: int, end: int, formula: Span, place: _Place) -> bool:
    """Whether the line that ends at `start` is an unfinished sentence that the display formula below it ends."""
    if _visible(text, end) != formula.start or text.startswith(("#", "|", "---", "$$", "\\["), place.line):
        return False
    line = text[max(place.line, start - 80) : start].rstrip()
    ending = line.rstrip("\"'”’»」』】）)]}*_`")
    return bool(ending) and ending[-1] not in ".!?…。！？؟۔"


def _visible(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return space.end() if space else position


def _ends_line(text: str, start: int, end: int) -> bool:
    return end >= len(text) or _LINE_END.search(text, start, end) is not None
