"""One notation for an answer, whichever way it is written: LaTeX as math-verify reads it."""

from __future__ import annotations

import re

from rewards.maths.intervals import as_union, without_builder

_SIGNS = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "×": r"\times ",
        "·": r"\cdot ",
        "⋅": r"\cdot ",
        "÷": r"\div ",
        "π": r"\pi ",
        "∞": r"\infty ",
        "≤": r"\le ",
        "≥": r"\ge ",
        "≠": r"\ne ",
        "≈": r"\approx ",
        "±": r"\pm ",
        "∪": r"\cup ",
        "∩": r"\cap ",
        "∈": r"\in ",
        "∅": r"\emptyset ",
        "°": r"^{\circ}",
        "²": "^{2}",
        "³": "^{3}",
        "½": r"\frac{1}{2}",
        "⅓": r"\frac{1}{3}",
        "¼": r"\frac{1}{4}",
        "¾": r"\frac{3}{4}",
        "\N{NO-BREAK SPACE}": " ",
        "\N{NARROW NO-BREAK SPACE}": r"\,",
        "\N{THIN SPACE}": r"\,",
    }
)
_ROOT = re.compile(r"√\s*(?:\(([^()]*)\)|(\d+(?:\.\d+)?|[a-zA-Z]))")
_DELIMITERS = re.compile(r"\\[\[\]()](?!\w*pt)|\$\$")
_PAIRED = re.compile(r"(?<!\\)\$((?:[^$\\]|\\.)*)\$")
_GROUPED = re.compile(r"(?<=\d)(?:\{,\}|,\\!\s*|\\[,;:! ]|~)(?=\d{3}(?!\d))")
_SPACED_NUMBER = re.compile(r"-?\d{1,3}(?: \d{3})+(?:\.\d+)?")
_SPACES = re.compile(r"(?<!\\)\\[,;:! ]|\\q?quad(?![a-zA-Z])|~")
_FRACTION = re.compile(r"\\[dtc]frac(?![a-zA-Z])")
_STRETCH = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)(?![a-zA-Z])\s*\.?")
_POWER_OF_TEN = re.compile(r"(?<![\w}])(-?\d+(?:\.\d+)?)[eE]([+-]?\d+)(?![\w.])")
_MIXED = re.compile(r"(?<![\d/.^{}\\\w])(\d+)\s+(\d+)\s*/\s*(\d+)(?![\d/])")
_CONNECTIVE = re.compile(
    r"\s*,?\s*(?:\\(?:text|textrm|mathrm|mbox)\s*\{\s*,?\s*(?:and|or)\s*(?:maybe|perhaps|possibly)?\s*\}"
    r"|(?<![\\a-zA-Z])(?:and|or)(?![a-zA-Z])(?!\s+(?:more|less|fewer)\b)(?:\s+(?:maybe|perhaps|possibly))?)\s*",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:\\(?:text|textbf|mathrm)\s*\{[^{}]*[:=]\s*\}|\\approx|\\colon|[=:~]"
    r"|\b(?:about|approximately|exactly|equal to|simply|just)\b)\s*",
    re.IGNORECASE,
)
_TRIGONOMETRIC = re.compile(
    r"(\\(?:sin|cos|tan|cot|sec|csc))\s*[({]?\s*(-?\d+(?:\.\d+)?)\s*\^\s*\{?\s*\\circ\s*\}?\s*[)}]?"
)
_UNMARKED = re.compile(r"(?<![\\a-zA-Z])(?:(pi)(?![a-zA-Z])|(ln|log|sin|cos|tan|exp)(?=\s*[\d({\\]|\s+[a-z]\b))")
_LARGE_NUMBERS = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_LARGE = re.compile(
    rf"(?<=\d)\s*(?:\\(?:text|textrm|mathrm|mbox)\s*\{{\s*)?({'|'.join(_LARGE_NUMBERS)})\b(?:\s*\}})?", re.IGNORECASE
)
_STARS = re.compile(r"(?:(?<=\b[a-zA-Z])|(?<=[\d)]))\*\*(?=[\d(a-z])")
_HALF_DAY = re.compile(r"\b([ap])\.\s?m\b\.?", re.IGNORECASE)
_DRESS = re.compile(
    r"\\(?:text)?color\s*\{[^{}]*\}|\\(?:displaystyle|textstyle|boldsymbol|bm|bf|rm|it)(?![a-zA-Z])|\*\*|`"
)
_NUMBER_IN_TEXT = re.compile(r"\\(?:text|textbf|textrm|textit|mathrm|mathbf|mathit|mbox|bold)\s*\{\s*(-?[\d.,/]+)\s*\}")

_NUMBER_AND_TEXT = re.compile(r"\\(?:text|textbf|textrm|mathrm|mathbf)\s*\{\s*(-?[\d.,/]+)\s+([^{}]*)\}")
_PLAIN_LABEL = re.compile(r"^\([A-E]\)\s*(?=[\d\\$-])")
_LABEL = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{\s*\(([A-Z])\)\s*\}\s*(?=\S)")


