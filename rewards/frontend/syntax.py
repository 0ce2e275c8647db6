"""Does a page's source parse: HTML by html5lib, CSS by tinycss2 and CSS.supports, scripts by the browser's compiler.

Errors are counted per kilobyte, because a long page has more places to be wrong in.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

HALVES_AT = 1.5
"""Weighted errors per kilobyte at which half of the points are gone."""

WEIGHTS = {"html": 1.0, "css": 1.0, "script": 5.0}
"""A script that does not compile does nothing at all; browsers mend most of the rest."""

MOST_PARSED = 128 * 1024
"""Characters of HTML and of CSS that are parsed here; both parsers are written in Python."""

SUPPORTS = "(pairs) => pairs.map(([name, value]) => CSS.supports(name, value))"
"""What `check` asks the browser about declarations."""

# Codes that html5lib reports where the specification has no error, or that cost a reader nothing.
_FALSE_ALARMS = {
    "expected-named-entity",
    "unexpected-char-in-unquoted-attribute-value",
    "unexpected-hr-element-in-select",
    "eof-in-innerhtml",
}
_DESCRIPTORS = {"font-face", "page", "property", "counter-style", "font-feature-values"}
"""At-rules that hold descriptors, which CSS.supports does not know."""
_SCRIPT_TYPES = {"", "text/javascript", "application/javascript", "module"}


@dataclass
class SyntaxResult:
    """``score`` is in 0..1. ``errors`` are (kind, what is wrong), the first of each kind."""

    score: float
    errors: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    per_kb: float = 0.0


def check(
    files: Mapping[str, bytes],
    compiles: Callable[[str], str | None],
    supports: Callable[[list[tuple[str, str]]], list[bool]],
) -> SyntaxResult:
    """The score of a page's files; "" is the document.

    ``compiles`` gives the compiler's error or None, ``supports`` says which declarations the browser knows."""
    parts = _Parts()
    document = files[""].decode("utf-8", "replace")
    parts.feed(document[: 4 * MOST_PARSED])
    parts.close()
    sheets = ["".join(parts.styles)] + [_text(files[name]) for name in files if name.endswith(".css")]
    scripts = parts.scripts + [("", _text(files[name])) for name in files if name.endswith((".js", ".mjs"))]
    errors = [("html", each) for each in _html_errors(document[:MOST_PARSED])]
    pairs: list[tuple[str, str]] = []
    for sheet in sheets:
        errors += [("css", each) for each in _css_errors(sheet[:MOST_PARSED], pairs)]
    for style in parts.style_attributes[:2000]:
        errors += [("css", each) for each in _declaration_errors(style[:2000], pairs)]
    unique = list(dict.fromkeys(pairs))[:4000]
    known = dict(zip(unique, supports(unique), strict=True)) if unique else {}
    errors += [
        ("css", f"unknown declaration {name}: {value[:60]}")
        for name, value in pairs
        if not known.get((name, value), True)
    ]
    errors += [("script", each) for each in _script_errors(scripts, parts.handlers, compiles)]
    counts = {kind: sum(each == kind for each, _ in errors) for kind in WEIGHTS}
    kilobytes = max(1.0, sum(len(content) for content in files.values()) / 1024)
    per_kb = sum(WEIGHTS[kind] * count for kind, count in counts.items()) / kilobytes
    return SyntaxResult(math.exp(-math.log(2) * per_kb / HALVES_AT), errors[:40], counts, per_kb)


def _html_errors(text: str) -> Iterator[str]:
    import html5lib
    from html5lib.constants import E

    parser = html5lib.HTMLParser(strict=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser.parse(text)
    templates = [(found.start(), found.end()) for found in re.finditer(r"<template\b.*?</template>", text, re.S | re.I)]
    lines = [0] + [place + 1 for place, character in enumerate(text) if character == "\n"]
    for (line, column), code, data in parser.errors:
        if code in _FALSE_ALARMS or (data or {}).get("name") in ("hr", "template"):
            continue
        at = lines[min(line, len(lines)) - 1] + column
        # html5lib does not know what a template's content may be.
        if any(start <= at <= end for start, end in templates):
            continue
        try:
            said = E.get(code, code) % (data or {})
        except (KeyError, TypeError, ValueError):
            said = code
        yield f"{said} (line {line})"


def _css_errors(sheet: str, pairs: list[tuple[str, str]]) -> Iterator[str]:
    import tinycss2

    if not sheet.strip():
        return
    yield from _unbalanced(sheet)
    for rule in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
        yield from _rule_errors(rule, pairs, 0)


def _rule_errors(rule: Any, pairs: list[tuple[str, str]], depth: int) -> Iterator[str]:
    import tinycss2

    described = rule.type == "at-rule" and rule.lower_at_keyword in _DESCRIPTORS
    if rule.type == "error":
        yield f"{rule.message} (line {rule.source_line})"
    elif rule.type not in ("qualified-rule", "at-rule") or rule.content is None or described or depth > 8:
        return
    elif rule.type == "qualified-rule" and not tinycss2.serialize(rule.prelude).strip():
        yield f"a rule without a selector (line {rule.source_line})"
    else:
        for each in tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True):
            if each.type == "declaration":
                _note(each, pairs)
            else:
                yield from _rule_errors(each, pairs, depth + 1)


