"""The Ray actor around one engine. Importable without vLLM: the engine is imported where the actor runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpo.recipe.runtime import Engine
from lpo.samples import Response
from rollout.process import Process, prepare_process
from rollout.requests import SampleRequest, ScoredSequence
from rollout.transfer.update import WeightUpdate

if TYPE_CHECKING:
    from rollout.transfer.nccl import NcclUpdate, Rendezvous

PROGRESS_INTERVAL_S = 0.5


class RolloutWorker:
    """Methods run one at a time. Loading and committing are apart: between them the fleet judges the push."""

    def __init__(
        self,
        model_path: str | Path,
        settings: Engine,
        device: str,
        *,
        max_model_len: int,
        trust_remote_code: bool = False,
        version: int = 0,
    ) -> None:
        prepare_process(settings, device)
        from rollout.engine import RolloutEngine

        self._engine = RolloutEngine(
            model_path,
            settings,
            device,
            max_model_len=max_model_len,
            trust_remote_code=trust_remote_code,
            version=version,
        )

    def ready(self) -> Process:
        """Answers once the engine is warm."""
        import ray

        return Process(ray.get_runtime_context().get_node_id(), os.getpid())

    def generate(self, requests: Sequence[SampleRequest]) -> Iterator[int | list[list[Response]]]:
        """Yields the number of finished responses, at most twice a second, and at last all responses in order."""
        responses: list[list[Any]] = [[None] * request.samples for request in requests]
        reported = time.monotonic()
        for finished, (row, column, response) in enumerate(self._engine.stream(requests), start=1):
            responses[row][column] = response
            if time.monotonic() - reported > PROGRESS_INTERVAL_S:
                yield finished
                reported = time.monotonic()
        yield responses

    def score(self, sequences: Sequence[ScoredSequence]) -> list[list[float]]:
        return self._engine.score(sequences)

    def load(
        self, update: WeightUpdate, probe: Sequence[ScoredSequence]
    ) -> tuple[list[list[float]], list[list[float]]]:
        """Load new weights; the probe's log-probs before and after."""
        import ray

        before = self._engine.score(probe)
        self._engine.load(update, ray.get)
        return before, self._engine.score(probe)

    def commit(self, version: int) -> None:
        self._engine.commit(version)

    def version(self) -> int:
        return self._engine.version

    def connect(self, rendezvous: Rendezvous, rank_offset: int) -> None:
        """Join the learner's NCCL group (GPUs only)."""
        self._engine.connect(rendezvous, rank_offset)

    def receive(
        self, update: NcclUpdate, probe: Sequence[ScoredSequence]
    ) -> tuple[list[list[float]], list[list[float]]]:
        """As ``load``, from a broadcast that the learner has begun (GPUs only)."""
        before = self._engine.score(probe)
        self._engine.receive(update)
        return before, self._engine.score(probe)

    def shutdown(self) -> None:
        self._engine.shutdown()
