"""What is wrong with CSS: tinycss2's errors, unbalanced braces and comments; declarations are noted for the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Pairs = list[tuple[str, str]]
"""Names and values of declarations that the browser is to be asked about."""

_DESCRIPTORS = {
    "color-profile", "counter-style", "font-face", "font-feature-values", "font-palette-values", "function", "page",
    "property", "view-transition",
}  # fmt: skip
"""At-rules that hold descriptors, which CSS.supports does not know."""
_NOT_IN_THIS_BROWSER = {"line-clamp"}
"""Properties of the standard."""
_PIECE = re.compile(
    r"\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?|url\(\s*[^()\"'\s]*\s*\)|(?P<comment>/\*.*?(?P<end>\*/|\Z))",
    re.S | re.I,
)


def without_comments(sheet: str) -> str:
    """The sheet with its lines where they were; an open comment stays."""
    return _PIECE.sub(lambda found: "\n" * found[0].count("\n") or " " if found["end"] else found[0], sheet)


def sheet_errors(sheet: str, pairs: Pairs) -> Iterator[str]:
    """Errors of a sheet without comments. Declarations are added to ``pairs``."""
    import tinycss2

    if not sheet.strip():
        return
    yield from _unbalanced(sheet)
    for rule in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
        yield from _rule_errors(rule, pairs, 0)


def style_errors(style: str, pairs: Pairs) -> Iterator[str]:
    """Errors of a style attribute. Declarations are added to ``pairs``."""
    import tinycss2

    for each in tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True):
        if each.type == "declaration":
            _note(each, pairs)
        elif each.type == "error":
            yield f"{each.message} in a style attribute"


def _rule_errors(rule: Any, pairs: Pairs, depth: int) -> Iterator[str]:
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


def _note(declaration: Any, pairs: Pairs) -> None:
    import tinycss2

    name = declaration.lower_name
    value = tinycss2.serialize(declaration.value).strip()
    # Custom properties take anything, and prefixed ones are for other browsers.
    if name.startswith("-") or "var(" in value or "env(" in value or re.search(r"-(moz|ms|o|webkit)-", value):
        return
    if name not in _NOT_IN_THIS_BROWSER:
        pairs.append((name, value[:500]))


def _unbalanced(sheet: str) -> Iterator[str]:
    """Missing braces and open comments are legal, and swallow every rule after them."""
    if any(found["comment"] for found in _PIECE.finditer(sheet)):
        yield "a comment is not closed"
    bare = _PIECE.sub("", sheet)
    depth = bare.count("{") - bare.count("}")
    if depth:
        yield f"{abs(depth)} brace{'s' * (abs(depth) > 1)} {'not closed' if depth > 0 else 'too many'}"
