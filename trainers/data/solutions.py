"""Worked solutions for procedural tasks, in short sentences."""

from __future__ import annotations

import re

from trainers.data.rows import Row

_TERM = re.compile(r"([+-])?\s*(-?\d+)")


def chain_sum(row: Row) -> str:
    """Solves a reasoning-gym ``chain_sum`` step by step, one sentence a step.

    >>> chain_sum(Row("State the final answer to the following arithmetic problem: 4 + 3 - 2 ="))
    'First, 4 + 3 = 7. Then, 7 - 2 = 5. The answer is 5.'

    Raises ValueError where the question holds no sum.
    """
    text = row.question if isinstance(row.question, str) else row.question[-1]["content"]
    expression = re.search(r"-?\d+(?:\s*[+-]\s*-?\d+)*(?=\s*=)", text)
    if expression is None:
        raise ValueError("there is no sum followed by '=' in it")
    first, *rest = _TERM.findall(_signed_first(expression.group()))
    total = int(first[1])
    sentences = []
    for position, (operator, term) in enumerate(rest):
        result = total + int(term) if operator == "+" else total - int(term)
        sentences.append(f"{'Then' if position else 'First'}, {total} {operator} {term} = {result}.")
        total = result
    return " ".join([*sentences, f"The answer is {total}."])


def _signed_first(expression: str) -> str:
    # The first term has no operator in front; give it one so that its own sign is not taken for one.
    return f"+ {expression.strip()}"
