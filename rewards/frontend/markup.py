"""What a document is made of, and what html5lib finds wrong with its HTML."""

from __future__ import annotations

import bisect
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import accumulate

LONGEST_TEXT = 300
"""Characters of one text or one attribute that count as markup."""

# Codes that html5lib reports where the specification has no error (any more), or that cost a reader nothing.
_FALSE_ALARMS = {
    "expected-named-entity",
    "unexpected-char-in-comment",
    "unexpected-start-tag-in-select",
    "unexpected-end-tag-in-select",
    "eof-in-innerhtml",
}
_TEMPLATE_IN = {
    "caption": "table", "col": "colgroup", "colgroup": "table", "tbody": "table", "td": "tr", "tfoot": "table",
    "th": "tr", "thead": "table", "tr": "tbody",
}  # fmt: skip
"""What a template's content may stand in, by its first tag."""
_COST_OF_A_TEMPLATE = 200
"""Characters that a template counts for at least, because each takes a parser."""
_DEEPEST = 1000
"""Open elements; browsers go no deeper than half of it, and html5lib's time grows with depth times length."""
_NEVER_OPEN = {
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "optgroup", "option",
    "p", "rp", "rt", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
}  # fmt: skip
"""Tags that are not closed, or need not be."""
_DATA = re.compile(r"data:[\w/+.;=-]{0,100},[^\"'\s)<>]{100,}|(?<![\w+/=%-])[\w+/=%-]{400,}")
_EVENTS = """
    abort afterprint animationcancel animationend animationiteration animationstart auxclick beforecopy beforecut
    beforeinput beforematch beforepaste beforeprint beforetoggle beforeunload begin blur cancel canplay
    canplaythrough change click close command contentvisibilityautostatechange contextlost contextmenu
    contextrestored copy cuechange cut dblclick drag dragend dragenter dragleave dragover dragstart drop
    durationchange emptied end ended error focus focusin focusout formdata fullscreenchange fullscreenerror
    gotpointercapture hashchange input invalid keydown keypress keyup languagechange load loadeddata loadedmetadata
    loadstart lostpointercapture message messageerror mousedown mouseenter mouseleave mousemove mouseout mouseover
    mouseup mousewheel offline online pagehide pagereveal pageshow pageswap paste pause play playing pointercancel
    pointerdown pointerenter pointerleave pointermove pointerout pointerover pointerrawupdate pointerup popstate
    progress ratechange rejectionhandled repeat reset resize scroll scrollend scrollsnapchange scrollsnapchanging
    search securitypolicyviolation seeked seeking select selectionchange selectstart slotchange stalled storage
    submit suspend timeupdate toggle touchcancel touchend touchmove touchstart transitioncancel transitionend
    transitionrun transitionstart unhandledrejection unload volumechange waiting webkitanimationend
    webkitanimationiteration webkitanimationstart webkittransitionend wheel
"""
_HANDLERS = {f"on{event}" for event in _EVENTS.split()}
"""Attributes that hold scripts."""


def without_data(text: str) -> str:
    """Without what data URLs carry and other long words that nobody wrote."""
    return _DATA.sub("data:,", text)


