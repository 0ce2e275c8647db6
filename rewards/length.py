"""Rewards on the length of a response."""

from __future__ import annotations

from collections.abc import Sequence


def soft_overlong(completion_ids: Sequence[Sequence[int]], *, max_tokens: int, buffer: int, **_: object) -> list[float]:
    """0 up to ``max_tokens - buffer`` tokens, then falling evenly to -1 at ``max_tokens``; -1 beyond (DAPO).

    arXiv 2503.14476, where max_tokens is 20480 and buffer 4096.

    Raises:
        ValueError: ``buffer`` is not between 1 and ``max_tokens``.
    """
    if not 1 <= buffer <= max_tokens:
        raise ValueError(f"buffer is {buffer}; it must be between 1 and max_tokens, {max_tokens}")
    room = max_tokens - buffer
    return [min(0.0, max(-1.0, (room - len(ids)) / buffer)) for ids in completion_ids]
