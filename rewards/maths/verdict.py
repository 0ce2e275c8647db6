"""Whether the answer that a response states equals the reference."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Protocol

from rewards.contract import RewardResult
from rewards.extraction import without_thoughts
from rewards.maths.answer import boxed, stated_answer
from rewards.maths.notation import label_of, latex_of, parts_of, unwrapped_text, without_type, words_of
from rewards.maths.units import split_unit

Units = Literal["ignored", "required"]

_LONGEST = 1000
"""Characters of an answer, unless the reference is nearly as long: what is longer is no answer but a program."""
_DEEPEST = 50
"""Brackets in brackets."""
_TAIL = 4000
"""Characters at the end of a response in which an answer is looked for where none is stated."""
_HASHES = re.compile(r"^####[ \t]*(\S.*)$", re.MULTILINE)
_PROSE = re.compile(r"[A-Za-z]{3,}\s+[A-Za-z]{2,}")
_RELATION = re.compile(r"[<>]|\\(?:le|ge|lt|gt|ne|neq)(?![a-zA-Z])")
_TAKES_RELATION = re.compile(r"[<>\[\](]|\\(?:le|ge|lt|gt|ne|neq|cup|cap|in|mathbb|infty)(?![a-zA-Z])")
_HEDGED = re.compile(r"\d[^\w\n]{0,8}\bor\b[^\n\d]{0,12}\d", re.IGNORECASE)
_ONE_NUMBER = re.compile(r"(?:[A-Za-z']{2,}[\s,:]+)*(-?\d+(?:,\d{3})*(?:\.\d+)?)(?:[\s,]+[A-Za-z']{2,})*\.?")
_NUMBER_IN_WORDS = re.compile(r"\\(?:text|textbf|textrm|mathrm|mbox)\s*\{[^{}]*\d[^{}]*\}")
_OPEN_END = re.compile(r"\.\.\.|…|\\[lcv]?dots(?![a-zA-Z])")
_BASE = re.compile(r"(?<=\d)_\s*\{?\s*(\d+)\s*\}?$")
_OR = re.compile(r"\bor\b")
_NUMERIC = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*")
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_MINUS = re.compile(r"\b(?:minus|negative)\s+(?=[\d.\\$])", re.IGNORECASE)
_OTHER_THAN_SAID = re.compile(
    r"(?:\bnot|n't|\bnever|\banything but|\bhalf of|\btwice|\bat least|\bat most|\b(?:more|less|fewer|other) than)"
    r"\s+(?:be\s+)?[-$\\]*\d(?:[\d.,]*\d)?"
    r"|\d[\s}$]*(?:\+$|(?:hundred|squared|cubed|or (?:more|less|fewer))\b)",
    re.IGNORECASE,
)
"""What makes the number in it another one, and is passed over by math-verify."""
_DIGITS = re.compile(r"\d[\d.,]*(?<=\d)")
_DOUBT = re.compile(r"\b(?:not|no|never|or|maybe|perhaps|nor|neither|than)\b|n't", re.IGNORECASE)


class Verifier(Protocol):
    """As `rewards.math_process.MathVerifier`."""

    def verify(self, reference: str, response: str, timeout_s: float) -> bool | str: ...


@dataclass(frozen=True)
class _Value:
    """An answer without its unit; ``latex`` is what it is compared by."""

    latex: str
    unit: str | None

    @classmethod
    def of(cls, latex: str) -> _Value:
        pairs = [split_unit(part) for part in parts_of(latex)]
        units = [unit for _, unit in pairs if unit is not None]
        if not units:
            return cls(latex.replace("$", "").strip(), None)
        return cls(", ".join(value for value, _ in pairs).replace("$", "").strip(), units[-1])

    @property
    def hundredth(self) -> str:
        return rf"\frac{{{self.latex}}}{{100}}"


def judged(reference: str, response: str, verifier: Verifier, *, timeout_s: float, units: Units) -> RewardResult:
    """1 or 0 with the answer in the notes; invalid where it is not the response's fault that nothing can be said."""
    right = _reference(reference)
    if right is None:
        return _by_math_verify(reference, without_thoughts(response)[-_TAIL:], verifier, timeout_s)
    if not right:
        return RewardResult.unjudged("math-verify cannot read the reference answer")
    said = without_thoughts(response)
    if not said.strip():
        return RewardResult(0.0)
    stated = stated_answer(said)
    if stated is None:
        last = said.rstrip()[-_TAIL:].rpartition("\n")[2]
        if not _HEDGED.search(last) and not _says_another(last, right):
            return _by_math_verify(f"${_Value.of(right).latex}$", said[-_TAIL:], verifier, timeout_s)
        given, sure = latex_of(last), False
    else:
        given, sure = latex_of(stated.text[: _TAIL + len(right)]), stated.sure
    notes = {"answer": given[:200]}
    right, given = (_MINUS.sub("-", each) for each in (right, given))
    if len(given) > max(_LONGEST, 4 * len(right)) or _depth(given) > _DEEPEST:
        return RewardResult(0.0, info={**notes, "fault": "too long for an answer"})
    if not given:
        return RewardResult(0.0, info=notes)
    if _same(given, right):
        return RewardResult(1.0, info=notes)
    words = words_of(right)
    if words is not None:
        return RewardResult(float(unwrapped_text(given) == words), info=notes)
    if _RELATION.search(given) and not _TAKES_RELATION.search(right):
        return RewardResult(0.0, info=notes)
    if _OR.search(unwrapped_text(given)) and not _OR.search(unwrapped_text(right)):
        return RewardResult(0.0, info=notes)
    if unwrapped_text(given) == label_of(reference):
        return RewardResult(1.0, info=notes)
    if _says_another(given, right):
        return RewardResult(0.0, info=notes)
    value = _Value.of(given)
    if _NUMBER_IN_WORDS.search(value.latex) or (_OPEN_END.search(given) and not _OPEN_END.search(right)):
        return RewardResult(0.0, info=notes)
    if not _RELATION.search(right) and "=" not in right:
        # "3 + 4 = 7" says 7 and must be true; "7 = 8" says neither.
        sides = [side for side in re.split(r"(?<![\\<>!])=", value.latex) if _NUMERIC.fullmatch(_COMMAND.sub("", side))]
        if len(sides) > 1 and not all(_equal(sides[-1], side, verifier, timeout_s) for side in sides[:-1]):
            return RewardResult(0.0, info=notes)
    bases = [base[1] for base in map(_BASE.search, (right, given)) if base]
    if len(set(bases)) > 1:
        return RewardResult(0.0, info=notes)  # math-verify does not look at them
    pairs = _pairs(_Value.of(right), value, units)
    if not sure and not _DOUBT.search(given) and (only := _ONE_NUMBER.fullmatch(given)) is not None and pairs:
        pairs.append((pairs[0][0], only[1]))
    result = RewardResult(0.0, info=notes if pairs else {**notes, "fault": "unit"})
    for gold, candidate in pairs:
        result = _by_math_verify(f"${gold}$", f"${candidate}$", verifier, timeout_s, notes)
        if result.total != 0.0 or "fault" in result.info:
            break
    return result