def html_errors(document: Document, most: int) -> tuple[list[str], int]:
    """Errors of the first ``most`` characters that are HTML, and how many more there are."""
    import html5lib
    from html5lib.constants import E

    errors: list[str] = []
    unread = 0
    for segments in document.excerpts():
        whole = "".join(document.source[start:end] for start, end in segments)
        readable = sum(max(0, min(end, document.readable) - start) for start, end in segments)
        text = whole[: max(min(most, readable), 0)]
        unread += len(whole) - len(text)
        most -= max(len(text), _COST_OF_A_TEMPLATE)
        if not text:
            continue
        # What looks like a reference in an address is none; html5lib does not know <search>, which is as <center> is.
        text = re.sub(r"&(?=\w+=)", "_", text)
        text = re.sub(r"(</?)search(?=[\s/>])", r"\1center", text, flags=re.I)
        parser = html5lib.HTMLParser(strict=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if segments[0][0] == 0:
                parser.parse(text)
            else:
                first = re.match(r"(?:\s|<!---->)*<([a-z]+)", text, re.I)
                parser.parseFragment(text, container=_TEMPLATE_IN.get(first[1].lower() if first else "", "div"))
        lines = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        lengths = [0, *accumulate(end - start for start, end in segments)]
        for (line, column), code, data in parser.errors:
            if code in _FALSE_ALARMS:
                continue
            try:
                said = E.get(code, code) % (data or {})
            except (KeyError, TypeError, ValueError):
                said = code
            place = min(lines[min(line, len(lines)) - 1] + max(column, 0), len(text))
            segment = min(bisect.bisect_right(lengths, place), len(segments)) - 1
            origin = segments[segment][0] + place - lengths[segment]
            errors.append(f"{said} (line {document.line(origin)})")
    return errors, unread


class Document(HTMLParser):
    """Style sheets, scripts, style attributes and handlers of a document, and where its HTML is."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        # What no tag ends in is no markup; where many tags begin in it, the base class takes very long to see so.
        self.source = source[: source.rfind(">") + 1]
        self.readable = len(source)
        """Where it gets too deep, or the end."""
        self.styles: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self.asked: list[tuple[str, str]] = []
        """Type and address of scripts that are elsewhere."""
        self.style_attributes: list[str] = []
        self.handlers: list[tuple[str, str]] = []
        self.markup: list[str] = []
        """Tags and texts as far as they count."""
        self._inside = ""
        self._kind = ""
        self._content: list[str] = []
        self._begun = 0
        self._lines = [0, *accumulate(len(line) + 1 for line in source.split("\n"))]
        self._skipped: list[tuple[int, int]] = []
        self._open: list[tuple[int, int]] = []
        self._templates: list[tuple[int, int, int, int]] = []
        self._deep: Counter[str] = Counter()
        self._depth = 0
        self.feed(self.source)
        self.close()
        self.markup.append(_text(source[len(self.source) :]))
        self.source = source

    def line(self, at: int) -> int:
        return bisect.bisect_right(self._lines, at)

    def excerpts(self) -> Iterator[list[tuple[int, int]]]:
        """The HTML of the document, then that of each template: as segments of the source, without the inside of
        comments, sheets and scripts, without data and templates."""
        gone: list[tuple[int, int, str]] = [(start, end, "") for start, end in self._skipped]
        gone += [(*found.span(), "") for found in _DATA.finditer(self.source)]
        for start, inside, closed, end in self._templates:
            gone += [(start, inside, "opens"), (closed, end, "closes")]
        stack: list[list[tuple[int, int]]] = [[]]
        finished = []
        at = 0
        for start, end, what in sorted(gone):
            if start < at:
                continue
            if start > at:
                stack[-1].append((at, start))
            at = end
            if what == "opens":
                stack.append([])
            elif what == "closes" and len(stack) > 1:
                finished.append(stack.pop())
        stack[-1].append((at, len(self.source)))
        yield stack[0]
        yield from (segments for segments in finished if segments)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _NEVER_OPEN:
            self._deep[tag] += 1
            self._depth += 1
            if self._depth > _DEEPEST:
                self.readable = min(self.readable, self._at())
        counted = [tag]
        for name, value in attrs:
            counted.append(f'{name}="{value[:LONGEST_TEXT]}"' if value else name)
            if value and name == "style":
                self.style_attributes.append(value)
            elif value and name in _HANDLERS:
                self.handlers.append((name, value))
        self.markup.append(f"<{' '.join(counted)}>")
        if tag in ("style", "script"):
            given = dict(attrs)
            self._begun = self._at() + len(self.get_starttag_text() or "")
            self._inside, self._kind, self._content = tag, (given.get("type") or "").strip().lower(), []
            if "src" in given:
                self.asked.append((self._kind, given["src"] or ""))
                self._kind = "elsewhere"
        elif tag == "template":
            at = self._at()
            self._open.append((at, at + len(self.get_starttag_text() or "")))
        elif tag in ("textarea", "title"):
            # Their content is text, which older versions of the base class do not know.
            self.set_cdata_mode(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in ("textarea", "title"):
            self.clear_cdata_mode()
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._deep[tag]:
            self._deep[tag] -= 1
            self._depth -= 1
        self.markup.append(f"</{tag}>")
        if tag == self._inside:
            self._skipped.append((self._begun, max(self._begun, self._at())))
            self._finish()
        elif tag == "template" and self._open:
            at = self._at()
            end = self.source.find(">", at) + 1
            self._templates.append((*self._open.pop(), at, end or len(self.source)))

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._content.append(data)
        else:
            self.markup.append(_text(data))

    def handle_comment(self, data: str) -> None:
        start = self._at() + len("<!--")
        if self.source.startswith("-->", start + len(data)):
            self._skipped.append((start, start + len(data)))

    def close(self) -> None:
        super().close()
        if self._inside:
            self._finish()

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _finish(self) -> None:
        if self._inside == "style":
            self.styles.append("".join(self._content) + "\n")
        else:
            self.scripts.append((self._kind, "".join(self._content)))
        self._inside = ""


def _text(data: str) -> str:
    return re.sub(r"\s+", " ", data)[:LONGEST_TEXT]
