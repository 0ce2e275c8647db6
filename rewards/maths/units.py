"""The unit of an answer: told from its value, and one name for each."""

from __future__ import annotations

import re

_ALIASES = {
    "mm": "millimeter millimetre",
    "cm": "centimeter centimetre",
    "m": "meter metre",
    "km": "kilometer kilometre",
    "in": "inch inche",
    "ft": "foot feet",
    "yd": "yard",
    "mi": "mile",
    "mg": "milligram",
    "g": "gram gm",
    "kg": "kilogram kilo",
    "lb": "pound",
    "oz": "ounce",
    "ms": "millisecond",
    "s": "second sec",
    "min": "minute",
    "h": "hour hr",
    "day": "",
    "week": "",
    "month": "",
    "year": "yr",
    "l": "liter litre",
    "ml": "milliliter millilitre",
    "n": "newton",
    "j": "joule",
    "kj": "kilojoule",
    "w": "watt",
    "kw": "kilowatt",
    "v": "volt",
    "a": "ampere amp",
    "k": "kelvin",
    "pa": "pascal",
    "hz": "hertz",
    "mol": "mole",
    "ohm": "Ω",
    "mph": "",
    "kmh": "kph",
    "unit": "",
    "degree": "deg",
    "rad": "radian",
    "dollar": "usd buck",
    "cent": "",
    "euro": "eur",
    "percent": "pct percentage",
}
_CANONICAL = {name: unit for unit, names in _ALIASES.items() for name in (unit, *names.split())}
_SYMBOLS = {r"\$": "dollar", "$": "dollar", "€": "euro", "£": "gbp", "¥": "yen", "₹": "inr"}
_CURRENCY = re.compile(r"^(-?\s*)(\\\$|[$€£¥₹])\s*(?=[\d.\\-])")
_PERCENT = re.compile(r"\s*(?:\\?%|\\?text\{\s*\\?%\s*\})$")
_DEGREES = re.compile(r"\s*\^\s*\{?\s*\\circ\s*\}?\s*(?:\\(?:text|mathrm)\{)?([CF]?)\}?$")
_LAST = re.compile(
    r"(?:\\(?:text|textrm|mathrm|textbf|mbox|operatorname|rm)\s*\{([^{}]*)\}|(?<![\\A-Za-z])([A-Za-zµμΩ]+)\.?)"
    r"\s*(?:\^\s*\{?\s*(-?\d)\s*\}?)?\s*$"
)
_JOINT = re.compile(r"(?:/|\\cdot|\*)\s*$")
_UNIT_FRACTION = re.compile(
    r"\\frac\s*\{\s*(?:\\(?:text|mathrm)\{)?\s*([A-Za-z]+)\s*\}?\s*\}\s*"
    r"\{\s*(?:\\(?:text|mathrm)\{)?\s*([A-Za-z]+)\s*\}?\s*\}\s*$"
)
_NO_UNIT = re.compile(r"\b(?:or|and|not|maybe)\b|(?<![A-Za-z^])\d|[,?=]", re.IGNORECASE)
_VALUE_END = re.compile(r"(?:[\d})\]!]|\\pi|\\infty)\s*$")
_NO_UNITS = frozenset(
    {"sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "sqrt", "pi", "and", "not", "mod", "if", "infinity"}
)
_DIMENSION = {"square": "2", "sq": "2", "cubic": "3", "cu": "3"}


def split_unit(latex: str) -> tuple[str, str | None]:
    """The value of an answer and its unit by one name, None where it has none.

    Words after a value are its unit ("5 apples"); a single letter is one only if it is a known unit that is set apart
    from the number, because "5x" is a product.
    """
    currency = _CURRENCY.match(latex)
    if currency is not None:
        return latex[: currency.start(2)] + latex[currency.end() :], _SYMBOLS[currency[2]]
    percent = _PERCENT.search(latex)
    if percent is not None:
        return latex[: percent.start()], "percent"
    degrees = _DEGREES.search(latex)
    if degrees is not None and not re.search(r"\\(?:sin|cos|tan)", latex):
        return latex[: degrees.start()], "degree" + degrees[1].lower()
    names: list[str] = []
    head = _UNIT_FRACTION.sub(r" \\text{\1}/\\text{\2}", latex)
    while (last := _LAST.search(head)) is not None:
        marked, plain, power = last.groups()
        words = (marked if marked is not None else plain).strip(" .")
        before = head[: last.start()]
        if _NO_UNIT.search(words):
            break
        if marked is None and not _is_unit(plain, apart=before[-1:] in (" ", "/", "*") or bool(names)):
            break
        joint = _JOINT.search(before)
        names.insert(0, ("/" if joint and "/" in joint.group() else " ") + words + (f"^{power}" if power else ""))
        head = before[: joint.start()] if joint else before
    if not names or not _VALUE_END.search(head):
        return latex, None
    return head.strip(), canonical("".join(names).strip()) or None


def _is_unit(word: str, *, apart: bool) -> bool:
    lowered = word.lower()
    if lowered in _NO_UNITS:
        return False
    if len(word) == 1:
        return apart and lowered in _CANONICAL
    return (
        lowered.removesuffix("s") in _CANONICAL
        or lowered in _CANONICAL
        or lowered == "per"
        or (apart and len(word) > 2)
    )


def canonical(unit: str) -> str:
    """One name for a unit: "square meters", "m^2" and "m2" are alike, so are "km/h" and "kilometers per hour"."""
    text = re.sub(r"\bper\b", "/", unit.lower().replace("^", ""))
    text = re.sub(r"([a-z])\s+([23])\b", r"\1\2", text)
    names, dimension = [], ""
    for word in re.findall(r"[^\W\d_]+\d?|/", text):
        if word in _DIMENSION:
            dimension = _DIMENSION[word]
            continue
        power = word[-1] if word[-1].isdigit() else ""
        stem = word.removesuffix(power) if power else word
        name = _CANONICAL.get(stem) or _CANONICAL.get(stem.removesuffix("s")) or stem.removesuffix("s")
        if name == "/":
            names.append(name)
        else:
            names.append(name + (power or dimension))
            dimension = ""
    joined = " ".join(names).replace(" / ", "/")
    return {"km/h": "kmh", "mi/h": "mph", "usd": "dollar"}.get(joined, joined)