def _reference(text: str) -> str | None:
    """The right answer in one notation, None where it is prose that math-verify must read by itself."""
    inside = boxed(text)
    if inside is not None:
        return latex_of(inside)
    hashes = _HASHES.findall(text)
    if hashes:
        return latex_of(hashes[-1])
    outside = re.sub(r"\$[^$]*\$", "", text)
    if outside != text and _PROSE.search(outside):
        return None
    return latex_of(text)


def _pairs(right: _Value, given: _Value, units: Units) -> list[tuple[str, str]]:
    """Values to compare, of which one pair must be equal; none where the unit is wrong."""
    if units == "required" and right.unit is not None and given.unit != right.unit:
        return [(right.hundredth, given.latex)] if right.unit == "percent" and given.unit is None else []
    pairs = [(right.latex, given.latex)]
    if units == "ignored" and right.unit == "percent" and given.unit is None:
        pairs.append((right.hundredth, given.latex))
    if given.unit == "percent" and right.unit is None:
        pairs.append((right.latex, given.hundredth))
    return pairs


def _says_another(given: str, right: str) -> bool:
    """Whether an answer, unlike the reference, says another number than its last one is: "not 5", "half of 5"."""
    return _turns_its_number(given) and not _turns_its_number(right)


def _turns_its_number(text: str) -> bool:
    plain = without_type(text)
    numbers = list(_DIGITS.finditer(plain))
    return bool(numbers) and any(
        found.start() < numbers[-1].end() <= found.end() for found in _OTHER_THAN_SAID.finditer(plain)
    )


def _same(one: str, other: str) -> bool:
    """Whether two answers are written alike, but for spaces and commands for type."""
    return any("".join(as_(one).split()) == "".join(as_(other).split()) for as_ in (str, without_type))


def _equal(one: str, other: str, verifier: Verifier, timeout_s: float) -> bool:
    return verifier.verify(f"${one}$", f"${other}$", timeout_s) is True


def _by_math_verify(
    reference: str, response: str, verifier: Verifier, timeout_s: float, notes: dict[str, str] | None = None
) -> RewardResult:
    verdict = verifier.verify(reference, response, timeout_s)
    if isinstance(verdict, bool):
        return RewardResult(float(verdict), info=notes or {})
    if verifier.verify(reference, reference, timeout_s) is True:
        # All is well with the reference: what math-verify fails on is the response, and failing must not pay.
        return RewardResult(0.0, info={**(notes or {}), "fault": verdict})
    return RewardResult.unjudged(verdict)


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in text:
        if sign in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in ")]}":
            depth -= 1
    return deepest
