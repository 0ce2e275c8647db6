"""The learner as the loop sees it: all ranks as one object."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

from lpo.errors import RunError
from lpo.recipe.runtime import Learner as LearnerSettings
from lpo.recipe.runtime import Optimizer
from rollout.transfer.nccl import Rendezvous
from trainers.learner import LearnerRank
from trainers.learner_batch import LossSettings, StepStatistics
from trainers.packing import TrainSample, assign_to_ranks
from trainers.placement import rank_threads


class DivergedError(RunError):
    """A loss or gradient that is no number: training has no way on from there."""


def thread_environment(threads: int) -> dict[str, str]:
    """Variables of a learner process. Its threads wait for one another awake, but not for long: asleep at once
    (``OMP_WAIT_POLICY=passive``) they cost a small model a third of its speed, awake for ever the engines' cores.
    """
    return {"OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": "10000"}


class LearnerGroup:
    """Starts one actor per rank, deals samples out to them and adds up what they return."""

    def __init__(
        self,
        settings: LearnerSettings,
        device: str,
        *,
        placement_group: Any = None,
        bundles: Sequence[int] = (),
        trust_remote_code: bool = False,
    ) -> None:
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        self.settings = settings
        threads = rank_threads(settings, device)
        environment = {"DS_ACCELERATOR": device, **thread_environment(threads)}
        self._pushing: list[Any] = []
        self._ranks = []
        for rank in range(settings.ranks):
            options: dict[str, Any] = {
                "num_cpus": threads,
                "num_gpus": 1 if device == "cuda" else 0,
                "runtime_env": {"env_vars": environment},
            }
            if placement_group is not None:
                options["scheduling_strategy"] = PlacementGroupSchedulingStrategy(placement_group, bundles[rank])
            actor = ray.remote(LearnerRank).options(**options)
            self._ranks.append(actor.remote(rank, settings.ranks, settings, device, threads, trust_remote_code))

    def join(self) -> None:
        """Wait until every rank runs and has met the others."""
        import ray

        host, port = ray.get(self._ranks[0].free_address.remote())
        self._all("join", host, port)

    def load(self, model_path: str, optimizer: Optimizer, seed: int, *, reference: bool = False) -> dict[str, Any]:
        """Weights of a Hugging Face folder, a new optimiser. Returns facts about the model."""
        return self._all("load", model_path, optimizer, seed, reference=reference)[0]

    def step(self, samples: Sequence[TrainSample], loss: LossSettings, learning_rate: float) -> StepStatistics:
        """One optimiser step on a whole batch, whose aggregation weights add up to the loss.

        Raises DivergedError where loss or gradient are not finite.
        """
        parts = [([samples[i] for i in indices], loss, learning_rate) for indices in self._deal(samples)]
        statistics = functools.reduce(operator.add, self._each("step", parts))
        if not (math.isfinite(statistics.loss) and math.isfinite(statistics.grad_norm)):
            raise DivergedError(
                f"an optimiser step at learning rate {learning_rate:g} had loss {float(statistics.loss):g} and "
                f"gradient norm {statistics.grad_norm:g}: the weights in memory are broken. Start again with a lower "
                "optimizer.learning_rate or a lower max_grad_norm; the last checkpoint is from before this step"
            )
        return statistics

    def logprobs(
        self, samples: Sequence[TrainSample], temperature: float, *, reference: bool = False
    ) -> list[list[float]]:
        """Log-probs of each sample's response tokens, in the order of ``samples``."""
        dealt = self._deal(samples)
        parts = [([samples[i] for i in indices], temperature) for indices in dealt]
        out: list[list[float]] = [[] for _ in samples]
        for indices, rows in zip(dealt, self._each("logprobs", parts, reference=reference), strict=True):
            for index, row in zip(indices, rows, strict=True):
                out[index] = row
        return out

    def push(self) -> Any:
        """The live weights on their way: an update for the fleet, which must take it before ``finish_push``.

        Rank 0's answer is enough to go on. By NCCL the other ranks are still gathering, for a broadcast that ends only
        when the engines receive.
        """
        import ray

        self._pushing = [rank.push.remote() for rank in self._ranks]
        return ray.get(self._pushing[0])

    def connect_engines(self, fleet: Any, engines: int, tensor_parallel: int) -> None:
        """GPUs: learner rank 0 and every engine form one NCCL group. Never run without GPUs."""
        import ray

        host, port = ray.get(self._ranks[0].free_address.remote())
        rendezvous = Rendezvous(host, port, 1 + engines * tensor_parallel)
        joining = [rank.connect_engines.remote(rendezvous) for rank in self._ranks]
        fleet.connect(rendezvous)
        ray.get(joining)

    def finish_push(self) -> None:
        """Return when every byte has left."""
        import ray

        ray.get(self._pushing)
        self._pushing = []
        self._all("finish_push")

    def save(self, folder: str) -> None:
        self._all("save", folder)

    def restore(self, folder: str) -> None:
        self._all("restore", folder)

    def export(self, folder: str) -> None:
        self._all("export", folder)

    def shutdown(self) -> None:
        import ray

        for rank in self._ranks:
            ray.kill(rank)
        self._ranks = []

    def _deal(self, samples: Sequence[TrainSample]) -> list[list[int]]:
        return assign_to_ranks(
            samples, self.settings.ranks, self.settings.micro_batch_tokens, self.settings.share_prompts
        )

    def _all(self, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        return self._each(method, [args] * len(self._ranks), **kwargs)

    def _each(self, method: str, args: Sequence[tuple], **kwargs: Any) -> list[Any]:
        import ray

        pairs = zip(self._ranks, args, strict=True)
        return ray.get([getattr(rank, method).remote(*each, **kwargs) for rank, each in pairs])
