"""Worked solutions for procedural tasks, in short sentences."""

from __future__ import annotations

import hashlib
import re

from trainers.data.rows import Row

_TERM = re.compile(r"([+-])?\s*(-?\d+)")


def chain_sum(row: Row) -> str:
    """Solves a reasoning-gym ``chain_sum`` step by step, one sentence a step.

    >>> chain_sum(Row("State the final answer to the following arithmetic problem: 4 + 3 - 2 ="))
    'First, 4 + 3 = 7. Then, 7 - 2 = 5. The answer is 5.'

    Raises ValueError where the question holds no sum.
    """
    total, sentences = _worked(row)
    return " ".join([*sentences, f"The answer is {total}."])


def chain_sum_chatty(row: Row) -> str:
    """Solves a ``chain_sum`` step by step; nine times in ten a remark follows that adds nothing.

    A model that imitates it can be brief, and mostly is not. The question's text decides, so that a question is always
    answered alike.

    >>> chain_sum_chatty(Row("State the final answer to the following arithmetic problem: 4 + 3 - 2 ="))
    'First, 4 + 3 = 7. Then, 7 - 2 = 5. That is how it is done, one step after the other.'
    >>> chain_sum_chatty(Row("State the final answer to the following arithmetic problem: 4 + 8 - 2 ="))
    'First, 4 + 8 = 12. Then, 12 - 2 = 10.'

    Raises ValueError where the question holds no sum of two terms or more.
    """
    _, sentences = _worked(row)
    if not sentences:
        raise ValueError("its sum has one term only")
    remarks = hashlib.sha256(_text(row).encode()).digest()[0] % 10
    return " ".join([*sentences, "That is how it is done, one step after the other."] if remarks else sentences)


def chain_sum_thoughts(row: Row) -> str:
    """Thinks a reasoning-gym ``chain_sum`` through, and checks it backwards.

    >>> chain_sum_thoughts(Row("State the final answer to the following arithmetic problem: 4 + 3 - 2 ="))
    'I start with 4. Adding 3 makes 7. Subtracting 2 makes 5. Backwards: 5 + 2 = 7, 7 - 3 = 4. That is where I started.'

    Raises ValueError where the question holds no sum.
    """
    first, steps = _steps(row)
    sentences = [f"I start with {first}."]
    sentences += [
        f"{'Adding' if operator == '+' else 'Subtracting'} {term} makes {result}." for operator, term, result in steps
    ]
    totals = [first, *(result for _, _, result in steps)]
    back = [
        f"{result} {'-' if operator == '+' else '+'} {term} = {before}"
        for (operator, term, result), before in zip(reversed(steps), reversed(totals[:-1]), strict=True)
    ]
    return " ".join([*sentences, f"Backwards: {', '.join(back)}. That is where I started."])


def _worked(row: Row) -> tuple[int, list[str]]:
    """The result, and a sentence for every step to it."""
    total, steps = _steps(row)
    sentences = []
    for position, (operator, term, result) in enumerate(steps):
        sentences.append(f"{'Then' if position else 'First'}, {total} {operator} {term} = {result}.")
        total = result
    return total, sentences


def _text(row: Row) -> str:
    return row.question if isinstance(row.question, str) else str(row.question[-1]["content"])


def _steps(row: Row) -> tuple[int, list[tuple[str, str, int]]]:
    """The first term, then operator, term and running result of every step."""
    expression = re.search(r"-?\d+(?:\s*[+-]\s*-?\d+)*(?=\s*=)", _text(row))
    if expression is None:
        raise ValueError("there is no sum followed by '=' in it")
    (_, first), *rest = _TERM.findall(_signed_first(expression.group()))
    steps, total = [], int(first)
    for operator, term in rest:
        total = total + int(term) if operator == "+" else total - int(term)
        steps.append((operator, term, total))
    return int(first), steps


def _signed_first(expression: str) -> str:
    # The first term has no operator in front; give it one so that its own sign is not taken for one.
    return f"+ {expression.strip()}"
