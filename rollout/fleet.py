"""Many engines as one: equal shares of the requests, attested pushes, and a new actor for one that died."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lpo.recipe.runtime import Engine
from lpo.samples import Response
from rollout.actors import ActorDeath, end, finish, launcher, wait_until_ready
from rollout.attest import NOISE_FLOOR, Attestation, WeightPushError, attest
from rollout.health import FleetHealth, WorkerLostError
from rollout.process import Process
from rollout.requests import SampleRequest, ScoredSequence, Share, split
from rollout.transfer.nccl import NcclUpdate, Rendezvous
from rollout.transfer.update import WeightUpdate

Progress = Callable[[int, int], None]
"""Called with the number of responses finished and the number asked for."""


@dataclass(frozen=True)
class Push:
    """A push of weights and what it is judged by. The last one is kept: a revived engine is refitted with it."""

    update: WeightUpdate | NcclUpdate
    probe: Sequence[ScoredSequence]
    learner_logprobs: Sequence[Sequence[float]]
    version: int


class Fleet:
    """One to many rollout workers. Not for use by several threads at a time."""

    def __init__(self, launch: Callable[[int], Any], settings: Engine, *, version: int, restarts: int) -> None:
        self._launch = launch
        self._settings = settings
        self._version = version
        self._committed: Push | None = None
        self._health = FleetHealth(settings.workers, restarts)
        # All at once: each pays for its imports, and they do so at the same time.
        self._workers = [launch(index) for index in range(settings.workers)]
        self._processes: list[Process] = []
        try:
            self._processes = wait_until_ready(self._workers, settings.start_timeout_s)
        except BaseException:
            self.shutdown()
            raise
        for worker in range(settings.workers):
            self._health.started(worker)
            self._health.fitted(worker)

    @classmethod
    def start(
        cls,
        model_path: str | Path,
        settings: Engine,
        device: str,
        *,
        max_model_len: int,
        trust_remote_code: bool = False,
        version: int = 0,
        colocated: bool = True,
        gpu_share: float = 1.0,
        placement_group: Any = None,
        bundles: Sequence[int] | None = None,
        restarts: int = 3,
        worker_class: type | None = None,
    ) -> Fleet:
        """Start ``settings.workers`` actors at the same time and return when all engines are warm. Ray must be
        initialised.

        Args:
            model_path: folder of the model, at this path on every node.
            settings: the recipe's engine section.
            device: ``cpu`` or ``cuda``.
            max_model_len: longest prompt plus response, in tokens.
            trust_remote_code: run the Python files in the folder.
            version: of the weights in the folder.
            colocated: the learner holds the CPUs and takes turns with the engines; otherwise a worker reserves its own.
            gpu_share: the part of its GPU that a worker reserves; below 1 only without tensor parallelism.
            placement_group: where the workers go; by default Ray chooses.
            bundles: index of the group's bundle for each worker; by default worker i goes into bundle i.
            restarts: deaths of workers that the fleet survives.
            worker_class: what runs in the actors, ``RolloutWorker`` by default.

        Raises:
            ValueError: settings that cannot work together.
            EngineStartError: an engine could not be built, or not in ``settings.start_timeout_s``.
        """
        launch = launcher(
            model_path,
            settings,
            device,
            max_model_len=max_model_len,
            trust_remote_code=trust_remote_code,
            version=version,
            colocated=colocated,
            gpu_share=gpu_share,
            placement_group=placement_group,
            bundles=bundles,
            worker_class=worker_class,
        )
        return cls(launch, settings, version=version, restarts=restarts)

    @property
    def deaths(self) -> list[str]:
        """The workers that died so far, and of what."""
        return list(self._health.deaths)

    @property
    def processes(self) -> list[Process]:
        """Where each engine runs."""
        return list(self._processes)

    def generate(self, requests: Sequence[SampleRequest], progress: Progress | None = None) -> list[list[Response]]:
        """Sample every request; a list of its responses for each, in order. One call to each worker.

        Raises:
            ValueError: a request that the engines cannot serve.
            WorkerLostError: a worker died and no restart is left.
        """
        self._health.require_serving()
        results: list[list[Any]] = [[None] * request.samples for request in requests]
        shares = dict(enumerate(split(requests, len(self._workers))))
        streams = {worker: self._ask(worker, share) for worker, share in shares.items() if share}
        finished = dict.fromkeys(streams, 0)
        total = sum(request.samples for request in requests)
        while streams:
            worker = _first_ready(streams)
            try:
                news = finish(next(streams[worker]), worker)
            except ActorDeath as death:
                self._revive(worker, death)
                streams[worker] = self._ask(worker, shares[worker])
                finished[worker] = 0
                continue
            if isinstance(news, int):
                finished[worker] = news
            else:
                for share, responses in zip(shares[worker], news, strict=True):
                    first = share.request.first_index - requests[share.row].first_index
                    results[share.row][first : first + len(responses)] = responses
                finished[worker] = sum(share.request.samples for share in shares[worker])
                del streams[worker]
            if progress is not None:
                progress(sum(finished.values()), total)
        return results

    def score(self, sequences: Sequence[ScoredSequence]) -> list[list[float]]:
        """Log-probs of the response tokens under the committed weights, at temperature 1, shared among the workers."""
        self._health.require_serving()
        results: list[list[float]] = []
        size = -(-len(sequences) // len(self._workers))
        parts = [sequences[start : start + size] for start in range(0, len(sequences), size)] if sequences else []
        calls = [self._workers[worker].score.remote(part) for worker, part in enumerate(parts)]
        for worker, (call, part) in enumerate(zip(calls, parts, strict=True)):
            try:
                results += finish(call, worker)
            except ActorDeath as death:
                self._revive(worker, death)
                results += finish(self._workers[worker].score.remote(part), worker)
        return results

    def push(
        self,
        update: WeightUpdate | NcclUpdate,
        probe: Sequence[ScoredSequence],
        learner_logprobs: Sequence[Sequence[float]],
        version: int,
    ) -> list[Attestation]:
        """Bring new weights to every engine; commit ``version`` only when each one's log-probs have become the
        learner's.

        Args:
            update: what the learner's sender returned.
            probe: (prompt ids, response ids) to judge by. A few dozen tokens are enough; each engine scores them twice.
            learner_logprobs: of the probe's response tokens under the new weights, at temperature 1.
            version: of the new weights.

        Returns:
            The attestation of every worker.

        Raises:
            WeightPushError: some engine does not hold the new weights. Nothing was committed and the fleet
                does not serve any more.
            WorkerLostError: a worker died and no restart is left.
        """
        push = Push(update, probe, learner_logprobs, version)
        self._health.pushing()
        calls = [self._load(worker, push) for worker in range(len(self._workers))]
        attestations = []
        for worker, call in enumerate(calls):
            try:
                attestations.append(self._judge(worker, call, push))
            except ActorDeath as death:
                self._restart(worker, death, update)
                attestations.append(self._judge(worker, self._load(worker, push), push))
        for worker, call in enumerate([worker.commit.remote(version) for worker in self._workers]):
            try:
                finish(call, worker)
            except ActorDeath as death:
                self._restart(worker, death, update)
                self._judge(worker, self._load(worker, push), push)
                finish(self._workers[worker].commit.remote(version), worker)
            self._health.fitted(worker)
        self._committed, self._version = push, version
        return attestations

    def connect(self, rendezvous: Rendezvous) -> None:
        """Join the learner's NCCL group with every engine (GPUs only), while ``NcclSender.connect`` runs."""
        size = self._settings.tensor_parallel
        calls = [worker.connect.remote(rendezvous, 1 + index * size) for index, worker in enumerate(self._workers)]
        for index, call in enumerate(calls):
            finish(call, index)

    def versions(self) -> list[int]:
        """The weight version that each engine has committed."""
        return [finish(worker.version.remote(), index) for index, worker in enumerate(self._workers)]

    def shutdown(self) -> None:
        """End every engine and wait until its process is gone. A second call does nothing."""
        workers, self._workers = self._workers, []
        self._committed = None
        end(workers, self._processes)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def _ask(self, worker: int, share: Sequence[Share]) -> Any:
        return self._workers[worker].generate.options(num_returns="streaming").remote([each.request for each in share])

    def _load(self, worker: int, push: Push) -> Any:
        actor = self._workers[worker]
        method = actor.receive if isinstance(push.update, NcclUpdate) else actor.load
        return method.remote(push.update, push.probe)

    def _judge(self, worker: int, call: Any, push: Push) -> Attestation:
        before, after = finish(call, worker)
        verdict = attest(before, after, push.learner_logprobs, noise_floor=NOISE_FLOOR[self._settings.dtype])
        if not verdict.accepted:
            raise WeightPushError(f"push of version {push.version} to rollout worker {worker}: {verdict.explain()}")
        return verdict

    def _restart(self, worker: int, death: ActorDeath, update: WeightUpdate | NcclUpdate | None) -> None:
        self._health.died(worker, str(death))
        if isinstance(update, NcclUpdate):
            raise WorkerLostError(
                f"rollout worker {worker} died ({death}); weights that came by NCCL cannot be sent again, "
                "resume the run from its checkpoint"
            )
        self._health.restarting(worker)
        self._workers[worker] = self._launch(worker)
        (self._processes[worker],) = wait_until_ready([self._workers[worker]], self._settings.start_timeout_s)
        self._health.started(worker)

    def _revive(self, worker: int, death: ActorDeath) -> None:
        self._restart(worker, death, None if self._committed is None else self._committed.update)
        if self._committed is not None:
            self._judge(worker, self._load(worker, self._committed), self._committed)
            finish(self._workers[worker].commit.remote(self._version), worker)
        self._health.fitted(worker)


def _first_ready(streams: dict[int, Any]) -> int:
    import ray

    (ready, *_), _ = ray.wait(list(streams.values()), num_returns=1, fetch_local=False)
    return next(worker for worker, stream in streams.items() if stream is ready)
