"""Inequalities in one variable as intervals, and a set by its condition as that condition."""

from __future__ import annotations

import re

_COMPARISON = r"(<|>|\\le(?![a-zA-Z])|\\ge(?![a-zA-Z]))"
_CHAIN = re.compile(rf"([^<>]+?)\s*{_COMPARISON}\s*([a-zA-Z])\s*{_COMPARISON}\s*([^<>]+)")
_VARIABLE_FIRST = re.compile(rf"([a-zA-Z])\s*{_COMPARISON}\s*([^<>]+)")
_VARIABLE_LAST = re.compile(rf"([^<>]+?)\s*{_COMPARISON}\s*([a-zA-Z])")
_OR = re.compile(
    r"\s*,?\s*(?:\\(?:text|textrm|mathrm|mbox)\s*\{\s*,?\s*or\s*\}|(?<![\\a-zA-Z])or(?![a-zA-Z])|\\lor(?![a-zA-Z]))\s*"
)
_BUILDER = re.compile(
    r"\\\{\s*([a-zA-Z])\s*(?:\\in\s*(?:\\mathbb\s*\{?\s*R\s*\}?|\\R)\s*)?(?:\\mid|\\vert|\\colon|:|\|)(?![a-zA-Z])\s*(.+?)\s*\\\}"
)
_TURNED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}


_OPENING, _CLOSING = {"<": "(", r"\le": "["}, {"<": ")", r"\le": "]"}


def as_union(latex: str) -> str:
    """``x < 1 \\text{ or } x > 3`` as a union of intervals; anything else as it is."""
    parts = _OR.split(latex)
    if len(parts) < 2:
        return latex
    found = [_interval(part.strip()) for part in parts]
    variables = {each[0] for each in found if each is not None}
    if None in found or len(variables) != 1:
        return latex
    return r" \cup ".join(each[1] for each in found if each is not None)


def without_builder(latex: str) -> str:
    """``\\{x : x > 3\\}`` as ``x > 3``, where the condition is about its variable; anything else as it is."""
    built = _BUILDER.fullmatch(latex.strip())
    if built is None or not re.search(rf"(?<![a-zA-Z\\]){built[1]}(?![a-zA-Z])", built[2]):
        return latex
    return built[2]


def _interval(part: str) -> tuple[str, str] | None:
    """The variable of an inequality and the interval that it stands for."""
    if (chain := _CHAIN.fullmatch(part)) is not None:
        low, first, variable, second, high = chain.groups()
        if {first, second} & {">", r"\ge"}:
            return None
        return variable, f"{_OPENING[first]}{low}, {high}{_CLOSING[second]}"
    if (single := _VARIABLE_FIRST.fullmatch(part)) is not None:
        variable, relation, bound = single.groups()
    elif (single := _VARIABLE_LAST.fullmatch(part)) is not None:
        bound, relation, variable = single.groups()
        relation = _TURNED[relation]
    else:
        return None
    if relation in _CLOSING:
        return variable, rf"(-\infty, {bound}{_CLOSING[relation]}"
    return variable, rf"{_OPENING[_TURNED[relation]]}{bound}, \infty)"