def label_of(answer: str) -> str | None:
    """The letter of an option whose value follows, as in ``\\textbf{(C)} 7``."""
    label = _LABEL.search(answer)
    return label[1].lower() if label else None


def latex_of(answer: str) -> str:
    """An answer without what does not matter to its value: delimiters, spaces, signs of display, thousands' marks.

    "and" and "or" between values become commas, between inequalities "or" becomes a union; "1 1/2" is read as a mixed
    number, "3.5e6" and "3.5 million" as a power of ten.
    """
    text = _ROOT.sub(lambda root: rf"\sqrt{{{root[1] or root[2]}}}", answer).translate(_SIGNS)
    text = _DRESS.sub(" ", _STARS.sub("^", text))
    text = _HALF_DAY.sub(r"\1m", text.replace("{:}", ":"))
    text = _PAIRED.sub(r"\1", _DELIMITERS.sub("", text)) if not _is_currency(text) else text
    text = _GROUPED.sub("", text)
    text = " ".join(_SPACES.sub(" ", text).split())
    text = _STRETCH.sub("", _FRACTION.sub(r"\\frac", text))
    text = text.replace(r"\varnothing", r"\emptyset").replace(r"\lbrace", r"\{").replace(r"\rbrace", r"\}")
    text = text.replace(r"\langle", "(").replace(r"\rangle", ")")
    text = re.sub(r"\\(?:leq|leqslant)(?![a-zA-Z])", r"\\le", text)
    text = re.sub(r"\\(?:geq|geqslant)(?![a-zA-Z])", r"\\ge", text)
    text = re.sub(r"\\degree(?![a-zA-Z])", r"^{\\circ}", text)
    text = re.sub(r"(?<=\d)!=", "! =", re.sub(r"\\underline\s*\{([^{}]*)\}", r"\1", text))
    text = _LABEL.sub("", _NUMBER_AND_TEXT.sub(r"\1 \\text{\2}", _NUMBER_IN_TEXT.sub(r"\1", text)))
    text = re.sub(r"(?<=\d)\s*[xX]\s*(?=10\s*\^)", r" \\times ", _PLAIN_LABEL.sub("", text))
    text = _POWER_OF_TEN.sub(r"\1 \\times 10^{\2}", text)
    text = _MIXED.sub(r"(\1+\\frac{\2}{\3})", text)
    text = _TRIGONOMETRIC.sub(r"\1(\\frac{\2 \\pi}{180})", text)
    text = _LARGE.sub(lambda word: rf" \times 10^{{{_LARGE_NUMBERS[word[1].lower()]}}}", text)
    text = _UNMARKED.sub(lambda name: rf"\{name[0]} ", text)
    text = _CONNECTIVE.sub(", ", as_union(without_builder(text)))
    # ]1, 2[ is the open interval, too.
    text = f"({text[1:]}" if text.startswith("]") else text
    text = f"{text[:-1]})" if text.endswith("[") else text
    if _SPACED_NUMBER.fullmatch(text):
        text = text.replace(" ", "")
    while (lead := _LEAD.match(text)) is not None:
        text = text[lead.end() :]
    return re.sub(r"(?<!\.)\.$", "", text.strip().rstrip(",;:")).strip()


def _is_currency(text: str) -> bool:
    """Whether the dollar signs are money: one alone, or each right before a number ("$3 or $4")."""
    signs = re.findall(r"(?<!\\)\$(\s?\d)?", text)
    return len(signs) == 1 or (len(signs) > 1 and all(signs))


_THOUSANDS = re.compile(r"\d,\d{3}(?!\d)")


def parts_of(latex: str) -> list[str]:
    """The parts between commas and semicolons that are in no bracket."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(latex):
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign in ",;" and depth <= 0 and not _THOUSANDS.match(latex, max(0, place - 1)):
            parts.append(latex[start:place].strip())
            start = place + 1
    return [*parts, latex[start:].strip()]


_TEXT = re.compile(r"\\(?:text|textbf|textrm|textit|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}")
_WORDS = re.compile(r"[^\W\d_][^\W\d_'’.\- ]*(?:[ '’.\-]+[^\W\d_]+)*")
_NAMES = frozenset({"sqrt", "infty", "sinh", "cosh", "tanh"})


def words_of(latex: str) -> str | None:
    """The answer in small letters where it is words ("Monday", "(B)") and no expression, else None."""
    unwrapped = unwrapped_text(latex)
    marked = _TEXT.search(latex) is not None
    if not _WORDS.fullmatch(unwrapped) or unwrapped in _NAMES:
        return None
    # "xy" and "abc" are products.
    if not marked and len(max(unwrapped.split(), key=len)) < 4 and unwrapped not in ("yes", "no"):
        return None
    return unwrapped


def unwrapped_text(latex: str) -> str:
    """The answer in small letters, without commands for type, outer brackets and a leading article."""
    return re.sub(r"^(?:the|an?) ", "", without_type(latex).strip("()[] ."))


def without_type(latex: str) -> str:
    """The answer in small letters, without commands for type."""
    return " ".join(_TEXT.sub(r" \1 ", latex).split()).lower()
