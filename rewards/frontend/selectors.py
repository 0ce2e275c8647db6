"""Whether the browser understands a CSS selector, told without a browser.

A page cannot be blamed for a selector that throws. Only what is surely wrong is refused: brackets that the end of the
text closes are not, since browsers close them, too.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lpo.recipe.base import unknown_name
from rewards.frontend.known import PSEUDO_CLASSES

_FORGIVING = ("is", "where", "-webkit-any")
_NTH = ("nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type")
_FUNCTIONS = frozenset(
    (*_FORGIVING, "not", "has", *_NTH, "lang", "dir", "state", "host", "host-context", "active-view-transition-type")
)
_ELSEWHERE = {
    **dict.fromkeys(("contains", "has-text", "text", "text-is"), "a target has the fields `text` and `contains`"),
    **dict.fromkeys(("eq", "first", "last", "nth", "nth-match"), "a target has the field `nth`"),
    **dict.fromkeys(("visible", "hidden"), "visible elements are taken before others anyway"),
}
"""Pseudo-classes of jQuery and Playwright, and what to write instead."""
_LEGACY_ELEMENTS = ("before", "after", "first-line", "first-letter")
_OPERATORS = ("=", "~=", "|=", "^=", "$=", "*=")


class _FaultError(ValueError):
    pass


@functools.lru_cache(maxsize=4096)
def selector_fault(css: str) -> str | None:
    """None, or what is wrong with the selector."""
    import tinycss2

    try:
        _listed(tinycss2.parse_component_value_list(css, skip_comments=True), within="")
    except _FaultError as fault:
        return f"'{css}' is no CSS selector: {fault}"
    except RecursionError:
        return f"'{css[:40]}...' is nested too deeply"
    return None


def _listed(tokens: Sequence[Any], within: str) -> None:
    for part in _split(tokens, lambda token: token == ","):
        _complex(part, within)


def _split(tokens: Sequence[Any], at: Callable[[Any], bool]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for token in tokens:
        if at(token):
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _complex(tokens: Sequence[Any], within: str) -> None:
    """Compounds with combinators between them; inside of :has() one may come first. ``within`` are the names of the
    pseudo-classes around it."""
    compounds: list[list[Any]] = [[]]
    apart, combined = False, ""
    for token in tokens:
        if token.type == "whitespace":
            apart = True
        elif token.type == "literal" and token.value in (">", "+", "~"):
            leads = within.endswith(" has") and len(compounds) == 1 and not combined
            if not compounds[-1] and not leads:
                raise _FaultError(f"nothing stands before '{token.value}'")
            if compounds[-1]:
                compounds.append([])
            combined = token.value
        else:
            if apart and compounds[-1]:
                compounds.append([])
            compounds[-1].append(token)
            apart, combined = False, combined if len(compounds) == 1 else ""
    if not compounds[-1]:
        raise _FaultError(f"nothing stands after '{combined}'" if combined else "it is empty, or a part of it is")
    for compound in compounds:
        _compound(compound, within)


def _compound(tokens: list[Any], within: str) -> None:
    left = list(reversed(tokens))
    _take_type(left)
    while left:
        token = left.pop()
        if token.type == "hash":
            if not token.is_identifier:
                raise _FaultError(f"an id that begins with a digit is written [id='{token.value}']")
        elif token == "." and left and left[-1].type == "ident":
            left.pop()
        elif token == ":" and left and left[-1].type in ("ident", "function"):
            _pseudo_class(left.pop(), within)
        elif token == ":" and left and left[-1] == ":":
            raise _FaultError("a pseudo-element (::) is no element of the page, so nothing fits")
        elif token.type == "[] block":
            _attribute([each for each in token.content if not _is_left_out(each)])
        elif token != "&":
            raise _FaultError(f"'{token.serialize()}' cannot stand there; in a name such marks take a backslash")


def _take_type(left: list[Any]) -> None:
    """Takes a tag or ``*``, with ``*|`` or ``|`` before it, off the end of ``left``."""

    def is_type(token: Any) -> bool:
        return token.type == "ident" or token == "*"

    if is_type(left[-1]):
        first = left.pop()
        if left and left[-1] == "|":
            if first != "*":
                raise _FaultError(f"the namespace '{first.value}' is not declared")
            left.append(first)
    if len(left) > 1 and left[-1] == "*" and left[-2] == "|":
        left.pop()
    if left and left[-1] == "|":
        left.pop()
        if not left or not is_type(left.pop()):
            raise _FaultError("nothing stands after '|'")


def _is_left_out(token: Any) -> bool:
    return token.type == "whitespace" or (token.type == "error" and token.kind == "eof-in-string")


def _attribute(tokens: list[Any]) -> None:
    if len(tokens) > 1 and tokens[0] == "*" and tokens[1] == "|":
        tokens = tokens[1:]
    if tokens and tokens[0] == "|":
        tokens = tokens[1:]
    if not tokens or tokens[0].type != "ident":
        raise _FaultError("[] must begin with an attribute's name")
    if len(tokens) == 1:
        return
    if tokens[1] not in _OPERATORS:
        raise _FaultError(f"'{tokens[1].serialize()}' is none of {' '.join(_OPERATORS)}")
    if len(tokens) < 3 or tokens[2].type not in ("ident", "string") or len(tokens) > 4:
        raise _FaultError(f"the value of [{tokens[0].value}] must be in quotes")
    if len(tokens) == 4 and (tokens[3].type != "ident" or tokens[3].lower_value != "i"):
        raise _FaultError(f"the value of [{tokens[0].value}] must be in quotes; after it only i may stand")


def _pseudo_class(token: Any, within: str) -> None:
    called = token.type == "function"
    name = token.lower_name if called else token.lower_value
    if name in _LEGACY_ELEMENTS and not called:
        raise _FaultError(f"the pseudo-element '{name}' is no element of the page, so nothing fits")
    if name not in (_FUNCTIONS if called else PSEUDO_CLASSES):
        if name in _FUNCTIONS | PSEUDO_CLASSES:
            raise _FaultError(f"':{name}' is written {'without' if called else 'with'} brackets")
        if name in _ELSEWHERE:
            raise _FaultError(f"the browser knows no ':{name}'; {_ELSEWHERE[name]}")
        raise _FaultError(unknown_name(name, PSEUDO_CLASSES | _FUNCTIONS, "pseudo-class", listed=False))
    if not called:
        return
    inside = f"{within} {name}"
    if not any(each.type != "whitespace" for each in token.arguments):
        raise _FaultError(f"':{name}()' is empty")
    if name in _NTH:
        _nth(name, token.arguments, inside)
    elif name == "has" and " has" in within:
        raise _FaultError("':has' cannot stand inside of ':has'")
    elif name in _FORGIVING:
        _one_of(token.arguments, inside)
    elif name in ("not", "has"):
        _listed(token.arguments, inside)


def _one_of(tokens: Sequence[Any], within: str) -> None:
    """Browsers leave out what they do not understand in :is() and :where(); something must be left."""
    faults: list[_FaultError] = []
    for part in _split(tokens, lambda token: token == ","):
        try:
            _complex(part, within)
            return
        except _FaultError as fault:
            faults.append(fault)
    raise faults[0]


def _nth(name: str, arguments: Sequence[Any], within: str) -> None:
    count, *of = _split(arguments, lambda token: token.type == "ident" and token.lower_value == "of")
    said = "".join(token.serialize() for token in count).strip().lower()
    if not re.fullmatch(r"even|odd|[+-]?\d+|[+-]?\d*n(\s*[+-]\s*\d+)?", said):
        raise _FaultError(f"':{name}' takes odd, even, a number or something like 2n+1")
    if of and not name.endswith("child"):
        raise _FaultError(f"':{name}' takes no 'of'")
    for each in of[:1]:
        _listed(each, within)
