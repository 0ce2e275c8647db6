"""What a worker may use, and what its guard is told when it starts."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lpo.recipe.runtime import RewardWorkers
from lpo.user_cache import user_cache

_PROCESSES = 128


@dataclass(frozen=True)
class WorkerLimits:
    """The same on every machine that a run's workers are on."""

    memory_gib: float
    processes: int
    writable: tuple[str, ...]
    timeout_s: float
    import_timeout_s: float
    concurrency: int

    @classmethod
    def of(cls, settings: RewardWorkers) -> WorkerLimits:
        return cls(
            memory_gib=settings.memory_gib,
            processes=_PROCESSES,
            writable=tuple(settings.writable),
            timeout_s=settings.timeout_s,
            import_timeout_s=settings.import_timeout_s,
            concurrency=settings.concurrency,
        )

    def folders(self) -> tuple[str, ...]:
        """What may be written to on this machine: the user's cache too, made if it is not there."""
        cache = user_cache()
        with suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)
        return (str(cache), *(str(Path(path).expanduser()) for path in self.writable))


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
