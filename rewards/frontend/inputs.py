"""Random inputs of a check, and what is expected of them.

``{{int:1..9 as a}}`` draws a number and remembers it; ``{{a + b}}`` computes with what was drawn. A page that knows the
answer to one fixed question does not know it to the next.
"""

from __future__ import annotations

import ast
import operator
import random
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from lpo.recipe.base import unknown_name

Value = int | float | str | bool

_TEMPLATE = re.compile(r"\{\{(?!\{)((?:(?!\{\{).)*?)\}\}", re.DOTALL)
_KINDS = {
    "int": "int:1..9",
    "float": "float:0..10 or float:0..10:2 (digits)",
    "choice": "choice:red|green",
    "word": "word, word:5 or word:5..8 (letters)",
    "name": "name",
    "email": "email",
    "date": "date, date:2024 or date:2001..2030 (years)",
}
"""What can be drawn, and how it is written."""
_DRAW = re.compile(
    rf"^\s*(?P<kind>{'|'.join(_KINDS)})\s*(?::(?P<spec>.*?))?(?:\s+but\s+(?P<but>\w+))?"
    r"(?:\s+as\s+(?P<variable>[A-Za-z_]\w*))?\s*$",
    re.DOTALL,
)
_CONSONANTS, _VOWELS = "bdfghklmnprstvz", "aeiou"
_NAMES = (
    "Amina",
    "Bruno",
    "Clara",
    "Daniel",
    "Elif",
    "Farah",
    "Gustav",
    "Hana",
    "Ivo",
    "Jana",
    "Kofi",
    "Lena",
    "Mateo",
)
_DRAWS_AT_MOST = 100
_LONGEST = 2000
_LONGEST_WORD = 200
_MOST_DIGITS = 15
_LARGEST = 10**15


class InputsError(ValueError):
    """A template or an expression that cannot be evaluated. Names it and says why."""


def fill(text: str, variables: dict[str, Value], rng: random.Random) -> Value:
    """``text`` with its templates replaced; what they draw under a name is added to ``variables``.

    A text that is one template and nothing else keeps the type of its value. Raises InputsError.
    """
    rest = _TEMPLATE.sub("\0", text)
    for mark, partner in (("{{", "}}"), ("}}", "{{")):
        if mark in rest:
            raise InputsError(
                f"'{text}' has {mark} without {partner}; where a text is to have it, write "
                f"{{{{'{mark[0]}' + '{mark[0]}'}}}}"
            )
    if rest.count("\0") == 1 and (whole := _TEMPLATE.fullmatch(text.strip())):
        return _replace(whole.group(1), variables, rng)
    return _TEMPLATE.sub(lambda found: shown(_replace(found.group(1), variables, rng)), text)


def shown(value: Value) -> str:
    """A value as JavaScript would print it: 4.0 is 4, True is true."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return str(int(value))
    return str(value)


def evaluate(expression: str, variables: Mapping[str, Value]) -> Value:
    """The value of arithmetic, comparisons, ``x if c else y`` and `FUNCTIONS` over ``variables``.

    Raises InputsError."""
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body, variables)
    except InputsError:
        raise
    except Exception as cause:
        if isinstance(cause, SyntaxError):
            raise InputsError(f"'{{{{{expression}}}}}' is neither an expression nor one of {_forms()}") from cause
        raise InputsError(f"'{{{{{expression}}}}}' cannot be computed ({type(cause).__name__}: {cause})") from cause
    if isinstance(value, list):
        raise InputsError(f"'{{{{{expression}}}}}' is a list; join it, or take one of its items")
    return value


def _forms() -> str:
    return ", ".join(_KINDS.values())


def _replace(inside: str, variables: dict[str, Value], rng: random.Random) -> Value:
    if not inside.strip():
        raise InputsError("'{{}}' is empty; write what to draw, as in {{word}}, or to compute, as in {{a + b}}")
    drawn = _DRAW.match(inside)
    # A variable may be called like a kind; `{{name}}` then means the variable.
    if not drawn or (drawn["spec"] is None and drawn["variable"] is None and drawn["kind"] in variables):
        if (named := re.match(r"\s*(\w+)\s*:", inside)) and not drawn:
            raise InputsError(
                f"'{{{{{inside}}}}}': {unknown_name(named[1], _KINDS, 'input', listed=False)}; there are {_forms()}"
            )
        return evaluate(inside, variables)
    but = drawn["but"]
    if but is not None and but not in variables:
        raise InputsError(f"'{{{{{inside}}}}}': nothing was drawn as '{but}' before")
    for _ in range(_DRAWS_AT_MOST):
        value = _draw(drawn["kind"], (drawn["spec"] or "").strip(), rng, inside)
        if but is None or value != variables[but]:
            break
    else:
        raise InputsError(f"'{{{{{inside}}}}}' leaves nothing to draw but '{but}'")
    if drawn["variable"]:
        variables[drawn["variable"]] = value
    return value


def _draw(kind: str, spec: str, rng: random.Random, inside: str) -> Value:
    try:
        match kind:
            case "choice":
                choices = [each.strip() for each in spec.split("|") if each.strip()]
                if not choices:
                    raise ValueError("there is nothing to choose from")
                return rng.choice(choices)
            case "name" | "email":
                if spec:
                    raise ValueError(f"{kind} takes nothing after the colon")
                return rng.choice(_NAMES) if kind == "name" else f"{_word(rng, 6)}@{_word(rng, 5)}.example"
            case "float":
                span, _, given = spec.partition(":")
                low, high = _bounds(span, float, -_LARGEST, _LARGEST)
                digits = _number(given or "1", int)
                if not 0 <= digits <= _MOST_DIGITS:
                    raise ValueError(f"{digits} digits are not within 0..{_MOST_DIGITS}")
                return round(rng.uniform(low, high), digits)
            case "date":
                first, last = _bounds(spec or "2001..2030", int, 1, 9999, alone=True)
                return f"{rng.randint(first, last):04d}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
            case "word":
                return _word(rng, rng.randint(*_bounds(spec or "5..9", int, 1, _LONGEST_WORD, alone=True)))
        return rng.randint(*_bounds(spec or "1..99", int, -_LARGEST, _LARGEST))
    except ValueError as cause:
        raise InputsError(f"'{{{{{inside}}}}}' is no template: {cause}; write {_KINDS[kind]}") from cause


N = TypeVar("N", int, float)


def _bounds(spec: str, read: Callable[[str], N], least: int, most: int, alone: bool = False) -> tuple[N, N]:
    """Of ``low..high``; where ``alone``, one number is both. Raises ValueError."""
    first, dots, second = spec.partition("..")
    if not dots and not alone:
        raise ValueError("it needs two bounds with .. between them")
    low, high = _number(first, read), _number(second if dots else first, read)
    if low > high:
        raise ValueError(f"{first.strip()} is more than {second.strip()}")
    if not least <= low <= high <= most:
        raise ValueError(f"the bounds are not within {least}..{most}")
    return low, high


def _number(text: str, read: Callable[[str], N]) -> N:
    try:
        return read(text)
    except ValueError:
        raise ValueError(f"'{text.strip()}' is no {'whole ' if read is int else ''}number") from None


def _word(rng: random.Random, length: int) -> str:
    """Pronounceable, and in no dictionary: it stands on a page only if the page took it."""
    return "".join(rng.choice(_CONSONANTS if place % 2 == 0 else _VOWELS) for place in range(length))


def _rounded(number: float, digits: int = 0) -> float | int:
    """Halves go up, as JavaScript's Math.round and toFixed have it."""
    exact = Decimal(number).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return float(exact) if digits > 0 else int(exact)


