"""Multiple choice: which option a response settles on."""

from __future__ import annotations

import itertools
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rewards.contract import RewardResult, RewardValue
from rewards.extraction import last_boxed, without_thoughts

_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_BOXED = re.compile(r"\\f?boxed\s*\{")
_STATED = re.compile(
    r"\b(?:answers?|options?|choices?)\s*(?:(?:is|are|was|would\s+be|should\s+be|must\s+be)\b|:|=)"
    r"|\bI(?:'d|\s+would|\s+will|'ll)?\s+(?:choose|pick|select|go\s+(?:with|for))\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:because|since|as\s+(?:it|the|they|we)|due\s+to|rather\s+than|instead\s+of|whereas)\b|(?<=\b\w)\s+over\s+(?=(?:option\s+)?\(?\w\)?(?!\w))",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"\b(?:wait|actually|no|correction|sorry|hmm|instead|rather|mistake|reconsider\w*)\b", re.IGNORECASE
)
_DRESS = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mathit|rm|bf|boxed)\b\s*|[*_`$\"“”{}]")
_NEGATED = re.compile(r"(?:\bnot|n't|\bnever|\bneither|\bnor)\s+(?:option\s+|choice\s+)?\(?$", re.IGNORECASE)
_LEADING = re.compile(
    r"(?:(?:option|choice|answer)\s+)?\(?([A-Za-z0-9])\)?\s*[).:\-–—]\s*(\S.*)", re.DOTALL | re.IGNORECASE
)
_JOINED = re.compile(r"(?:or|and|&|/|,|;)\s*\(?[A-Za-z0-9]\b", re.IGNORECASE)
_WORDS = re.compile(r"(?<![\w.])-(?=\d|\.\d)|\w+")
"""A minus sign is kept where it makes a number another one."""
_CONTRADICTION = frozenset({"a label with another option's text"})
_MOST_STATEMENTS, _MOST_SAID = 8, 400
"""The last statements, and the characters of each, that are looked at."""
_SHORT = 80
"""Characters up to which a response without any statement is read as an answer and nothing else."""


def choice(
    responses: Sequence[str],
    answer: Sequence[Any],
    choices: Sequence[Any] | None = None,
    log_metric: Callable[[str, float], None] | None = None,
    *,
    partial: bool = False,
) -> list[RewardValue]:
    """1 where the response settles on the right option, or on exactly the right ones where there are several, else 0.

    ``answer`` is a label (``B``), several (``["A", "C"]``, ``"A, C"``), the number of an option counted from 0, or its
    text. ``choices`` are the options: a list (labelled A, B, C ...), a mapping from label to text, or
    ``{"label": [...], "text": [...]}``; without them only labels can be recognised.

    What counts is the last statement: ``<answer>``, a box, "the answer is ...", else the last line. A response that
    names several options where one is asked for, or states different ones in its last paragraph without taking one
    back, is wrong. ``partial`` pays the part that is shared of all that is right or was chosen (Jaccard).
    """
    given = choices if choices is not None else [None] * len(responses)
    results: list[RewardValue] = []
    unread: Counter[str] = Counter()
    for text, right, offered in zip(responses, answer, given, strict=True):
        try:
            options = read_options(offered)
            wanted = read_answer(right, options)
        except ValueError as cause:
            results.append(RewardResult.unjudged(str(cause)))
            continue
        found = chosen(text, options)
        if not found:
            unread["no_choice"] += 1
            results.append(RewardResult(0.0, info={"choice": None}))
            continue
        value = len(found & wanted) / len(found | wanted) if partial else float(found == wanted)
        results.append(RewardResult(value, info={"choice": ", ".join(sorted(found))}))
    if log_metric is not None and responses:
        log_metric("no_choice", unread["no_choice"] / len(responses))
    return results


def read_options(offered: Any) -> dict[str, str | None]:
    """Text by label; None where texts are not known. Raises ValueError."""
    if offered is None:
        return dict.fromkeys(string.ascii_uppercase)
    if isinstance(offered, Mapping) and {"label", "text"} <= set(offered):
        labels, texts = list(offered["label"]), list(offered["text"])
    elif isinstance(offered, Mapping):
        labels, texts = list(offered), list(offered.values())
    elif isinstance(offered, Sequence) and not isinstance(offered, str):
        labels, texts = list(string.ascii_uppercase[: len(offered)]), list(offered)
    else:
        raise ValueError("choices are neither a list nor a mapping")
    options = {str(label).strip().upper(): str(text) for label, text in zip(labels, texts, strict=False)}
    if len(options) != len(texts) or not options or any(len(label) != 1 for label in options):
        raise ValueError("choices need a label of one character each, no two alike")
    return dict(options)


def read_answer(answer: Any, options: Mapping[str, str | None]) -> frozenset[str]:
    """The labels of the right options. Raises ValueError where the answer is none of the options."""
    if isinstance(answer, bool) or answer is None:
        raise ValueError("the answer is no option")
    if isinstance(answer, int):
        if not 0 <= answer < len(options):
            raise ValueError("the answer's number is that of no option")
        return frozenset([list(options)[answer]])
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        if not answer:
            raise ValueError("the answer is empty")
        return frozenset().union(*(read_answer(each, options) for each in answer))
    text = str(answer).strip()
    by_text = [label for label, option in options.items() if option is not None and _plain(option) == _plain(text)]
    if len(by_text) == 1:
        return frozenset(by_text)
    labels = re.findall(r"[A-Za-z0-9]", text) if re.fullmatch(r"[\s(\[]*(?:[A-Za-z0-9][\s,;)\].]*)+", text) else []
    found = frozenset(label.upper() for label in labels)
    if not found or not found <= set(options):
        raise ValueError("the answer is no option")
    return found


def chosen(text: str, options: Mapping[str, str | None]) -> frozenset[str]:
    """The labels that a response settles on; empty where it settles on none, or on different ones."""
    text = without_thoughts(text).strip()
    statements = [(place, found) for place, part in _statements(text) if (found := _labels(part, options))]
    if not statements:
        lines = [line for line in text.splitlines() if line.strip()]
        part = text if len(text) <= _SHORT else lines[-1] if lines else ""
        return _labels(_REASON.split(part[-_MOST_SAID:], maxsplit=1)[0], options)
    place, last = statements[-1]
    paragraph = text.rfind("\n\n", 0, place) + 1
    for earlier, found in statements[:-1]:
        if earlier >= paragraph and found != last and not _CORRECTION.search(text, earlier, place):
            return frozenset()
    return last


def _statements(text: str) -> list[tuple[int, str]]:
    """Where the response says what its answer is, and the words; tags outrank boxes, boxes what is said in prose."""
    if tags := _tagged(text):
        return tags
    boxes = [match.start() for match in _BOXED.finditer(text)][-_MOST_STATEMENTS:]
    insides = [(start, last_boxed(text[start:end])) for start, end in itertools.pairwise([*boxes, len(text)])]
    if found := [(start, inside) for start, inside in insides if inside]:
        return found
    stated = list(_STATED.finditer(text))[-_MOST_STATEMENTS:]
    return [(match.start(), _said(text[match.end() : match.end() + _MOST_SAID])) for match in stated]


def _tagged(text: str) -> list[tuple[int, str]]:
    """What stands between an opening and the next closing tag."""
    found: list[tuple[int, str]] = []
    opened: int | None = None
    for tag in _TAG.finditer(text):
        if not tag[1]:
            opened = tag.end()
        elif opened is not None:
            found.append((opened, text[opened : tag.start()][:_MOST_SAID]))
            opened = None
    return found[-_MOST_STATEMENTS:]


def _said(rest: str) -> str:
    """What follows "the answer is", up to the end of the sentence or its reason."""
    line = rest.lstrip(" :*\t\n").partition("\n")[0]
    return _REASON.split(
        re.split(r"(?<=\w\w)[.!?](?:\s|$)|(?<=[)\]])[.!?](?:\s|$)|(?<=\b\w)\.\s+(?=[A-Z]\w)", line)[0]
    )[0]


def _labels(part: str, options: Mapping[str, str | None]) -> frozenset[str]:
    part = _DRESS.sub(" ", part).strip().strip(".,;: ")
    if not part:
        return frozenset()
    by_text = _by_text(part, options)
    if len(by_text) == 1 and _plain(part) == _plain(options[next(iter(by_text))] or ""):
        return by_text
    leading = _LEADING.fullmatch(part)
    if leading and leading[1].upper() in options and not _JOINED.match(leading[2]):
        label = leading[1].upper()
        contradicted = _by_text(leading[2], options) - {label}
        if contradicted and _plain(options[label] or "") not in _plain(leading[2]):
            return _CONTRADICTION
        return frozenset([label])
    found: set[str] = set()
    negated: set[str] = set()
    for match in re.finditer(r"(?<![\w'’])([A-Za-z0-9])(?![\w'’])", part):
        label = match[1] if match[1] in options else match[1].upper()
        if label not in options or not _stands_for_option(part, match):
            continue
        (negated if _NEGATED.search(part[: match.start()]) else found).add(label)
    if found:
        return frozenset(found - negated) if found - negated else frozenset()
    return frozenset() if negated else by_text


def _stands_for_option(part: str, match: re.Match[str]) -> bool:
    """Whether a letter is a label: not an article, not a pronoun, and not a lower-case word among others."""
    letter, rest = match[1], part[match.end() :]
    bracketed = part[: match.start()].endswith("(") or rest.startswith(")")
    alone = not part[: match.start()].strip(" (") and not rest.strip(" ).")
    if letter.islower():
        return bracketed or alone
    if letter in "AI" and re.match(r"\s+[a-z]", rest) and not re.match(r"\s+(?:is|and|or|was|seems|looks)\b", rest):
        return bracketed
    return True


def _by_text(part: str, options: Mapping[str, str | None]) -> frozenset[str]:
    """The options whose whole text stands in the part; one that is part of another that stands there does not count,
    nor does one that is ruled out."""
    said = f" {_plain(part)} "
    there = {
        label: plain for label, text in options.items() if text and (plain := _plain(text)) and f" {plain} " in said
    }
    return frozenset(
        label
        for label, plain in there.items()
        if not any(plain != other and f" {plain} " in f" {other} " for other in there.values())
        and not re.search(rf" (?:not|never|neither|nor) (?:the |an? )?{re.escape(plain)} ", said)
    )


def _plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold())) or text.strip()