def _declaration_errors(style: str, pairs: list[tuple[str, str]]) -> Iterator[str]:
    import tinycss2

    for each in tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True):
        if each.type == "declaration":
            _note(each, pairs)
        elif each.type == "error":
            yield f"{each.message} in a style attribute"


def _note(declaration: Any, pairs: list[tuple[str, str]]) -> None:
    import tinycss2

    name = declaration.lower_name
    value = tinycss2.serialize(declaration.value).strip()
    # Custom properties take anything, and prefixed ones are for other browsers.
    if name.startswith("-") or "var(" in value or "env(" in value or re.search(r"-(moz|ms|o|webkit)-", value):
        return
    pairs.append((name, value[:500]))


def _unbalanced(sheet: str) -> Iterator[str]:
    """Missing braces and open comments are legal, and swallow every rule after them."""
    text = re.sub(r"/\*.*?\*/", " ", sheet, flags=re.S)
    if "/*" in re.sub(r"\"[^\"\n]*\"|'[^'\n]*'|url\([^)\n]*\)", "", text):
        yield "a comment is not closed"
    bare = re.sub(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", "", text)
    depth = bare.count("{") - bare.count("}")
    if depth:
        yield f"{abs(depth)} brace{'s' * (abs(depth) > 1)} {'not closed' if depth > 0 else 'too many'}"


def _script_errors(
    scripts: list[tuple[str, str]], handlers: list[tuple[str, str]], compiles: Callable[[str], str | None]
) -> Iterator[str]:
    for kind, source in scripts[:100]:
        if "json" in kind or kind in ("importmap", "speculationrules"):
            try:
                json.loads(source)
            except ValueError as cause:
                yield f"<script type={kind}>: {cause}"
        elif kind in _SCRIPT_TYPES:
            if kind == "module" or re.search(r"^\s*(import|export)\b", source, re.M):
                # The compiler takes scripts, not modules: what makes a module is taken away, and await is allowed.
                source = re.sub(
                    r"^\s*import\b[^;\n]*from\s*[\"'][^\"']*[\"'];?|^\s*import\s*[\"'][^\"']*[\"'];?",
                    "",
                    source,
                    flags=re.M,
                )
                source = "(async () => {" + re.sub(r"^\s*export\s+(default\s+)?", "", source, flags=re.M) + "\n})"
            if said := compiles(source):
                yield said
    for name, source in dict.fromkeys(handlers[:500]):
        if said := compiles(f"(function (event) {{{source}\n}})"):
            yield f"{name}: {said}"


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


class _Parts(HTMLParser):
    """Collects what is not HTML in a document: style sheets, scripts, style attributes, handlers."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.styles: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self.style_attributes: list[str] = []
        self.handlers: list[tuple[str, str]] = []
        self._inside = ""
        self._kind = ""
        self._content: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name == "style":
                self.style_attributes.append(value)
            elif value and name.startswith("on") and len(name) > 3:
                self.handlers.append((name, value))
        if tag in ("style", "script"):
            given = dict(attrs)
            self._inside, self._kind, self._content = tag, (given.get("type") or "").strip().lower(), []
            if "src" in given:
                self._kind = "elsewhere"

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._finish()

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._content.append(data)

    def close(self) -> None:
        super().close()
        if self._inside:
            self._finish()

    def _finish(self) -> None:
        if self._inside == "style":
            self.styles.append("".join(self._content) + "\n")
        else:
            self.scripts.append((self._kind, "".join(self._content)))
        self._inside = ""