def _fixed(number: float, digits: int = 2) -> str:
    return f"{Decimal(number).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP):f}"


def _grouped(number: float, digits: int = 0) -> str:
    return f"{Decimal(number).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP):,f}"


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "fixed": _fixed,
    "float": float,
    "grouped": _grouped,
    "int": int,
    "join": lambda items, between="": between.join(shown(each) for each in items),
    "len": len,
    "lower": lambda text: str(text).lower(),
    "max": max,
    "min": min,
    "reversed": lambda text: str(text)[::-1],
    "round": _rounded,
    "sorted": sorted,
    "str": shown,
    "sum": sum,
    "title": lambda text: str(text).title(),
    "upper": lambda text: str(text).upper(),
}
"""What expressions may call. ``fixed(x, 2)`` is "12.50", ``grouped(x)`` is "1,234", ``round`` lets halves go up."""

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _value(node: ast.expr, variables: Mapping[str, Value]) -> Any:
    """The value of a node of one of the kinds below; any other kind is refused, so that checks cannot run code."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Name(id=name):
            if name not in variables:
                raise InputsError(
                    f"nothing was drawn as '{name}'; there is: {', '.join(sorted(variables)) or 'nothing'}"
                )
            return variables[name]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, variables) for item in items]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, variables)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, variables)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _BINARY:
            return _bounded(type(operation), _value(left, variables), _value(right, variables))
        case ast.Compare(left=left, ops=[operation], comparators=[right]) if type(operation) in _COMPARE:
            return _COMPARE[type(operation)](_value(left, variables), _value(right, variables))
        case ast.BoolOp(op=operation, values=parts):
            truths = [_value(part, variables) for part in parts]
            return all(truths) if isinstance(operation, ast.And) else any(truths)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _value(body if _value(test, variables) else orelse, variables)
        case ast.Subscript(value=of, slice=index):
            return _value(of, variables)[_value(index, variables)]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(argument, variables) for argument in arguments))
    raise InputsError(
        f"'{ast.unparse(node)}' is not understood; there are numbers, texts, arithmetic, comparisons, "
        f"`x if c else y` and the functions {', '.join(FUNCTIONS)}"
    )


def _bounded(operation: type[ast.operator], left: Any, right: Any) -> Any:
    # Compound interest over decades has a base just above 1 and an exponent of hundreds.
    if operation is ast.Pow and (abs(left) > 1000 or abs(right) > (20 if abs(left) > 2 else 600)):
        raise InputsError("a power has a base up to 1000 and an exponent up to 20, or a base up to 2 and one up to 600")
    if operation is ast.Mult and not all(isinstance(each, int | float) for each in (left, right)):
        raise InputsError("only numbers are multiplied")
    if operation is ast.Add and isinstance(left, str) != isinstance(right, str):
        left, right = shown(left), shown(right)
    value = _BINARY[operation](left, right)
    if isinstance(value, str) and len(value) > _LONGEST:
        raise InputsError(f"a text is longer than {_LONGEST} characters")
    if isinstance(value, int | float) and abs(value) > _LARGEST:
        raise InputsError(f"a number is beyond {_LARGEST}")
    return value
