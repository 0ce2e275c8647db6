"""Groups to score, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lpo.samples import Group, Prompt, Response


def group(prompt_id: str, *texts: str, chat: bool = False, **columns: Any) -> Group:
    """One prompt's responses; a token for each letter."""
    question = f"question {prompt_id}"
    content = [{"role": "user", "content": question}] if chat else question
    responses = [Response(list(map(ord, text)), [0.0] * len(text), text, "stop", 0) for text in texts]
    return Group(Prompt(prompt_id, [1], content, question, columns), responses)


def values(groups: Sequence[Group]) -> list[float | None]:
    return [each for group in groups for each in group.rewards]
