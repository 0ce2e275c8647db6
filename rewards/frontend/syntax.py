"""Does a page's source parse: HTML by html5lib, CSS by tinycss2 and CSS.supports, scripts by the browser's compiler.

Errors are counted per kilobyte, because a long page has more places to be wrong in. What no error can be in, or what
says the same again, does not make a page longer; nor does anything beyond `LONGEST_KB`.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from rewards.frontend.javascript import as_module_scripts, code_of
from rewards.frontend.markup import Document, html_errors, without_data
from rewards.frontend.stylesheets import Pairs, sheet_errors, style_errors, without_comments

HALVES_AT = 1.5
"""Weighted errors per kilobyte at which half of the points are gone."""

WEIGHTS = {"html": 1.0, "css": 1.0, "script": 5.0}
"""A script that does not compile does nothing at all; browsers mend most of the rest."""

LONGEST_KB = 16.0
"""A page that is longer counts as so long: an error always costs 2.8% of the score or more."""
_MOST_REPEATED = 6
"""How much longer than when compressed a page may count. Pages written by hand are two to five times as long."""

MOST_PARSED = 128 * 1024
"""Characters of HTML and of CSS that are parsed here; both parsers are written in Python."""
_UNREAD_KB = 2.0
"""Errors that a kilobyte counts for which is not parsed."""
_MOST_COMPILED = 300
"""Scripts and handlers; each one more counts as one that does not compile."""

SUPPORTS = "(pairs) => pairs.map(([name, value]) => CSS.supports(name, value))"
"""What `check` asks the browser about declarations."""
_MOST_ASKED = 4000

_SCRIPT = re.compile(r"|(text|application)/(x-)?(java|ecma|j|live)script[\d.]*(\s*;.*)?")
"""Types of scripts that are no modules."""

Compiles = Callable[[str], str | None]


@dataclass
class SyntaxResult:
    """``score`` is in 0..1. ``errors`` are (kind, what is wrong), the first of each kind."""

    score: float
    errors: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    per_kb: float = 0.0


def check(
    files: Mapping[str, bytes], compiles: Compiles, supports: Callable[[list[tuple[str, str]]], list[bool]]
) -> SyntaxResult:
    """The score of a page's files; "" is the document.

    ``compiles`` gives the compiler's error or None, ``supports`` says which declarations the browser knows."""
    document = Document(_text(files[""]))
    sheets = ["".join(document.styles)] + [_text(files[name]) for name in files if name.endswith(".css")]
    sheets = [without_data(without_comments(sheet)) for sheet in sheets]
    html, unread_html = html_errors(document, MOST_PARSED)
    css, unread_css = _css_errors(sheets, document.style_attributes, supports)
    errors = [("html", each) for each in html] + [("css", each) for each in css]
    scripts = document.scripts + list(_script_files(files, document.asked))
    errors += [("script", each) for each in _script_errors(scripts, document.handlers, compiles)]
    counts = {kind: sum(each == kind for each, _ in errors) for kind in WEIGHTS}
    unread_kb = (unread_html + unread_css) / 1024
    if unread_kb:
        errors.insert(0, ("html", f"{math.ceil(unread_kb)} KB of HTML and CSS are too much to be read"))
    code = "".join([*document.markup, *sheets, *(code_of(source) for _, source in scripts)])
    weighted = sum(WEIGHTS[kind] * count for kind, count in counts.items()) + _UNREAD_KB * unread_kb
    per_kb = weighted / _kilobytes(code)
    return SyntaxResult(math.exp(-math.log(2) * per_kb / HALVES_AT), errors[:40], counts, per_kb)


def _kilobytes(code: str) -> float:
    """How long a page counts, from 1 to `LONGEST_KB`."""
    written = re.sub(r"\s+", " ", without_data(code)).encode("utf-8", "replace")
    return max(1.0, min(LONGEST_KB, len(written) / 1024, _MOST_REPEATED * len(zlib.compress(written)) / 1024))


def _css_errors(
    sheets: list[str], styles: list[str], supports: Callable[[list[tuple[str, str]]], list[bool]]
) -> tuple[list[str], int]:
    """Errors, and how many characters are too many to be parsed."""
    errors: list[str] = []
    pairs: Pairs = []
    left, unread = MOST_PARSED, 0
    for errors_of, source in [(sheet_errors, each) for each in sheets] + [(style_errors, each) for each in styles]:
        read = source[:left]
        left -= len(read)
        unread += len(source) - len(read)
        try:
            errors += errors_of(read, pairs)
        except RecursionError:
            errors.append("brackets in brackets without end")
            unread += len(read)
    unique = list(dict.fromkeys(pairs))
    known: dict[tuple[str, str], bool] = {}
    for start in range(0, len(unique), _MOST_ASKED):
        asked = unique[start : start + _MOST_ASKED]
        known |= zip(asked, supports(asked), strict=True)
    errors += [f"unknown declaration {name}: {value[:60]}" for name, value in pairs if not known[name, value]]
    return errors, unread


def _script_files(files: Mapping[str, bytes], asked: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Type and source: scripts are what the document loads as such, everything else may be a module."""
    classic = {
        posixpath.normpath(re.split(r"[?#]", address)[0]).lstrip("/") for kind, address in asked if kind != "module"
    }
    for name in files:
        if name.endswith((".js", ".mjs")):
            yield "" if name in classic else "module", _text(files[name])


def _script_errors(
    scripts: list[tuple[str, str]], handlers: list[tuple[str, str]], compiles: Compiles
) -> Iterator[str]:
    sources: list[tuple[str, str, str]] = []
    for kind, source in scripts:
        if "json" in kind or kind in ("importmap", "speculationrules"):
            try:
                json.loads(source or "0")
            except (ValueError, RecursionError) as cause:
                yield f"<script type={kind}>: {cause}"
        elif kind == "module" or _SCRIPT.fullmatch(kind):
            sources.append(("", kind, source))
    # Handlers that differ in numbers only are as right or wrong as each other.
    unique = {(name, re.sub(r"\d+", "0", source)): source for name, source in reversed(handlers)}
    sources += [(f"{name}: ", "handler", source) for (name, _), source in reversed(unique.items())]
    known: dict[tuple[str, str], str | None] = {}
    for name, kind, source in sources:
        if (kind, source) not in known:
            full = len(known) >= _MOST_COMPILED
            known[kind, source] = "one script too many to be compiled" if full else _broken(kind, source, compiles)
        if said := known[kind, source]:
            yield name + said


def _broken(kind: str, source: str, compiles: Compiles) -> str | None:
    if kind == "handler":
        # try and finally keep a brace too many from closing what is around.
        return compiles(f"(function (event) {{try {{{source}\n}} finally {{}} }})")
    if kind != "module":
        return compiles(source)
    strict, asynchronous = as_module_scripts(source)
    said = compiles(strict)
    return said if not said or "Illegal return" in said else compiles(asynchronous)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n")
