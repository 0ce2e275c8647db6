"""The verdict in a judge's answer, read strictly: what is not exactly a verdict is none."""

from __future__ import annotations

import json
import re
from typing import Any

LONGEST = 64_000
_FENCE_END = re.compile(r"\s*```\s*$")


class UnreadableError(ValueError):
    """There is no verdict; the message says what is wrong with the answer."""


def last_object(answer: str) -> dict[str, Any]:
    """The JSON object that ends an answer. Before it there may be reasoning, round it a fence, after it nothing.

    The end, because a judge may quote the response, and a response may hold a verdict on itself.
    Raises UnreadableError.
    """
    text = _FENCE_END.sub("", answer).rstrip()
    if len(text) > LONGEST:
        raise UnreadableError(f"the answer has {len(text)} characters, more than {LONGEST}")
    if not text.endswith("}"):
        raise UnreadableError(f"the answer does not end with a JSON object: {_tail(answer)}")
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        if end == len(text):
            return dict(found)
        start = text.find("{", end)
    raise UnreadableError(f"the answer ends with no valid JSON object: {_tail(answer)}")


def _tail(answer: str) -> str:
    return repr(answer[-120:])
