"""Text that must be equal to a reference, or match a regular expression."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

import regex

from rewards.contract import NO_REFERENCE, RewardResult, RewardValue
from rewards.extraction import PATTERN_S, ExtractionMode, check_extraction, extract_answer, without_thoughts

Ignored = Literal["case", "space", "punctuation", "articles", "accents", "width"]
_MOST = 200_000
"""Characters of a response that are looked at."""
_ARTICLES = frozenset({"a", "an", "the"})


def match(
    responses: Sequence[str],
    log_metric: Callable[[str, float], None] | None = None,
    *,
    by: Literal["exact", "regex", "search"] = "exact",
    answer_field: str = "answer",
    extract: ExtractionMode = "auto",
    pattern: str | None = None,
    ignore: list[Ignored] | None = None,
    **columns: Any,
) -> list[RewardValue]:
    """1 where the response's final answer is a right one, else 0.

    ``by``: ``exact`` compares texts; ``regex`` wants the whole answer, ``search`` some part of it, to match the
    reference as a regular expression (of the library ``regex``; inline flags such as ``(?i)`` work). The column
    ``answer_field`` has the reference or a list of them, of which one must fit. ``extract`` and ``pattern`` say what
    of the response is its answer (see `rewards.extraction`). ``ignore``: differences that do not count in ``exact``,
    by default case and space (``width``: Unicode's compatibility forms; ``articles``: a, an, the).

    A match that takes longer than half a second is none, and counted as ``match/timed_out``: it must not pay to
    exhaust an expression. One that does not compile makes the sample invalid.
    """
    check_extraction(extract, pattern)
    ignored = frozenset(["case", "space"] if ignore is None else ignore)
    if not responses:
        return []
    if answer_field not in columns:
        raise KeyError(f"the data has no column '{answer_field}'; set params.answer_field to one of {sorted(columns)}")
    results: list[RewardValue] = []
    timed_out = 0
    for text, right in zip(responses, columns[answer_field], strict=True):
        references = _references(right)
        if not references:
            results.append(RewardResult.unjudged(NO_REFERENCE))
            continue
        given = None
        try:
            given = extract_answer(without_thoughts(text)[-_MOST:], extract, pattern=pattern)
            fits = given is not None and any(_fits(given, reference, by, ignored) for reference in references)
        except TimeoutError:
            timed_out += 1
            results.append(RewardResult(0.0, info={"answer": given, "fault": "the expression took too long"}))
            continue
        except regex.error as cause:
            results.append(RewardResult.unjudged("the expression does not compile", cause))
            continue
        results.append(RewardResult(float(fits), info={"answer": given}))
    if log_metric is not None:
        log_metric("timed_out", timed_out / len(responses))
    return results


def _references(right: Any) -> list[str]:
    if right is None:
        return []
    if isinstance(right, list | tuple):
        return [str(each) for each in right]
    return [str(right)]


def _fits(given: str, reference: str, by: str, ignored: frozenset[str]) -> bool:
    if by == "exact":
        return normalised(given, ignored) == normalised(reference, ignored)
    compiled = _compiled(reference)
    find = compiled.fullmatch if by == "regex" else compiled.search
    return find(given, timeout=PATTERN_S) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    return regex.compile(pattern)


def normalised(text: str, ignored: frozenset[str]) -> str:
    """The text without the differences that are to be ignored. Unicode's canonical forms are always alike."""
    text = unicodedata.normalize("NFKC" if "width" in ignored else "NFC", text)
    if "accents" in ignored:
        decomposed = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))
    if "case" in ignored:
        text = text.casefold()
    if "punctuation" in ignored:
        text = "".join(_without_punctuation(character) for character in text)
    if "articles" in ignored:
        text = " ".join(word for word in text.split(" ") if word.casefold() not in _ARTICLES)
    return " ".join(text.split()) if "space" in ignored or "punctuation" in ignored else text.strip()


def _without_punctuation(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Pd":
        return " "  # a hyphen parts words
    return "" if category[0] == "P" or character in string.punctuation else character
