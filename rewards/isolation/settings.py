"""What a guard is told when it starts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class GuardSettings:
    """``channel``, ``lifeline`` and ``status`` are file descriptors; ``memory`` is in bytes."""

    channel: int
    lifeline: int
    status: int
    memory: int
    processes: int
    writable: tuple[str, ...]
    python_path: tuple[str, ...]
    timeout_s: float
    concurrency: int

    def dumps(self) -> str:
        return json.dumps(asdict(self))
