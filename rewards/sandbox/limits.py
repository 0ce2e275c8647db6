"""What a sandboxed program may use."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Limits:
    """What one program may use. ``timeout_s`` counts for its whole life, by the clock and by the processor."""

    timeout_s: float = 10.0
    memory_mib: int = 512
    threads: int = 16
    files_mib: int = 32
    confined: bool = True
    """False: without namespaces, on a system that has none."""

    def dumps(self) -> str:
        return json.dumps(asdict(self))
